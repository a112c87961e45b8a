"""Convert emotion keys to one weight per emotion and frame. numpy only.

A key sets emotion and intensity from its time on. The change is a raised-cosine cross-fade centred
on the key, so that neither the weights nor their slope jump. Neutral is the absence of emotion: its
column stays zero, and intensity 0 equals neutral.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..arrays import DoubleArray, FloatArray
from ..choices import AUTO_EMOTION, MAX_INTENSITY
from ..errors import BadArgument
from ..expressions.blend import mixture_of
from ..protocol import EmotionKey as EmotionKey  # re-exported
from ..protocol import Expression

CROSS_FADE_S = 0.5
"""Length of a cross-fade; equal to ``live_transition_time`` of Audio2Face."""


def checked_keys(
    keys: Sequence[EmotionKey], emotions: Sequence[str], own: Sequence[Expression] = ()
) -> tuple[EmotionKey, ...]:
    """Return the keys sorted by time.

    Args:
        keys: In any order; of two at the same time the later in the list wins.
        emotions: Emotions of the model, neutral first; ``auto``, expressions and blends of these
            are accepted in addition.
        own: Expressions of the user.

    Raises:
        BadArgument: An emotion is unknown to the model, an intensity is outside [0, 1.5], or a
            time is not finite.
    """
    # Checked before anything is generated.
    for key in keys:
        if key.emotion not in (*emotions, AUTO_EMOTION):
            _check_mixture(key.emotion, emotions, own)
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
    own: Sequence[Expression] = (),
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
        own: Expressions of the user.

    Returns:
        Shape (frames, E), within [0, 1.5]; each row sums to the intensity, column 0 is zero.
    """
    # Computed from times, not accumulated: any range of frames gives the same values.
    times = sound_start_s + (first_frame + np.arange(frames)) / frame_rate
    vectors = np.zeros((len(keys), len(emotions)))
    for row, key in enumerate(keys):
        for name, share in mixture_of(key.emotion, own).weights.items():
            vectors[row, emotions.index(name)] = key.intensity * share
        # A blend of full weights at more than full intensity would leave what was trained.
        vectors[row] *= min(1.0, MAX_INTENSITY / max(vectors[row].sum(), 1e-9))
    weights = faded(keys, vectors, times, sound_start_s)
    # Keys closer than a cross-fade still mix convexly, because each fade leads the next.
    return np.maximum(weights, 0).astype(np.float32)


def faded(
    keys: Sequence[EmotionKey], vectors: DoubleArray, times_s: DoubleArray, start_s: float
) -> DoubleArray:
    """Return the values of keys over time, with raised-cosine fades between them.

    Args:
        keys: Sorted by time, N of them.
        vectors: Values of each key, shape (N, D).
        times_s: Seconds of the file, shape (T,).
        start_s: Second at which the clip begins; a key at or before it holds without a fade.

    Returns:
        Shape (T, D); zero before the first key.
    """
    values = np.zeros((len(times_s), vectors.shape[1]))
    before = np.zeros(vectors.shape[1])
    for key, after in zip(keys, vectors, strict=True):
        if key.start_s <= start_s:
            values[:] = after
        else:
            # Clipped before the division, which overflows for times near the largest float.
            past_s = np.clip(times_s - key.start_s, -CROSS_FADE_S / 2, CROSS_FADE_S / 2)
            phase = past_s / CROSS_FADE_S + 0.5
            values += (0.5 - 0.5 * np.cos(np.pi * phase))[:, None] * (after - before)
        before = after
    return values


def _check_mixture(text: str, emotions: Sequence[str], own: Sequence[Expression]) -> None:
    needed = mixture_of(text, own).weights
    missing = sorted(set(needed) - set(emotions))
    if missing:
        raise BadArgument(
            f"The model has no emotion {missing[0]!r}, which {text!r} needs",
            hint=f"Use one of: {', '.join((*emotions, AUTO_EMOTION))}",
        )


def emotion_title(keys: Sequence[EmotionKey]) -> str:
    """Return the emotions of some keys in a few words."""
    named = [key for key in keys if key.emotion != "neutral" and key.intensity]
    return ", ".join(f"{key.emotion} {key.intensity:g}" for key in named) or "neutral"
