"""Plan the acting of a clip before the model runs: cues, emotion level, fixations. numpy only."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from ..arrays import FloatArray
from ..config import GeneratorConfig
from ..emotion.keys import emotion_weights
from ..emotion.pitch import FRAME_RATE
from ..protocol import Acting, EmotionKey, Expression, LookKey
from .around import Waits, extended_direction, extended_fixations
from .dynamics import emotion_level
from .gaze import Fixation
from .layers import Direction, checked_acting, gaze_shifts_s, plan_gaze
from .prosody import measure_prosody

LID_LAG_S = 0.008
"""Lag of one lid at asymmetry 1: filmed lids differ by 5 to 20 ms."""


@dataclasses.dataclass(frozen=True)
class ActingPlan:
    """Directions, fixations and emotion levels of a clip, from which acting is added."""

    acting: Acting
    direction: Direction
    fixations: tuple[Fixation, ...]
    levels: FloatArray
    """Factor on the emotion weights of each model frame, shape (T,)."""

    @property
    def gaze_shifts_s(self) -> tuple[float, ...]:
        """Times of large saccades, which blinks accompany; empty while the eyes are off."""
        return tuple(gaze_shifts_s(self.fixations).tolist()) if self.acting.eyes else ()

    @property
    def lid_lag_s(self) -> float:
        """Seconds by which the right lid lags the left."""
        return LID_LAG_S * self.acting.asymmetry

    def without_emotion(self) -> ActingPlan:
        """Return the same plan for a neutral head; gaze and blinks stay, so that layers align."""
        direction = dataclasses.replace(self.direction, emotions={})
        return dataclasses.replace(self, direction=direction)


def with_waits(plan: ActingPlan, waits: Waits, clip_s: float) -> ActingPlan:
    """Return the plan of a clip that waits before and after it; levels stay those of the clip.

    Args:
        plan: Of the clip alone.
        waits: Output frames to add.
        clip_s: Length of the clip in seconds.
    """
    if not waits:
        return plan
    return dataclasses.replace(
        plan,
        direction=extended_direction(plan.direction, waits),
        fixations=extended_fixations(plan.fixations, waits, clip_s, plan.direction.seed),
    )


def plan_acting_or_none(
    read: Callable[[int, int], FloatArray],
    sample_count: int,
    *,
    acting: Acting,
    keys: Sequence[EmotionKey],
    config: GeneratorConfig,
    seed: int,
    clip_start_s: float = 0.0,
    look: tuple[LookKey, ...] = (),
    expressions: Sequence[Expression] = (),
) -> ActingPlan | None:
    """Plan the acting of a clip; None when every strength is 0.

    Args:
        read: ``read(first, count)`` returns samples at 16 kHz.
        sample_count: Samples of the clip.
        acting: Strengths.
        keys: Emotion keys without ``auto``, in seconds of the file.
        config: Emotions of the model; its frames are those of the cues, 50 a second.
        seed: Of everything that is drawn.
        clip_start_s: Second of the file at which the clip begins.
        look: Rest direction of eyes and head over time.
        expressions: Expressions of the user.

    Raises:
        BadArgument: A strength out of range.
    """
    checked_acting(acting)
    if not (acting.dynamics or acting.eyes or acting.head or acting.asymmetry):
        return None
    frames = math.ceil(sample_count / (config.features.sample_rate / FRAME_RATE))
    prosody = measure_prosody(read, sample_count, frames)
    levels = emotion_level(prosody, seed=seed, strength=acting.dynamics).astype(np.float32)
    weights = emotion_weights(
        keys,
        emotions=config.emotions,
        frame_rate=FRAME_RATE,
        first_frame=0,
        frames=frames,
        sound_start_s=clip_start_s,
        own=expressions,
    )
    shaped = (weights * levels[:, None]).astype(float)
    emotions = {name: shaped[:, i] for i, name in enumerate(config.emotions) if i}
    direction = Direction(prosody, emotions, seed, look, clip_start_s)
    return ActingPlan(acting, direction, plan_gaze(direction), levels)
