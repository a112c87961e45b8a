"""Generate curves of a face that waits or listens, without a recording. numpy only."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from ..arrays import FloatArray
from ..curves.resample import checked_fps, frames_for
from ..curves.rig import RigDefinition
from ..curves.track import CurveTrack
from ..emotion.pitch import FRAME_RATE
from ..postprocess.blinks import add_blinks, blink_times, lid_closure
from ..protocol import NATURAL_ACTING, Acting, LookKey
from ..style import KNOT_SPACING_S, style_noise
from . import gaze
from .layers import Direction, add_acting, gaze_shifts_s
from .prosody import Phrase, Prosody

BROWS = ("browInnerUp", "browOuterUpLeft", "browOuterUpRight", "browDownLeft", "browDownRight")
BROW_DRIFT = 0.04
"""Standard deviation of the slow drift of brows at rest; filmed listeners stay under 0.1."""
BROW_KNOT_S = 2.5
PRESS_CHANNELS = ("mouthPressLeft", "mouthPressRight", "mouthShrugLower")
PRESS_DRIFT = 0.05
"""Lips at rest settle now and then; more would look like chewing."""


def silent_prosody(duration_s: float) -> Prosody:
    """Return the cues of a clip in which nobody speaks.

    Args:
        duration_s: Length in seconds, 0 or more.
    """
    still = np.zeros(max(1, round(duration_s * FRAME_RATE)))
    return Prosody(still - 2.5, still, still, (), ())


@dataclasses.dataclass(frozen=True)
class IdleScene:
    """What goes on around a face that does not speak."""

    listening: tuple[Phrase, ...] = ()
    """When somebody else speaks, in seconds from frame 0, in order."""
    look: tuple[LookKey, ...] = ()
    """Rest direction of eyes and head, in seconds from frame 0."""


def listening_throughout(duration_s: float) -> IdleScene:
    """Return a scene in which somebody straight ahead speaks all the time.

    Args:
        duration_s: Length in seconds.
    """
    return IdleScene(listening=(Phrase(0.0, duration_s),))


def idle_track(
    rig: RigDefinition,
    duration_s: float,
    *,
    fps: float = 60.0,
    seed: int = 0,
    acting: Acting | None = None,
    scene: IdleScene | None = None,
) -> CurveTrack:
    """Generate curves of a face that waits or listens.

    Args:
        rig: Channels, regions and bounds of the curves.
        duration_s: Length in seconds.
        fps: Frames per second, 1 to 240.
        seed: Another seed blinks and looks at other times.
        acting: Strengths of eyes and head; None is natural.
        scene: Who speaks when, and where they are; None if nobody does.

    Returns:
        ``ceil(duration * fps)`` frames of the rig's channels, and the head's where it moves.

    Raises:
        BadArgument: A frame rate out of range.
    """
    fps = checked_fps(fps)
    acting = NATURAL_ACTING if acting is None else acting
    scene = IdleScene() if scene is None else scene
    frames = frames_for(duration_s, fps)
    names = tuple(channel.name for channel in rig.channels)
    track = CurveTrack(np.zeros((frames, len(names)), np.float32), names, fps)
    track = track.replaced(values=track.values + drift(track, seed))
    prosody = silent_prosody(duration_s)
    direction = Direction(prosody, {}, seed, look=scene.look, listening=scene.listening)
    fixations = _fixations(duration_s, scene.listening, seed)
    track = add_acting(track, rig, acting, direction, fixations)
    silence = np.ones(max(1, round(duration_s * FRAME_RATE)), np.float32)
    times = blink_times(
        silence,
        frame_rate=FRAME_RATE,
        duration_s=duration_s,
        seed=seed,
        gaze_shifts_s=gaze_shifts_s(fixations).tolist(),
    )
    closure = lid_closure(times, fps=fps, frames=frames)
    return track.replaced(values=add_blinks(track.values, track.channels, closure))


def drift(track: CurveTrack, seed: int) -> FloatArray:
    """Return what wanders at rest: brows and lips, by a few hundredths, never below zero.

    Args:
        track: Channels, frame rate and number of frames.
        seed: Another seed wanders elsewhere.

    Returns:
        Values to add, shape (frames, channels).
    """
    added = np.zeros(track.values.shape, np.float32)
    present = [name for name in (*BROWS, *PRESS_CHANNELS) if name in track.channels]
    if not present:
        return added
    rate = track.fps * BROW_KNOT_S / KNOT_SPACING_S
    noise = style_noise(
        seed ^ 0x1D1E,
        channels=len(present),
        frame_rate=rate,
        first_frame=0,
        frames=track.frame_count,
    )
    for column, name in enumerate(present):
        size = PRESS_DRIFT if name in PRESS_CHANNELS else BROW_DRIFT
        added[:, track.channels.index(name)] = size * np.clip(noise[:, column] - 0.3, 0, 2)
    return added


def _fixations(
    duration_s: float, listening: Sequence[Phrase], seed: int
) -> tuple[gaze.Fixation, ...]:
    """Fixations of waiting and listening in turn."""
    found: list[gaze.Fixation] = []
    edges = [0.0, *(edge for span in listening for edge in (span.start_s, span.end_s)), duration_s]
    for number, (start_s, stop_s) in enumerate(itertools.pairwise(edges)):
        if stop_s <= start_s:
            continue
        habits = gaze.LISTENING if number % 2 else gaze.IDLE
        part = gaze.plan_fixations(stop_s - start_s, (), seed=seed + 7 * number, habits=habits)
        found += gaze.shifted(part, start_s)
    return tuple(found)
