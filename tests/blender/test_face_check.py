"""The check after the bake says whether the face moves, and names what is in the way."""

from __future__ import annotations

import bpy
import pytest

from cstalk_blender.rig.binding import shapes
from cstalk_blender.rig.keys import bake
from cstalk_blender.rig.verify import check
from tests.fakes.faces import make_face, wave_track


@pytest.fixture
def baked():
    """A face with a performance from frame 10 at 24 frames a second."""
    face, curves = make_face(), wave_track(fps=24.0)
    bake.bake_track([face], curves, start_frame=10, frame_rate=24.0, line="x")
    return face, curves


def check_face(face, curves):
    """The report for one face."""
    return check.check_faces([face], curves, bpy.context.scene, start_frame=10, frame_rate=24.0)


def test_good_bake_moves_and_has_no_problems(baked):
    assert check_face(*baked) == check.CheckReport(moved=True, problems=())


def test_current_frame_is_put_back(baked):
    bpy.context.scene.frame_set(77, subframe=0.5)
    check_face(*baked)
    assert (bpy.context.scene.frame_current, bpy.context.scene.frame_subframe) == (77, 0.5)


def test_missing_slot_is_named(baked):
    face, curves = baked
    animation = face.data.shape_keys.animation_data
    if not hasattr(animation, "action_slot"):
        pytest.skip("Actions have no slots in this Blender")
    animation.action_slot = None
    report = check_face(face, curves)
    assert not report.moved
    assert "no slot" in report.problems[0]


def test_driver_added_on_a_keyed_shape_is_named(baked):
    face, curves = baked
    driver = face.data.shape_keys.key_blocks["jawOpen"].driver_add("value")
    driver.driver.expression = "0.0"
    report = check_face(face, curves)
    assert not report.moved
    assert "Drivers set jawOpen" in report.problems[0]


def test_companion_without_channels_of_the_track_is_passed_over(baked):
    face, _curves = baked
    tongue = make_face("Tongue", ["tongueOut"])
    short = wave_track(fps=24.0, channels=["jawOpen", "mouthClose"])
    report = check.check_faces(
        [face, tongue], short, bpy.context.scene, start_frame=10, frame_rate=24.0
    )
    assert not [problem for problem in report.problems if "Tongue" in problem]


def test_muted_shapes_are_named(baked):
    face, curves = baked
    for block in face.data.shape_keys.key_blocks:
        block.mute = True
    report = check_face(face, curves)
    assert not report.moved
    assert report.problems[0].startswith("Muted on 'Face': ")
    assert report.problems[0].endswith("and 48 more")


def test_solo_nla_track_is_named(baked):
    face, curves = baked
    animation = face.data.shape_keys.animation_data
    other = bpy.data.actions.new("Other")
    nla = animation.nla_tracks.new()
    nla.strips.new("other", 1, other)
    nla.is_solo = True
    report = check_face(face, curves)
    assert not report.moved
    assert "solo" in report.problems[0]


def test_weak_action_in_the_nla_is_named(baked):
    face, curves = baked
    animation = face.data.shape_keys.animation_data
    animation.nla_tracks.new()
    animation.action_influence = 0.2
    report = check_face(face, curves)
    assert "NLA settings" in report.problems[0]


def test_pinned_shape_key_is_named(baked):
    face, curves = baked
    face.show_only_shape_key = True
    report = check_face(face, curves)
    assert not report.moved
    assert "pinned" in report.problems[0]


def test_absolute_shape_keys_are_named(baked):
    face, curves = baked
    face.data.shape_keys.use_relative = False
    assert "absolute" in check_face(face, curves).problems[0]


def test_shapes_without_shape_are_named(baked):
    face, curves = baked
    for block in face.data.shape_keys.key_blocks[1:]:
        for point in block.data:
            point.co.z = 0.0
    shapes.forget_shapes()
    report = check_face(face, curves)
    assert not report.moved
    assert report.problems[0] == "No shape key of 'Face' follows the performance"


def test_hidden_face_is_not_called_still(baked):
    face, curves = baked
    face.hide_set(True)
    report = check_face(face, curves)
    assert report.moved
    assert "hidden" in report.problems[0]


def test_silent_performance_is_not_called_a_fault():
    face, curves = make_face(), wave_track(fps=24.0, peak=0.0)
    bake.bake_track([face], curves, start_frame=10, frame_rate=24.0, line="x")
    assert check_face(face, curves) == check.CheckReport(moved=True, problems=())
