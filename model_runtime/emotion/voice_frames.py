"""Compute timbre, loudness and pitch of a voice, 50 frames a second. numpy only.

Shared by training and inference. ``voice_statistics`` summarises a stretch of such frames.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from ..arrays import BoolArray, FloatArray, RealArray
from ..audio.features import LOG_CENTRE, LOG_SCALE
from .pitch import pitch_track

CEPSTRA = 14
"""Coefficients of the cosine transform over the mel bands, including the mean."""
BANDS = 10
SPEECH_DB = 28.0
"""Frames down to this level below the loud frames (95th percentile) count as speech, dB."""
VOICED_STRENGTH = 0.5
"""Frames with a larger periodic share of the power count as voiced."""
SMOOTH_FRAMES = 3


@dataclasses.dataclass(frozen=True)
class VoiceFrames:
    """Description of T frames (50 Hz) of a voice."""

    cepstrum: FloatArray
    """Shape (T, 14)."""
    bands: FloatArray
    """Log-mel in ten wide bands, shape (T, 10)."""
    loudness: FloatArray
    """Level in dB relative to a full-scale sine, shape (T,)."""
    pitch: FloatArray
    """Semitones above 100 Hz, shape (T,); meaningless in unvoiced frames."""
    strength: FloatArray
    """Periodic share of the power, 0 to 1, shape (T,)."""

    def __len__(self) -> int:
        return len(self.loudness)

    def part(self, first: int, stop: int) -> VoiceFrames:
        """Return the frames from ``first`` to before ``stop``, as views."""
        return VoiceFrames(*(value[first:stop] for value in vars(self).values()))


def voice_frames(features: FloatArray, samples: FloatArray) -> VoiceFrames:
    """Compute the voice frames of a piece of audio.

    Args:
        features: Log-mel features of ``samples``, shape (2 T, M).
        samples: Mono at 16 kHz, levelled as for the features.
    """
    # Two feature frames make a voice frame.
    mel = features.reshape(len(features) // 2, 2, -1).mean(1)
    power = 10 ** (mel * LOG_SCALE + LOG_CENTRE)
    pitch, strength = pitch_track(samples, len(mel))
    return VoiceFrames(
        cepstrum=mel @ _cosines(mel.shape[1]),
        bands=mel.reshape(len(mel), BANDS, -1).mean(2),
        # 1e-8: digital silence has a level as well.
        loudness=(10 * np.log10(power.mean(1) + 1e-8)).astype(np.float32),
        pitch=_median_of_five(pitch),
        strength=strength,
    )


def joined(parts: list[VoiceFrames]) -> VoiceFrames:
    """Concatenate consecutive parts of one clip."""
    names = [field.name for field in dataclasses.fields(VoiceFrames)]
    return VoiceFrames(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


def loud_level(voice: VoiceFrames) -> float:
    """Return the level of the loud frames, dB: the 95th percentile."""
    return float(np.percentile(voice.loudness, 95))


def is_speech(voice: VoiceFrames, loud_db: float) -> BoolArray:
    """Return which frames count as speech, shape (T,).

    Args:
        voice: Voice frames.
        loud_db: Level of the loud frames, dB; ``SPEECH_DB`` below it speech ends.
    """
    level: BoolArray = smooth(voice.loudness) > loud_db - SPEECH_DB
    return level


def is_voiced(voice: VoiceFrames, speech: BoolArray) -> BoolArray:
    """Return which frames of speech are voiced, without single-frame runs and gaps; (T,).

    Args:
        voice: Voice frames.
        speech: Which frames count as speech, shape (T,).
    """
    # Single frames are errors of the pitch tracker.
    return speech & (smooth((voice.strength > VOICED_STRENGTH).astype(float)) > 0.5)


def smooth(values: RealArray) -> RealArray:
    """Return the moving average over three frames; the end values are repeated."""
    padded = np.pad(values, SMOOTH_FRAMES // 2, "edge")
    return np.convolve(padded, np.full(SMOOTH_FRAMES, 1 / SMOOTH_FRAMES), "valid")


def _median_of_five(values: FloatArray) -> FloatArray:
    # The median removes octave errors of a frame or two.
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, 2, "edge"), 5)
    out: FloatArray = np.median(windows, axis=1).astype(np.float32)
    return out


@functools.cache
def _cosines(bands: int) -> FloatArray:
    """Return the columns of the orthonormal cosine transform, shape (bands, 14)."""
    places = np.arange(bands)[:, None] + 0.5
    # Orthonormal, so that coefficients are on one scale.
    waves = np.cos(np.pi * places * np.arange(CEPSTRA) / bands) * np.sqrt(2 / bands)
    out: FloatArray = waves.astype(np.float32)
    return out
