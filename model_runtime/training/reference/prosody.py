"""Measure loudness, pitch, emphasis and pauses of a clip at the model's frame rate."""

from __future__ import annotations

import dataclasses

import librosa
import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from ...arrays import BoolArray, FloatArray
from ...audio.features import LOG_CENTRE, LOG_SCALE
from .articulation import FRAME_RATE

SAMPLE_RATE = 16_000
HOP = int(SAMPLE_RATE / FRAME_RATE)
SPEECH_DB = 28.0
"""Decibels under the clip's loud frames (95th percentile) that still count as speech."""
EMPHASIS_S = 0.09  # seconds, standard deviation of a brow movement's rise and fall
ACTIVITY_S = 0.22  # seconds, standard deviation of the rise and fall of activity


@dataclasses.dataclass(frozen=True)
class Prosody:
    """Hold the prosody of a clip; all of shape (T,), float32."""

    loudness: FloatArray
    """Standard deviations of loudness from the clip's mean over speech; -2.5 at least."""
    activity: FloatArray
    """0 in long pauses, 1 in running speech, smooth."""
    emphasis: FloatArray
    """0 to about 1.2: peaks where voice is loud and high for the clip, smooth."""
    pitch: FloatArray
    """Smooth pitch in standard deviations of the clip's voiced pitch, 0 where unvoiced for long."""


def prosody_of(samples: FloatArray, frame_count: int) -> Prosody:
    """Return the prosody of a clip.

    Args:
        samples: 16 kHz mono.
        frame_count: T; frame k is centred on k / 50 s.
    """
    decibels = _level_db(samples, frame_count)
    speech = _speech(decibels)
    if not speech.any():
        still = np.zeros(frame_count, np.float32)
        # The least loudness, as in a pause: nothing is opened.
        return Prosody(still - 2.5, still, still, still)
    loudness = _standardised(decibels, speech)
    # The maximum over nine frames bridges stops, whose silence is speech as well.
    activity = gaussian_filter1d(
        maximum_filter1d(speech.astype(float), 9), ACTIVITY_S * FRAME_RATE, mode="nearest"
    )
    # yin gives a pitch for noise too: only frames that are loud enough for a voice count.
    pitch = _pitch(samples, frame_count, speech & (loudness > -0.8))
    raw = np.clip(0.6 * loudness + 0.5 * pitch - 0.35, 0, 2.0) * speech
    emphasis = 1.5 * gaussian_filter1d(raw, EMPHASIS_S * FRAME_RATE, mode="nearest")
    return Prosody(
        *(
            a.astype(np.float32)
            for a in (loudness, np.clip(activity, 0, 1), np.clip(emphasis, 0, 1.3), pitch)
        )
    )


def loudness_of(features: FloatArray) -> FloatArray:
    """Return the loudness of log-mel features (2 T, M) in standard deviations, shape (T,).

    Equals ``Prosody.loudness`` up to the features' resolution, so that labels can be remade from a
    cache, which keeps no audio.
    """
    # Back from the features' normalisation to power.
    power = 10 ** (features.astype(np.float32) * LOG_SCALE + LOG_CENTRE)
    # Two feature rows are one model frame.
    decibels = 10 * np.log10(power.reshape(len(power) // 2, -1).mean(1) + 1e-9)
    return _standardised(decibels, _speech(decibels))


def _speech(decibels: FloatArray) -> BoolArray:
    loud: BoolArray = decibels > np.percentile(decibels, 95) - SPEECH_DB
    # Digital silence has a percentile too: an absolute floor keeps it quiet.
    return loud & (decibels > -70)


def _standardised(decibels: FloatArray, speech: BoolArray) -> FloatArray:
    if not speech.any():
        return np.full(len(decibels), -2.5, np.float32)
    # At least 3 dB, or steady speech would have its noise blown up.
    mean, spread = decibels[speech].mean(), max(float(decibels[speech].std()), 3.0)
    standardised: FloatArray = np.clip((decibels - mean) / spread, -2.5, 2.5).astype(np.float32)
    return standardised


def _level_db(samples: FloatArray, frame_count: int) -> FloatArray:
    # Padded, so that the first and last window are as long as the others.
    padded = np.pad(samples, (HOP, HOP * 2 + max(0, frame_count * HOP - len(samples))))
    # A sum that runs along: each window is one difference, in float64 for the digits.
    power = np.cumsum(np.concatenate([[0.0], padded.astype(np.float64) ** 2]))
    starts = np.arange(frame_count) * HOP
    mean = (power[starts + 2 * HOP] - power[starts]) / (2 * HOP)
    level: FloatArray = (10 * np.log10(mean + 1e-9)).astype(np.float32)
    return level


def _pitch(samples: FloatArray, frame_count: int, voiced: BoolArray) -> FloatArray:
    # The range of speaking voices.
    f0 = librosa.yin(samples, fmin=65, fmax=450, sr=SAMPLE_RATE, frame_length=1024, hop_length=HOP)
    f0 = np.pad(f0, (0, max(0, frame_count - len(f0))), mode="edge")[:frame_count]
    # At the limits yin has found nothing.
    voiced = voiced & (f0 > 70) & (f0 < 440)
    # A median of a few frames says nothing about a voice.
    if voiced.sum() < 10:
        return np.zeros(frame_count, np.float32)
    semitones = 12 * np.log2(f0 / np.median(f0[voiced]))
    # An octave error is twelve semitones; it is cut to nine.
    semitones = np.clip(semitones, -9, 9)
    spread = max(float(semitones[voiced].std()), 1.0)
    weight = gaussian_filter1d(voiced.astype(float), 0.08 * FRAME_RATE)
    # Divided by the weight, so that gaps do not pull the pitch to the mean; the small term lets it
    # fade where no voice is near.
    smooth = gaussian_filter1d(semitones * voiced, 0.08 * FRAME_RATE) / (weight + 0.15)
    out: FloatArray = np.clip(smooth / spread, -2, 2).astype(np.float32)
    return out
