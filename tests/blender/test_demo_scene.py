"""The demo bakes onto a person's own face as the add-on does."""

from __future__ import annotations

import bpy
import pytest

from demo import scene as demo_scene
from tests.fakes.faces import evaluated_heights, make_face, wave_track


def bake_demo(face):
    """Bake a performance from frame 1 of the open scene."""
    curves = wave_track(fps=24.0)
    demo_scene.bake_and_check(bpy.context.scene, face, curves, start_frame=1, line="line")


def test_demo_takes_a_face_that_leaves_some_shapes_to_drivers(capsys):
    face = make_face()
    driver = face.data.shape_keys.key_blocks["jawOpen"].driver_add("value")
    driver.driver.expression = "0.25"
    bake_demo(face)
    assert "drivers control them: jawOpen" in capsys.readouterr().out
    assert evaluated_heights(face, 13)[1:52].max() > 0.9


def test_demo_refuses_a_face_that_does_not_move():
    face = make_face()
    for block in face.data.shape_keys.key_blocks:
        block.mute = True
    with pytest.raises(demo_scene.BadScene, match="does not move"):
        bake_demo(face)
