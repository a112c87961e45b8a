"""Write emotion keys as text and read them back: ``2.5:sad:1 6:neutral:0``. Stdlib only."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from ...errors import BadArgument
from ...protocol import EmotionKey
from .naming import emotion_named

KEY_HINT = "Write SECONDS:NAME:F, as in 2.5:happy:0.8"


def keys_text(keys: Sequence[EmotionKey]) -> str:
    """Return keys as text, in the form of ``--emotion-at`` and of lists."""
    # Six and three digits: times to the microsecond are not meant.
    return " ".join(f"{key.start_s:.6g}:{key.emotion}:{key.intensity:.3g}" for key in keys)


def read_keys(text: str) -> tuple[EmotionKey, ...]:
    """Return the keys of a text, or of a JSON list of such texts.

    Raises:
        BadArgument: The text has another form, or a number is not finite.
    """
    # Sidecars may hold a JSON list.
    parts = text.split()
    if text.lstrip().startswith("["):
        try:
            parts = [str(part) for part in json.loads(text)]
        except (ValueError, RecursionError):
            raise BadArgument(f"Invalid emotion_at {text[:60]!r}", hint=KEY_HINT) from None
    return tuple(_key(part) for part in parts)


def split_key(text: str) -> tuple[str, str, str]:
    """Return seconds, emotion and intensity of a key; the emotion may be a blend with colons.

    Raises:
        ValueError: It has not three parts.
    """
    seconds, first, rest = text.partition(":")
    emotion, last, intensity = rest.rpartition(":")
    if not (first and last and emotion):
        raise ValueError(text)
    return seconds, emotion, intensity


def _key(part: str) -> EmotionKey:
    try:
        seconds, emotion, intensity = split_key(part.replace(",", "."))  # decimal commas
        key = EmotionKey(float(seconds), emotion_named(emotion), float(intensity))
    except ValueError:
        raise BadArgument(f"Invalid emotion_at {part!r}", hint=KEY_HINT) from None
    # Infinity and NaN are numbers in Python.
    if not (math.isfinite(key.start_s) and math.isfinite(key.intensity)):
        raise BadArgument(f"Invalid emotion_at {part!r}", hint=KEY_HINT)
    return key
