"""The check asks what a person sees: does the mouth open, do the lips meet, do they cross."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender.demo_head import build_demo_head
from cstalk_blender.package import track
from cstalk_blender.rig.binding import shapes, targets
from cstalk_blender.rig.keys import bake
from cstalk_blender.rig.verify import check
from tests.fakes.faces import ARKIT, make_face

RATE = 24.0


def syllables(closing=1.0):
    """A second of open vowels with closed lips between, silence before and after."""
    times = np.arange(int(2.0 * RATE)) / RATE
    jaw = np.where((times > 0.25) & (times < 1.75), 0.7, 0.0)
    shut = np.where(np.abs(times - 1.0) < 0.08, 1.0, 0.0)
    values = np.zeros((len(times), 52), np.float32)
    values[:, ARKIT.index("jawOpen")] = jaw
    values[:, ARKIT.index("mouthClose")] = closing * shut * jaw
    return track.CurveTrack(values, ARKIT, RATE)


def scale_shape(head, name, factor):
    """Let a shape key move every vertex ``factor`` times as far."""
    block = head.data.shape_keys.key_blocks[name]
    size = 3 * len(head.data.vertices)
    moved, rest = np.empty(size, np.float32), np.empty(size, np.float32)
    block.points.foreach_get("co", moved)
    block.relative_key.points.foreach_get("co", rest)
    block.points.foreach_set("co", rest + factor * (moved - rest))
    shapes.forget_shapes()


@pytest.fixture
def head():
    """A demo head of its own."""
    return build_demo_head("Head")


def checked(*faces, curves=None, change=lambda: None):
    """Bake, change the scene, check."""
    curves = curves or syllables()
    bake.bake_track(faces, curves, start_frame=1, frame_rate=RATE, line="x")
    change()
    return check.check_faces(faces, curves, bpy.context.scene, start_frame=1, frame_rate=RATE)


def test_a_good_mouth_is_measured_against_its_own_jaw_and_has_no_problem(head):
    report = checked(head)
    assert report.problems == ()
    opening = next(line for line in report.measures if line.startswith("The mouth opens by"))
    assert opening.endswith("its jaw by 28.9 mm at jawOpen 1")
    assert float(opening.split()[4]) == pytest.approx(0.7 * 28.9, abs=0.3)


def test_a_jaw_key_without_shape_is_named_as_the_cause_of_a_shut_mouth(head):
    scale_shape(head, "jawOpen", 0.0)
    report = checked(head)
    (problem,) = report.problems
    assert problem == f'The mouth of {head.name!r} does not open: "jawOpen" moves no vertex'


def test_a_jaw_key_that_hardly_moves_is_told_in_millimetres(head):
    scale_shape(head, "jawOpen", 0.05)
    problem = checked(head, curves=syllables(closing=0.0)).problems[0]
    assert "stays shut: jawOpen 1 opens it by 1.4 mm only" in problem


def test_lips_that_pass_through_each_other_are_told_in_millimetres(head):
    scale_shape(head, "mouthClose", 1.5)
    (problem,) = checked(head).problems
    assert problem.startswith(f"The lips of {head.name!r} pass through each other by 10.1 mm")


def test_a_still_companion_is_named_and_the_face_is_checked_all_the_same(head):
    teeth = make_face("Teeth", ["jawOpen"], parent=head)
    teeth.data.shape_keys.key_blocks["jawOpen"].mute = True
    report = checked(head, teeth)
    assert report.moved
    assert report.problems == ("Muted on 'Teeth': jawOpen",)
    assert any(line.startswith("The mouth opens by") for line in report.measures)


def test_the_lips_are_measured_on_the_head_when_a_piece_was_baked_first(head):
    eye = make_face("EyeLeft", ["eyeLookUpLeft", "eyeLookDownLeft"], parent=head)
    report = checked(eye, head)
    assert any(line.startswith("Lip gap") for line in report.measures)


def test_a_slider_that_ends_below_its_curve_is_named(head):
    block = head.data.shape_keys.key_blocks["jawOpen"]
    report = checked(head, change=lambda: setattr(block, "slider_max", 0.3))
    assert report.problems[0].startswith(
        f"The slider of jawOpen on {head.name!r} ends at 0.30, its curve reaches 0.70"
    )


@pytest.mark.parametrize("mode, is_told", [("QUATERNION", True), ("XYZ", False)])
def test_a_driver_on_a_rotation_that_its_bone_does_not_use_is_named(head, mode, is_told):
    bpy.ops.object.armature_add()
    armature = bpy.context.view_layer.objects.active
    head.parent = armature
    head.modifiers.new("Armature", "ARMATURE").object = armature
    bone = armature.pose.bones[0]
    bone.rotation_mode = mode
    curve = armature.driver_add(f'pose.bones["{bone.name}"].rotation_euler', 0)
    target = curve.driver.variables.new().targets[0]
    target.id_type, target.id = "KEY", head.data.shape_keys
    target.data_path = 'key_blocks["jawOpen"].value'
    report = checked(head)
    told = [problem for problem in report.problems if "Rotation Mode to XYZ Euler" in problem]
    assert bool(told) is is_told


def test_eyes_with_all_names_raise_no_alarm(head):
    eye = make_face("EyeRight", list(ARKIT), parent=head)
    gaze = {name for name in ARKIT if name.startswith("eyeLook")}
    for name in set(ARKIT) - gaze:
        scale_shape(eye, name, 0.0)
    report = checked(*targets.face_objects(head))
    assert (report.moved, report.problems) == (True, ())
    assert any(line.startswith("Lips meet in 1 of 1") for line in report.measures)
