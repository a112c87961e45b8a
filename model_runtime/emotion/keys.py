"""Convert emotion keys to one weight per emotion and frame. numpy only.

A key sets emotion and intensity from its time on. The change is a raised-cosine cross-fade centred
on the key, so that neither the weights nor their slope jump. Neutral is the absence of emotion: its
column stays zero, and intensity 0 equals neutral.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..arrays import FloatArray
from ..choices import AUTO_EMOTION, MAX_INTENSITY
from ..errors import BadArgument
from ..protocol import EmotionKey as EmotionKey  # re-exported

CROSS_FADE_S = 0.5
"""Length of a cross-fade; equal to ``live_transition_time`` of Audio2Face."""


def checked_keys(keys: Sequence[EmotionKey], emotions: Sequence[str]) -> tuple[EmotionKey, ...]:
    """Return the keys sorted by time.

    Args:
        keys: In any order; of two at the same time the later in the list wins.
        emotions: Emotions of the model, neutral first; ``auto`` is accepted in addition.

    Raises:
        BadArgument: An emotion is unknown to the model, an intensity is outside [0, 1.5], or a
            time is not finite.
    """
    # Checked before anything is generated.
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
            raise BadArgument(
                f"Emotion time {key.start_s} s is not a finite number",
                hint="Use seconds of the audio file",
            )
    # Stable: of two keys at one time the later in the list comes last and wins.
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
    """Return the weights of some model frames; any range gives the same values.

    Args:
        keys: From ``checked_keys``. Before the first key the face is neutral; a key at or before
            the start of the clip is valid from the first frame on, without a fade.
        emotions: Emotions of the model, neutral first.
        frame_rate: Model frames per second.
        first_frame: First frame.
        frames: Number of frames.
        sound_start_s: Second of the file at frame 0; keys are in seconds of the file.

    Returns:
        Shape (frames, E), within [0, 1.5]; each row sums to the intensity, column 0 is zero.
    """
    # Computed from times, not accumulated: any range of frames gives the same values.
    times = sound_start_s + (first_frame + np.arange(frames)) / frame_rate
    weights = np.zeros((frames, len(emotions)))
    before = np.zeros(len(emotions))
    for key in keys:
        # Weights of one emotion at a time; cross-fades mix them.
        after = np.zeros(len(emotions))
        index = emotions.index(key.emotion)
        after[index] = key.intensity if index else 0.0
        # A key at or before the start needs no fade: there is nothing to fade from.
        if key.start_s <= sound_start_s:
            weights[:] = after
        else:
            phase = np.clip((times - key.start_s) / CROSS_FADE_S + 0.5, 0, 1)
            weights += (0.5 - 0.5 * np.cos(np.pi * phase))[:, None] * (after - before)
        before = after
    # Keys closer than a cross-fade still mix convexly, because each fade leads the next.
    return np.maximum(weights, 0).astype(np.float32)


def emotion_title(keys: Sequence[EmotionKey]) -> str:
    """Return the emotions of some keys in a few words."""
    named = [key for key in keys if key.emotion != "neutral" and key.intensity]
    return ", ".join(f"{key.emotion} {key.intensity:g}" for key in named) or "neutral"
