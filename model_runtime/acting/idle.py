"""Generate curves of a face that waits or listens, without a recording. numpy only."""

from __future__ import annotations

import numpy as np

from ..curves.resample import checked_fps, frames_for
from ..curves.rig import RigDefinition
from ..curves.track import CurveTrack
from ..emotion.pitch import FRAME_RATE
from ..postprocess.blinks import add_blinks, blink_times, lid_closure
from ..protocol import NATURAL_ACTING, Acting
from ..style import KNOT_SPACING_S, style_noise
from . import gaze
from .layers import Direction, add_acting
from .prosody import Prosody

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


def idle_track(
    rig: RigDefinition,
    duration_s: float,
    *,
    fps: float = 60.0,
    seed: int = 0,
    acting: Acting | None = None,
    is_listening: bool = False,
) -> CurveTrack:
    """Generate curves of a face that waits or listens.

    Args:
        rig: Channels, regions and bounds of the curves.
        duration_s: Length in seconds.
        fps: Frames per second, 1 to 240.
        seed: Another seed blinks and looks at other times.
        acting: Strengths of eyes and head; None is natural.
        is_listening: Keep the eyes on the speaker most of the time.

    Returns:
        ``ceil(duration * fps)`` frames of the rig's channels, and the head's where it moves.

    Raises:
        BadArgument: A frame rate out of range.
    """
    fps = checked_fps(fps)
    acting = NATURAL_ACTING if acting is None else acting
    frames = frames_for(duration_s, fps)
    names = tuple(channel.name for channel in rig.channels)
    track = CurveTrack(np.zeros((frames, len(names)), np.float32), names, fps)
    track = _drifting(track, seed)
    direction = Direction(silent_prosody(duration_s), {}, seed, has_listener_only=is_listening)
    habits = gaze.LISTENING if is_listening else gaze.IDLE
    fixations = gaze.plan_fixations(duration_s, (), seed=seed, habits=habits)
    track = add_acting(track, rig, acting, direction, fixations)
    silence = np.ones(max(1, round(duration_s * FRAME_RATE)), np.float32)
    times = blink_times(silence, frame_rate=FRAME_RATE, duration_s=duration_s, seed=seed)
    closure = lid_closure(times, fps=fps, frames=frames)
    return track.replaced(values=add_blinks(track.values, track.channels, closure))


def _drifting(track: CurveTrack, seed: int) -> CurveTrack:
    """Brows and lips that wander by a few hundredths, never below zero."""
    present = [name for name in (*BROWS, *PRESS_CHANNELS) if name in track.channels]
    if not present:
        return track
    rate = track.fps * BROW_KNOT_S / KNOT_SPACING_S
    noise = style_noise(
        seed ^ 0x1D1E,
        channels=len(present),
        frame_rate=rate,
        first_frame=0,
        frames=track.frame_count,
    )
    values = track.values.copy()
    for column, name in enumerate(present):
        size = PRESS_DRIFT if name in PRESS_CHANNELS else BROW_DRIFT
        values[:, track.channels.index(name)] += size * np.clip(noise[:, column] - 0.3, 0, 2)
    return track.replaced(values=values)
