"""Laws of the face at rest below its lines: what no strip writes is where it rested."""

from __future__ import annotations

import bpy
import pytest

from cstalk_blender import compat
from cstalk_blender.rig.clips import rest
from tests.fakes.faces import make_face

PATH = 'key_blocks["jawOpen"].value'


@pytest.fixture
def key():
    """Shape keys of a face that rests with a slightly open jaw."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    face = make_face("anna")
    face.data.shape_keys.key_blocks["jawOpen"].value = 0.125
    return face.data.shape_keys


def play(key: bpy.types.Key, first: float, last: float) -> bpy.types.Action:
    """A line in which the jaw is open, as a strip above the rest."""
    action = bpy.data.actions.new("line")
    curve = compat.curve_holder(action, key).fcurves.new(PATH)
    for frame in (first, last):
        curve.keyframe_points.insert(frame, 0.75)
    rest.hold(key, action)
    track = key.animation_data.nla_tracks.new()
    strip = compat.add_strip(track, action, compat.slot_of_action(action, key))
    strip.extrapolation = "NOTHING"
    return action


def jaw_at(key: bpy.types.Key, frame: int) -> float:
    """Return the value that the dependency graph gives the shape."""
    bpy.context.scene.frame_set(frame)
    evaluated = key.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return float(evaluated.key_blocks["jawOpen"].value)


def test_between_lines_the_face_rests_where_it_rested_before_them(key):
    play(key, 10, 20)
    play(key, 40, 50)
    for frame in (1, 30, 80, 5):
        assert jaw_at(key, frame) == pytest.approx(0.125)
    for frame in (12, 45):
        assert jaw_at(key, frame) == pytest.approx(0.75)


def test_letting_go_puts_the_value_back_and_leaves_nothing(key):
    line = play(key, 10, 20)
    assert jaw_at(key, 12) == pytest.approx(0.75)
    key.animation_data.nla_tracks.remove(key.animation_data.nla_tracks[-1])
    rest.release(key)
    assert key.key_blocks["jawOpen"].value == pytest.approx(0.125)
    assert not len(key.animation_data.nla_tracks)
    assert list(bpy.data.actions) == [line]
    rest.release(key)


def test_a_shape_deleted_under_its_lines_is_no_error(key):
    play(key, 10, 20)
    face = next(item for item in bpy.data.objects if item.data.shape_keys == key)
    face.shape_key_remove(key.key_blocks["jawOpen"])
    rest.release(key)
    assert "jawOpen" not in key.key_blocks
