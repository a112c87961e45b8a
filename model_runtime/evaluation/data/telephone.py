"""Write clips as they sound through a telephone: 300-3400 Hz at 8 kHz, mu-law in 8 bits."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ...arrays import DoubleArray
from ...audio.store import SAMPLE_RATE, load_speech
from .clips import SpokenClip
from .sounds import write_wav

BAND_HZ: Final = (300.0, 3400.0)  # ITU-T G.712
MU = 255.0  # ITU-T G.711
LEVELS = 128  # of each sign


def telephone_clips(clips: Sequence[SpokenClip], folder: Path) -> tuple[SpokenClip, ...]:
    """Write each clip through a telephone and return the new clips, names and phones unchanged.

    Args:
        clips: Speech.
        folder: An existing folder for the WAV files.
    """
    answer = []
    for clip in clips:
        path = folder / f"telephone-{clip.name}.wav"
        write_wav(path, through_telephone(load_speech(clip.path).samples).astype(np.float32))
        answer.append(dataclasses.replace(clip, path=path))
    return tuple(answer)


def through_telephone(samples: np.ndarray) -> DoubleArray:
    """Return 16 kHz samples within [-1, 1] as a telephone transmits them, shape unchanged."""
    spectrum = np.fft.rfft(samples.astype(np.float64))
    frequencies = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    spectrum[(frequencies < BAND_HZ[0]) | (frequencies > BAND_HZ[1])] = 0
    band = np.fft.irfft(spectrum, len(samples))
    peak = max(float(np.abs(band).max()), 1e-9)
    compressed = np.sign(band) * np.log1p(MU * np.abs(band / peak)) / np.log1p(MU)
    # Rounded after companding: quiet sounds keep their resolution.
    coded = np.round(compressed * LEVELS) / LEVELS
    return np.asarray(np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(MU)) / MU * peak)
