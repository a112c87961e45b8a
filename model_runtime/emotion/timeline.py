"""Convert window-wise emotion probabilities to stretches of one emotion. numpy only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ..arrays import BoolArray, DoubleArray, IntArray
from ..choices import EMOTIONS
from .pitch import FRAME_RATE

NEUTRAL = EMOTIONS[0]
WINDOW_S = 3.0
"""A short sentence; the EmoDB clips that the classifier was trained on average 2.8 s."""
HOP_S = 0.5
"""Step between windows, equal to the cross-fade of emotion keys."""
LONGEST_PAUSE_S = 1.0
"""Longer silence is neutral."""
ONSET_S, OFFSET_S = 0.25, 0.25
"""The emotion starts this long before the first word and ends this long after the last: half a
cross-fade, so that it is at full strength during speech."""
CHANGE_COST = 1.5
"""Cost of a change of emotion in the Viterbi path, in nats of the evidence of one window."""
HIGH_PROBABILITY, LOW_PROBABILITY = 0.85, 0.35
"""Probabilities that map to intensity 1 and ``MIN_INTENSITY``."""
MIN_INTENSITY = 0.3
INTENSITY_STEP = 0.05
"""Intensities are rounded to multiples of this; the classifier is not more precise."""


def likeliest_path(probabilities: DoubleArray) -> list[int]:
    """Return the emotion index of each window: the Viterbi path with a cost per change."""
    steps, states = probabilities.shape
    if not steps:
        return []
    # Windows overlap, so each contributes the evidence of one hop only.
    # Evidence by hop: overlapping windows would count the same speech six times.
    cost = -np.log(np.maximum(probabilities, 1e-6)) * (HOP_S / WINDOW_S)
    total, came_from = cost[0], np.zeros((steps, states), int)
    # The cost applies to any change, whichever emotions are involved.
    change = CHANGE_COST * (1 - np.eye(states))
    for step in range(1, steps):
        candidates = total[:, None] + change
        came_from[step] = candidates.argmin(0)
        total = candidates.min(0) + cost[step]
    path = [int(total.argmin())]
    for step in range(steps - 1, 0, -1):
        path.append(int(came_from[step, path[-1]]))
    return path[::-1]


def strengths_of(probabilities: DoubleArray, path: Sequence[int]) -> list[float]:
    """Return the intensity of each window, constant over a stretch of one emotion.

    Args:
        probabilities: Shape (windows, emotions).
        path: Emotion index of each window.
    """
    out: list[float] = []
    # A stretch of one emotion has one intensity: windows differ by chance.
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
    """Yield second, emotion and intensity of each change; long silence is neutral.

    Args:
        speech: Which frames are audible, shape (T,).
        steps: Index of each classified window among all windows, ascending.
        names: Emotion of each classified window.
        strengths: Intensity of each classified window.
    """
    last: tuple[str, float] | None = None
    for first_s, stop_s in _spoken(speech):
        inside = [i for i, step in enumerate(steps) if first_s <= (step + 0.5) * HOP_S < stop_s]
        if not inside and len(steps):
            # A stretch shorter than a hop takes the nearest window.
            inside = [int(np.abs((steps + 0.5) * HOP_S - first_s).argmin())]
        begun = False
        for i in inside:
            now = (names[i], strengths[i])
            time = float(steps[i]) * HOP_S if begun else max(0.0, first_s - ONSET_S)
            if now != last:
                yield time, *now
            last, begun = now, True
        # Long silence is neutral; the end of the clip needs no change.
        if stop_s < len(speech) / FRAME_RATE and last is not None and last[0] != NEUTRAL:
            last = (NEUTRAL, 0.0)
            yield stop_s + OFFSET_S, *last


def _spoken(speech: BoolArray) -> list[tuple[float, float]]:
    """Return begin and end in seconds of each stretch of speech, short pauses included."""
    frames = np.flatnonzero(speech)
    if not len(frames):
        return []
    gaps = np.flatnonzero(np.diff(frames) > LONGEST_PAUSE_S * FRAME_RATE)
    firsts = frames[np.concatenate([[0], gaps + 1])]
    lasts = frames[np.concatenate([gaps, [len(frames) - 1]])]
    last_s = len(speech) / FRAME_RATE
    ends = [(last + 1) / FRAME_RATE for last in lasts]
    # A short silence at the end belongs to the last stretch.
    ends[-1] = last_s if last_s - ends[-1] < LONGEST_PAUSE_S else ends[-1]
    return list(zip((firsts / FRAME_RATE).tolist(), ends, strict=True))


def intensity_for(probability: float) -> float:
    """Return the intensity of an emotion detected with this probability."""
    share = (probability - LOW_PROBABILITY) / (HIGH_PROBABILITY - LOW_PROBABILITY)
    intensity = MIN_INTENSITY + (1 - MIN_INTENSITY) * min(max(share, 0.0), 1.0)
    # Rounded twice: multiples of .05 are not exact in binary.
    return round(round(intensity / INTENSITY_STEP) * INTENSITY_STEP, 2)
