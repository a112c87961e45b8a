"""Laws of spectral equalisation: another microphone, silence, a single vowel."""

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
REFERENCE = np.linspace(0.5, -0.5, CONFIG.mel_bands).astype(np.float32)


def shift_of(samples: FloatArray, reference: FloatArray = REFERENCE) -> FloatArray:
    def read(first: int, count: int) -> FloatArray:
        assert 0 <= first <= first + count <= len(samples), "only samples that exist"
        return samples[first : first + count]

    return equalising_shift(read, len(samples), reference, CONFIG)


def syllables(duration_s: float) -> FloatArray:
    """Noise in syllables, with power in every band."""
    count = round(duration_s * CONFIG.sample_rate)
    loudness = 0.5 + 0.5 * np.sin(np.arange(count) / CONFIG.sample_rate * 2 * np.pi * 4)
    noise = np.random.default_rng(5).normal(0, 0.1, count)
    return (noise * loudness).astype(np.float32)


def brighter(samples: FloatArray) -> FloatArray:
    """The same through a microphone that takes the lows away: 6 dB an octave."""
    return np.diff(samples, prepend=np.float32(0)).astype(np.float32)


def test_half_of_the_difference_of_another_microphone_is_removed():
    sounds = (syllables(20.0), brighter(syllables(20.0)))
    before = [mean_spectrum(log_mel(sound, CONFIG))[0] for sound in sounds]
    after = [mean_spectrum(log_mel(sound, CONFIG) + shift_of(sound))[0] for sound in sounds]
    apart, left = (np.abs(bright - dull).mean() for dull, bright in (before, after))
    assert apart > 0.1
    assert left == pytest.approx(0.5 * apart, rel=0.15)


def test_speech_with_the_reference_spectrum_is_not_changed():
    own, _ = mean_spectrum(log_mel(voice(6.0), CONFIG))
    assert np.abs(shift_of(voice(6.0), own)).max() < 0.05


@pytest.mark.parametrize("count", [0, 1, 100, 16_000])
def test_silence_of_any_length_is_not_equalised(count: int):
    assert not shift_of(np.zeros(count, np.float32)).any()


def test_the_shorter_a_clip_the_less_it_is_equalised():
    strengths = [np.abs(shift_of(voice(seconds))).mean() for seconds in (0.2, 1.0, 8.0)]
    assert strengths == sorted(strengths)
    most = 0.5 * 20 / (20 + 100)  # 20 frames; half confidence at 100
    own = mean_spectrum(log_mel(voice(0.2), CONFIG))[0]
    assert strengths[0] <= most * np.abs(REFERENCE - own).mean() * 1.05


def test_of_a_long_clip_at_most_half_a_minute_is_analysed():
    asked = []
    samples = np.tile(voice(2.0), 300)  # ten minutes

    def read(first: int, count: int) -> FloatArray:
        asked.append((first, count))
        return samples[first : first + count]

    equalising_shift(read, len(samples), REFERENCE, CONFIG)
    analysed = sum(count for _, count in asked)
    assert analysed <= 30 * (BLOCK_FRAMES * CONFIG.hop_samples + CONFIG.window_samples)
    assert asked[0][0] == 0
    assert sum(asked[-1]) == len(samples), "the end is analysed as well"


def test_a_few_words_in_room_tone_are_equalised_as_the_words() -> None:
    room = (0.002 * np.random.default_rng(3).standard_normal(120 * 16_000)).astype(np.float32)
    clip = room.copy()
    words = slice(60 * 16_000, 66 * 16_000)
    clip[words] += syllables(6.0)

    def read(first: int, count: int) -> FloatArray:
        return clip[first : first + count]

    def has_speech(first: int, stop: int) -> bool:
        return first < words.stop and stop > words.start

    shift = equalising_shift(read, len(clip), REFERENCE, CONFIG, has_speech)
    np.testing.assert_allclose(shift, shift_of(clip[words]), atol=0.05)
