"""Generate and undo: one step back, and an undo while the worker generates."""

from __future__ import annotations

import bpy
import pytest

from cstalk_blender import compat
from cstalk_blender.errors import SceneChanged
from cstalk_blender.ui.operators import generate as operators
from tests.fakes.faces import ARKIT, evaluated_heights, make_action, make_face
from tests.fakes.sessions import start_generate, tick_until

JAW = ARKIT.index("jawOpen")


def test_apply_is_one_undo_step_back_to_the_artists_action(ready, studio, face):
    artist = make_action("Artist", face.data.shape_keys, "browInnerUp", 0.5)
    slot = compat.slot_name(face.data.shape_keys)
    assert artist is not None
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.cstalk.generate()
    bpy.ops.ed.undo()
    key = bpy.data.objects["Face"].data.shape_keys
    assert key.animation_data.action == bpy.data.actions["Artist"]
    assert compat.slot_name(key) == slot
    assert not [action for action in bpy.data.actions if action.name.startswith("CSTalk")]
    assert not bpy.data.actions["Artist"].use_fake_user
    assert bpy.data.objects["Face"].cstalk_result.summary == ""
    bpy.ops.ed.redo()
    key = bpy.data.objects["Face"].data.shape_keys
    assert key.animation_data.action.name == "Face größe 台詞 01"
    assert evaluated_heights(bpy.data.objects["Face"], 23)[JAW] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.fault("undo that removes the face while generating")
def test_undo_that_removes_the_face_meanwhile_is_a_clear_failure(studio, speech, addon):
    bpy.context.scene.render.fps = 24
    bpy.ops.ed.undo_push(message="nothing yet")
    make_face()
    operators.load_audio(bpy.context.scene, speech)
    bpy.ops.ed.undo_push(message="face")
    start_generate(studio)
    bpy.ops.ed.undo()
    assert "Face" not in bpy.data.objects
    tick_until(studio, lambda: not studio.is_busy)
    assert isinstance(studio.error, SceneChanged)
    assert len(bpy.data.actions) == 0


@pytest.mark.fault("undo of something else while generating")
def test_undo_of_something_else_meanwhile_does_no_harm(ready, studio, face):
    bpy.ops.ed.undo_push(message="before")
    bpy.data.objects["Face"].location.x = 5.0
    bpy.ops.ed.undo_push(message="moved")
    start_generate(studio)
    bpy.ops.ed.undo()
    tick_until(studio, lambda: not studio.is_busy)
    assert studio.error is None
    assert bpy.data.objects["Face"].location.x == 0.0
    assert evaluated_heights(bpy.data.objects["Face"], 23)[JAW] == pytest.approx(1.0, abs=1e-4)
