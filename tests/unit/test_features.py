"""Laws of the log-mel features."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model_runtime.audio.features import frame_count, log_mel, log_mel_range
from model_runtime.config import FeatureConfig
from tests.fakes.sounds import RATE, voice

CONFIG = FeatureConfig()


@pytest.mark.parametrize("samples", [1, 159, 160, 161, 320, 321, 1600, 16_001])
def test_frames_are_even_and_cover_the_sound(samples: int) -> None:
    features = log_mel(np.zeros(samples, np.float32), CONFIG)
    assert features.shape == (2 * math.ceil(samples / 320), 80)
    assert features.dtype == np.float32


def test_silence_is_minus_two_and_a_full_scale_sine_is_two() -> None:
    sine = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    assert np.all(log_mel(np.zeros(RATE, np.float32), CONFIG) == -2)
    assert log_mel(sine, CONFIG)[10:-10].max() == pytest.approx(2, abs=0.1)


def test_speech_at_the_target_level_stays_within_two() -> None:
    features = log_mel(voice(3, level=0.07), CONFIG)
    assert features.min() >= -2
    assert features.max() <= 2
    assert features.std() > 0.3


def test_a_frame_is_the_spectrum_of_the_window_centred_on_its_time() -> None:
    samples = voice(1)
    frame = 37
    begin = frame * 160 - 200
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    power = np.abs(np.fft.rfft(samples[begin : begin + 400] * hann, 512) / (hann.sum() / 2)) ** 2
    mel = 2595 * np.log10(1 + np.array([50.0, 7600.0]) / 700)
    edges = 700 * (10 ** (np.linspace(*mel, 82) / 2595) - 1)
    expected = [
        np.log10(sum(power * np.interp(np.arange(257) * 31.25, edges[i : i + 3], [0, 1, 0])) + 1e-6)
        for i in range(80)
    ]
    np.testing.assert_allclose(
        log_mel(samples, CONFIG)[frame], (np.array(expected) + 3) / 1.5, atol=1e-4
    )


@pytest.mark.parametrize("first, frames", [(0, 7), (13, 50), (150, 50), (190, 30)])
def test_any_range_equals_the_whole(first: int, frames: int) -> None:
    samples = voice(2)
    whole = log_mel(np.pad(samples, (0, RATE)), CONFIG)
    part = log_mel_range(
        lambda at, count: samples[at : at + count],
        len(samples),
        first_frame=first,
        frames=frames,
        config=CONFIG,
    )
    np.testing.assert_allclose(part, whole[first : first + frames], atol=1e-5)


def test_only_samples_that_exist_are_asked_for() -> None:
    samples = voice(0.5)
    asked: list[tuple[int, int]] = []

    def read(first: int, count: int) -> np.ndarray:
        asked.append((first, first + count))
        return samples[first : first + count]

    count = frame_count(len(samples), CONFIG)
    log_mel_range(read, len(samples), first_frame=0, frames=count, config=CONFIG)
    assert min(first for first, _ in asked) == 0
    assert max(stop for _, stop in asked) == len(samples)
