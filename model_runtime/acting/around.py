"""Extend a clip by time before and after it in which the face waits. numpy only.

The clip itself is not generated again: its first and last frame come to rest, brows drift, and
blinks, gaze and head motion are planned over the whole, so that no seam shows.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..arrays import FloatArray
from ..curves.track import CurveTrack
from ..emotion.pitch import FRAME_RATE
from ..errors import BadArgument
from . import gaze
from .idle import drift
from .layers import Direction
from .prosody import Array, Phrase, Prosody, Stress

SETTLE_S = 1.4
"""Seconds in which the expression of the first and last frame comes to rest: twice the release
of an emotion within a line (``dynamics.RELEASE_S``)."""
DRIFT_FADE_S = 0.6
LONGEST_S = 600.0
"""Ten minutes on either side; more is a mistyped number."""


@dataclasses.dataclass(frozen=True)
class Waits:
    """Output frames of waiting on either side of a clip."""

    before: int
    after: int
    fps: float

    def __bool__(self) -> bool:
        return bool(self.before or self.after)

    @property
    def before_s(self) -> float:
        """Seconds before the clip."""
        return self.before / self.fps

    @property
    def after_s(self) -> float:
        """Seconds after the clip."""
        return self.after / self.fps


def waits_of(before_s: float, after_s: float, fps: float) -> Waits:
    """Return waiting times in whole output frames, so that the clip keeps its own frames.

    Args:
        before_s: Seconds before the clip.
        after_s: Seconds after the clip.
        fps: Frames per second of the output.

    Raises:
        BadArgument: A time is negative, not finite or longer than ten minutes.
    """
    for value in (before_s, after_s):
        if not 0 <= value <= LONGEST_S:  # False for NaN too
            raise BadArgument(
                f"Idle time {value:g} s is out of range",
                hint=f"Use seconds from 0 (off) to {LONGEST_S:g}",
            )
    return Waits(round(before_s * fps), round(after_s * fps), fps)


def extended_track(track: CurveTrack, waits: Waits, seed: int) -> CurveTrack:
    """Return the curves with waiting frames on both sides.

    Args:
        track: The clip at the output frame rate, without blinks and gaze.
        waits: Frames to add.
        seed: Of the drift of brows and lips.

    Returns:
        Curves in which the frames of the clip are unchanged.
    """
    if not len(track.values):
        return track
    before = track.values[:1] * _settling(waits.before, track.fps)[::-1, None]
    after = track.values[-1:] * _settling(waits.after, track.fps)[:, None]
    values = np.concatenate([before, track.values, after]).astype(np.float32)
    whole = track.replaced(values=values)
    added = drift(whole, seed)
    ramp = DRIFT_FADE_S * track.fps
    envelope = np.zeros(len(values))
    envelope[: waits.before] = np.clip(np.arange(waits.before, 0, -1) / ramp, 0, 1)
    stop = len(values) - waits.after
    envelope[stop:] = np.clip(np.arange(1, waits.after + 1) / ramp, 0, 1)
    return whole.replaced(values=(values + envelope[:, None] * added).astype(np.float32))


def extended_silence(silence: FloatArray, waits: Waits) -> FloatArray:
    """Return the probability of silence with waiting frames, which are silent.

    Args:
        silence: Probability in each model frame, shape (T,).
        waits: Output frames to add.
    """
    before, after = _model_frames(waits)
    return np.concatenate([np.ones(before, np.float32), silence, np.ones(after, np.float32)])


def extended_direction(direction: Direction, waits: Waits) -> Direction:
    """Return the cues and emotions of a clip with waiting on both sides.

    Args:
        direction: Of the clip alone.
        waits: Output frames to add. At the model's 50 Hz they are rounded: up to 10 ms, which
            nobody sees in the time of a nod.
    """
    before, after = _model_frames(waits)
    cues, shift_s = direction.prosody, before / FRAME_RATE

    def padded(values: Array, fill: float) -> Array:
        return np.concatenate([np.full(before, fill), values, np.full(after, fill)])

    def settled(values: Array) -> Array:
        if not len(values):
            return padded(values, 0.0)
        start = values[0] * _settling(before, FRAME_RATE)[::-1]
        return np.concatenate([start, values, values[-1] * _settling(after, FRAME_RATE)])

    prosody = Prosody(
        padded(cues.loudness, -2.5),
        padded(cues.pitch, 0.0),
        padded(cues.activity, 0.0),
        tuple(Phrase(p.start_s + shift_s, p.end_s + shift_s) for p in cues.phrases),
        tuple(Stress(s.time_s + shift_s, s.strength) for s in cues.stresses),
    )
    emotions = {name: settled(weight) for name, weight in direction.emotions.items()}
    return dataclasses.replace(
        direction, prosody=prosody, emotions=emotions, first_s=direction.first_s - waits.before_s
    )


def extended_fixations(
    fixations: tuple[gaze.Fixation, ...], waits: Waits, clip_s: float, seed: int
) -> tuple[gaze.Fixation, ...]:
    """Return the fixations of a clip with those of waiting on both sides.

    Args:
        fixations: Of the clip alone.
        waits: Output frames to add.
        clip_s: Length of the clip in seconds.
        seed: Of the fixations while waiting.
    """

    def waiting(seconds: float, start_s: float, salt: int) -> tuple[gaze.Fixation, ...]:
        found = gaze.plan_fixations(seconds, (), seed=seed ^ salt, habits=gaze.IDLE)
        return gaze.shifted(found, start_s) if seconds else ()

    return (
        *waiting(waits.before_s, 0.0, 0xB3),
        *gaze.shifted(fixations, waits.before_s),
        *waiting(waits.after_s, waits.before_s + clip_s, 0xAF),
    )


def _settling(frames: int, rate: float) -> Array:
    """Falling share of an expression, from the frame next to the clip on."""
    phase = np.clip(np.arange(1, frames + 1) / (SETTLE_S * rate), 0, 1)
    share: Array = 0.5 + 0.5 * np.cos(np.pi * phase)
    return share


def _model_frames(waits: Waits) -> tuple[int, int]:
    return round(waits.before_s * FRAME_RATE), round(waits.after_s * FRAME_RATE)
