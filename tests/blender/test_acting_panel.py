"""Acting and script in the panel arrive in the request, and a head without a bone keeps still."""

from __future__ import annotations

import bpy
import pytest

from cstalk_blender.rig.drive import eyes
from cstalk_blender.ui import generate_requests
from cstalk_blender.ui.operators import generate as operators
from cstalk_blender.ui.panels import acting as panels
from tests.fakes.faces import make_face, write_wav
from tests.fakes.panel_layouts import said


@pytest.fixture
def ready(studio, work):
    """A face and two seconds of speech."""
    make_face("Face")
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    return bpy.context.scene.cstalk_acting


def requested():
    """The performance that Generate would ask for."""
    return generate_requests.request_of(bpy.context).message.performance


def test_a_fresh_scene_acts_naturally_but_for_the_head_without_a_bone(ready):
    acting = requested().acting
    assert (acting.dynamics, acting.eyes, acting.head, acting.asymmetry) == (1.0, 1.0, 0.0, 0.5)


def test_head_motion_is_requested_where_the_bone_may_turn(ready):
    eyes.turn_head(bpy.data.objects["Face"], on=True)
    ready.head = 1.5
    assert requested().acting.head == pytest.approx(1.5)


def test_strengths_of_the_panel_arrive(ready):
    ready.dynamics, ready.eyes, ready.asymmetry, ready.favoured_side = 0.0, 0.5, 2.0, "left"
    acting = requested().acting
    assert (acting.dynamics, acting.eyes, acting.asymmetry) == (0.0, 0.5, 2.0)
    assert acting.favoured_side == "left"


def test_the_script_arrives_unless_it_is_switched_off(ready):
    ready.script = "Hello there"
    assert requested().script == "Hello there"
    ready.use_script = False
    assert requested().script == ""


def test_a_text_block_takes_the_place_of_the_line(ready):
    ready.script = "Hello there"
    text = bpy.data.texts.new("Line")
    text.write("Good evening,\nmy friends")
    ready.script_text = text
    assert requested().script == "Good evening,\nmy friends"


def test_the_pages_draw(ready):
    assert "no head bone" in said(panels.CSTALK_PT_acting)
    ready.found = "script 90 % found (doubtful: move)"
    assert "Script 90 % found" in said(panels.CSTALK_PT_script)
