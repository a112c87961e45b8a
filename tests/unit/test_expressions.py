"""Laws of blends and named expressions: their text, their weights, their effect on raw curves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from model_runtime.batch.lines.keys import keys_text, read_keys
from model_runtime.batch.lines.naming import emotion_named
from model_runtime.choices import EMOTIONS
from model_runtime.curves.rig import load_rig
from model_runtime.emotion.expressive import expressed
from model_runtime.emotion.keys import checked_keys, emotion_weights
from model_runtime.errors import BadArgument
from model_runtime.expressions import blend, catalogue
from model_runtime.performance import EmotionKey

NAMES = ("amused", "confident", "tired", "in_pain", "flirting", "bored")


def weights(*keys: EmotionKey, frames: int = 200) -> np.ndarray:
    """Weights of the keys at 50 Hz, without neutral."""
    checked = checked_keys(keys, EMOTIONS)
    return emotion_weights(checked, emotions=EMOTIONS, frame_rate=50, first_frame=0, frames=frames)


def test_the_six_expressions_are_shipped_in_the_order_of_the_panel() -> None:
    assert tuple(one.name for one in catalogue.shipped_expressions()) == NAMES


def test_every_channel_of_a_shipped_expression_exists() -> None:
    known = {channel.name for channel in load_rig("arkit52").channels}
    for one in catalogue.shipped_expressions():
        assert {offset.channel for offset in one.offsets} <= known, one.name
        assert one.description
        assert sum(share.weight for share in one.shares) <= 1.0


@pytest.mark.parametrize(
    "text, expected",
    [
        ("happy", {"happy": 1.0}),
        ("neutral", {}),
        ("happy:0.6+surprised:0.4", {"happy": 0.6, "surprised": 0.4}),
        ("happy + sad", {"happy": 0.5, "sad": 0.5}),
        ("happy:0.5+happy:0.25", {"happy": 0.75}),
        ("amused:0.5+sad:0.5", {"happy": 0.3, "sad": 0.5}),
    ],
)
def test_a_blend_has_the_weights_that_it_names(text: str, expected: dict[str, float]) -> None:
    assert dict(blend.mixture_of(text).weights) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text, message",
    [
        ("happy:0.6+sad", "have no weight"),
        ("happy:x", "Invalid weight"),
        ("happy:nan", "Invalid weight"),
        ("happy:1.6", "Invalid weight"),
        ("happy:1+sad:0.8", "sum to 1.8"),
        ("+happy", "Invalid blend"),
        ("auto:0.5+happy:0.5", "cannot be part of a blend"),
        ("hapy", "Unknown emotion 'hapy'"),
    ],
)
def test_an_invalid_blend_is_named(text: str, message: str) -> None:
    with pytest.raises(BadArgument, match=message):
        blend.mixture_of(text)


def test_weights_of_a_blend_scale_with_the_intensity_and_stay_within_what_was_trained() -> None:
    found = weights(EmotionKey(0, "happy:0.6+surprised:0.4", 0.5))[-1]
    assert found[EMOTIONS.index("happy")] == pytest.approx(0.3)
    assert found[EMOTIONS.index("surprised")] == pytest.approx(0.2)
    strongest = weights(EmotionKey(0, "happy:0.9+sad:0.6", 1.5))[-1]
    assert strongest.sum() == pytest.approx(1.5)


def test_a_single_emotion_has_the_weights_it_always_had() -> None:
    found = weights(EmotionKey(0, "happy", 1.0), EmotionKey(2.0, "sad", 0.5))
    assert found[0, EMOTIONS.index("happy")] == 1.0
    assert found[100, EMOTIONS.index("happy")] == pytest.approx(0.5)
    assert found[-1, EMOTIONS.index("sad")] == pytest.approx(0.5)


def test_keys_with_blends_survive_their_text() -> None:
    keys = (EmotionKey(2.5, "happy:0.6+surprised:0.4", 0.8), EmotionKey(6.0, "in_pain", 1.0))
    assert read_keys(keys_text(keys)) == keys
    assert read_keys("1,5:Joy:0,5+Fear:0,5:1") == (EmotionKey(1.5, "happy:0.5+fearful:0.5", 1.0),)


def test_words_of_a_list_become_names() -> None:
    assert emotion_named("In Pain") == "in_pain"
    assert emotion_named("joy:0.5+anger:0.5") == "happy:0.5+angry:0.5"
    assert emotion_named("zeal") == "zeal"


CHANNELS = ("jawOpen", "mouthClose", "eyeBlinkLeft", "browDownLeft")


def test_an_expression_adds_its_channels_and_scales_the_mouth_by_its_intensity() -> None:
    raw = np.full((100, 4), 0.4, np.float32)
    keys = (EmotionKey(0, "tired", 0.5),)
    found = expressed(raw, CHANNELS, keys, frame_rate=50)
    np.testing.assert_allclose(found[-1], (0.36, 0.36, 0.52, 0.4), atol=1e-6)
    half = expressed(raw, CHANNELS, keys, frame_rate=50, levels=np.full(100, 0.5, np.float32))
    np.testing.assert_allclose(half[-1], (0.38, 0.38, 0.46, 0.4), atol=1e-6)


def test_plain_emotions_leave_the_raw_curves_untouched() -> None:
    raw = np.random.default_rng(1).random((50, 4), np.float32)
    keys = (EmotionKey(0, "happy:0.6+sad:0.4", 1.0),)
    assert expressed(raw, CHANNELS, keys, frame_rate=50) is raw


def test_an_expression_fades_in_from_its_key_on() -> None:
    raw = np.zeros((150, 4), np.float32)
    keys = (EmotionKey(0, "neutral", 0.0), EmotionKey(1.5, "tired", 1.0))
    found = expressed(raw, CHANNELS, keys, frame_rate=50)[:, 2]
    assert found[50] == 0
    assert found[75] == pytest.approx(0.12)
    assert found[-1] == pytest.approx(0.24)
    assert np.abs(np.diff(found)).max() < 0.02


def written(folder: Path, *entries: object, number: int = 1) -> Path:
    """A file of expressions."""
    path = folder / "own.json"
    path.write_text(json.dumps({"format": number, "expressions": list(entries)}), encoding="utf-8")
    return path


def test_a_users_expression_comes_before_a_shipped_one_of_its_name(tmp_path: Path) -> None:
    own = catalogue.read_expressions(
        written(tmp_path, {"name": "amused", "emotions": {"sad": 1}}, {"name": "smug"})
    )
    assert dict(blend.mixture_of("Amused", own).weights) == {"sad": 1.0}
    assert "smug" in blend.known_names(own)
    assert dict(blend.mixture_of("amused").weights) == pytest.approx({"happy": 0.6})


@pytest.mark.parametrize(
    "entry, message",
    [
        ("x", "is not an object"),
        ({"name": "Two Words"}, "is not made of small letters"),
        ({"name": "happy"}, "is the name of an emotion"),
        ({"name": "a", "emotions": {"joy": 1}}, "emotions must be weights"),
        ({"name": "a", "emotions": {"happy": 1, "sad": 1}}, "emotions must be weights"),
        ({"name": "a", "channels": {"jawOpen": "wide"}}, "channels must be numbers"),
        ({"name": "a", "channels": {"jawOpen": float("nan")}}, "channels must be numbers"),
        ({"name": "a", "amplitude": 9}, "amplitude must be a number"),
        ({"name": "a", "description": 1}, "description is not a text"),
    ],
)
def test_a_wrong_entry_of_a_users_file_is_named(
    tmp_path: Path, entry: object, message: str
) -> None:
    with pytest.raises(BadArgument, match=message):
        catalogue.read_expressions(written(tmp_path, entry))


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="no file of expressions"):
        catalogue.read_expressions(written(tmp_path, number=2))
    (tmp_path / "text.json").write_text("{", encoding="utf-8")
    with pytest.raises(BadArgument, match="not valid JSON"):
        catalogue.read_expressions(tmp_path / "text.json")
    with pytest.raises(BadArgument, match="Cannot read"):
        catalogue.read_expressions(tmp_path / "absent.json")
