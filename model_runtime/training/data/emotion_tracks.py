"""Draw random emotion weights over time, so that the generator follows intensity frame by frame.

Lines are directed by weights that rise, peak and fall (onset, apex, release), change from one
emotion to another, or mix two. Each kind occurs in training; neutral and held ones most.

Axes: T frames (50 Hz), E emotions.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from ...choices import EMOTIONS


@dataclasses.dataclass(frozen=True)
class TrackRules:
    """Hold the shares and ranges of emotion tracks."""

    neutral: float = 0.24
    held: float = 0.2
    ramp: float = 0.1
    envelope: float = 0.26
    change: float = 0.12
    blend: float = 0.08
    """Shares of the kinds of track; they sum to 1."""
    lowest: float = 0.1
    highest: float = 1.4
    """Range of intensities: beyond 1, so that 1 is no edge of what was trained; users reach 1.5."""
    trace: float = 0.35
    """Level between envelopes, share of the apex at most."""
    rise_s: tuple[float, float] = (0.2, 0.7)
    """Seconds of onset, release and change: facial expressions take 0.2-0.6 s."""
    own: float = 0.5
    """Share of clips with a labelled emotion that are acted with it."""


RULES = TrackRules()
KINDS = ("neutral", "held", "ramp", "envelope", "change", "blend")


def draw_track(
    rng: np.random.Generator,
    frames: int,
    *,
    frame_rate: float,
    labelled: str = "neutral",
    rules: TrackRules = RULES,
) -> Tensor:
    """Return random emotion weights.

    Args:
        rng: Source of chance.
        frames: T.
        frame_rate: Frames a second.
        labelled: Emotion of the recording, drawn more often than others.
        rules: Shares and ranges.

    Returns:
        Shape (T, E), 0 to ``rules.highest``; the neutral column is 0.
    """
    shares = [getattr(rules, kind) for kind in KINDS]
    # Shares are scaled to sum 1 exactly: numpy refuses a probability vector that is off by
    # rounding.
    kind = KINDS[int(rng.choice(len(KINDS), p=np.divide(shares, sum(shares))))]
    track = torch.zeros(frames, len(EMOTIONS))
    if kind == "neutral":
        return track
    # Both are drawn whatever the kind needs, so that kinds do not shift each other's draws.
    first, second = (_draw_emotion(rng, labelled, rules) for _ in range(2))
    strength = float(rng.uniform(rules.lowest, rules.highest))
    if kind == "held":
        track[:, first] = strength
    elif kind == "ramp":
        # Rising or falling, either end from 0.
        start, end = (float(level) for level in rng.uniform(0, rules.highest, 2))
        track[:, first] = torch.linspace(start, end, frames)
    elif kind == "envelope":
        track[:, first] = strength * _envelope(rng, frames, frame_rate, rules)
    elif kind == "change":
        middle = rng.uniform(0.2, 0.8) * frames
        # The change has the length of a facial movement, wherever in the window it lies.
        share = _rise(frames, middle, float(rng.uniform(*rules.rise_s)) * frame_rate)
        track[:, first] += strength * (1 - share)
        if rng.random() < 0.7:  # else to neutral
            track[:, second] += float(rng.uniform(rules.lowest, rules.highest)) * share
    else:
        part = float(rng.uniform(0.25, 0.75))
        track[:, first] += strength * part
        # Shares sum to 1: two emotions at once are no stronger than one.
        track[:, second] += strength * (1 - part)
    return track


def _draw_emotion(rng: np.random.Generator, labelled: str, rules: TrackRules) -> int:
    if labelled in EMOTIONS[1:] and rng.random() < rules.own:
        return EMOTIONS.index(labelled)
    # From 1: neutral is the absence of all.
    return int(rng.integers(1, len(EMOTIONS)))


def _envelope(
    rng: np.random.Generator, frames: int, frame_rate: float, rules: TrackRules
) -> Tensor:
    """Return one or two rises and falls between a trace and the apex, 0 to 1, shape (T,)."""
    trace = float(rng.uniform(0, rules.trace))
    level = torch.zeros(frames)
    for _ in range(int(rng.integers(1, 3))):
        # Onsets may lie before the window: it shows a moment of a longer line.
        onset = rng.uniform(-0.1, 0.7) * frames
        release = onset + rng.uniform(0.15, 0.7) * frames
        rise, fall = (float(rng.uniform(*rules.rise_s)) * frame_rate for _ in range(2))
        peak = float(rng.uniform(0.6, 1.0))
        hill = _rise(frames, onset, rise) * (1 - _rise(frames, release, fall))
        # maximum, not a sum: overlapping hills must not exceed the apex.
        level = torch.maximum(level, peak * hill)
    return trace + (1 - trace) * level


def _rise(frames: int, middle: float, length: float) -> Tensor:
    """Return a raised cosine from 0 to 1 of ``length`` frames about ``middle``, shape (T,)."""
    share = ((torch.arange(frames) - middle) / length + 0.5).clamp(0, 1)
    # A raised cosine has no corner in speed at either end.
    return 0.5 - 0.5 * torch.cos(torch.pi * share)
