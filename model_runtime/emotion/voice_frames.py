"""How a voice sounds, frame by frame (50 Hz): timbre, loudness, pitch. numpy only.

Training and inference share this module. What a stretch of such frames amounts to:
``voice_statistics``.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from ..arrays import BoolArray, FloatArray, RealArray
from ..audio.features import LOG_CENTRE, LOG_SCALE
from .pitch import pitch_track

CEPSTRA = 14
"""Coefficients of the cosine transform over the mel bands, the mean included."""
BANDS = 10
SPEECH_DB = 28.0
"""Decibels under the loud frames (95th percentile) that still count as speech."""
VOICED_STRENGTH = 0.5
"""Periodic share of the power from which a frame counts as voiced."""
SMOOTH_FRAMES = 3


@dataclasses.dataclass(frozen=True)
class VoiceFrames:
    """A voice at 50 frames a second; T frames."""

    cepstrum: FloatArray
    """Shape (T, 14)."""
    bands: FloatArray
    """Log-mel in ten wide bands, shape (T, 10)."""
    loudness: FloatArray
    """Decibels, full-scale sine 0, shape (T,)."""
    pitch: FloatArray
    """Semitones above 100 Hz, shape (T,); means nothing where unvoiced."""
    strength: FloatArray
    """Periodic share of the power, 0 to 1, shape (T,)."""

    def __len__(self) -> int:
        return len(self.loudness)

    def part(self, first: int, stop: int) -> VoiceFrames:
        """Frames ``first`` to ``stop``, as views."""
        return VoiceFrames(*(value[first:stop] for value in vars(self).values()))


def voice_frames(features: FloatArray, samples: FloatArray) -> VoiceFrames:
    """Describe a piece of sound.

    Args:
        features: Log-mel (2 T, M) of ``features.log_mel`` of ``samples``.
        samples: Mono at 16 kHz, level-normalised as for the features.
    """
    mel = features.reshape(len(features) // 2, 2, -1).mean(1)
    power = 10 ** (mel * LOG_SCALE + LOG_CENTRE)
    pitch, strength = pitch_track(samples, len(mel))
    return VoiceFrames(
        cepstrum=mel @ _cosines(mel.shape[1]),
        bands=mel.reshape(len(mel), BANDS, -1).mean(2),
        loudness=(10 * np.log10(power.mean(1) + 1e-8)).astype(np.float32),
        pitch=_median_of_five(pitch),
        strength=strength,
    )


def joined(parts: list[VoiceFrames]) -> VoiceFrames:
    """Pieces of one sound, in order, as one."""
    names = [field.name for field in dataclasses.fields(VoiceFrames)]
    return VoiceFrames(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


def loud_level(voice: VoiceFrames) -> float:
    """Decibels of the loud frames: the 95th percentile."""
    return float(np.percentile(voice.loudness, 95))


def is_speech(voice: VoiceFrames, loud_db: float) -> BoolArray:
    """Which frames are loud enough to be speech, beside ``loud_db``; shape (T,)."""
    level: BoolArray = smooth(voice.loudness) > loud_db - SPEECH_DB
    return level


def is_voiced(voice: VoiceFrames, speech: BoolArray) -> BoolArray:
    """Which frames of speech are voiced, single ones taken away and single gaps closed; (T,)."""
    return speech & (smooth((voice.strength > VOICED_STRENGTH).astype(float)) > 0.5)


def smooth(values: RealArray) -> RealArray:
    """Mean of three frames; the ends are held."""
    padded = np.pad(values, SMOOTH_FRAMES // 2, "edge")
    return np.convolve(padded, np.full(SMOOTH_FRAMES, 1 / SMOOTH_FRAMES), "valid")


def _median_of_five(values: FloatArray) -> FloatArray:
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, 2, "edge"), 5)
    out: FloatArray = np.median(windows, axis=1).astype(np.float32)
    return out


@functools.cache
def _cosines(bands: int) -> FloatArray:
    """Columns of the orthonormal cosine transform, shape (bands, 14)."""
    places = np.arange(bands)[:, None] + 0.5
    waves = np.cos(np.pi * places * np.arange(CEPSTRA) / bands) * np.sqrt(2 / bands)
    out: FloatArray = waves.astype(np.float32)
    return out
