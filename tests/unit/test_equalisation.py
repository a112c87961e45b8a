"""Laws of the colour of a recording: another microphone, a silence, a single vowel."""

from __future__ import annotations

import numpy as np
import pytest

from model_runtime.arrays import FloatArray
from model_runtime.audio.equalisation import (
    BLOCK_FRAMES,
    equalising_shift,
    mean_spectrum,
)
from model_runtime.audio.features import log_mel
from model_runtime.config import FeatureConfig
from tests.fakes.sounds import voice

CONFIG = FeatureConfig()
USUAL = np.linspace(0.5, -0.5, CONFIG.mel_bands).astype(np.float32)


def shift_of(samples: FloatArray, usual: FloatArray = USUAL) -> FloatArray:
    def read(first: int, count: int) -> FloatArray:
        assert 0 <= first <= first + count <= len(samples), "only samples that exist"
        return samples[first : first + count]

    return equalising_shift(read, len(samples), usual, CONFIG)


def syllables(duration_s: float) -> FloatArray:
    """Noise in syllables, heard in every band."""
    count = round(duration_s * CONFIG.sample_rate)
    loudness = 0.5 + 0.5 * np.sin(np.arange(count) / CONFIG.sample_rate * 2 * np.pi * 4)
    noise = np.random.default_rng(5).normal(0, 0.1, count)
    return (noise * loudness).astype(np.float32)


def brighter(samples: FloatArray) -> FloatArray:
    """The same through a microphone that takes the lows away: 6 dB an octave."""
    return np.diff(samples, prepend=np.float32(0)).astype(np.float32)


def test_half_of_what_another_microphone_does_is_taken_away():
    sounds = (syllables(20.0), brighter(syllables(20.0)))
    before = [mean_spectrum(log_mel(sound, CONFIG))[0] for sound in sounds]
    after = [mean_spectrum(log_mel(sound, CONFIG) + shift_of(sound))[0] for sound in sounds]
    apart, left = (np.abs(bright - dull).mean() for dull, bright in (before, after))
    assert apart > 0.1
    assert left == pytest.approx(0.5 * apart, rel=0.15)


def test_speech_of_the_usual_colour_is_heard_as_it_is():
    own, _ = mean_spectrum(log_mel(voice(6.0), CONFIG))
    assert np.abs(shift_of(voice(6.0), own)).max() < 0.05


@pytest.mark.parametrize("count", [0, 1, 100, 16_000])
def test_silence_of_any_length_has_no_colour(count: int):
    assert not shift_of(np.zeros(count, np.float32)).any()


def test_the_shorter_a_sound_the_less_its_colour_counts():
    strengths = [np.abs(shift_of(voice(seconds))).mean() for seconds in (0.2, 1.0, 8.0)]
    assert strengths == sorted(strengths)
    most = 0.5 * 20 / (20 + 100)  # 20 frames; half confidence at 100
    own = mean_spectrum(log_mel(voice(0.2), CONFIG))[0]
    assert strengths[0] <= most * np.abs(USUAL - own).mean() * 1.05


def test_of_a_long_sound_no_more_than_half_a_minute_is_listened_to():
    asked = []
    samples = np.tile(voice(2.0), 300)  # ten minutes

    def read(first: int, count: int) -> FloatArray:
        asked.append((first, count))
        return samples[first : first + count]

    equalising_shift(read, len(samples), USUAL, CONFIG)
    heard = sum(count for _, count in asked)
    assert heard <= 30 * (BLOCK_FRAMES * CONFIG.hop_samples + CONFIG.window_samples)
    assert asked[0][0] == 0
    assert sum(asked[-1]) == len(samples), "the end is listened to as well"
