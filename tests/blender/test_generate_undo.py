"""Generate and undo: one step back, and an undo while the worker generates."""

from __future__ import annotations

import bpy
import pytest

from cstalk_blender import compat
from cstalk_blender.errors import SceneChanged
from cstalk_blender.ui import generate_requests
from cstalk_blender.ui.operators import generate as operators
from tests.fakes.faces import ARKIT, evaluated_heights, make_action, make_face, write_wav
from tests.fakes.sessions import tick_until

JAW = ARKIT.index("jawOpen")


@pytest.fixture
def speech(work):
    """Two seconds of sound at a path with spaces and other alphabets."""
    return write_wav(work / "größe 台詞 01.wav")


@pytest.fixture
def face(addon):
    """A face in a scene of 24 frames a second."""
    bpy.context.scene.render.fps = 24
    return make_face()


@pytest.fixture
def ready(studio, face, speech):
    """The scene as it is after Load Audio, with an emotion chosen."""
    operators.load_audio(bpy.context.scene, speech)
    settings = bpy.context.scene.cstalk
    settings.emotion, settings.intensity, settings.start_frame = "happy", 0.5, 11
    settings.key_rate = "SCENE"  # a key on every frame, which the tests count
    return settings


def start(studio):
    """Order what the scene says, and return at once."""
    studio.start(generate_requests.request_of(bpy.context))


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
    start(studio)
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
    start(studio)
    bpy.ops.ed.undo()
    tick_until(studio, lambda: not studio.is_busy)
    assert studio.error is None
    assert bpy.data.objects["Face"].location.x == 0.0
    assert evaluated_heights(bpy.data.objects["Face"], 23)[JAW] == pytest.approx(1.0, abs=1e-4)
