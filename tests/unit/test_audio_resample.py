"""Laws of the sample-rate conversion."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model_runtime.audio.resample import Resampler
from tests.fakes.sounds import voice

RATES = [8000, 11_025, 22_050, 22_051, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000]


def resample(samples: np.ndarray, rate: int, target: int = 16_000) -> np.ndarray:
    resampler = Resampler(rate, target)
    return np.concatenate([resampler.push(samples), resampler.flush()])


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_keeps_its_frequency_phase_and_height(rate: int) -> None:
    source, target = np.arange(rate) / rate, np.arange(16_000) / 16_000
    tone = np.sin(2 * np.pi * 1234 * source + 1).astype(np.float32)
    out = resample(tone, rate)
    inner = slice(500, -500)
    np.testing.assert_allclose(out[inner], np.sin(2 * np.pi * 1234 * target + 1)[inner], atol=1e-4)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("count", [1, 777, 12_345])
def test_the_length_is_rounded_up(rate: int, count: int) -> None:
    assert len(resample(np.ones(count, np.float32), rate)) == math.ceil(count * 16_000 / rate)


@pytest.mark.parametrize("rate", [8000, 22_051, 44_100, 48_000])
def test_any_cutting_into_blocks_equals_the_whole(rate: int) -> None:
    samples, random = voice(1.5, rate=rate), np.random.default_rng(3)
    cuts = np.sort(random.integers(0, len(samples), 40))
    resampler = Resampler(rate, 16_000)
    parts = [resampler.push(part) for part in np.split(samples, cuts)]
    streamed = np.concatenate([*parts, resampler.flush()])
    np.testing.assert_allclose(streamed, resample(samples, rate), atol=2e-6)


@pytest.mark.parametrize("rate", [24_000, 44_100, 96_000])
def test_what_the_target_cannot_hold_is_gone_and_does_not_fold(rate: int) -> None:
    tone = np.sin(2 * np.pi * 9000 * np.arange(rate) / rate).astype(np.float32)
    assert np.abs(resample(tone, rate)[500:-500]).max() < 3e-4  # -70 dB


def test_equal_rates_pass_bit_by_bit() -> None:
    samples = voice(0.3)
    np.testing.assert_array_equal(resample(samples, 16_000), samples)


def test_scipy_agrees() -> None:
    signal = pytest.importorskip("scipy.signal")
    samples = voice(1, rate=44_100)
    reference = signal.resample_poly(samples.astype(np.float64), 160, 441, window=("kaiser", 12.0))
    out = resample(samples, 44_100)
    assert len(out) == len(reference)
    error = np.sqrt(np.mean((out - reference)[500:-500] ** 2))
    assert error < 0.01 * samples.std()
