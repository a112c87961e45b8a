"""Laws of acting an emotion, on the shipped generator: how much of it, and how it changes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_runtime.checkpoint.folder import default_checkpoint, load_checkpoint
from model_runtime.choices import EMOTIONS
from model_runtime.emotion.detect import DetectedEmotion
from model_runtime.emotion.keys import CROSS_FADE_S
from model_runtime.engines.numpy_engine import NumpyEngine
from model_runtime.generate import perform
from model_runtime.protocol import EmotionKey, Generate, Performance, Result, decode, encode
from model_runtime.worker.warm_engine import WarmEngine
from tests.conftest import ROOT

LINE = ROOT / "demo" / "speech" / "line.wav"
MOODS = EMOTIONS[1:]
INTENSITIES = (0.25, 0.5, 0.75, 1.0)
CHANGE_S = 2.4
STEEPEST = np.pi / 2 / CROSS_FADE_S
"""Share of the way that the cross-fade goes in a second, where it is steepest."""


@pytest.fixture(scope="module")
def engine() -> NumpyEngine:
    return NumpyEngine(load_checkpoint(default_checkpoint()))


@pytest.fixture(scope="module")
def acted(engine: NumpyEngine) -> Any:
    """Curves (frames, channels) of a short piece of the demo's line under some emotion keys."""
    piece = Performance(LINE, blink=False, duration_s=2 * CHANGE_S)
    known: dict[Any, Any] = {}

    def act(*keys: tuple[float, str, float]) -> Any:
        if keys not in known:
            asked = dataclasses.replace(piece, emotion_keys=tuple(EmotionKey(*k) for k in keys))
            known[keys] = perform(asked, engine).values
        return known[keys]

    return act


@pytest.mark.parametrize("mood", MOODS)
def test_intensity_0_is_neutral_to_the_bit(acted: Any, mood: str) -> None:
    np.testing.assert_array_equal(acted((0.0, mood, 0.0)), acted((0.0, "neutral", 1.0)))


@pytest.mark.parametrize("mood", MOODS)
def test_more_intensity_is_more_of_the_emotion(acted: Any, mood: str) -> None:
    neutral = acted((0.0, "neutral", 0.0))
    away = [float(np.abs(acted((0.0, mood, i)) - neutral).mean()) for i in INTENSITIES]
    assert away[0] > 0
    assert away == sorted(away)
    # and it is the same face, only more of it
    full = (acted((0.0, mood, 1.0)) - neutral).mean(0)
    half = (acted((0.0, mood, 0.5)) - neutral).mean(0)
    assert float(full @ half) > 0.8 * float(np.linalg.norm(full) * np.linalg.norm(half))


@pytest.mark.parametrize("pair", [("happy", "sad"), ("angry", "surprised"), ("neutral", "fearful")])
def test_an_emotion_changes_over_time_without_a_jump(
    engine: NumpyEngine, acted: Any, pair: tuple[str, str]
) -> None:
    first, second = (acted((0.0, mood, 1.0)) for mood in pair)
    mixed = acted((0.0, pair[0], 1.0), (CHANGE_S, pair[1], 1.0))
    steady = max(np.abs(np.diff(values, axis=0)).max() for values in (first, second))
    fade = np.abs(first - second).max() * STEEPEST / 60
    assert np.abs(np.diff(mixed, axis=0)).max() <= steady + 1.5 * fade
    # long before and long after the change each emotion stands alone
    reach = CROSS_FADE_S / 2 + engine.config.context_frames / engine.config.frame_rate
    before, after = round((CHANGE_S - reach) * 60), round((CHANGE_S + reach) * 60) + 1
    assert before > 30
    np.testing.assert_allclose(mixed[:before], first[:before], atol=1e-4)
    np.testing.assert_allclose(mixed[after:], second[after:], atol=1e-4)


def test_auto_generates_the_detected_emotion_as_if_it_were_requested(
    engine: NumpyEngine, acted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = DetectedEmotion(
        (EmotionKey(0.0, "angry", 0.8),), "angry", 0.8, {"neutral": 0.1, "angry": 0.9}
    )
    monkeypatch.setattr("model_runtime.generate.detect_emotion", lambda *_, **__: heard)
    asked = Performance(
        LINE, blink=False, duration_s=2 * CHANGE_S, emotion_keys=(EmotionKey(0.0, "auto", 0.5),)
    )
    track = perform(asked, engine)
    np.testing.assert_array_equal(track.values, acted((0.0, "angry", 0.4)))
    assert track.detected_title == "angry 0.8"
    assert track.request["emotion_keys"][0]["emotion"] == "auto"


def test_the_result_of_the_worker_reports_the_detected_emotion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = (EmotionKey(0.0, "angry", 0.8), EmotionKey(2.0, "neutral", 0.0))
    heard = DetectedEmotion(keys, "angry", 0.8, {"neutral": 0.1, "angry": 0.9})
    monkeypatch.setattr("model_runtime.generate.detect_emotion", lambda *_, **__: heard)
    warm = WarmEngine(engine="numpy", device="cpu", model="")

    def answer(mood: str) -> Result:
        performance = Performance(LINE, 30.0, (EmotionKey(0.0, mood, 0.5),), duration_s=0.5)
        request = Generate("one", str(tmp_path), performance)
        return warm.answer(request, progress=lambda *_: None, cancelled=lambda: False)

    asked, chosen = answer("auto"), answer("happy")
    assert (asked.heard, asked.emotion_keys) == ("angry 0.8", keys)
    assert (chosen.heard, chosen.emotion_keys) == ("", ())
    assert decode(encode(asked)) == asked
