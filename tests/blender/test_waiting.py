"""Faces that wait, listen and look at somebody: strips below the lines, directions, body motion."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest

from cstalk_blender.demo_head.build import build_demo_head
from cstalk_blender.package import rigs, track
from cstalk_blender.rig.clips import strips
from cstalk_blender.rig.drive import eyes, facing
from cstalk_blender.rig.keys import bake
from cstalk_blender.scene import look_at
from cstalk_blender.ui import generate_requests, line_list
from cstalk_blender.ui.operators import generate as operators
from tests.fakes.faces import make_face, write_wav

LINES = ("anna_01", "bob_01", "anna_02")


def empty_at(place, name="Goal"):
    """An empty at a place, linked and evaluated."""
    thing = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(thing)
    thing.location = place
    bpy.context.view_layer.update()
    return thing


def skinned_head(names=("spine", "neck", "head")):
    """A face on an armature of upright bones that carry each other."""
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    parent = None
    for number, name in enumerate(names):
        bone = armature.data.edit_bones.new(name)
        bone.head, bone.tail, bone.parent = (0, 0, number), (0, 0, number + 1), parent
        parent = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    face = make_face("Face", parent=armature)
    face.modifiers.new("Armature", "ARMATURE").object = armature
    return face, armature


def yaw_track(angle=0.5):
    """One second at a yaw of ``angle`` radians to the own right."""
    channels = rigs.load_rig("livelink61").channel_names
    values = np.zeros((24, len(channels)), np.float32)
    values[:, channels.index("headYaw")] = angle
    values[:, channels.index("jawOpen")] = np.linspace(0, 1, 24)
    return track.CurveTrack(values, tuple(channels), 24.0)


@pytest.mark.parametrize(
    "place, yaw, pitch",
    [((0, -5, 0), 0, 0), ((5, -5, 0), 45, 0), ((-5, -5, 0), -45, 0), ((0, -5, 5), 0, 45)],
)
def test_direction_of_a_point_is_seen_from_the_eyes(place, yaw, pitch):
    head = build_demo_head()
    bpy.context.view_layer.update()
    here = facing.facing_of(head)
    goal = empty_at(here.position + np.array(place, float))
    found = facing.direction_deg(here, np.array(goal.matrix_world.translation))
    np.testing.assert_allclose(found, (yaw, pitch), atol=1.0)


def test_a_turned_face_sees_the_same_point_on_its_other_side():
    head = build_demo_head()
    head.rotation_euler.z = math.radians(90)  # it looks along +X
    bpy.context.view_layer.update()
    here = facing.facing_of(head)
    yaw, _pitch = facing.direction_deg(here, here.position + np.array([5.0, 0.0, 0.0]))
    assert yaw == pytest.approx(0, abs=1.0)


def test_a_moving_object_is_followed_and_the_frame_restored():
    head, goal = build_demo_head(), empty_at((2, -2, 0.25))
    goal.keyframe_insert("location", frame=1)
    goal.location = (-2, -2, 0.25)
    goal.keyframe_insert("location", frame=49)
    scene = bpy.context.scene
    scene.render.fps = 24
    scene.frame_set(7)
    keys = look_at.look_keys(scene, head, goal, zero_frame=1, start_s=0.0, stop_s=2.0)
    assert len(keys) == 11
    assert keys[0].yaw_deg == pytest.approx(-keys[-1].yaw_deg, abs=1.0)
    assert keys[0].yaw_deg > 30
    assert scene.frame_current == 7
    goal.animation_data_clear()
    assert len(look_at.look_keys(scene, head, goal, zero_frame=1, start_s=0, stop_s=2)) == 1


def test_panel_settings_of_waiting_and_looking_arrive(studio, work):
    make_face("Face")
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    acting = bpy.context.scene.cstalk_acting

    def requested():
        return generate_requests.request_of(bpy.context).message.performance

    assert (requested().idle_before_s, requested().idle_after_s, requested().look) == (0, 0, ())
    acting.idle_before, acting.idle_after = 1.5, 2.0
    acting.look_at = empty_at((0, -5, 0))
    found = requested()
    assert (found.idle_before_s, found.idle_after_s, len(found.look)) == (1.5, 2.0, 1)
    acting.eyes = 0.0
    assert requested().look == ()


def test_neck_and_head_share_a_turn():
    face, armature = skinned_head()
    eyes.turn_head(face, on=True)
    bake.bake_track([face], yaw_track(0.5), start_frame=1, frame_rate=24.0, line="x")
    bpy.context.scene.frame_set(5)
    bones = [armature.pose.bones[name] for name in ("neck", "head")]
    found = [bone.matrix_basis.to_quaternion().angle for bone in bones]
    np.testing.assert_allclose(found, (0.2, 0.3), atol=1e-3)
    front = (
        armature.pose.bones["head"].matrix.to_3x3()
        @ armature.data.bones["head"].matrix_local.to_3x3().inverted()
    )
    np.testing.assert_allclose(np.array(front)[0, 1], np.sin(0.5), atol=1e-3)


def test_head_motion_adds_to_the_body_and_clear_gives_it_back():
    face, armature = skinned_head()
    bone = armature.pose.bones["head"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.0, 0.4, 0.0)
    bone.keyframe_insert("rotation_euler", frame=1)
    body = armature.animation_data.action
    eyes.turn_head(face, on=True)
    bake.bake_track([face], yaw_track(0.5), start_frame=1, frame_rate=24.0, line="x")
    bpy.context.scene.frame_set(5)
    # The bone points upwards, so a turn to the own right is negative about its axis Y.
    assert bone.rotation_euler.y == pytest.approx(0.4 - 0.3, abs=1e-3)
    bake.clear_bake([face])
    bpy.context.scene.frame_set(6)
    assert armature.animation_data.action == body
    assert armature.animation_data.action_blend_type == "REPLACE"
    assert bone.rotation_euler.y == pytest.approx(0.4, abs=1e-5)


def test_an_empty_turns_in_place_of_bones_and_keeps_its_own_rotation(studio):
    face = make_face("Face")
    goal = empty_at((0, 0, 0))
    goal.rotation_euler = (0.0, 0.0, 0.7)
    face.cstalk_head_target = goal
    assert eyes.turns_head(face)
    bake.bake_track([face], yaw_track(0.5), start_frame=1, frame_rate=24.0, line="x")
    bpy.context.scene.frame_set(5)
    # A turn to the own right of a face that looks along -Y is negative about Z.
    assert goal.matrix_world.to_euler().z == pytest.approx(0.7 - 0.5, abs=1e-3)
    bake.clear_bake([face])
    bpy.context.view_layer.update()
    assert goal.matrix_world.to_euler().z == pytest.approx(0.7, abs=1e-5)


@pytest.fixture
def conversation(batch, work):
    """Two faces that look at each other across a table, and three lines of two seconds."""
    (work / "lines").mkdir()
    for name in LINES:
        write_wav(work / "lines" / f"{name}.wav")
    scene = bpy.context.scene
    scene.render.fps = 24
    for name, place, turn in (("bob", (0, 0, 0), 0), ("anna", (1, -2, 0), math.pi)):
        head = build_demo_head(name)
        head.location, head.rotation_euler.z = place, turn
    bpy.context.view_layer.update()
    settings = scene.cstalk_batch
    settings.folder, settings.output_folder = str(work / "lines"), str(work / "curves")
    line_list.fill(scene)
    scene.cstalk_acting.idle_before = scene.cstalk_acting.idle_after = 1.0
    return settings


def tracks_of(name):
    """Names of the NLA tracks on the shape keys of a face, from the lowest."""
    return [t.name for t in bpy.data.objects[name].data.shape_keys.animation_data.nla_tracks]


def test_waiting_lies_below_the_lines_and_lines_keep_their_mouth(conversation):
    conversation.idle = "LISTEN"
    assert bpy.ops.cstalk.batch_bake() == {"FINISHED"}
    assert tracks_of("anna") == ["CSTalk Rest", "CSTalk Idle", "CSTalk Lines"]
    key = bpy.data.objects["bob"].data.shape_keys
    waiting = key.animation_data.nla_tracks["CSTalk Idle"].strips[0]
    assert (waiting.frame_start, waiting.frame_end) == (
        pytest.approx(-23),
        pytest.approx(192, abs=1),
    )
    bpy.context.scene.frame_set(145)  # bob speaks: he is to anna's own left, 27 degrees
    anna = bpy.data.objects["anna"].data.shape_keys.key_blocks
    assert anna["eyeLookOutLeft"].value - anna["eyeLookInLeft"].value > 0.7
    assert anna["jawOpen"].value == 0.0


def test_a_second_bake_keeps_one_waiting_strip_and_rest_removes_it(conversation):
    conversation.idle = "IDLE"
    for _bake in range(2):
        bpy.ops.cstalk.batch_bake()
        assert tracks_of("anna").count("CSTalk Idle") == 1
        key = bpy.data.objects["anna"].data.shape_keys
        assert len(key.animation_data.nla_tracks["CSTalk Idle"].strips) == 1
    conversation.idle = "REST"
    bpy.ops.cstalk.batch_bake()
    assert "CSTalk Idle" not in tracks_of("anna")
    assert strips.has_lines(bpy.data.objects["anna"])


def test_a_timeline_has_waiting_between_its_lines(conversation):
    conversation.destination, conversation.idle = "TIMELINE", "IDLE"
    assert bpy.ops.cstalk.batch_bake() == {"FINISHED"}
    action = bpy.data.objects["anna"].data.shape_keys.animation_data.action
    assert action.frame_range[0] == pytest.approx(-23)
    # A face at rest looks straight ahead, exactly; bob speaks from frame 121 on.
    before, between = (
        np.abs([gaze_of("anna", f) for f in frames]) for frames in (range(-20, 0), range(122, 160))
    )
    assert before.max() > 0.01
    assert between.max() > 0.01


def gaze_of(name, frame):
    """Turn of the left eye to the own left at a frame, as a share of its range."""
    bpy.context.scene.frame_set(frame)
    blocks = bpy.data.objects[name].data.shape_keys.key_blocks
    return blocks["eyeLookOutLeft"].value - blocks["eyeLookInLeft"].value
