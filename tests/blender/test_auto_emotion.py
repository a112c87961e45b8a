"""Emotion from the voice: an entry of the dropdown, and a line that says what was heard."""

from __future__ import annotations

import bpy
import pytest

from cstalk_blender.ui import generate_requests
from cstalk_blender.ui.operators import generate as operators
from cstalk_blender.ui.panels import generate as panels
from cstalk_blender.ui.properties import generate as properties
from model_runtime import choices
from tests.fakes.faces import make_face, write_wav
from tests.fakes.panel_layouts import said


@pytest.fixture
def ready(studio, work):
    """The scene's settings, with a face and a speech."""
    make_face()
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    return bpy.context.scene.cstalk


def test_the_dropdown_offers_auto_with_a_tooltip(studio):
    items = bpy.context.scene.cstalk.bl_rna.properties["emotion"].enum_items
    auto = items[choices.AUTO_EMOTION]
    assert auto.name == "Auto (from voice)"
    assert auto.description == choices.AUTO_DESCRIPTION
    assert {*choices.EMOTIONS, choices.AUTO_EMOTION} < {item.identifier for item in items}


def test_a_new_emotion_would_not_change_what_a_blend_file_remembers(studio):
    numbers = {item[0]: item[3] for item in properties.EMOTION_ITEMS if item is not None}
    assert [numbers[name] for name in choices.EMOTIONS] == list(range(len(choices.EMOTIONS)))
    assert numbers[choices.AUTO_EMOTION] == 1000
    named = ("amused", "confident", "tired", "in_pain", "flirting", "bored")
    assert [numbers[name] for name in named] == [200, 201, 202, 203, 204, 205]


def test_auto_goes_to_the_worker_with_the_sliders_intensity(ready):
    ready.emotion, ready.intensity = choices.AUTO_EMOTION, 0.6
    (key,) = generate_requests.request_of(bpy.context).message.performance.emotion_keys
    assert (key.emotion, key.intensity) == (choices.AUTO_EMOTION, pytest.approx(0.6))


def test_the_panel_explains_auto_before_and_says_what_was_heard_after(ready):
    ready.emotion = choices.AUTO_EMOTION
    assert choices.AUTO_DESCRIPTION in said(panels.CSTALK_PT_main)
    assert "Detected:" not in said(panels.CSTALK_PT_main)
    assert bpy.ops.cstalk.generate() == {"FINISHED"}
    assert bpy.context.active_object.cstalk_result.detected_emotion == "happy 0.8"
    assert "Detected: happy 0.8" in said(panels.CSTALK_PT_main)


def test_a_chosen_emotion_says_nothing_of_hearing(ready):
    ready.emotion = choices.AUTO_EMOTION
    bpy.ops.cstalk.generate()
    ready.emotion = "sad"
    bpy.ops.cstalk.generate()
    assert bpy.context.active_object.cstalk_result.detected_emotion == ""
    assert "Detected:" not in said(panels.CSTALK_PT_main)


def test_clear_takes_the_line_away(ready):
    ready.emotion = choices.AUTO_EMOTION
    bpy.ops.cstalk.generate()
    bpy.ops.cstalk.clear()
    assert "Detected:" not in said(panels.CSTALK_PT_main)
