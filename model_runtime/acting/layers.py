"""Put acting onto generated curves: asymmetry, gaze with its lids, head motion. numpy only."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from ..choices import FAVOURED_SIDES, MAX_ACTING
from ..curves.rig import RigDefinition
from ..curves.track import CurveTrack
from ..emotion.pitch import FRAME_RATE
from ..errors import BadArgument
from ..protocol import Acting, LookKey
from . import gaze, head, look
from .asymmetry import vary_sides
from .prosody import Array, Phrase, Prosody


@dataclasses.dataclass(frozen=True)
class Direction:
    """Directions of a clip for eyes and head."""

    prosody: Prosody
    """Cues of the clip, T frames at 50 Hz."""
    emotions: dict[str, Array]
    """Weight of each emotion over time, shape (T,)."""
    seed: int = 0
    look: tuple[LookKey, ...] = ()
    """Rest direction of eyes and head over time."""
    first_s: float = 0.0
    """Second of the audio file at frame 0."""
    listening: tuple[Phrase, ...] = ()
    """When somebody else speaks, in seconds from frame 0."""


def checked_acting(acting: Acting) -> Acting:
    """Return the strengths when all are in range.

    Args:
        acting: Strengths as a user gave them.

    Raises:
        BadArgument: A strength outside [0, 2], or an unknown side.
    """
    for name in ("dynamics", "eyes", "head", "asymmetry"):
        value = getattr(acting, name)
        if not 0 <= value <= MAX_ACTING:  # False for NaN too
            raise BadArgument(
                f"Strength of {name} {value:g} is out of range",
                hint=f"Use a number from 0 (off) to {MAX_ACTING:g}; 1 is natural",
            )
    if acting.favoured_side not in FAVOURED_SIDES:
        raise BadArgument(
            f"Unknown side {acting.favoured_side!r}", hint=f"Use {', '.join(FAVOURED_SIDES)}"
        )
    return acting


def plan_gaze(direction: Direction) -> tuple[gaze.Fixation, ...]:
    """Plan the fixations of a clip by its phrases and its strongest emotion.

    Args:
        direction: Cues, emotions and seed.

    Returns:
        Fixations in order of time.
    """
    duration_s = direction.prosody.frames / FRAME_RATE
    habits = gaze.SPEAKING
    means = {name: float(np.mean(w)) for name, w in direction.emotions.items() if len(w)}
    strongest = max(means, key=means.__getitem__, default="")
    if means.get(strongest, 0.0) > 0.25:
        habits = gaze.BY_EMOTION.get(strongest, habits)
    return gaze.plan_fixations(
        duration_s, direction.prosody.phrases, seed=direction.seed, habits=habits
    )


def gaze_shifts_s(fixations: Sequence[gaze.Fixation], least_deg: float = 5.0) -> Array:
    """Return when the eyes make a large saccade, which blinks tend to accompany.

    Args:
        fixations: From ``plan_gaze``.
        least_deg: Smallest saccade that counts.

    Returns:
        Times in seconds, ascending, shape (N,).
    """
    return np.array(
        [
            after.start_s
            for before, after in itertools.pairwise(fixations)
            if np.hypot(after.yaw_deg - before.yaw_deg, after.pitch_deg - before.pitch_deg)
            > least_deg
        ]
    )


def add_acting(
    track: CurveTrack,
    rig: RigDefinition,
    acting: Acting,
    direction: Direction,
    fixations: Sequence[gaze.Fixation],
) -> CurveTrack:
    """Return curves with asymmetry, gaze and head motion.

    Args:
        track: Curves at the output frame rate, within the bounds of the rig.
        rig: Bounds of its channels.
        acting: Strengths; at 0 a layer changes nothing, and no head channels are added.
        direction: Cues and emotions of the clip.
        fixations: From ``plan_gaze``.

    Returns:
        The curves, within bounds; with head motion the channels of ``head.HEAD_CHANNELS`` (radians)
        are appended, or added to where the rig has them.
    """
    track = vary_sides(
        track,
        seed=direction.seed,
        strength=acting.asymmetry,
        favoured=acting.favoured_side,
    )
    times = np.arange(track.frame_count) / track.fps
    turns = np.zeros((track.frame_count, 3))
    if acting.head > 0:
        at_model_rate = head.head_angles(direction.prosody, direction.emotions, seed=direction.seed)
        turns = acting.head * _resampled(at_model_rate, times)
        nods = head.listener_nods(times, direction.listening, seed=direction.seed)
        turns[:, 1] += acting.head * nods
        # Whoever is looked at stays where they are: a strength above 1 does not turn further.
        turns += min(acting.head, 1.0) * look.head_turns(direction.look, direction.first_s + times)
    if acting.eyes > 0:
        angles = acting.eyes * gaze.gaze_angles(fixations, times, seed=direction.seed)
        angles += look.rest_angles(direction.look, direction.first_s + times)
        track = _with_gaze(track, rig, angles + _held_by_eyes(turns))
    return _with_head(track, turns) if acting.head > 0 else track


def _held_by_eyes(turns_deg: Array) -> Array:
    """Turn of the eyes that keeps the fixation while the head turns (vestibulo-ocular reflex)."""
    return np.stack([turns_deg[:, 0], turns_deg[:, 1]], 1)  # head: right and down are positive


def _with_gaze(track: CurveTrack, rig: RigDefinition, angles_deg: Array) -> CurveTrack:
    bounds = {c.name: (c.minimum, c.maximum) for c in rig.channels}
    values = track.values.copy()
    for name, added in gaze.look_values(angles_deg).items():
        if name in track.channels:
            column = track.channels.index(name)
            low, high = bounds.get(name, (0.0, 1.0))
            values[:, column] = np.clip(values[:, column] + added, low, high)
    return track.replaced(values=values)


def _with_head(track: CurveTrack, turns_deg: Array) -> CurveTrack:
    radians = np.deg2rad(turns_deg).astype(np.float32)
    values, channels = track.values, list(track.channels)
    for axis, name in enumerate(head.HEAD_CHANNELS):
        if name in channels:
            values = values.copy()
            values[:, channels.index(name)] += radians[:, axis]
        else:
            values = np.concatenate([values, radians[:, axis : axis + 1]], axis=1)
            channels.append(name)
    return track.replaced(values=values, channels=tuple(channels))


def _resampled(values: Array, times_s: Array) -> Array:
    own = np.arange(len(values)) / FRAME_RATE
    if not len(own):
        return np.zeros((len(times_s), values.shape[1]))
    return np.stack([np.interp(times_s, own, column) for column in values.T], 1)
