"""Move the eyes: fixations and saccades of a speaker or a listener, and the lids that follow.

Sources: durations and the share of time on the listener from Argyle and Cook (1976) and from the
eye-tracked model of Lee, Badler and Badler (2002), "Eyes Alive"; looking away as a phrase begins
and back as it ends from Kendon (1967); a saccade lasts 21 ms + 2.2 ms a degree (Carpenter 1988).
Angles are degrees of the eyes in the head, yaw to the character's own left, pitch upwards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from .prosody import Array, Phrase

YAW_RANGE_DEG, UP_RANGE_DEG, DOWN_RANGE_DEG = 30.0, 25.0, 30.0
"""Turn of the eye at value 1 of a look channel; the add-on turns eye bones by 0.5 rad there."""
SACCADE_S, SACCADE_S_PER_DEG = 0.021, 0.0022
DRIFT_DEG = 0.12
"""Standard deviation of the drift within a fixation."""
FACE_POINTS_DEG = ((1.3, 0.4), (-1.3, 0.4), (0.0, -1.9), (0.4, -0.6))
"""The listener's eyes and mouth, a metre and a half away, around which looks at a face move."""
LID_DOWN, LID_UP = 0.25, 0.30
"""Lids per full look: they fall with a lowered gaze and widen with a raised one."""


@dataclasses.dataclass(frozen=True)
class GazeHabits:
    """Habits of looking; times in seconds, angles in degrees."""

    contact_s: float = 1.9
    """Median look at the listener."""
    away_s: float = 0.75
    """Median look away."""
    amplitude_deg: float = 8.0
    """Typical size of a look away."""
    bias_deg: tuple[float, float] = (0.0, 0.0)
    """Yaw and pitch that looks away lean towards."""
    contact_bias_deg: tuple[float, float] = (0.0, 0.0)
    """Where even a look at the listener rests."""
    scan_s: float = 0.55
    """Median fixation of one point of the listener's face."""


SPEAKING = GazeHabits()
LISTENING = GazeHabits(contact_s=4.0, away_s=0.6, amplitude_deg=6.0)
IDLE = GazeHabits(contact_s=1.4, away_s=1.4, amplitude_deg=11.0)
BY_EMOTION = {
    "happy": GazeHabits(contact_s=2.4, away_s=0.55),
    "sad": GazeHabits(
        contact_s=1.1, away_s=1.5, amplitude_deg=9, bias_deg=(2, -9), contact_bias_deg=(0, -2)
    ),
    "angry": GazeHabits(contact_s=3.6, away_s=0.4, amplitude_deg=5),
    "surprised": GazeHabits(contact_s=2.8, away_s=0.4, contact_bias_deg=(0, 0.5)),
    "fearful": GazeHabits(contact_s=0.8, away_s=0.45, amplitude_deg=11, scan_s=0.3),
    "disgusted": GazeHabits(contact_s=1.3, away_s=1.0, bias_deg=(7, -4)),
    "contemptuous": GazeHabits(contact_s=2.2, away_s=0.9, bias_deg=(-6, 5)),
}
"""By the strongest emotion of a moment: averted when sad or disgusted, fixed when angry, darting in
fear (Adams and Kleck 2005 for the direction; the sizes were chosen on the demo head)."""


@dataclasses.dataclass(frozen=True)
class Fixation:
    """The eyes rest at an angle from ``start_s`` on, until the next fixation."""

    start_s: float
    yaw_deg: float
    pitch_deg: float
    is_contact: bool = True


def plan_fixations(
    duration_s: float,
    phrases: Sequence[Phrase],
    *,
    seed: int,
    habits: GazeHabits = SPEAKING,
) -> tuple[Fixation, ...]:
    """Plan where the eyes look.

    Args:
        duration_s: Length of the clip in seconds.
        phrases: Stretches of speech; the eyes leave the listener as some begin and are back before
            each ends. Empty for a face that listens or waits.
        seed: Another seed looks elsewhere.
        habits: Durations and amplitudes.

    Returns:
        Fixations in order of time; the first begins at 0.
    """
    random = np.random.Generator(np.random.Philox(key=(seed ^ 0x6A2E) % 2**64))
    found: list[Fixation] = []
    time_s, is_contact = 0.0, True
    while time_s < duration_s:
        median_s = habits.contact_s if is_contact else habits.away_s
        length_s = median_s * float(np.exp(0.45 * random.standard_normal()))
        stop_s = _switch_time(time_s, length_s, phrases, is_contact=is_contact, random=random)
        if is_contact:
            found += _scan(time_s, min(stop_s, duration_s), habits, random)
        else:
            found.append(_away(time_s, habits, random))
        time_s, is_contact = max(stop_s, time_s + 0.15), not is_contact
    return tuple(found)


def _switch_time(
    time_s: float,
    length_s: float,
    phrases: Sequence[Phrase],
    *,
    is_contact: bool,
    random: Generator,
) -> float:
    """Draw the end of a look; a phrase's beginning or end close to it is taken instead."""
    stop_s = time_s + length_s
    if is_contact:
        starts = [p.start_s - 0.1 for p in phrases if abs(p.start_s - 0.1 - stop_s) < 0.8]
        if starts and random.random() < 0.6:
            stop_s = min(starts, key=lambda s: abs(s - stop_s))
        # Nobody looks away in the last words of a phrase: it hands over the turn.
        for phrase in phrases:
            if phrase.end_s - 0.5 < stop_s < phrase.end_s + 0.25:
                stop_s = phrase.end_s + 0.25
    else:
        ends = [p.end_s - 0.4 for p in phrases if time_s < p.end_s - 0.4 < stop_s]
        if ends:
            stop_s = ends[0]
    return max(stop_s, time_s + 0.2)


