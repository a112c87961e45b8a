"""Find what an artist changed on generated curves, and blend it into new ones. numpy only.

The generated curves are kept beside the keyframes. What the keyframes play and the generated curve
does not is the artist's: changed, added and deleted keys alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..arrays import Array

# A moved key also changes the curve up to its neighbours, with crossings in between.
JOINED_FRAMES = 3
"""Changes this few frames apart are one edit: the curve between two moved keys crosses the old."""


@dataclasses.dataclass(frozen=True)
class Edit:
    """A stretch of a curve that the artist changed: its first and last changed sample."""

    first: int
    last: int


def find_edits(generated: Array, played: Array, threshold: float) -> list[Edit]:
    """Find where a curve plays something else than was generated.

    Args:
        generated: Values as they were generated, shape (samples,).
        played: Values that the keyframes give at the same samples, shape (samples,).
        threshold: Largest difference that is not an edit: the error of fitted keys and rounding.

    Returns:
        Edits in order of time.
    """
    changed = np.flatnonzero(np.abs(played - generated) > threshold)
    if not len(changed):
        return []
    breaks = np.flatnonzero(np.diff(changed) > JOINED_FRAMES)
    starts = changed[np.concatenate([[0], breaks + 1])]
    stops = changed[np.concatenate([breaks, [len(changed) - 1]])]
    return [Edit(int(a), int(b)) for a, b in zip(starts, stops, strict=True)]


def keep_edits(new: Array, played: Array, edits: Sequence[Edit], blend: int) -> Array:
    """Return a new curve with the artist's edits in it.

    Args:
        new: New values, shape (samples,).
        played: Values with the edits, at the same samples, shape (samples,).
        edits: Edits, from ``find_edits``.
        blend: Samples on either side over which an edit passes into the new curve.

    Returns:
        Within an edit the played values, outside of its border the new ones, bit by bit.
    """
    if not edits:
        return new
    weight = np.max([_weight(edit, len(new), blend) for edit in edits], axis=0)
    mixed = np.where(weight == 1, played, weight * played + (1 - weight) * new)
    return np.where(weight > 0, mixed, new)


def _weight(edit: Edit, count: int, blend: int) -> Array:
    """1 within the edit, falling to 0 over the border; shape (count,)."""
    samples = np.arange(count)
    outside = np.maximum(np.maximum(edit.first - samples, samples - edit.last), 0)
    near = np.clip(1 - outside / (blend + 1), 0, 1)
    # A raised cosine: no kink where the edit begins and ends.
    weight: Array = np.where(near == 1, 1.0, 0.5 - 0.5 * np.cos(np.pi * near))
    return weight
