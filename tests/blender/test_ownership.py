"""Whatever the user keyed, renamed, duplicated or marked survives Generate and Clear."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from cstalk_blender import compat
from cstalk_blender.rig.binding import targets
from cstalk_blender.rig.clips import strips
from cstalk_blender.rig.keys import bake, ownership
from tests.fakes.faces import ARKIT, evaluated_heights, make_action, make_face, wave_track

JAW = ARKIT.index("jawOpen")
OLD_FILE = Path(__file__).with_name("version_0_1.blend")


def speak(face, line="line", *, peak=1.0, take=""):
    """Bake half a second on one face."""
    return bake.bake_track(
        [face],
        wave_track(seconds=0.5, peak=peak),
        start_frame=1,
        frame_rate=24.0,
        line=line,
        take=take,
    )


def paths_of(owner):
    """Data paths of what ``owner`` plays."""
    return {curve.data_path for curve in compat.curves_of(owner)}


def jaw_curve(face):
    """The F-curve of jawOpen that plays."""
    curves = compat.curves_of(face.data.shape_keys)
    return next(curve for curve in curves if "jawOpen" in curve.data_path)


@pytest.mark.parametrize("end", [speak, lambda face: bake.clear_bake([face])])
def test_keys_on_the_face_object_end_in_an_action_of_their_own(end):
    face = make_face()
    speak(face)
    face.location.x = 3.0
    face.keyframe_insert("location", index=0, frame=1)
    end(face)
    action = face.animation_data.action
    assert not ownership.is_ours(action)
    assert paths_of(face) == {"location"}
    assert compat.curves_of(face)[0].keyframe_points[0].co.y == 3.0


def test_a_shape_keyed_by_the_user_is_carried_on_and_returned_to_their_action():
    face = make_face("Face", [*ARKIT, "Fat"])
    key = face.data.shape_keys
    artist = make_action("Artist", key, "Fat", 0.25)
    artist_path = next(iter(paths_of(key)))
    speak(face)
    key.key_blocks["Fat"].value = 0.75
    key.key_blocks["Fat"].keyframe_insert("value", frame=12)
    speak(face, peak=0.5)
    assert evaluated_heights(face, 12)[len(ARKIT)] == pytest.approx(0.75)
    report = bake.clear_bake([face])
    assert report.kept == ()
    assert key.animation_data.action == artist
    assert paths_of(key) == {artist_path}
    points = compat.curves_of(key)[0].keyframe_points
    assert [tuple(point.co) for point in points] == [(1.0, 0.25), (12.0, 0.75)]


def test_a_shape_keyed_by_the_user_without_an_action_of_theirs_gets_one():
    face = make_face("Face", [*ARKIT, "Fat"])
    key = face.data.shape_keys
    speak(face)
    key.key_blocks["Fat"].value = 0.75
    key.key_blocks["Fat"].keyframe_insert("value", frame=12)
    bake.clear_bake([face])
    assert paths_of(key) == {'key_blocks["Fat"].value'}
    assert not ownership.is_ours(key.animation_data.action)


@pytest.mark.fault("the artist edits a curve, then Clear or Generate")
@pytest.mark.parametrize("end", [speak, lambda face: bake.clear_bake([face])])
def test_an_edited_curve_keeps_its_action_and_the_report_says_so(end):
    face = make_face()
    speak(face)
    mine = face.data.shape_keys.animation_data.action
    jaw_curve(face).keyframe_points[3].co.y = 0.123
    report = end(face)
    assert report.kept == ("'Face line' was kept: 1 of its F-curves were edited",)
    assert mine.use_fake_user
    assert mine.name == "Face line"
    assert face.data.shape_keys.animation_data is None or (
        face.data.shape_keys.animation_data.action != mine
    )


def test_sealed_lips_are_no_edit_of_the_user():
    face = make_face()
    speak(face)
    key = face.data.shape_keys
    action, curve = key.animation_data.action, jaw_curve(face)
    curve.keyframe_points[0].co.y = 0.5
    ownership.record_curve(action, compat.slot_handle(key), curve)
    assert bake.clear_bake([face]).kept == ()
    assert len(bpy.data.actions) == 0


@pytest.mark.fault("the artist marks or uses an Action of ours, then Clear")
@pytest.mark.parametrize(
    "claim,words",
    [
        (lambda action: action.asset_mark(), "marked as an asset"),
        (lambda action: setattr(action, "name", "My take"), "renamed"),
        (
            lambda action: compat.assign_action(make_face("Prop").data.shape_keys, action),
            "uses it",
        ),
    ],
)
def test_an_action_that_the_user_claims_is_kept_when_cleared(claim, words):
    face = make_face()
    speak(face)
    mine = face.data.shape_keys.animation_data.action
    claim(mine)
    report = bake.clear_bake([face])
    assert words in report.kept[0]
    assert not bake.has_bake(face)
    assert mine in list(bpy.data.actions)


def test_a_new_take_has_a_fake_user_until_it_is_replaced():
    face = make_face()
    speak(face)
    assert bpy.data.actions["Face line"].use_fake_user
    speak(face, peak=0.5)
    assert [action.name for action in bpy.data.actions] == ["Face line"]


def test_two_recordings_of_one_name_are_two_takes():
    face = make_face()
    speak(face, take="/a/line.wav")
    speak(face, take="/b/line.wav")
    speak(face, take="/a/line.wav")
    speak(face, take="/b/line.wav")
    assert len(bpy.data.actions) == 2


def test_two_lines_baked_alternately_twelve_times_leave_two_actions():
    face = make_face()
    for number in range(12):
        speak(face, "one" if number % 2 else "two")
    assert sorted(action.name for action in bpy.data.actions) == ["Face one", "Face two"]


def duplicated_by_script(face):
    """Object and mesh copied; both play one Action."""
    other = face.copy()
    other.data = face.data.copy()
    bpy.context.scene.collection.objects.link(other)
    return other


def duplicated_in_the_viewport(face):
    """Shift+D, which duplicates the Action too."""
    bpy.ops.object.select_all(action="DESELECT")
    face.select_set(True)
    bpy.context.view_layer.objects.active = face
    bpy.ops.object.duplicate()
    return bpy.context.view_layer.objects.active


@pytest.mark.fault("a character is duplicated, then Clear or Generate")
@pytest.mark.parametrize("duplicate", [duplicated_by_script, duplicated_in_the_viewport])
@pytest.mark.parametrize("end", [speak, lambda face: bake.clear_bake([face])])
def test_a_duplicated_character_is_cleared_and_baked_without_touching_the_first(duplicate, end):
    face = make_face()
    speak(face)
    before = evaluated_heights(face, 5)
    other = duplicate(face)
    assert bake.has_bake(other)
    end(other)
    np.testing.assert_array_equal(evaluated_heights(face, 5), before)
    if end is not speak:
        assert not bake.has_bake(other)
        assert evaluated_heights(other, 5).max() == 0.0
    assert bake.clear_bake([face]).objects == ("Face",)


def test_clearing_a_duplicate_that_shares_the_action_says_whose_it_is():
    face = make_face()
    speak(face)
    other = duplicated_by_script(face)
    (sentence,) = bake.clear_bake([other]).kept
    assert f"{face.data.shape_keys.name!r} uses it" in sentence


def test_renaming_face_mesh_and_keys_does_not_lose_the_performance():
    face = make_face()
    speak(face)
    face.name, face.data.name, face.data.shape_keys.name = "A", "B", "C"
    speak(face)
    assert [action.name for action in bpy.data.actions] == ["A line"]
    assert bake.clear_bake([face]).objects == ("A",)
    assert len(bpy.data.actions) == 0


@pytest.mark.fault("a character is appended to another file, then Clear")
def test_an_appended_character_is_cleared_in_its_new_file(work):
    face = make_face()
    face.data.shape_keys.key_blocks["jawOpen"].value = 0.25
    speak(face)
    path = str(work / "character.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    speak(make_face())  # an Action of the same name
    with bpy.data.libraries.load(path) as (_source, target):
        target.objects = ["Face"]
    other = target.objects[0]
    bpy.context.scene.collection.objects.link(other)
    assert bake.clear_bake([other]).kept == ()
    assert not bake.has_bake(other)
    assert other.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(0.25)
    assert [action.name for action in bpy.data.actions] == ["Face line"]


def test_undo_brings_back_what_clear_removed_and_clear_works_again():
    face = make_face()
    speak(face)
    bpy.ops.ed.undo_push(message="baked")
    bake.clear_bake([face])
    bpy.ops.ed.undo_push(message="cleared")
    bpy.ops.ed.undo()
    face = bpy.data.objects["Face"]
    assert bake.has_bake(face)
    assert bake.clear_bake([face]).kept == ()
    assert len(bpy.data.actions) == 0


@pytest.mark.fault("a line of a batch is edited, then its destination changes")
def test_an_edited_line_stays_in_the_file_when_its_strips_go():
    face = make_face()
    label = strips.Label("line", "line", "batch")
    strips.place_line([face], wave_track(seconds=0.5), label, start_frame=1, frame_rate=24.0)
    track = next(strips.our_tracks(face.data.shape_keys))
    action = track.strips[0].action
    dict(compat.curve_bags(action))[slot_of(action)][0].keyframe_points[2].co.y = 0.9
    removed = strips.clear_lines([face])
    assert removed.lines == ["line"]
    assert "edited" in removed.kept[0]
    assert action in list(bpy.data.actions)


def slot_of(action):
    """Handle of the only slot."""
    return compat.curve_bags(action)[0][0]


def test_clear_of_a_performance_leaves_lines_and_what_they_need():
    face = make_face()
    block = face.data.shape_keys.key_blocks["jawOpen"]
    block.value, block.slider_max = 0.25, 0.8
    label = strips.Label("line", "line", "batch")
    loud = wave_track(seconds=0.5, peak=1.2)
    strips.place_line([face], loud, label, start_frame=1, frame_rate=24.0)
    speak(face)
    assert bake.clear_bake([face]).objects == ("Face",)
    assert not bake.has_bake(face)
    assert strips.has_lines(face)
    assert block.slider_max == pytest.approx(1.2)
    strips.clear_lines([face])
    assert (block.value, block.slider_max) == (pytest.approx(0.25), pytest.approx(0.8))


def test_lines_that_took_a_performance_off_give_the_users_action_back_when_they_go():
    face = make_face()
    artist = make_action("Artist", face.data.shape_keys, "browInnerUp", 0.5)
    speak(face)
    label = strips.Label("line", "line", "batch")
    placed = strips.place_line(
        [face], wave_track(seconds=0.5), label, start_frame=1, frame_rate=24.0
    )
    assert placed.notes == ("'Face line' does not play any more: it would hide the lines",)
    strips.clear_lines([face])
    assert face.data.shape_keys.animation_data.action == artist


def test_a_renamed_nla_track_still_holds_our_lines():
    face = make_face()
    label = strips.Label("line", "line", "batch")
    strips.place_line([face], wave_track(seconds=0.5), label, start_frame=1, frame_rate=24.0)
    next(strips.our_tracks(face.data.shape_keys)).name = "Dialogue"
    assert strips.has_lines(face)
    strips.clear_lines([face])
    assert len(bpy.data.actions) == 0


def test_long_names_are_cut_so_that_the_line_is_told_apart():
    face = make_face("Ä" * 31)
    report = speak(face, "anna_021_happy")
    (name,) = report.actions
    assert len(name.encode()) <= 63
    assert name.endswith("Ä anna_021_happy")


@pytest.fixture
def old_file(addon):
    """A file of version 0.1: a performance of Anna, a line of Bob as a strip."""
    bpy.ops.wm.open_mainfile(filepath=str(OLD_FILE))
    return bpy.data.objects["Anna"], bpy.data.objects["Bob"]


def test_a_file_of_version_0_1_is_cleared_as_it_was(old_file):
    anna, bob = old_file
    assert bake.has_bake(anna)
    assert strips.has_lines(bob)
    assert bake.clear_bake(targets.face_objects(anna)).kept == ()
    assert strips.clear_lines([bob]).lines == ["bob_01"]
    assert [action.name for action in bpy.data.actions] == ["Artist"]
    assert anna.data.shape_keys.animation_data.action.name == "Artist"
    assert anna.data.shape_keys.key_blocks["jawOpen"].slider_max == pytest.approx(0.8)


def test_a_performance_of_version_0_1_is_replaced_and_an_edited_one_is_kept(old_file):
    anna, _bob = old_file
    speak(anna)
    assert "CSTalk Anna line" not in bpy.data.actions
    bpy.ops.wm.open_mainfile(filepath=str(OLD_FILE))
    anna = bpy.data.objects["Anna"]
    curves = compat.curves_of(anna.data.shape_keys)
    puff = next(curve for curve in curves if "cheekPuff" in curve.data_path)
    puff.keyframe_points.insert(2.5, 0.5)
    (sentence,) = speak(anna).kept
    assert "CSTalk Anna line" in sentence


def test_mapping_rows_of_version_0_1_still_count(old_file):
    anna, _bob = old_file
    speak(anna)
    heights = evaluated_heights(anna, 7)
    jaw = wave_track(seconds=0.5).values[6, JAW]
    assert heights[ARKIT.index("jawForward")] >= 0.5 * jaw - 1e-3
    assert heights[JAW] == 0.0  # keyed by version 0.1, left out since
