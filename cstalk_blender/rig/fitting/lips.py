"""Lips in numbers: when they should meet, whether they do, and what would seal them. No bpy.

A gap is the distance between the middles of the inner lips along the way down, 0 where they rest on
each other; it is given as a part of the performance's own opening (the 90th percentile of its gap),
so that heads of any size compare. Lips that come under `CLOSED` meet (``shared/docs/data.md``).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CLOSED = 0.15
"""Part of the opening: lips under this meet."""
PARTED = 0.5
"""Part of the opening beyond which nothing is sealed."""
OPENING_QUANTILE = 0.9
LONGEST_CLOSURE_S = 0.4
"""A closure that lasts longer is silence."""
SEALED = 0.5
"""What a sealed gap is of the reference's, which is under `CLOSED`."""
SLACK = 0.6
"""Part of the opening that a gap may be wider than the reference's where lips are parted."""
LARGEST_SEAL = 1.5
"""A corrective key is never given more than this."""


@dataclasses.dataclass(frozen=True)
class Closures:
    """How often lips meet where they should."""

    wanted: int
    met: int

    @property
    def all_met(self) -> bool:
        """True when every closure is one, or there is none."""
        return self.met >= self.wanted


def relative(gap: Array) -> Array:
    """``gap`` (frames,) as a part of its own opening; still lips give zeros."""
    opening = float(np.quantile(gap, OPENING_QUANTILE)) if len(gap) else 0.0
    return np.asarray(gap / opening if opening > 1e-9 else np.zeros_like(gap))


def closure_runs(reference: Array, fps: float) -> list[tuple[int, int]]:
    """First frame and one after the last of each closure within speech.

    Args:
        reference: Relative gap of the head that the curves were made for, (frames,).
        fps: Frames a second.
    """
    closed = np.concatenate([[False], reference < CLOSED, [False]])
    starts = np.flatnonzero(closed[1:] & ~closed[:-1])
    ends = np.flatnonzero(~closed[1:] & closed[:-1])
    inside = (starts > 0) & (ends < len(reference))
    short = (ends - starts) <= LONGEST_CLOSURE_S * fps
    return [
        (int(a), int(b)) for a, b in zip(starts[inside & short], ends[inside & short], strict=True)
    ]


def closures(reference: Array, gap: Array, fps: float) -> Closures:
    """How many of the reference's closures ``gap``, relative as well, (frames,), makes too."""
    runs = closure_runs(reference, fps)
    return Closures(len(runs), sum(bool(gap[a:b].min() < CLOSED) for a, b in runs))


def seal(reference: Array, gap: Array, rate: float) -> Array:
    """Extra value of a closing shape key, (frames,), that lets lips meet where they should.

    Args:
        reference: Relative gap of the head that the curves were made for, (frames,).
        gap: Relative gap of this head.
        rate: Relative gap that the key takes away at value 1; positive.

    Returns:
        At least 0. It comes and goes with the reference's gap, so nothing jumps; sealed lips ask
        for nothing more.
    """
    return np.asarray(np.clip((gap - _allowed(reference)) / rate, 0.0, LARGEST_SEAL))


def ease(reference: Array, gap: Array, opened: Array) -> Array:
    """How much of the keys that open the mouth may stay, (frames,), 0 to 1.

    For a head without a key that closes: the lips come together where the mouth opens less.

    Args:
        reference: Relative gap of the head that the curves were made for, (frames,).
        gap: Relative gap of this head.
        opened: The part of ``gap`` that the opening keys make, at least 0.

    Returns:
        1 where nothing is to be taken; it comes and goes with the reference's gap, as `seal` does.
    """
    surplus = np.maximum(gap - _allowed(reference), 0.0)
    part = np.divide(surplus, opened, out=np.zeros_like(gap), where=opened > 1e-9)
    return np.asarray(1.0 - np.clip(part, 0.0, 1.0))


def _allowed(reference: Array) -> Array:
    """The relative gap that needs no correction."""
    free = np.clip((reference - CLOSED) / (PARTED - CLOSED), 0.0, 1.0)
    free = free * free * (3.0 - 2.0 * free)
    return np.asarray(SEALED * np.maximum(reference, 0.0) + SLACK * free)


def is_absolute_close(opening: Array, closing: Array) -> bool:
    """True when mouthClose brings its own open jaw, as Audio2Face's does.

    ARKit's mouthClose only moves the lips and stands on jawOpen; the other kind drops the jaw as
    well. What tells them apart is the jaw itself: the half of the moved vertices that jawOpen moves
    most, lips being few of them.

    Args:
        opening: Motion of each vertex at jawOpen 1, (V, 3).
        closing: The same at mouthClose 1.
    """
    squares = np.einsum("vd,vd->v", opening, opening)
    if squares.max(initial=0.0) <= 0:
        return False
    most = squares > 0.25 * squares.max()
    along = np.einsum("vd,vd->v", closing[most], opening[most]) / squares[most]
    return bool(np.median(along) > 0.5)
