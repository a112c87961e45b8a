"""Messages come back as they were sent, and those of version 1 are still read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model_runtime.protocol import (
    Acting,
    Cancel,
    ChannelOffset,
    EmotionKey,
    EmotionShare,
    Expression,
    Generate,
    LookKey,
    Performance,
    ProtocolError,
    decode,
    encode,
)

PERFORMANCE = Performance(
    audio=Path("/voice/台詞 ü.wav"),
    fps=24.0,
    emotion_keys=(EmotionKey(0.0, "happy", 0.5), EmotionKey(2.5, "sad", 1.0)),
    rig="arkit52",
    seed=7,
    blink=False,
    start_s=1.5,
    duration_s=4.0,
    script="Hello there",
    acting=Acting(dynamics=1.0, eyes=0.5, asymmetry=0.25, favoured_side="left"),
    smoothing_s=0.05,
    commit=False,
    idle_before_s=2.0,
    idle_after_s=1.0,
    expressions=(
        Expression(
            "smug", (EmotionShare("happy", 0.5),), (ChannelOffset("jawOpen", 0.1),), amplitude=1.2
        ),
    ),
    look=(LookKey(0.5, -20.0, 5.0),),
)


def test_a_request_carries_every_parameter_of_its_performance() -> None:
    request = Generate("r1", "/out", PERFORMANCE, "/models/a")
    text = encode(request)
    assert decode(text) == request
    assert json.loads(text) == {
        "type": "generate",
        "id": "r1",
        "output_folder": "/out",
        "model": "/models/a",
        "is_layered": False,
        "performance": {
            "audio": "/voice/台詞 ü.wav",
            "fps": 24.0,
            "emotion_keys": [
                {"start_s": 0.0, "emotion": "happy", "intensity": 0.5},
                {"start_s": 2.5, "emotion": "sad", "intensity": 1.0},
            ],
            "rig": "arkit52",
            "seed": 7,
            "blink": False,
            "start_s": 1.5,
            "duration_s": 4.0,
            "script": "Hello there",
            "language": "",
            "pronunciations": [],
            "corrections": [],
            "acting": {
                "dynamics": 1.0,
                "eyes": 0.5,
                "head": 0.0,
                "asymmetry": 0.25,
                "favoured_side": "left",
            },
            "smoothing_s": 0.05,
            "commit": False,
            "idle_before_s": 2.0,
            "idle_after_s": 1.0,
            "expressions": [
                {
                    "name": "smug",
                    "shares": [{"emotion": "happy", "weight": 0.5}],
                    "offsets": [{"channel": "jawOpen", "value": 0.1}],
                    "amplitude": 1.2,
                    "description": "",
                }
            ],
            "look": [{"time_s": 0.5, "yaw_deg": -20.0, "pitch_deg": 5.0}],
        },
    }


def test_a_request_of_version_1_is_read() -> None:
    text = (
        '{"type":"generate","id":"r1","audio":"/voice/a.wav","output_folder":"/out","fps":30.0,'
        '"emotion_keys":[{"start_s":0.0,"emotion":"happy","intensity":0.5}],"rig":"","seed":3,'
        '"blink":true,"start_s":0.0,"duration_s":null,"model":"/models/a"}'
    )
    keys = (EmotionKey(0.0, "happy", 0.5),)
    performance = Performance(Path("/voice/a.wav"), fps=30.0, emotion_keys=keys, seed=3)
    assert decode(text) == Generate("r1", "/out", performance, "/models/a")


def test_fields_of_a_newer_peer_are_passed_over() -> None:
    assert decode('{"type":"cancel","id":"r1","reason":"none"}') == Cancel("r1")


@pytest.mark.parametrize(
    "line, reason",
    [
        ("[1]", "Not a JSON object"),
        ('{"type":"dance"}', "Unknown message type 'dance'"),
        ('{"type":"cancel"}', "Cancel lacks the field 'id'"),
        ('{"type":"cancel","id":5}', "Field 'id' must be str, not int"),
        ('{"type":"generate","id":"r","output_folder":"/out"}', "lacks the field 'performance'"),
        (
            '{"type":"generate","id":"r","output_folder":"/out","performance":{"audio":5}}',
            "Field 'audio' must be Path, not int",
        ),
        ('{"type":"progress","id":"r","fraction":NaN}', "Not a JSON line"),
    ],
)
def test_a_broken_line_is_refused_with_the_reason(line: str, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason.replace("(", r"\(")):
        decode(line)


def test_a_number_that_json_cannot_carry_is_not_sent() -> None:
    performance = Performance(Path("a.wav"), fps=float("nan"))
    with pytest.raises(ProtocolError, match="cannot carry"):
        encode(Generate("r", "/out", performance))
