"""Put channel offsets and speech amplitude of named expressions onto raw curves. numpy only.

Emotions of a mixture go through the model; what a mixture adds beyond them is added here, with the
cross-fades of its keys and the rise and fall of acting.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import DoubleArray, FloatArray
from ..expressions.blend import mixture_of
from ..performance import EmotionKey, Expression
from .keys import faded

AMPLIFIED = (
    *("jawOpen", "mouthClose", "mouthFunnel"),
    *("mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight"),
)
"""Channels that open the mouth. ``mouthClose`` grows with the jaw, so that lips still meet."""


def is_expressive(keys: Sequence[EmotionKey], own: Sequence[Expression] = ()) -> bool:
    """Return whether a key adds anything beyond emotions.

    Args:
        keys: From ``checked_keys``, without ``auto``.
        own: Expressions of the user.
    """
    return any(not mixture_of(key.emotion, own).is_plain for key in keys)


def expressed(
    values: FloatArray,
    channels: Sequence[str],
    keys: Sequence[EmotionKey],
    *,
    frame_rate: float,
    start_s: float = 0.0,
    levels: FloatArray | None = None,
    own: Sequence[Expression] = (),
) -> FloatArray:
    """Return raw curves with the offsets and the amplitude of named expressions.

    Args:
        values: Raw curves of the model, shape (T, C).
        channels: Names of the columns.
        keys: From ``checked_keys``, without ``auto``.
        frame_rate: Model frames per second.
        start_s: Second of the file at frame 0.
        levels: Factor on the emotions of each frame, shape (T,); None is 1.
        own: Expressions of the user.

    Returns:
        The same array where no key adds anything.
    """
    if not is_expressive(keys, own):
        return values
    names = list(channels)
    mixtures = [mixture_of(key.emotion, own) for key in keys]
    vectors = np.zeros((len(keys), len(names) + 1))
    for row, (key, mixture) in enumerate(zip(keys, mixtures, strict=True)):
        vectors[row, -1] = key.intensity * (mixture.amplitude - 1)
        for channel, offset in mixture.offsets.items():
            if channel in names:
                vectors[row, names.index(channel)] = key.intensity * offset
    times = start_s + np.arange(len(values)) / frame_rate
    added: DoubleArray = faded(keys, vectors, times, start_s)
    if levels is not None:
        added = added * np.asarray(levels, float)[: len(added), None]
    out = values.astype(float) + added[:, :-1]
    opening = [names.index(name) for name in AMPLIFIED if name in names]
    out[:, opening] *= np.maximum(1 + added[:, -1:], 0)
    return out.astype(np.float32)
