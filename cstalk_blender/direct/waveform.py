"""Read the peaks of a WAV file for the curve view. No bpy."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import numpy as np

from ..arrays import FloatArray
from ..package import wav

PEAKS_PER_SECOND = 200
"""Finer than the pixels of a screen for clips over ten seconds."""
LARGEST_BYTES = 200 << 20
"""Of a file: a larger one would hold up the viewport; it takes 20 minutes of stereo at 48 kHz."""


@dataclasses.dataclass(frozen=True, eq=False)
class Peaks:
    """The lowest and the highest sample of each interval."""

    low: FloatArray
    """Shape (intervals,), -1 to 0 at full scale."""
    high: FloatArray
    """Shape (intervals,), 0 to 1 at full scale."""
    per_second: float


def peaks_or_none(path: Path) -> Peaks | None:
    """Return the peaks of a WAV file; None for another file, or one that is too large.

    The last files stay in memory until they change.
    """
    try:
        facts = path.stat()
        if not path.is_file() or facts.st_size > LARGEST_BYTES:
            return None
        return _read(path, facts.st_mtime_ns, facts.st_size)
    except (OSError, ValueError):  # WavError is a ValueError
        return None


@functools.lru_cache(maxsize=4)
def _read(path: Path, _changed_at: int, _size: int) -> Peaks:
    with path.open("rb") as stream:
        header = wav.read_header(stream)
        step = max(1, round(header.sample_rate / PEAKS_PER_SECOND))
        lows, highs, rest = [], [], np.zeros(0, np.float32)
        for block in wav.read_blocks(stream, header):
            samples = np.concatenate((rest, np.nan_to_num(block).mean(1, dtype=np.float32)))
            whole = len(samples) // step * step
            parts, rest = samples[:whole].reshape(-1, step), samples[whole:]
            lows.append(parts.min(1))
            highs.append(parts.max(1))
    if len(rest):
        lows.append(rest.min(keepdims=True))
        highs.append(rest.max(keepdims=True))
    none = np.zeros(0, np.float32)
    return Peaks(
        np.minimum(np.concatenate([none, *lows]), 0),
        np.maximum(np.concatenate([none, *highs]), 0),
        header.sample_rate / step,
    )
