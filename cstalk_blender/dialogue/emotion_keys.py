"""Convert emotions over time to keys for the runtime, and to colours. No bpy.

The runtime plays one emotion from each key on and fades from one to the next over
``CROSS_FADE_S``. What it plays is thus the staircase of its keys, seen through a window of half a
second. Any course of mixed weights is brought into that form: cut into segments of a tenth of a
second, each shared among its emotions by their weights. The window smooths the shares out again.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..package import batch_naming, blends, choices, protocol, runtime_errors

EmotionKey = protocol.EmotionKey
Colours: TypeAlias = NDArray[np.float32]

SEGMENT_S = 0.1
"""A fifth of the runtime's cross-fade: shares of a segment are smoothed to a ripple under 2 %."""
CROSS_FADE_S = 0.5
"""Equals ``model_runtime.emotion.keys.CROSS_FADE_S``."""
LEAST = 0.02
"""Smaller weights are invisible and would only add keys."""

COLOURS: Mapping[str, tuple[float, float, float]] = {
    "neutral": (0.36, 0.36, 0.38),
    "happy": (0.98, 0.78, 0.16),
    "sad": (0.25, 0.47, 0.90),
    "angry": (0.88, 0.20, 0.16),
    "surprised": (0.98, 0.52, 0.12),
    "fearful": (0.58, 0.34, 0.82),
    "disgusted": (0.38, 0.68, 0.24),
    "contemptuous": (0.78, 0.36, 0.58),
    "auto": (0.75, 0.75, 0.75),
}
"""sRGB colour of each emotion: that of Plutchik's wheel where it has the emotion."""

_MARKER = re.compile(
    r"(?:(?P<role>[^:]+):\s*)?(?P<word>[A-Za-z]+(?:[ _][A-Za-z]+)?)"
    r"(?:[\s_]+(?P<number>\d+(?:\.\d+)?)\s*(?P<percent>%?))?"
)


@dataclasses.dataclass(frozen=True)
class Mark:
    """Emotion of a timeline marker."""

    role: str
    """Character it is for; empty: all."""
    emotion: str
    intensity: float


def read_marker(name: str) -> Mark | None:
    """Return the emotion of a marker, None if its name has another form.

    The forms are ``happy``, ``happy 0.7``, ``sad 70%`` and ``Anna: angry 1``.
    """
    found = _MARKER.fullmatch(name.strip())
    if found is None:
        return None
    emotion = batch_naming.emotion_named(found["word"])
    if emotion not in blends.known_names():
        return None
    intensity = float(found["number"] or 1.0) / (100.0 if found["percent"] else 1.0)
    if found["number"] is None and emotion == choices.EMOTIONS[0]:
        intensity = 0.0
    role = (found["role"] or "").strip()
    return Mark(role, emotion, min(intensity, choices.MAX_INTENSITY))


def keys_of(
    weights_at: Callable[[float], Mapping[str, float]],
    start_s: float,
    duration_s: float,
    *,
    segment_s: float = SEGMENT_S,
) -> tuple[EmotionKey, ...]:
    """Return keys that reproduce a course of weights.

    Args:
        weights_at: Weight of each emotion at a second of the sound, each in [0, 1.5]; their sum is
            the intensity and is held to 1.5.
        start_s: Second of the sound at which the line begins.
        duration_s: Its length.
        segment_s: Longer ones are coarser; for pictures.
    """
    keys: list[EmotionKey] = []
    # The small term: 0.3 s are three segments, whatever the rounding.
    count = max(1, int(np.ceil(duration_s / segment_s - 1e-9)))
    for segment in range(count):
        begin = start_s + segment * segment_s
        # Sampled in the middle, which stands for the segment best.
        shares = _shares(weights_at(begin + segment_s / 2))
        total = sum(shares.values())
        names = list(shares)[:: 1 if segment % 2 else -1]  # there and back: no share comes late
        at = begin
        for name in names or [choices.EMOTIONS[0]]:
            _append(keys, EmotionKey(round(at, 4), name, round(total, 3)))
            at += segment_s * shares.get(name, 0.0) / (total or 1.0)
    return tuple(keys)


def band(keys: Sequence[EmotionKey], start_s: float, duration_s: float, columns: int) -> Colours:
    """Return the keys of a line as colours over its length, shape (columns, 3), sRGB in [0, 1].

    Args:
        keys: Sorted by time, in seconds of the sound.
        start_s: Where the line begins in the sound.
        duration_s: Its length; 0 counts as a second.
        columns: How many colours.
    """
    # Colours at the middle of each column.
    times = start_s + (np.arange(columns) + 0.5) / columns * (duration_s or 1.0)
    grey = np.array(COLOURS["neutral"], np.float32)
    mixed = np.tile(grey, (columns, 1))
    before = grey
    for key in keys:
        share = min(1.0, key.intensity) if key.emotion != choices.AUTO_EMOTION else 1.0
        after = grey + share * (_colour(key.emotion) - grey)
        if key.start_s <= start_s:
            mixed[:] = after
        else:
            # As the runtime fades: a raised cosine around the key.
            phase = np.clip((times - key.start_s) / CROSS_FADE_S + 0.5, 0, 1)
            mixed += (0.5 - 0.5 * np.cos(np.pi * phase))[:, None] * (after - before)
        before = after
    return np.clip(mixed, 0, 1).astype(np.float32)


def _colour(text: str) -> NDArray[np.float32]:
    """Return the colour of an emotion, or the mean of those that a blend or expression mixes."""
    if text in COLOURS:
        return np.array(COLOURS[text], np.float32)
    try:
        weights = blends.mixture_of(text).weights
    except runtime_errors.RuntimeFault:  # an expression of the user, which the band does not know
        weights = {}
    total = sum(weights.values())
    grey = np.array(COLOURS["neutral"], np.float32)
    if not total:
        return grey
    parts = [weight / total * np.array(COLOURS[name]) for name, weight in weights.items()]
    return np.asarray(sum(parts), np.float32)


def _append(keys: list[EmotionKey], key: EmotionKey) -> None:
    """Add a key unless it equals the last one."""
    if not keys or (keys[-1].emotion, keys[-1].intensity) != (key.emotion, key.intensity):
        keys.append(key)


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Return the visible weights, scaled so that their sum is at most the highest intensity."""
    kept = {
        name: float(value)
        for name, value in weights.items()
        if value >= LEAST and name != choices.EMOTIONS[0]
    }
    total = sum(kept.values())
    # Scaled together, so that the mixture stays.
    scale = min(1.0, choices.MAX_INTENSITY / total) if total else 1.0
    return {name: value * scale for name, value in kept.items()}
