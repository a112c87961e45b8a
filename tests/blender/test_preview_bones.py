"""Live Preview on bones: shows what Bake would write, and releases the bone."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender import api
from cstalk_blender.jobs import direct
from cstalk_blender.package import rigs, track
from cstalk_blender.rig.drive import eyes
from tests.blender.test_rig_head import FRONT, UP, face_with_head_bone, turned

FRAMES = (7, 15, 22)
SAME = 0.02
"""Of directions: the preview shows samples, the bake fitted keys."""


def moving_head():
    """One second in which the head turns, nods and leans while the jaw moves."""
    channels = rigs.load_rig("livelink61").channel_names
    values = np.zeros((24, len(channels)), np.float32)
    times = np.linspace(0, np.pi, 24)
    for count, channel in enumerate(eyes.HEAD_CHANNELS, start=1):
        values[:, channels.index(channel)] = 0.5 * np.sin(count * times)
    values[:, channels.index("jawOpen")] = 0.5 * np.sin(times)
    return track.CurveTrack(values, tuple(channels), 24.0)


def directions(bone):
    return np.array([[turned(bone, frame, axis) for axis in (FRONT, UP)] for frame in FRAMES])


@pytest.fixture(params=["XYZ", "QUATERNION"])
def rigged(addon, request):
    """A face whose head bone turns, and the bone."""
    bpy.context.scene.render.fps = 24
    face, bone = face_with_head_bone(mode=request.param)
    eyes.turn_head(face, on=True)
    bpy.context.view_layer.objects.active = face
    bpy.context.scene.cstalk.target = None
    api.bake(face, moving_head(), name="line.wav")
    bpy.ops.ed.undo_push(message="Bake")
    return face, bone


def test_the_preview_of_a_bone_is_what_bake_writes(rigged):
    face, bone = rigged
    played = directions(bone)
    assert bpy.ops.cstalk.direct_preview() == {"FINISHED"}
    face.cstalk_direction.head.strength = 0.25
    previewed = directions(bone)
    assert np.abs(previewed - played).max() > 0.1
    assert bpy.ops.cstalk.direct_preview_bake() == {"FINISHED"}
    assert np.abs(directions(bone) - previewed).max() < SAME


def test_discard_returns_the_bone_to_its_keys(rigged):
    face, bone = rigged
    played = directions(bone)
    assert bpy.ops.cstalk.direct_preview() == {"FINISHED"}
    face.cstalk_direction.head.mute = True
    assert np.abs(directions(bone) - played).max() > 0.1
    assert bpy.ops.cstalk.direct_preview_discard() == {"FINISHED"}
    assert not direct.is_previewed(face)
    assert np.array_equal(directions(bone), played)


def test_a_file_saved_within_the_preview_plays_the_keys_of_the_bone(rigged, work):
    face, bone = rigged
    played = directions(bone)
    assert bpy.ops.cstalk.direct_preview() == {"FINISHED"}
    face.cstalk_direction.head.strength = 0.25
    path = str(work / "bone.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    again = bpy.data.objects["Rig"].pose.bones["head"]
    assert np.array_equal(directions(again), played)
