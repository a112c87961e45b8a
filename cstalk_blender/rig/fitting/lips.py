"""Measure lip gaps, detect closures and compute corrections that close the lips. No bpy.

A gap is the vertical distance between the middles of the inner lips, 0 where they touch. A relative
gap is a part of the performance's own opening (the 90th percentile of its gap), so that heads of
any size are comparable. Lips with a relative gap below `CLOSED` meet.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ...arrays import Array

CLOSED = 0.15
"""Part of the opening: lips with a smaller gap meet."""
PARTED = 0.5
"""Part of the opening above which nothing is sealed."""
OPENING_QUANTILE = 0.9
LONGEST_CLOSURE_S = 0.4
"""A longer closure is silence."""
SEALED = 0.5
"""Sealed gap as a part of the reference's, which is below `CLOSED`."""
SLACK = 0.6
"""Part of the opening that a gap may be wider than the reference's where lips are parted."""
LARGEST_SEAL = 1.5
"""Largest value of a corrective shape key."""


@dataclasses.dataclass(frozen=True)
class Closures:
    """Number of closures wanted, and made."""

    wanted: int
    met: int

    @property
    def all_met(self) -> bool:
        """True when every closure wanted is made, or none is wanted."""
        return self.met >= self.wanted


def relative(gap: Array) -> Array:
    """Return ``gap`` (frames,) as a part of its own opening; still lips give zeros."""
    # A quantile: the widest frame may be a shout or an outlier.
    opening = float(np.quantile(gap, OPENING_QUANTILE)) if len(gap) else 0.0
    # Lips that never open have no scale; zero means that every frame is closed.
    return np.asarray(gap / opening if opening > 1e-9 else np.zeros_like(gap))


def closure_runs(reference: Array, fps: float) -> list[tuple[int, int]]:
    """Return the first frame, and the one after the last, of each closure within speech.

    Args:
        reference: Relative gap of the head that the curves were made for, (frames,).
        fps: Frames per second.
    """
    # Padded, so that runs at the first and last frame have two ends as well.
    closed = np.concatenate([[False], reference < CLOSED, [False]])
    starts = np.flatnonzero(closed[1:] & ~closed[:-1])
    ends = np.flatnonzero(~closed[1:] & closed[:-1])
    # A run that touches an end of the clip is silence before or after speech.
    inside = (starts > 0) & (ends < len(reference))
    short = (ends - starts) <= LONGEST_CLOSURE_S * fps
    return [
        (int(a), int(b)) for a, b in zip(starts[inside & short], ends[inside & short], strict=True)
    ]


def closures(reference: Array, gap: Array, fps: float) -> Closures:
    """Count how many of the reference's closures another head makes.

    Args:
        reference: Relative gap of the head that the curves were made for, (frames,).
        gap: Relative gap of the other head, (frames,).
        fps: Frames per second.
    """
    runs = closure_runs(reference, fps)
    # The lowest frame decides: a closure may be a frame early or late on another head.
    return Closures(len(runs), sum(bool(gap[a:b].min() < CLOSED) for a, b in runs))


def seal(reference: Array, gap: Array, rate: float) -> Array:
    """Return the extra value of a closing shape key, (frames,), that makes wanted closures.

    Args:
        reference: Relative gap of the head that the curves were made for, (frames,).
        gap: Relative gap of this head.
        rate: Relative gap that the key removes at value 1; positive.

    Returns:
        At least 0, and continuous because it follows the reference's gap; 0 for sealed lips.
    """
    # Bounded: a weak key would be driven far beyond the shape that was sculpted.
    return np.asarray(np.clip((gap - _allowed(reference)) / rate, 0.0, LARGEST_SEAL))


def ease(reference: Array, gap: Array, opened: Array) -> Array:
    """Return the part of the opening shape keys to keep, (frames,), 0 to 1.

    For a head without a closing shape key: its lips meet when the mouth opens less.

    Args:
        reference: Relative gap of the head that the curves were made for, (frames,).
        gap: Relative gap of this head.
        opened: The part of ``gap`` that the opening keys make, at least 0.

    Returns:
        1 where nothing has to be removed; continuous, as `seal` is.
    """
    surplus = np.maximum(gap - _allowed(reference), 0.0)
    # Where nothing opens there is nothing to take away, and 0/0 would be NaN.
    part = np.divide(surplus, opened, out=np.zeros_like(gap), where=opened > 1e-9)
    return np.asarray(1.0 - np.clip(part, 0.0, 1.0))


def _allowed(reference: Array) -> Array:
    """Return the relative gap that needs no correction."""
    free = np.clip((reference - CLOSED) / (PARTED - CLOSED), 0.0, 1.0)
    # Smoothstep: no kink in the correction where the lips come close.
    free = free * free * (3.0 - 2.0 * free)
    return np.asarray(SEALED * np.maximum(reference, 0.0) + SLACK * free)


def is_absolute_close(opening: Array, closing: Array) -> bool:
    """Return True when mouthClose opens the jaw by itself, as Audio2Face's does.

    ARKit's mouthClose moves only the lips and is added to jawOpen; the other kind lowers the jaw as
    well. The jaw itself tells them apart: the vertices that jawOpen moves most, few of which are
    lips.

    Args:
        opening: Motion of each vertex at jawOpen 1, (V, 3).
        closing: The same at mouthClose 1.
    """
    squares = np.einsum("vd,vd->v", opening, opening)
    # Nothing to compare with; ARKit's kind is assumed.
    if squares.max(initial=0.0) <= 0:
        return False
    # Half of the largest motion, in squares: the chin and its surroundings.
    most = squares > 0.25 * squares.max()
    # 1 where closing lowers the jaw as far as opening does.
    along = np.einsum("vd,vd->v", closing[most], opening[most]) / squares[most]
    # A median, since the lips among these vertices move the other way.
    return bool(np.median(along) > 0.5)
