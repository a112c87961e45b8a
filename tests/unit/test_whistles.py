"""Laws of sounds above the voice: birds and whistles move no lips, speech beside them does."""

from __future__ import annotations

import numpy as np

from model_runtime.audio.features import log_mel
from model_runtime.audio.whistles import whistle_powers
from model_runtime.config import FeatureConfig
from model_runtime.postprocess.stillness import without_whistles

CONFIG = FeatureConfig()
TIMES_S = np.arange(2 * 16_000) / 16_000


def share(samples: np.ndarray) -> float:
    """Share of whistles in the power of a sound."""
    powers = whistle_powers(log_mel(samples.astype(np.float32), CONFIG), CONFIG)
    return float(powers[:, 0].sum() / powers[:, 1].sum())


def test_a_glide_of_a_bird_is_a_whistle() -> None:
    phase = 2 * np.pi * np.cumsum(np.linspace(2500, 5500, len(TIMES_S))) / 16_000
    assert share(0.1 * np.sin(phase)) > 0.9


def test_a_voice_and_its_hiss_are_none() -> None:
    voice = sum(np.sin(2 * np.pi * 200 * k * TIMES_S) / k for k in range(1, 30))
    hiss = np.random.default_rng(1).standard_normal(len(TIMES_S))
    assert share(0.1 * voice) < 0.2
    assert share(0.05 * hiss) < 0.4


def test_the_powers_of_a_frame_are_in_order() -> None:
    features = np.random.default_rng(2).uniform(-2, 2, (40, 80)).astype(np.float32)
    powers = whistle_powers(features, CONFIG)
    assert powers.shape == (20, 2)
    assert (powers[:, 0] <= powers[:, 1]).all()


def test_whistles_alone_still_the_lips_and_silence_does_not() -> None:
    alone = np.tile(np.array([[0.95, 1.0]], np.float32), (200, 1))
    assert (without_whistles(alone, 50.0) == 0).all()
    assert (without_whistles(np.zeros((200, 2), np.float32), 50.0) == 1).all()
    assert without_whistles(np.zeros((0, 2), np.float32), 50.0).shape == (0,)


def test_speech_beside_a_whistle_keeps_its_motion_and_the_gate_has_no_step() -> None:
    powers = np.tile(np.array([[0.95, 1.0]], np.float32), (400, 1))
    powers[150:250] = (1.0, 4.0)  # a voice, 5 dB louder than the bird
    gate = without_whistles(powers, 50.0)
    assert (gate[150:250] == 1).all()
    assert gate[:100].max() == 0
    assert np.abs(np.diff(gate)).max() < 0.35
