"""Keys written over many ticks: the same as at once, and nothing lost whatever happens between."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender import compat
from cstalk_blender.errors import SceneChanged
from cstalk_blender.jobs import delivery as jobs_delivery
from cstalk_blender.rig.keys import bake, build
from cstalk_blender.rig.keys.fcurves import read_curve
from cstalk_blender.ui import generate_requests
from cstalk_blender.ui.operators import generate as operators
from tests.fakes.faces import ARKIT, evaluated_heights, make_action, make_face, write_wav
from tests.fakes.sessions import DEADLINE_S, tick_until

JAW = ARKIT.index("jawOpen")


@pytest.fixture
def begun(studio, work, monkeypatch):
    """A studio in the middle of writing the keys of 2 s on the object ``Face``."""
    monkeypatch.setattr(jobs_delivery, "KEYS_BUDGET_S", 0.0)  # one curve a tick
    bpy.context.scene.render.fps = 24
    make_action("Artist", make_face().data.shape_keys, "browInnerUp", 0.5)
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    bpy.ops.ed.undo_push(message="before")
    studio.before = state()
    studio.start(generate_requests.request_of(bpy.context))
    tick_until(studio, lambda: curves_written() >= 2)
    return studio


def finish(studio):
    """Turn the pump to the end."""
    tick_until(studio, lambda: not studio.is_busy)


def building():
    """The Actions that are not complete."""
    return [action for action in bpy.data.actions if build.BUILDING in action]


def curves_written():
    """F-curves so far."""
    key = bpy.data.objects["Face"].data.shape_keys
    return sum(len(compat.curve_holder(action, key).fcurves) for action in building())


def state():
    """Return what a failed or cancelled performance must leave unchanged."""
    key = bpy.data.objects["Face"].data.shape_keys
    sliders = [(b.slider_min, b.slider_max, b.value) for b in key.key_blocks]
    return (
        sorted(action.name for action in bpy.data.actions),
        key.animation_data.action.name,
        sliders,
        sorted(key.keys()),
        (bpy.context.scene.frame_start, bpy.context.scene.frame_end),
        bpy.data.objects["Face"].cstalk_result.summary,
    )


def keys_of(face):
    """Data path to keys of what ``face`` plays."""
    curves = compat.curves_of(face.data.shape_keys)
    return {curve.data_path: np.stack(read_curve(curve)) for curve in curves}


def test_keys_in_pieces_are_those_at_once(begun, monkeypatch):
    finish(begun)
    in_pieces = keys_of(bpy.data.objects["Face"])
    modes = {
        point.interpolation
        for curve in compat.curves_of(bpy.data.objects["Face"].data.shape_keys)
        for point in curve.keyframe_points
    }
    monkeypatch.setattr(jobs_delivery, "KEYS_BUDGET_S", DEADLINE_S)
    begun.start(generate_requests.request_of(bpy.context))
    finish(begun)
    at_once = keys_of(bpy.data.objects["Face"])
    assert modes == {"BEZIER"}  # fitted keys are the default of the panel
    assert list(in_pieces) == list(at_once)
    for path, keys in at_once.items():
        np.testing.assert_array_equal(in_pieces[path], keys)


def test_a_tick_without_time_writes_one_curve(begun):
    before = curves_written()
    begun.tick()
    assert curves_written() == before + 1


def test_the_face_plays_nothing_of_it_before_it_is_complete(begun):
    face = bpy.data.objects["Face"]
    assert face.data.shape_keys.animation_data.action == bpy.data.actions["Artist"]
    assert not bake.has_bake(face)


@pytest.mark.fault("Cancel between two pieces of the keys")
def test_cancel_between_pieces_leaves_the_scene_as_it_was(begun):
    begun.cancel()
    assert not begun.is_busy
    assert state() == begun.before


@pytest.mark.fault("face deleted between two pieces of the keys")
def test_face_removed_between_pieces_is_a_clear_failure_and_leaves_no_keys(begun):
    bpy.data.objects.remove(bpy.data.objects["Face"])
    finish(begun)
    assert isinstance(begun.error, SceneChanged)
    assert not [action for action in bpy.data.actions if action.name != "Artist"]


@pytest.mark.fault("undo between two pieces of the keys")
@pytest.mark.parametrize("also_while_writing", [False, True])
def test_undo_between_pieces_loses_nothing(begun, also_while_writing):
    bpy.data.objects["Face"].location.x = 5.0
    bpy.ops.ed.undo_push(message="moved")  # may hold a part of the keys
    if also_while_writing:
        bpy.data.objects["Face"].location.x = 6.0
        bpy.ops.ed.undo_push(message="moved on")
        tick_until(begun, lambda: curves_written() >= 4)
    bpy.ops.ed.undo()
    finish(begun)
    face = bpy.data.objects["Face"]
    assert begun.error is None
    assert face.location.x == (5.0 if also_while_writing else 0.0)
    assert evaluated_heights(face, 1 + 12)[JAW] == pytest.approx(1.0, abs=1e-4)
    assert not building()


def test_undo_after_it_leads_to_before_it(begun):
    finish(begun)
    bpy.ops.ed.undo()
    assert state() == begun.before


@pytest.mark.fault("shape keys renamed between two pieces of the keys")
def test_shape_key_renamed_between_pieces_is_not_keyed(begun):
    blocks = bpy.data.objects["Face"].data.shape_keys.key_blocks
    blocks["mouthSmileLeft"].name = "something else"
    finish(begun)
    face = bpy.data.objects["Face"]
    assert begun.error is None
    assert not [path for path in keys_of(face) if "mouthSmileLeft" in path or "else" in path]
    assert evaluated_heights(face, 1 + 12)[JAW] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.fault("file saved between two pieces of the keys")
def test_file_saved_between_pieces_holds_no_half_performance(begun, work):
    path = str(work / "half.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert not begun.is_busy
    assert not building()
    assert state() == begun.before


def test_unregister_between_pieces_leaves_the_scene_as_it_was(begun, addon):
    begun.close()
    assert state() == begun.before
