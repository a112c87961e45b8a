"""Fit again only the stretch of a curve that changed; other keys stay to the bit. numpy only."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from .few_keys import FittedCurve, evaluate, fit_stretch, scaled


@dataclasses.dataclass(frozen=True, eq=False)
class EarlierFit:
    """Keys that a curve has, and what changed since they were fitted."""

    keys: FittedCurve
    """Keys in the values of the property, not scaled."""
    changed: tuple[int, int] | None
    """First and last sample with another value; None without any."""


def changed_range_or_none(
    before: NDArray[np.float16], after: NDArray[np.float16]
) -> tuple[int, int] | None:
    """Return the first and the last sample that differ; None where all are equal.

    Args:
        before: Shape (samples,).
        after: Shape (samples,).
    """
    places = np.flatnonzero(before != after)
    return (int(places[0]), int(places[-1])) if len(places) else None


def splice_region(
    values: Array,
    scales: Sequence[float],
    earlier: Sequence[EarlierFit],
    *,
    tolerance: float,
    exact: Sequence[int] = (),
) -> list[FittedCurve]:
    """Fit the changed stretches of the channels of a region, with keys on common frames.

    Keys before and after the stretch of a channel are those it had. The samples beside the stretch
    get a key that leaves the shape of the curve outside as it was.

    Args:
        values: New samples divided by their scales, shape (samples, channels).
        scales: Range of each channel.
        earlier: Keys of each channel, fitted with the same tolerance to as many samples.
        tolerance: Largest deviation, as a share of 1.
        exact: Samples that get a key where they lie in a changed stretch.

    Returns:
        One curve a channel, in the values of its property.
    """
    bounds = [_bounds(one, len(values) - 1) for one in earlier]
    moving = [c for c, bound in enumerate(bounds) if bound is not None]
    stretches = [bound for bound in bounds if bound is not None]
    outer = {c: _outer_keys(earlier[c], bounds[c] or (0, 0)) for c in moving}
    wanted = values[:, moving]
    for place, channel in enumerate(moving):
        for frame, value in zip(outer[channel].frames, outer[channel].values, strict=True):
            wanted[frame, place] = value / scales[channel]
    # Keys of all channels stand on the same frames where they are new.
    held = sorted({frame for bound in stretches for frame in bound} | _within(exact, stretches))
    fits = fit_stretch(wanted, held, stretches, exact=exact, tolerance=tolerance)
    new = dict(zip(moving, fits, strict=True))
    out = []
    for channel, one in enumerate(earlier):
        keys = one.keys
        if channel in new:
            keys = _joined(outer[channel], scaled(new[channel], scales[channel]))
        deviation = evaluate(keys, len(values)) / scales[channel] - values[:, channel]
        out.append(dataclasses.replace(keys, error=float(np.abs(deviation).max())))
    return out


def _bounds(one: EarlierFit, last: int) -> tuple[int, int] | None:
    """Return the samples beside what changed; the clip's ends where it begins or ends there."""
    if one.changed is None:
        return None
    return max(0, one.changed[0] - 1), min(last, one.changed[1] + 1)


def _within(exact: Sequence[int], stretches: Sequence[tuple[int, int]]) -> set[int]:
    first = min((a for a, _b in stretches), default=0)
    last = max((b for _a, b in stretches), default=-1)
    return {frame for frame in exact if first <= frame <= last}


def _outer_keys(earlier: EarlierFit, bound: tuple[int, int]) -> FittedCurve:
    """Return earlier keys outside of what changed, and keys at the bounds that change no value."""
    assert earlier.changed is not None
    first, last = earlier.changed
    keys = earlier.keys
    for frame in bound:
        if not first <= frame <= last:
            keys = _with_key(keys, frame)
    return _part(keys, (keys.frames < first) | (keys.frames > last))


def _with_key(keys: FittedCurve, frame: int) -> FittedCurve:
    """Return the same curve with a key at a frame, by de Casteljau's subdivision."""
    place = int(np.searchsorted(keys.frames, frame))
    if place < len(keys.frames) and keys.frames[place] == frame:
        return keys
    left, right = keys.left.copy(), keys.right.copy()
    if 0 < place < len(keys.frames):
        start, end = keys.frames[place - 1], keys.frames[place]
        # Handles stand at thirds, so that time is even in the parameter, here and in both halves.
        t = float(frame - start) / float(end - start)
        corners = keys.values[place - 1], right[place - 1], left[place], keys.values[place]
        a, b, c = (x + t * (y - x) for x, y in itertools.pairwise(corners))
        d, e = a + t * (b - a), b + t * (c - b)
        right[place - 1], left[place], value = a, c, d + t * (e - d)
    else:  # Blender holds the first and the last value
        value = d = e = float(keys.values[0 if place == 0 else -1])
    return FittedCurve(
        np.insert(keys.frames, place, frame),
        np.insert(keys.values, place, value),
        np.insert(left, place, d),
        np.insert(right, place, e),
        keys.error,
    )


def _part(keys: FittedCurve, chosen: NDArray[np.bool_]) -> FittedCurve:
    values, left, right = (one[chosen] for one in (keys.values, keys.left, keys.right))
    return FittedCurve(keys.frames[chosen], values, left, right, keys.error)


def _joined(outer: FittedCurve, new: FittedCurve) -> FittedCurve:
    """Join the keys outside of a stretch and the new ones of it, whose ends both may have."""
    first, last = int(new.frames[0]), int(new.frames[-1])
    head, tail = _part(outer, outer.frames <= first), _part(outer, outer.frames >= last)
    inner = _part(new, ~np.isin(new.frames, outer.frames))
    # Of a key at the border the handle that points into the stretch is new.
    if len(head.frames) and head.frames[-1] == first:
        head.right[-1] = new.right[0]
    if len(tail.frames) and tail.frames[0] == last:
        tail.left[0] = new.left[-1]
    parts = (head, inner, tail)
    return FittedCurve(
        np.concatenate([one.frames for one in parts]),
        np.concatenate([one.values for one in parts]),
        np.concatenate([one.left for one in parts]),
        np.concatenate([one.right for one in parts]),
        0.0,
    )
