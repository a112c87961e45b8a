"""Remove blinks from finished curves, or add more, without the model. numpy only."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from ..arrays import FloatArray
from ..package import blinks
from .ranges import runs

CLOSED_LID = 0.8
"""Of eyeBlink: a blink closes the lids further, and lowered lids of an emotion do not."""
LONGEST_S = 0.5
"""Lids that stay closed for longer are no blink."""
LEAST_GAP_S = 1.0
"""Blinks are added where at least this much time remains to the next one on either side."""


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """Blinks to remove from a clip and to add to it."""

    removed: tuple[tuple[int, int], ...] = ()
    """First and last frame of each removed blink, lids open at both."""
    added: tuple[float, ...] = ()
    """Seconds after frame 0 at which the lids are closed."""


def plan_for(lids: FloatArray, fps: float, rate: float) -> Plan:
    """Return which blinks go, or where others come.

    Args:
        lids: Closing of the lids, shape (frames,).
        fps: Frames per second.
        rate: Factor on the number of blinks, not negative.

    Returns:
        The removed ones are spread over the clip; added ones halve the longest gaps as far as
        there is room. A clip without blinks gets none.
    """
    closed = runs(np.flatnonzero(lids > CLOSED_LID).tolist())
    found = [run for run in closed if (run[1] - run[0]) / fps <= LONGEST_S]
    count = round(len(found) * rate)
    if count < len(found):
        kept = {math.floor((index + 0.5) * len(found) / count) for index in range(count)}
        gone = [run for index, run in enumerate(found) if index not in kept]
        return Plan(removed=tuple(_extent(run, fps, len(lids)) for run in gone))
    times = [first / fps for first, _last in closed]
    return Plan(added=_between(times, len(lids) / fps, count - len(found)))


def apply(values: FloatArray, channels: tuple[str, ...], fps: float, plan: Plan) -> FloatArray:
    """Return curves with the blinks of a plan.

    Args:
        values: Shape (frames, channels).
        channels: Names of the columns.
        fps: Frames per second.
        plan: Of `plan_for`.
    """
    out = values.copy()
    moved = [column for column, name in enumerate(channels) if name in blinks.BLINK_CHANNELS]
    for first, last in plan.removed:
        share = np.linspace(0, 1, last - first + 1, dtype=np.float32)[:, None]
        part = out[first : last + 1, moved]
        # Never above what is there: a blink only closes.
        line = part[:1] + share * (part[-1:] - part[:1])
        out[first : last + 1, moved] = np.minimum(part, line)
    if plan.added:
        closure = blinks.lid_closure(np.array(plan.added), fps=fps, frames=len(values))
        out = blinks.add_blinks(out, channels, closure)
    return out


def _extent(run: tuple[int, int], fps: float, frames: int) -> tuple[int, int]:
    """Return the frames around closed lids at which they are open."""
    before = math.ceil(blinks.CLOSING_S * fps) + 1
    after = math.ceil((blinks.CLOSED_S + blinks.OPENING_S) * fps) + 1
    return max(0, run[0] - before), min(frames - 1, run[1] + after)


def _between(times: list[float], end_s: float, count: int) -> tuple[float, ...]:
    """Return times in the middle of the longest gaps."""
    taken, added = sorted(times), []
    for _ in range(count if times else 0):
        borders = [0.0, *taken, end_s]
        gaps = np.diff(borders)
        widest = int(gaps.argmax())
        if gaps[widest] < 2 * LEAST_GAP_S:
            break
        added.append(borders[widest] + float(gaps[widest]) / 2)
        taken = sorted([*taken, added[-1]])
    return tuple(sorted(added))
