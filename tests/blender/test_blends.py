"""Blends and named expressions in the panel, the list, markers and requests."""

from __future__ import annotations

import bpy
import pytest

from cstalk_blender.dialogue import emotion_keys
from cstalk_blender.ui import generate_requests, line_list, line_requests
from cstalk_blender.ui.operators import generate as operators
from tests.fakes.faces import make_face, write_wav


@pytest.fixture
def ready(studio, work):
    """A face and two seconds of speech."""
    make_face("Face")
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    return bpy.context.scene.cstalk


def requested():
    """Emotion keys that Generate would send."""
    return generate_requests.request_of(bpy.context).message.performance.emotion_keys


def test_a_second_emotion_makes_a_blend_and_none_makes_none(ready):
    ready.emotion = "happy"
    assert requested()[0].emotion == "happy"
    ready.second_emotion, ready.second_share = "surprised", 0.4
    assert requested()[0].emotion == "happy:0.6+surprised:0.4"
    assert generate_requests.title_of(ready).startswith("Happy + Surprised 1")
    ready.second_share = 0.0
    assert requested()[0].emotion == "happy"


def test_auto_is_never_blended(ready):
    ready.emotion, ready.second_emotion = "auto", "sad"
    assert requested()[0].emotion == "auto"


def test_a_named_expression_is_chosen_like_an_emotion(ready):
    ready.emotion, ready.intensity = "in_pain", 0.5
    (key,) = requested()
    assert (key.emotion, key.intensity) == ("in_pain", pytest.approx(0.5))
    assert generate_requests.title_of(ready) == "In Pain 0.5, line.wav"


def test_a_list_gives_blends_and_expressions_to_its_lines(batch, work):
    for name in ("a", "b", "c"):
        write_wav(work / f"{name}.wav")
    (work / "list.csv").write_text(
        "file,emotion,intensity\n"
        "a.wav,joy:0.6+surprised:0.4,0.8\nb.wav,In Pain,\nc.wav,happy:0.6+zeal:0.4,\n",
        encoding="utf-8",
    )
    make_face("Face")
    settings = bpy.context.scene.cstalk_batch
    settings.source_kind, settings.list_path = "LIST", str(work / "list.csv")
    settings.output_folder = str(work / "out")
    line_list.fill(bpy.context.scene)
    first, second, third = settings.lines
    assert (first.blend, first.intensity) == ("happy:0.6+surprised:0.4", pytest.approx(0.8))
    assert (second.emotion, second.blend) == ("in_pain", "")
    assert third.problem.startswith("Unknown emotion")
    third.use = False
    sent = [
        one.line.row.acting.emotion
        for one in line_requests.request_of(bpy.context.scene).assignments
    ]
    assert sent == ["happy:0.6+surprised:0.4", "in_pain"]


@pytest.mark.parametrize(
    "name, emotion, intensity",
    [("in pain 0.5", "in_pain", 0.5), ("bored", "bored", 1.0), ("Anna: amused 70%", "amused", 0.7)],
)
def test_a_marker_names_an_expression(name, emotion, intensity):
    mark = emotion_keys.read_marker(name)
    assert (mark.emotion, mark.intensity) == (emotion, pytest.approx(intensity))
    assert emotion_keys.read_marker("happy ending") is None
