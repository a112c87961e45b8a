"""Head motion onto a bone: off at first, then in Live Link's signs, whatever the bone's roll."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender.package import rigs, track
from cstalk_blender.rig.drive import eyes
from cstalk_blender.rig.keys import bake
from tests.fakes.faces import make_face

TURN = 0.3
FRONT, LEFT, UP = (np.array(axis) for axis in ([0.0, -1, 0], [1.0, 0, 0], [0.0, 0, 1]))
"""Of a face that looks along -Y; its own left is +X."""


def face_with_head_bone(roll=0.0, mode="XYZ"):
    """A face on an armature with the bone ``head``, upright."""
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bone = armature.data.edit_bones.new("head")
    bone.head, bone.tail, bone.roll = (0, 0, 0), (0, 0, 1), roll
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.pose.bones["head"].rotation_mode = mode
    face = make_face("Face", parent=armature)
    face.modifiers.new("Armature", "ARMATURE").object = armature
    return face, armature.pose.bones["head"]


def head_track():
    """Rest, then yaw, pitch and roll one after another, in the rig livelink61."""
    channels = rigs.load_rig("livelink61").channel_names
    values = np.zeros((4, len(channels)), np.float32)
    for frame, channel in enumerate(eyes.HEAD_CHANNELS, start=1):
        values[frame, channels.index(channel)] = TURN
    values[:, channels.index("jawOpen")] = [0.0, 0.5, 0.2, 0.4]
    return track.CurveTrack(values, tuple(channels), 24.0)


def turned(bone, frame, axis):
    """Return the direction of the head's ``axis`` at a frame."""
    bpy.context.scene.frame_set(frame)
    return np.array(bone.matrix.to_3x3() @ bone.bone.matrix_local.to_3x3().inverted()) @ axis


def test_head_channels_leave_the_bone_alone_unless_switched_on():
    face, bone = face_with_head_bone()
    bake.bake_track([face], head_track(), start_frame=1, frame_rate=24.0, line="x")
    for frame in (1, 2, 3, 4):
        np.testing.assert_allclose(turned(bone, frame, FRONT), FRONT, atol=1e-6)


@pytest.mark.parametrize("mode", ["XYZ", "QUATERNION"])
@pytest.mark.parametrize("roll", [0.0, 0.7])
def test_positive_yaw_is_to_the_own_right_pitch_down_and_roll_to_the_left_shoulder(roll, mode):
    face, bone = face_with_head_bone(roll, mode)
    eyes.turn_head(face, on=True)
    bake.bake_track([face], head_track(), start_frame=1, frame_rate=24.0, line="x")
    np.testing.assert_allclose(turned(bone, 1, FRONT), FRONT, atol=1e-5)
    assert turned(bone, 2, FRONT) @ LEFT == pytest.approx(-np.sin(TURN), abs=5e-3)
    assert turned(bone, 3, FRONT) @ UP == pytest.approx(-np.sin(TURN), abs=5e-3)
    assert turned(bone, 4, UP) @ LEFT == pytest.approx(np.sin(TURN), abs=5e-3)
    # A route is a share of each Euler angle: on a bone with roll 0.3 radians stray by 1.3 degrees.
    np.testing.assert_allclose(turned(bone, 4, FRONT), FRONT, atol=0.03)


def test_clear_puts_the_head_back(addon):
    face, bone = face_with_head_bone()
    bpy.context.scene.cstalk.target = face
    assert bpy.ops.cstalk.head_motion() == {"FINISHED"}
    assert eyes.turns_head(face)
    bake.bake_track([face], head_track(), start_frame=1, frame_rate=24.0, line="x")
    bpy.context.scene.frame_set(3)
    assert bone.rotation_euler[:] != (0.0, 0.0, 0.0)
    bake.clear_bake([face])
    assert bone.rotation_euler[:] == (0.0, 0.0, 0.0)
    assert bpy.ops.cstalk.head_motion() == {"FINISHED"}
    assert not eyes.turns_head(face)
