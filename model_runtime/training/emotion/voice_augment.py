"""Distort voices: another vocal tract, tempo, microphone and room. numpy only.

EmoDB has eight speakers and one studio. Without these copies, and without read speech from other
rooms, a classifier takes another microphone for another emotion.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ...arrays import FloatArray
from ...audio.features import LOG_SCALE
from ...config import FeatureConfig
from ...emotion.voice_frames import VoiceFrames, voice_frames

VOCAL_TRACT = 0.14
"""Largest change of the vocal tract's length, natural logarithm: woman to man and back."""
TEMPO = 0.12
PITCH_SEMITONES = 2.0
"""Beside the change of pitch that goes with the vocal tract."""
EQUALISER_DB = 3.0
EQUALISER_KNOTS, NOISE_KNOTS = 6, 4
NOISE_DB = (15.0, 50.0)
"""Signal over noise."""
NOISE_SLOPE_DB = 5.0
SPECTRUM_SHARE = (0.6, 1.1)
"""Share of the difference to another recording's spectrum that is applied."""
SPECTRUM_BANDS = 11
"""Width of the window that smooths that difference: the microphone's, not the sentence's."""
DB_PER_UNIT = 10 * LOG_SCALE


@dataclasses.dataclass(frozen=True)
class VoiceTake:
    """A clip as it was recorded, level-normalised."""

    features: FloatArray
    """Log-mel, shape (2 T, M)."""
    samples: FloatArray
    """Mono at 16 kHz."""


def loud_spectrum(take: VoiceTake) -> FloatArray:
    """Return the mean log-mel spectrum of the louder half of a clip, shape (M,)."""
    level = take.features.mean(axis=1)
    # The louder half is speech; the rest is the room.
    spectrum: FloatArray = take.features[level >= np.median(level)].mean(axis=0)
    return spectrum


def recorded_as(take: VoiceTake, spectrum: FloatArray, rng: np.random.Generator) -> VoiceTake:
    """Return a voice with most of the difference to another recording's spectrum applied.

    What differs between corpora is first of all the microphone. A classifier that hears acted
    voices through one microphone only takes every other one for calm reading.

    Args:
        take: The voice as recorded.
        spectrum: Of the other recording, from :func:`loud_spectrum`.
        rng: Draws how much of the difference is applied.
    """
    window = np.hanning(SPECTRUM_BANDS)
    reach = SPECTRUM_BANDS // 2
    padded = np.pad(spectrum - loud_spectrum(take), reach, mode="edge")
    # Smoothed: formants of the sentence must stay the voice's own.
    difference = np.convolve(padded, window / window.sum(), mode="valid")
    share = rng.uniform(*SPECTRUM_SHARE)
    # Without the mean: the level is normalised elsewhere.
    shift = (share * (difference - difference.mean())).astype(np.float32)
    return dataclasses.replace(take, features=take.features + shift)


def distorted(take: VoiceTake, rng: np.random.Generator) -> VoiceFrames:
    """Return a copy of a voice with another vocal tract, tempo, microphone and noise.

    Args:
        take: The voice as recorded.
        rng: Draws the distortion.
    """
    tract = float(np.exp(rng.uniform(-VOCAL_TRACT, VOCAL_TRACT)))
    snr_db = float(rng.uniform(*NOISE_DB))
    # The vocal tract first: it belongs to the voice, equaliser and noise to the recording.
    mel = _warped(take.features, tract) + _curve(rng, EQUALISER_KNOTS, rng.uniform(0, EQUALISER_DB))
    # Noise relative to the loud bands, as an SNR is meant.
    noise = np.percentile(mel, 95) - snr_db / DB_PER_UNIT + _curve(rng, NOISE_KNOTS, NOISE_SLOPE_DB)
    # Powers add, logarithms do not.
    both = np.log10(10 ** (mel * LOG_SCALE) + 10 ** (noise * LOG_SCALE)) / LOG_SCALE
    voice = voice_frames(both.astype(np.float32), take.samples)
    shift = 12 * np.log2(tract) + rng.uniform(-PITCH_SEMITONES, PITCH_SEMITONES)
    voice = dataclasses.replace(
        voice,
        pitch=voice.pitch + np.float32(shift),
        # Noise lowers the periodicity that pitch strength measures.
        strength=voice.strength * np.float32(1 - 10 ** (-snr_db / 10)),
    )
    tempo = float(np.exp(rng.uniform(-TEMPO, TEMPO)))
    # All streams at one tempo, or pitch and energy would no longer coincide.
    return VoiceFrames(*(_at_tempo(value, tempo) for value in vars(voice).values()))


def _warped(features: FloatArray, factor: float) -> FloatArray:
    """Return the features with the frequency axis stretched by ``factor``; shape as given."""
    config = FeatureConfig()
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (config.low_hz, config.high_hz))
    centres = np.linspace(low, high, config.mel_bands + 2)[1:-1]
    hertz = 700 * (10 ** (centres / 2595) - 1)
    wanted = 2595 * np.log10(1 + hertz * factor / 700)
    # Mel centres are evenly spaced, so a place in mel is a place among bands.
    place = np.clip((wanted - centres[0]) / (centres[1] - centres[0]), 0, len(centres) - 1)
    below = np.minimum(place.astype(int), len(centres) - 2)
    share = (place - below).astype(np.float32)
    out: FloatArray = features[:, below] * (1 - share) + features[:, below + 1] * share
    return out


def _curve(rng: np.random.Generator, knots: int, spread_db: float) -> FloatArray:
    """Return a random smooth curve over the mel bands, feature units, mean about 0, (M,)."""
    bands = FeatureConfig().mel_bands
    walk = np.cumsum(rng.normal(0, 1, knots))
    # Divided by the root of the steps, so that the spread does not grow with the knots.
    walk = (walk - walk.mean()) / np.sqrt(knots) * spread_db / DB_PER_UNIT
    curve = np.interp(np.arange(bands), np.linspace(0, bands - 1, knots), walk)
    out: FloatArray = curve.astype(np.float32)
    return out


def _at_tempo(values: FloatArray, tempo: float) -> FloatArray:
    """Return values played ``tempo`` times as fast, along the first axis."""
    # At least two frames: statistics of change need a difference.
    count = max(2, int(len(values) / tempo))
    place = np.linspace(0, len(values) - 1, count)
    below = np.minimum(place.astype(int), max(0, len(values) - 2))
    above = np.minimum(below + 1, len(values) - 1)
    share = (place - below).astype(np.float32).reshape(-1, *([1] * (values.ndim - 1)))
    out: FloatArray = values[below] * (1 - share) + values[above] * share
    return out
