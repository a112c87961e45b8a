"""Emotion keys to one weight per emotion and frame. numpy only.

A key says: from this second on, act this emotion this strongly. The change is a raised-cosine
cross-fade centred on the key, so that neither the weights nor their slope jump. Neutral is the
absence of emotion: its column stays zero, and intensity 0 *is* neutral.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..arrays import FloatArray
from ..errors import BadArgument
from ..protocol import AUTO_EMOTION, MAX_INTENSITY
from ..protocol import EmotionKey as EmotionKey  # handed on to infer

CROSS_FADE_S = 0.5
"""Seconds from one emotion to the next; Audio2Face's ``live_transition_time`` is the same."""


def checked_keys(keys: Sequence[EmotionKey], emotions: Sequence[str]) -> tuple[EmotionKey, ...]:
    """The keys sorted by time.

    Args:
        keys: In any order; of two at the same time the later in the list wins.
        emotions: Names the model knows, neutral first; ``auto`` is let through beside them.

    Raises:
        BadArgument: An emotion the model does not know, an intensity outside [0, 1.5], or a time
            that is not a number.
    """
    for key in keys:
        if key.emotion not in (*emotions, AUTO_EMOTION):
            raise BadArgument(
                f"Unknown emotion {key.emotion!r}",
                hint=f"Use one of: {', '.join((*emotions, AUTO_EMOTION))}",
            )
        if not 0 <= key.intensity <= MAX_INTENSITY:  # False for NaN too
            raise BadArgument(
                f"Intensity {key.intensity:g} is out of range",
                hint=f"Use a number from 0 to {MAX_INTENSITY}; 1 is full strength",
            )
        if not math.isfinite(key.start_s):
            raise BadArgument(f"Emotion time {key.start_s} s", hint="Use seconds of the sound")
    return tuple(sorted(keys, key=lambda key: key.start_s))


def emotion_weights(
    keys: Sequence[EmotionKey],
    *,
    emotions: Sequence[str],
    frame_rate: float,
    first_frame: int,
    frames: int,
    sound_start_s: float = 0.0,
) -> FloatArray:
    """Weights of some model frames, the same whichever range is asked for.

    Args:
        keys: From ``checked_keys``. Before the first key the face is neutral; a key at or before
            the start of the sound holds from the first frame on, without a fade.
        emotions: Names the model knows, neutral first.
        frame_rate: Model frames a second.
        first_frame: First frame wanted.
        frames: How many.
        sound_start_s: Second of the file at which frame 0 lies; keys are in seconds of the file.

    Returns:
        Shape (frames, E), within [0, 1.5]; each row sums to the intensity, column 0 is zero.
    """
    times = sound_start_s + (first_frame + np.arange(frames)) / frame_rate
    weights = np.zeros((frames, len(emotions)))
    before = np.zeros(len(emotions))
    for key in keys:
        after = np.zeros(len(emotions))
        index = emotions.index(key.emotion)
        after[index] = key.intensity if index else 0.0
        if key.start_s <= sound_start_s:
            weights[:] = after
        else:
            phase = np.clip((times - key.start_s) / CROSS_FADE_S + 0.5, 0, 1)
            weights += (0.5 - 0.5 * np.cos(np.pi * phase))[:, None] * (after - before)
        before = after
    # Keys closer than a cross-fade still mix convexly: each fade is ahead of the next.
    return np.maximum(weights, 0).astype(np.float32)