def _scan(start_s: float, stop_s: float, habits: GazeHabits, random: Generator) -> list[Fixation]:
    """Fixations of the points of the listener's face."""
    found = []
    time_s, last = start_s, -1
    lean = habits.contact_bias_deg
    while time_s < stop_s:
        choices = [i for i in range(len(FACE_POINTS_DEG)) if i != last]
        last = int(random.choice(choices))
        yaw, pitch = FACE_POINTS_DEG[last]
        jitter = 0.25 * random.standard_normal(2)
        found.append(Fixation(time_s, yaw + jitter[0] + lean[0], pitch + jitter[1] + lean[1]))
        time_s += habits.scan_s * float(np.exp(0.5 * random.standard_normal())) + 0.12
    return found


def _away(start_s: float, habits: GazeHabits, random: Generator) -> Fixation:
    """Return a look past the listener, aside more often than up or down ("Eyes Alive", fig. 4)."""
    size = habits.amplitude_deg * float(np.clip(np.exp(0.4 * random.standard_normal()), 0.4, 2.0))
    angle = random.choice([0.0, np.pi, 0.25 * np.pi, 0.75 * np.pi, -0.3 * np.pi, -0.7 * np.pi])
    angle += 0.2 * random.standard_normal()
    yaw = size * np.cos(angle) + habits.bias_deg[0]
    pitch = 0.7 * size * np.sin(angle) + habits.bias_deg[1]
    return Fixation(start_s, float(yaw), float(pitch), is_contact=False)


def shifted(fixations: Sequence[Fixation], seconds: float) -> tuple[Fixation, ...]:
    """Return fixations that begin later.

    Args:
        fixations: In order of time.
        seconds: Added to each start.
    """
    return tuple(dataclasses.replace(one, start_s=one.start_s + seconds) for one in fixations)


def gaze_angles(fixations: Sequence[Fixation], times_s: Array, *, seed: int) -> Array:
    """Turn fixations into angles over time, joined by saccades.

    Args:
        fixations: In order of time, from ``plan_fixations``.
        times_s: Times wanted in seconds, ascending, shape (T,).
        seed: Of the drift within fixations.

    Returns:
        Yaw and pitch in degrees, shape (T, 2).
    """
    points = np.array([(f.yaw_deg, f.pitch_deg) for f in fixations], float).reshape(-1, 2)
    starts = np.array([f.start_s for f in fixations], float)
    if not len(points):
        return np.zeros((len(times_s), 2))
    index = np.clip(np.searchsorted(starts, times_s, side="right") - 1, 0, None)
    before = points[np.clip(index - 1, 0, None)]
    size = np.linalg.norm(points[index] - before, axis=1)
    phase = np.clip((times_s - starts[index]) / (SACCADE_S + SACCADE_S_PER_DEG * size), 0, 1)
    # Minimum jerk: the velocity profile of a saccade is a bell.
    done = (phase**3 * (10 - 15 * phase + 6 * phase**2))[:, None]
    angles: Array = before + (points[index] - before) * done + _drift(times_s, seed)
    return angles


def _drift(times_s: Array, seed: int) -> Array:
    """Slow wander of the eye within a fixation, degrees, shape (T, 2)."""
    random = np.random.Generator(np.random.Philox(key=(seed ^ 0xD21F) % 2**64))
    phases = random.uniform(0, 2 * np.pi, (3, 2))
    rates = np.array([0.31, 0.73, 1.27])  # Hz, without a common period
    waves = np.sin(2 * np.pi * times_s[:, None, None] * rates[:, None] + phases)
    wander: Array = DRIFT_DEG * waves.mean(1)
    return wander


def look_values(angles_deg: Array) -> dict[str, Array]:
    """Return the ARKit look and lid channels of eyes turned by some angles.

    Args:
        angles_deg: Yaw (own left positive) and pitch (up positive), shape (T, 2).

    Returns:
        Values to add to each channel, shape (T,), at most 1.
    """
    yaw, pitch = angles_deg[:, 0], angles_deg[:, 1]
    left, right = (np.clip(way * yaw / YAW_RANGE_DEG, 0, 1) for way in (1, -1))
    up, down = np.clip(pitch / UP_RANGE_DEG, 0, 1), np.clip(-pitch / DOWN_RANGE_DEG, 0, 1)
    return {
        "eyeLookOutLeft": left,
        "eyeLookInRight": left,
        "eyeLookInLeft": right,
        "eyeLookOutRight": right,
        "eyeLookUpLeft": up,
        "eyeLookUpRight": up,
        "eyeLookDownLeft": down,
        "eyeLookDownRight": down,
        "eyeBlinkLeft": LID_DOWN * down,
        "eyeBlinkRight": LID_DOWN * down,
        "eyeWideLeft": LID_UP * up,
        "eyeWideRight": LID_UP * up,
    }
