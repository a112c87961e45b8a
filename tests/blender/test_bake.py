"""Keys are where the sound is, on our own Action, and the mesh follows them."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender import compat
from cstalk_blender.errors import BadTarget, BakeFailed
from cstalk_blender.package import rigs
from cstalk_blender.rig.binding import targets
from cstalk_blender.rig.drive import plan
from cstalk_blender.rig.keys import bake, memory
from tests.fakes.faces import ARKIT, evaluated_heights, make_action, make_face, wave_track

FILM = 24 / 1.001


def bake_on(face, curves, *, start_frame=1.0, frame_rate=24.0, line="line"):
    """Bake on one object."""
    return bake.bake_track(
        [face], curves, start_frame=start_frame, frame_rate=frame_rate, line=line
    )


def curves_of(face):
    """F-curves of the Action that the face plays."""
    key = face.data.shape_keys
    return list(compat.curve_holder(key.animation_data.action, key).fcurves)


def test_mesh_follows_the_track_between_whole_frames_too():
    face, curves = make_face(), wave_track(fps=60.0)
    bake_on(face, curves, start_frame=10.0)
    for index in (0, 7, 31, 119):
        heights = evaluated_heights(face, 10.0 + index / 60.0 * 24.0)
        np.testing.assert_allclose(heights[:52], curves.values[index], atol=2e-4)


def test_report_says_what_was_made():
    face = make_face("Hero", [name for name in ARKIT if name != "tongueOut"])
    report = bake_on(face, wave_track(fps=30.0, seconds=2.0), start_frame=5.0, line="hello.wav")
    assert (report.frames, report.channels, report.seconds) == (60, 51, 2.0)
    assert report.missing == ("tongueOut",)
    assert report.objects == ("Hero",)
    assert report.actions == ("Hero hello.wav",)
    assert report.first_frame == 5.0
    assert report.last_frame == pytest.approx(5.0 + 59 / 30 * 24)
    assert report.summary() == "60 frames, 51 channels, 2.0 s"


@pytest.mark.parametrize("frame_rate", [24.0, 25.0, FILM, 30 / 1.001, 12.5])
def test_keys_at_scene_rate_lie_on_whole_frames(frame_rate):
    face = make_face()
    bake_on(face, wave_track(fps=frame_rate, seconds=8.0), start_frame=101.0, frame_rate=frame_rate)
    frames = [point.co.x for point in curves_of(face)[0].keyframe_points]
    assert frames == [101.0 + index for index in range(len(frames))]


def test_time_of_a_key_is_right_at_23976():
    face, curves = make_face(), wave_track(fps=60.0, seconds=100.0, channels=ARKIT[:2])
    bake_on(face, curves, start_frame=1.0, frame_rate=FILM)
    point = curves_of(face)[0].keyframe_points[5994]
    assert point.co.x == pytest.approx(1.0 + 5994 / 60.0 * FILM, abs=2e-4)


def test_sub_frame_start_is_kept():
    face = make_face()
    bake_on(face, wave_track(fps=24.0), start_frame=10.25)
    assert curves_of(face)[0].keyframe_points[4].co.x == 14.25


def test_start_of_the_track_in_the_sound_shifts_the_keys():
    face = make_face()
    bake_on(face, wave_track(fps=24.0).replaced(start_s=2.0), start_frame=1.0)
    assert curves_of(face)[0].keyframe_points[0].co.x == 49.0


def test_curves_are_grouped_by_region_and_linear():
    face = make_face()
    bake_on(face, wave_track())
    rig = rigs.load_rig("arkit52")
    regions = {plan.value_path(c.name): c.region.capitalize() for c in rig.channels}
    assert {curve.data_path: curve.group.name for curve in curves_of(face)} == regions
    assert {p.interpolation for p in curves_of(face)[0].keyframe_points} == {"LINEAR"}


def test_channel_that_never_moves_is_keyed_too():
    face, curves = make_face(), wave_track()
    values = curves.values.copy()
    values[:, curves.channels.index("cheekPuff")] = 0.0
    face.data.shape_keys.key_blocks["cheekPuff"].value = 0.7
    bake_on(face, curves.replaced(values=values))
    assert evaluated_heights(face, 3)[curves.channels.index("cheekPuff")] == 0.0


def test_names_with_quotes_and_other_alphabets_are_keyed():
    face = make_face('Größe "日本"', spell=lambda name: f'x"y\\.{name}')
    report = bake_on(face, wave_track())
    assert report.channels == 52
    assert evaluated_heights(face, 1 + 12)[0] == pytest.approx(1.0, abs=1e-4)


def test_artists_action_is_untouched_while_ours_plays_and_back_after_clear():
    face = make_face()
    key = face.data.shape_keys
    artist = make_action("Artist", key, "browInnerUp", 0.5)
    slot = compat.slot_name(key)
    keys_before = len(curves_of(face)[0].keyframe_points)
    bake_on(face, wave_track())
    assert key.animation_data.action.name == "Face line"
    assert artist.use_fake_user
    bake_on(face, wave_track(), line="other")
    assert bake.clear_bake([face]).objects == ("Face",)
    assert key.animation_data.action == artist
    assert compat.slot_name(key) == slot
    assert not compat.lacks_slot(key)
    assert not artist.use_fake_user
    assert len(curves_of(face)[0].keyframe_points) == keys_before
    assert evaluated_heights(face, 1)[ARKIT.index("browInnerUp")] == pytest.approx(0.5)


def test_baking_the_same_line_again_replaces_only_our_action():
    face = make_face()
    bystander = bpy.data.actions.new("Bystander")
    bystander.use_fake_user = True
    bake_on(face, wave_track(peak=1.0))
    bake_on(face, wave_track(peak=0.5))
    assert sorted(action.name for action in bpy.data.actions) == ["Bystander", "Face line"]
    assert evaluated_heights(face, 1 + 12)[0] == pytest.approx(0.5, abs=1e-4)


def test_another_line_keeps_the_first_ones_action():
    face = make_face()
    bake_on(face, wave_track(), line="one")
    bake_on(face, wave_track(), line="two")
    assert face.data.shape_keys.animation_data.action.name == "Face two"
    assert bpy.data.actions["Face one"].use_fake_user


def test_our_action_renamed_by_the_artist_is_the_artists():
    face = make_face()
    bake_on(face, wave_track())
    mine = face.data.shape_keys.animation_data.action
    mine.name = "My polished take"
    bake_on(face, wave_track(peak=0.5))
    bake.clear_bake([face])
    assert face.data.shape_keys.animation_data.action == mine
    assert evaluated_heights(face, 1 + 12)[0] == pytest.approx(1.0, abs=1e-4)


def test_clear_leaves_values_and_slider_ranges_as_they_were():
    face = make_face()
    block = face.data.shape_keys.key_blocks["jawOpen"]
    block.value, block.slider_max = 0.25, 0.8
    report = bake_on(face, wave_track(peak=1.45))
    assert "jawOpen" in report.widened
    assert block.slider_max == pytest.approx(1.5)
    jaw = ARKIT.index("jawOpen")
    highest = max(evaluated_heights(face, frame)[jaw] for frame in range(1, 25))
    assert highest == pytest.approx(1.45, abs=0.01)
    bake_on(face, wave_track(peak=0.5))
    assert block.slider_max == pytest.approx(0.8)
    bake.clear_bake([face])
    assert (block.value, block.slider_max) == (pytest.approx(0.25), pytest.approx(0.8))
    assert memory.MEMORY not in face.data.shape_keys
    assert not bake.has_bake(face)
    assert len(bpy.data.actions) == 0


def test_clear_twice_and_clear_of_nothing_do_nothing():
    face = make_face()
    assert bake.clear_bake([face]).objects == ()
    bake_on(face, wave_track())
    assert bake.clear_bake([face]).objects == ("Face",)
    assert bake.clear_bake([face]).objects == ()


def test_our_action_in_an_nla_strip_survives_clear():
    face = make_face()
    bake_on(face, wave_track())
    animation = face.data.shape_keys.animation_data
    animation.nla_tracks.new().strips.new("take", 1, animation.action)
    bake.clear_bake([face])
    assert "Face line" in bpy.data.actions


def test_shapes_with_drivers_are_left_to_them_and_named():
    face = make_face()
    driver = face.data.shape_keys.key_blocks["jawOpen"].driver_add("value")
    driver.driver.expression = "0.125"
    report = bake_on(face, wave_track())
    assert report.driven == ("jawOpen",)
    assert report.channels == 51
    assert evaluated_heights(face, 5)[ARKIT.index("jawOpen")] == pytest.approx(0.125)


def test_face_moved_by_drivers_alone_is_refused_and_unchanged():
    face = make_face("Face", ["jawOpen"])
    face.data.shape_keys.key_blocks["jawOpen"].driver_add("value")
    with pytest.raises(BakeFailed, match="drivers"):
        bake_on(face, wave_track())
    assert len(bpy.data.actions) == 0


def test_failure_in_the_second_mesh_leaves_the_first_as_it_was(monkeypatch):
    head, teeth = make_face("Head"), make_face("Teeth", ["jawOpen"])
    holder, calls = compat.curve_holder, []

    def refuse_second(action, key):
        calls.append(key)
        if len(calls) == 2:
            raise RuntimeError("no more memory")
        return holder(action, key)

    monkeypatch.setattr(compat, "curve_holder", refuse_second)
    with pytest.raises(BakeFailed, match="no more memory"):
        bake.bake_track([head, teeth], wave_track(), start_frame=1, frame_rate=24, line="x")
    assert len(bpy.data.actions) == 0
    assert head.data.shape_keys.animation_data is None


def test_nla_tweak_mode_is_refused_with_a_hint():
    face = make_face()
    key = face.data.shape_keys
    action = make_action("Artist", key, "jawOpen", 0.5)
    nla = key.animation_data.nla_tracks.new()
    nla.strips.new("strip", 1, action)
    key.animation_data.action = None
    nla.select = nla.strips[0].select = True
    key.animation_data.use_tweak_mode = True
    if not key.animation_data.use_tweak_mode:
        pytest.skip("this Blender does not enter tweak mode without an NLA editor")
    with pytest.raises(BadTarget, match="tweak mode"):
        bake_on(face, wave_track())


def test_head_and_teeth_play_together_from_slots_of_one_action_or_their_own_without_slots():
    head = make_face("Head")
    teeth = make_face("Teeth", ["jaw_open", "tongueOut"], parent=head)
    make_face("Hat", ["Squash"], parent=head)
    faces = targets.face_objects(head)
    assert [face.name for face in faces] == ["Head", "Teeth"]
    report = bake.bake_track(faces, wave_track(), start_frame=1, frame_rate=24, line="x")
    one_for_all = ("Head x",)
    assert report.actions == (one_for_all if compat.shares_actions() else (*one_for_all, "Teeth x"))
    assert len(curves_of(head)) == 52
    assert len(curves_of(teeth)) == 2
    jaw = ARKIT.index("jawOpen")
    heights = evaluated_heights(head, 8)[jaw], evaluated_heights(teeth, 8)[0]
    assert heights[0] == pytest.approx(heights[1], abs=1e-5)
    assert heights[0] > 0.01


def test_companions_that_share_a_mesh_are_keyed_once():
    head, eye = make_face("Head"), make_face("EyeLeft", ["eyeLookUpLeft", "eyeLookDownLeft"])
    other = bpy.data.objects.new("EyeRight", eye.data)
    bpy.context.scene.collection.objects.link(other)
    for one in (eye, other):
        one.parent = head
    assert len(targets.face_objects(head)) == 2


def test_two_characters_have_separate_performances():
    one, two = make_face("One"), make_face("Two")
    bake_on(one, wave_track(peak=1.0))
    bake_on(two, wave_track(peak=0.25))
    assert evaluated_heights(one, 13)[0] == pytest.approx(1.0, abs=1e-4)
    assert evaluated_heights(two, 13)[0] == pytest.approx(0.25, abs=1e-4)


@pytest.mark.parametrize(
    "make,words",
    [
        (lambda: bpy.data.objects.new("Lamp", bpy.data.lights.new("L", "POINT")), "not a mesh"),
        (lambda: make_face("Plain", []), "no shape keys"),
        (lambda: make_face("Other", ["Smile"]), "known facial shape"),
    ],
)
def test_target_that_is_no_face_is_refused_with_a_hint(make, words):
    with pytest.raises(BadTarget, match=words) as caught:
        targets.face_objects(make())
    assert caught.value.hint


def test_ten_minutes_at_60_hz_are_all_keyed():
    face, curves = make_face(), wave_track(fps=60.0, seconds=600.0)
    report = bake_on(face, curves, start_frame=1.0)
    assert report.frames == 36_000
    assert all(len(curve.keyframe_points) == 36_000 for curve in curves_of(face))
