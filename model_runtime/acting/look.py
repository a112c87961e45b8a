"""Look at somebody: the rest direction of eyes and head over time. numpy only.

The eyes alone reach a target within about ten degrees; beyond that the head takes most of the rest,
a little later than the eyes (Stahl 1999: the range that people cover with the eyes alone has a
median of 18 degrees to either side; Zangemeister and Stark 1982 for the order).
Angles are degrees, yaw to the face's own left, pitch upwards.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..emotion.pitch import FRAME_RATE
from ..performance import LookKey
from .prosody import Array, smooth

EYES_ALONE_DEG = 10.0
"""Largest direction that the head leaves to the eyes."""
HEAD_SHARE = 0.7
"""Share of what lies beyond that the head turns; at 60 degrees 25 are left to the eyes, which
reach 30."""
HEAD_SPREAD_S, HEAD_LAG_S = 0.16, 0.12
"""Smoothing and delay of the head: a turn takes about half a second."""
LARGEST_HEAD_DEG = 55.0
"""Necks turn by 70 to 80 degrees; more than this looks broken without the shoulders."""


def rest_angles(look: Sequence[LookKey], times_s: Array) -> Array:
    """Return the rest direction at some times.

    Args:
        look: Keys sorted by time; before the first and after the last their values hold.
        times_s: Seconds of the audio file, shape (T,).

    Returns:
        Yaw and pitch in degrees, shape (T, 2); zero without keys.
    """
    if not look:
        return np.zeros((len(times_s), 2))
    known = [key.time_s for key in look]
    yaw = np.interp(times_s, known, [key.yaw_deg for key in look])
    pitch = np.interp(times_s, known, [key.pitch_deg for key in look])
    return np.stack([yaw, pitch], 1)


def head_turns(look: Sequence[LookKey], times_s: Array) -> Array:
    """Return the turn of the head towards the rest direction.

    Args:
        look: Keys sorted by time.
        times_s: Seconds of the audio file, ascending, shape (T,).

    Returns:
        Yaw, pitch and roll in degrees as Live Link Face has them (right, down), shape (T, 3).
    """
    turns = np.zeros((len(times_s), 3))
    if not look or not len(times_s):
        return turns
    count = int(np.ceil((times_s[-1] - times_s[0]) * FRAME_RATE)) + 2
    own_s = times_s[0] + np.arange(count) / FRAME_RATE
    goal = _head_part(rest_angles(look, own_s - HEAD_LAG_S))
    for axis in range(2):
        turns[:, axis] = -np.interp(times_s, own_s, smooth(goal[:, axis], HEAD_SPREAD_S))
    return turns


def _head_part(rest_deg: Array) -> Array:
    size = np.linalg.norm(rest_deg, axis=1, keepdims=True)
    turned = np.clip(HEAD_SHARE * (size - EYES_ALONE_DEG), 0, LARGEST_HEAD_DEG)
    part: Array = rest_deg * turned / np.maximum(size, 1e-9)
    return part
