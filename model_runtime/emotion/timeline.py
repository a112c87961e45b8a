"""From judgements of a voice, window by window, to emotions that begin and end. numpy only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ..arrays import BoolArray, DoubleArray, IntArray
from ..protocol import EMOTIONS
from .pitch import FRAME_RATE

NEUTRAL = EMOTIONS[0]
WINDOW_S = 3.0
"""A short sentence; EmoDB's clips, which the judge learnt from, last 2.8 s on average."""
HOP_S = 0.5
"""Between judgements; also the cross-fade of emotion keys."""
LONGEST_PAUSE_S = 1.0
"""A longer silence is neutral."""
ONSET_S, OFFSET_S = 0.25, 0.25
"""A face shows its emotion this long before the first word, and begins to leave it this long after
the last: half a cross-fade, so that the emotion stands while there is speech."""
CHANGE_COST = 1.5
"""What a change of emotion costs, in nats of one window's evidence."""
SURE, UNSURE = 0.85, 0.35
"""Probabilities that become intensity 1 and ``FAINTEST``."""
FAINTEST = 0.3
STEP = 0.05
"""Intensities are multiples of this: finer would pretend to know more."""


def likeliest_path(probabilities: DoubleArray) -> list[int]:
    """The emotion at each judged window: the likeliest path when changes cost."""
    steps, states = probabilities.shape
    if not steps:
        return []
    # Windows overlap: each adds only the evidence of its hop.
    cost = -np.log(np.maximum(probabilities, 1e-6)) * (HOP_S / WINDOW_S)
    total, came_from = cost[0], np.zeros((steps, states), int)
    change = CHANGE_COST * (1 - np.eye(states))
    for step in range(1, steps):
        ways = total[:, None] + change
        came_from[step] = ways.argmin(0)
        total = ways.min(0) + cost[step]
    path = [int(total.argmin())]
    for step in range(steps - 1, 0, -1):
        path.append(int(came_from[step, path[-1]]))
    return path[::-1]


def strengths_of(probabilities: DoubleArray, path: Sequence[int]) -> list[float]:
    """Intensity at each judged window: one for each stretch of the path."""
    out: list[float] = []
    edges = [0, *(i for i in range(1, len(path)) if path[i] != path[i - 1]), len(path)]
    for first, stop in pairwise(edges):
        if stop > first:
            share = float(probabilities[first:stop, path[first]].mean())
            out += [intensity_for(share) if path[first] else 0.0] * (stop - first)
    return out


def changes(
    speech: BoolArray,
    steps: IntArray,
    names: Sequence[str],
    strengths: Sequence[float],
) -> Iterator[tuple[float, str, float]]:
    """Second, emotion and intensity of each change, neutral in long silence."""
    last: tuple[str, float] | None = None
    for first_s, stop_s in _spoken(speech):
        inside = [i for i, step in enumerate(steps) if first_s <= (step + 0.5) * HOP_S < stop_s]
        if not inside and len(steps):
            inside = [int(np.abs((steps + 0.5) * HOP_S - first_s).argmin())]
        begun = False
        for i in inside:
            now = (names[i], strengths[i])
            time = float(steps[i]) * HOP_S if begun else max(0.0, first_s - ONSET_S)
            if now != last:
                yield time, *now
            last, begun = now, True
        if stop_s < len(speech) / FRAME_RATE and last is not None and last[0] != NEUTRAL:
            last = (NEUTRAL, 0.0)
            yield stop_s + OFFSET_S, *last


def _spoken(speech: BoolArray) -> list[tuple[float, float]]:
    """Begin and end of each stretch of speech, pauses of a second included."""
    frames = np.flatnonzero(speech)
    if not len(frames):
        return []
    gaps = np.flatnonzero(np.diff(frames) > LONGEST_PAUSE_S * FRAME_RATE)
    firsts = frames[np.concatenate([[0], gaps + 1])]
    lasts = frames[np.concatenate([gaps, [len(frames) - 1]])]
    last_s = len(speech) / FRAME_RATE
    ends = [(last + 1) / FRAME_RATE for last in lasts]
    # Less than a pause of silence at the end is no silence of its own.
    ends[-1] = last_s if last_s - ends[-1] < LONGEST_PAUSE_S else ends[-1]
    return list(zip((firsts / FRAME_RATE).tolist(), ends, strict=True))


def intensity_for(probability: float) -> float:
    """How strongly to act what is heard with this probability."""
    share = min(max((probability - UNSURE) / (SURE - UNSURE), 0.0), 1.0)
    return round(round((FAINTEST + (1 - FAINTEST) * share) / STEP) * STEP, 2)
