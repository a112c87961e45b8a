"""Fit curves with few Bezier keys within a bounded error, aligned within a region. numpy only.

Between two keys the handles stand at thirds of the interval, so Blender's Bezier is a cubic
polynomial of time and its two free values follow from linear least squares (Schneider 1990, "An
Algorithm for Automatically Fitting Digitized Curves", without its reparametrisation, which thirds
make needless).
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array

# Far below what is seen.
FLAT = 1e-5
"""A curve that varies by less gets a single key."""
LONGEST_FRAMES = 120
"""An interval is never longer, so that one edit does not bend two seconds of a face."""


@dataclasses.dataclass(frozen=True)
class FittedCurve:
    """Keys of one channel."""

    frames: NDArray[np.int64]
    """Index of the sample at each key, ascending, shape (K,)."""
    values: Array
    """Value at each key: that of the sample itself, shape (K,)."""
    left: Array
    """Value of the left handle, a third of the interval before the key, shape (K,)."""
    right: Array
    """Value of the right handle, a third of the interval after the key, shape (K,)."""
    error: float
    """Largest deviation from the samples."""


def fit_region(values: Array, *, tolerance: float, exact: Sequence[int] = ()) -> list[FittedCurve]:
    """Fit the channels of a region with keys on common frames.

    Args:
        values: Samples, one a frame, shape (frames, channels); a channel's range is its own.
        tolerance: Largest deviation, as a share of 1 (the range of a shape key).
        exact: Samples that get a key in every channel that moves, as closures of the lips.

    Returns:
        One curve a channel. A channel uses those of the common frames that it needs; a flat one has
        a single key.

    Raises:
        ValueError: No frames, or a tolerance that is not positive.
    """
    if not len(values) or tolerance <= 0:
        raise ValueError(f"{len(values)} frames with a tolerance of {tolerance}")
    moving = [c for c in range(values.shape[1]) if np.ptp(values[:, c]) > FLAT]
    # The ends are held, so that the curve has its first and last value exactly.
    held = sorted({0, len(values) - 1, *(f for f in exact if 0 <= f < len(values))})
    common = _common_frames(values[:, moving], held, tolerance) if moving else []
    return [
        _fit_channel(values[:, c], common, set(held), tolerance)
        if c in moving
        else _flat(values, c)
        for c in range(values.shape[1])
    ]


def fit_stretch(
    values: Array,
    held: Sequence[int],
    stretches: Sequence[tuple[int, int]],
    *,
    exact: Sequence[int],
    tolerance: float,
) -> list[FittedCurve]:
    """Fit each channel between two samples, with keys on common frames.

    Args:
        values: Samples, one a frame, shape (frames, channels); a channel's range is its own.
        held: Samples that common frames include, ascending: at least the ends of all stretches.
        stretches: First and last sample of each channel, at which it gets a key.
        exact: Samples that get a key in the channels whose stretch they lie in.
        tolerance: Largest deviation, as a share of 1.

    Returns:
        One curve a channel, whose keys lie within its stretch; errors are not measured.
    """
    common = _common_frames(values, held, tolerance) if stretches else []
    out = []
    for channel, (first, last) in enumerate(stretches):
        inside = [frame for frame in common if first <= frame <= last]
        frames = _channel_frames(values[:, channel], inside, {last, *exact}, tolerance)
        out.append(_with_handles(values[:, channel], frames))
    return out


def scaled(curve: FittedCurve, factor: float) -> FittedCurve:
    """Return a fitted curve with all its values multiplied.

    Args:
        curve: From ``fit_region``.
        factor: Any number but 0; the error stays that of the unscaled curve.
    """
    return dataclasses.replace(
        curve,
        values=curve.values * factor,
        left=curve.left * factor,
        right=curve.right * factor,
    )


def evaluate(curve: FittedCurve, count: int) -> Array:
    """Return the values of a fitted curve at the samples 0 to ``count`` - 1, as Blender has them.

    Args:
        curve: From ``fit_region``.
        count: Samples wanted.
    """
    out = np.empty(count)
    frames = curve.frames
    # Before the first key and after the last Blender holds the value.
    out[: frames[0]] = curve.values[0]
    out[frames[-1] :] = curve.values[-1]
    for k in range(len(frames) - 1):
        first, last = int(frames[k]), int(frames[k + 1])
        t = np.arange(last - first + 1) / (last - first)
        corners = (curve.values[k], curve.right[k], curve.left[k + 1], curve.values[k + 1])
        out[first : last + 1] = _bezier(t, *corners)
    return out


# Common frames: an animator moves a pose as one, and a pose is keys on one frame.
def _common_frames(values: Array, held: Sequence[int], tolerance: float) -> list[int]:
    """Frames at which some channel of the region needs a key."""
    found = set(held)
    waiting = list(itertools.pairwise(held))
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        # Half rather than at an extreme: the interval is long, not badly fitted.
        if last - first > LONGEST_FRAMES:
            split = (first + last) // 2
        else:
            errors = _segment_errors(values, first, last)
            if errors.max() <= tolerance:
                continue
            split = first + _split_of(values[first : last + 1], errors)
        found.add(split)
        waiting += [(first, split), (split, last)]
    return sorted(found)


def _split_of(values: Array, errors: Array) -> int:
    """Return where to split: at an extreme near the largest error, since poses are extremes."""
    worst = int(errors.max(1).argmax())
    channel = int(errors[worst].argmax())
    # Near the error, but not at its end: a sixth of the interval on each side.
    reach = max(1, len(values) // 6)
    low, high = max(1, worst - reach), min(len(values) - 1, worst + reach + 1)
    curve = values[:, channel]
    inner = np.arange(low, high)
    rising, falling = curve[inner] - curve[inner - 1], curve[inner + 1 - (inner + 1 == len(curve))]
    turns = rising * (falling - curve[inner]) < 0
    if turns.any():
        extremes = inner[turns]
        return int(extremes[np.abs(extremes - worst).argmin()])
    return int(np.clip(worst, 1, len(values) - 2))


def _segment_errors(values: Array, first: int, last: int) -> Array:
    """Deviation of the best cubic between two samples, shape (frames, channels)."""
    errors: Array = np.abs(_cubic_of(last - first + 1).residual @ values[first : last + 1])
    return errors


@dataclasses.dataclass(frozen=True)
class _Cubic:
    """Least-squares fit of one interval, as matrices that depend on its length alone."""

    handles: Array
    """Samples to the values of the two handles, shape (2, n)."""
    residual: Array
    """Samples to their deviations from the fit, shape (n, n)."""


# Cached by length: a clip has few different lengths and thousands of intervals.
@functools.lru_cache(maxsize=2 * LONGEST_FRAMES)
def _cubic_of(count: int) -> _Cubic:
    t = np.linspace(0, 1, count)
    ends = np.zeros((count, count))
    # Bernstein polynomials of a cubic; the end values are fixed, the handles are free.
    ends[:, 0] += (1 - t) ** 3
    ends[:, -1] += t**3
    basis = np.stack([3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t)], 1)
    # The minimum-norm solution about the straight line: with a single inner sample both handles
    # move alike, with none they stay on the line.
    line = np.zeros((2, count))
    line[:, 0], line[:, -1] = (2 / 3, 1 / 3), (1 / 3, 2 / 3)
    rest = np.eye(count) - ends - basis @ line
    handles = line + np.linalg.pinv(basis, rcond=1e-9) @ rest
    return _Cubic(handles, np.eye(count) - ends - basis @ handles)


def _fit_channel(
    curve: Array, common: Sequence[int], held: set[int], tolerance: float
) -> FittedCurve:
    return _measured(_with_handles(curve, _channel_frames(curve, common, held, tolerance)), curve)


def _channel_frames(
    curve: Array, common: Sequence[int], held: Collection[int], tolerance: float
) -> list[int]:
    """Return a part of the common frames: each interval as long as it may be."""
    column = curve[:, None]
    frames = [common[0]]
    position = 0
    while position < len(common) - 1:
        reach = position + 1
        # Greedy: each interval as long as the tolerance allows.
        while (
            reach + 1 < len(common)
            and common[reach] not in held
            and common[reach + 1] - common[position] <= LONGEST_FRAMES
            and _segment_errors(column, common[position], common[reach + 1]).max() <= tolerance
        ):
            reach += 1
        frames.append(common[reach])
        position = reach
    return frames


def _with_handles(curve: Array, frames: Sequence[int]) -> FittedCurve:
    values = curve[list(frames)]
    left, right = values.copy(), values.copy()
    for k in range(len(frames) - 1):
        part = curve[frames[k] : frames[k + 1] + 1]
        right[k], left[k + 1] = _cubic_of(len(part)).handles @ part
    return FittedCurve(np.array(frames), values, left, right, 0.0)


def _measured(fitted: FittedCurve, curve: Array) -> FittedCurve:
    # Measured on the finished curve, not summed from the parts.
    error = float(np.abs(evaluate(fitted, len(curve)) - curve).max())
    return dataclasses.replace(fitted, error=error)


def _flat(values: Array, channel: int) -> FittedCurve:
    # The median, as a single outlier must not move a channel at rest.
    value = np.array([float(np.median(values[:, channel]))])
    error = float(np.abs(values[:, channel] - value[0]).max())
    return FittedCurve(np.array([0]), value, value, value, error)


def _bezier(t: Array, start: Array, right: Array, left: Array, end: Array) -> Array:
    s = 1 - t
    value: Array = s**3 * start + 3 * s**2 * t * right + 3 * s * t**2 * left + t**3 * end
    return value
