"""Find rectangular pulses, and measure the speed of curves (``shared/docs/face.md``, 3 a)."""

from __future__ import annotations

import numpy as np

from ...arrays import BoolArray, DoubleArray

HIGH, LOW = 0.95, 0.3
"""A pulse holds over the first and is under the second shortly before and after."""
FLANK_S = 0.080


def pulse_count(values: DoubleArray, *, fps: float) -> int:
    """Count rectangular pulses: runs of a channel at 0.95 or more that rise and fall in 80 ms.

    Args:
        values: Shape (frames, channels).
        fps: Frames a second.
    """
    reach = round(FLANK_S * fps)
    return sum(_pulses(values[:, column], reach) for column in range(values.shape[1]))


def speeds(values: DoubleArray, *, fps: float) -> DoubleArray:
    """Return the absolute change a second of every channel, shape (frames - 1, channels).

    Args:
        values: Shape (frames, channels).
        fps: Frames a second.
    """
    return np.asarray(np.abs(np.diff(values, axis=0)) * fps)


def over_one(raw: DoubleArray) -> BoolArray:
    """Return in which frames some channel of unbounded curves is above 1, shape (frames,).

    Args:
        raw: Output of the network before bounds, shape (frames, channels).
    """
    return np.asarray((raw > 1.0).any(axis=1))


def _pulses(series: DoubleArray, reach: int) -> int:
    # A run at the start or end of a clip has an edge there.
    high = np.concatenate([[False], series >= HIGH, [False]])
    edges = np.flatnonzero(np.diff(high.astype(np.int8)))
    count = 0
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        # Cut at the start: a negative index would read from the end.
        before, after = series[max(0, start - reach) : start], series[stop : stop + reach]
        # Both flanks: a closure that is held long is none.
        count += bool((before < LOW).any() and (after < LOW).any())
    return count
