"""Stored predictions come back bit by bit, and nothing else is read as one."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pytest

from cstalk_blender.direct.prediction import BadPrediction, Interval, Prediction, from_bytes
from model_runtime.curves.layered import LayeredCurves
from model_runtime.curves.track import CurveTrack

CHANNELS = ("jawOpen", "browInnerUp", "headYaw")
REQUEST = {
    "audio": "台詞 \udcff.wav",
    "rig": "arkit52",
    "phones": [["sil", 0.0, 0.1], ["m", 0.1, 0.2]],
}


def curves(frames: int = 50, *, has_emotion: bool = True) -> LayeredCurves:
    random = np.random.default_rng(frames)
    full = CurveTrack(
        random.uniform(-0.3, 1, (frames, 3)).astype(np.float32), CHANNELS, 23.976, 1.5, REQUEST
    )
    if not has_emotion:
        return LayeredCurves.without_layers(full)
    return LayeredCurves(full, full.replaced(values=full.values * np.float32(0.5)))


@pytest.mark.parametrize("has_emotion", [True, False])
@pytest.mark.parametrize("frames", [1, 2, 600])
def test_a_prediction_comes_back_as_it_was(frames: int, has_emotion: bool) -> None:
    made = Prediction.of(curves(frames, has_emotion=has_emotion))
    back = from_bytes(made.to_bytes())
    np.testing.assert_array_equal(back.values, made.values)
    np.testing.assert_array_equal(back.speech, made.speech)
    assert (back.id, back.channels, back.fps) == (made.id, CHANNELS, 23.976)
    assert (back.start_s, back.request) == (1.5, REQUEST)
    assert back.has_emotion is has_emotion
    assert back.to_bytes() == made.to_bytes()


def test_values_are_within_half_a_thousandth_of_the_curves() -> None:
    given = curves()
    made = Prediction.of(given)
    assert np.abs(made.values - given.full.values).max() < 2.5e-4
    assert np.abs(made.speech - given.speech.values).max() < 2.5e-4


def test_the_id_depends_on_the_content_alone() -> None:
    assert Prediction.of(curves()).id == Prediction.of(curves()).id
    assert Prediction.of(curves()).id != Prediction.of(curves(51)).id
    assert Prediction.of(curves()).id != Prediction.of(curves(has_emotion=False)).id
    assert len(Prediction.of(curves()).id) == 16


def test_values_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Prediction.of(curves()).values[0, 0] = 1


def test_words_and_phones_of_a_script_come_before_recognised_phones() -> None:
    plain = Prediction.of(curves())
    assert plain.words == ()
    assert plain.phones == (Interval("sil", 0.0, 0.1), Interval("m", 0.1, 0.2))
    full = curves().full
    script = {"track": {"words": [["me", 0.1, 0.3, 0.9, 2]], "phones": [["m", 0.1, 0.2, 0.9]]}}
    scripted = full.replaced(request={**REQUEST, "script_match": script})
    made = Prediction.of(LayeredCurves.without_layers(scripted))
    assert made.words == (Interval("me", 0.1, 0.3),)
    assert made.phones == (Interval("m", 0.1, 0.2),)


@pytest.mark.parametrize(
    "words", [None, 3, [3], [["me"]], [["me", "a", "b"]], {"me": 1}, [[1, 2.0, 3.0]]]
)
def test_malformed_words_are_no_words(words: object) -> None:
    request = {"script_match": {"track": {"words": words}}}
    made = Prediction.of(LayeredCurves.without_layers(curves().full.replaced(request=request)))
    assert made.words == ()


def test_every_truncation_is_refused() -> None:
    data = Prediction.of(curves(5)).to_bytes()
    for length in range(len(data)):
        with pytest.raises(BadPrediction, match="cannot be read"):
            from_bytes(data[:length])


def test_bytes_behind_the_end_are_refused() -> None:
    with pytest.raises(BadPrediction, match="too long"):
        from_bytes(Prediction.of(curves()).to_bytes() + b"x")


def test_flipped_bits_never_raise_anything_else() -> None:
    data = Prediction.of(curves(20)).to_bytes()
    random = np.random.default_rng(0)
    for _ in range(300):
        spoiled = bytearray(data)
        spoiled[random.integers(len(data))] ^= 1 << random.integers(8)
        with pytest.raises(BadPrediction):
            from_bytes(bytes(spoiled))


HEADER = {"channels": ["a"], "fps": 24, "start_s": 0, "frames": 1, "tracks": 1, "request": {}}


def packed(header: object, values: bytes) -> bytes:
    text = json.dumps(header).encode()
    return b"CSTKPRD\x01" + zlib.compress(struct.pack("<I", len(text)) + text + values)


def test_the_format_is_as_documented() -> None:
    back = from_bytes(packed(HEADER, b"\x00\x3c"))
    assert back.values.tolist() == [[1.0]]


@pytest.mark.parametrize(
    "change",
    [
        {"channels": []},
        {"channels": "a"},
        {"channels": [1]},
        {"channels": [""]},
        {"fps": 0},
        {"fps": None},
        {"fps": True},
        {"start_s": "0"},
        {"start_s": float("nan")},
        {"frames": 0},
        {"frames": -1},
        {"frames": 1.0},
        {"frames": True},
        {"frames": 2},
        {"tracks": 2},
        {"tracks": 3},
        {"request": []},
    ],
)
def test_headers_that_do_not_fit_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadPrediction, match="cannot be read"):
        from_bytes(packed({**HEADER, **change}, b"\x00\x3c"))


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"CSTKPRD\x02" + b"x" * 20, b"\x80\x04K\x01."]
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BadPrediction, match="cannot be read"):
        from_bytes(data)


def test_infinite_values_are_refused() -> None:
    with pytest.raises(BadPrediction, match="finite"):
        from_bytes(packed(HEADER, b"\x00\x7c"))


def test_values_beyond_float16_are_refused_when_stored() -> None:
    full = CurveTrack(np.full((2, 1), 1e6, np.float32), ("a",), 24.0)
    with pytest.raises(BadPrediction, match="65504"):
        Prediction.of(LayeredCurves.without_layers(full))


def test_a_request_that_is_not_json_is_refused_when_stored() -> None:
    full = curves().full.replaced(request={"a": float("nan")})
    with pytest.raises(BadPrediction, match="stored"):
        Prediction.of(LayeredCurves.without_layers(full))
