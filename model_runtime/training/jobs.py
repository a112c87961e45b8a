"""A clip on its way into a cache."""

from __future__ import annotations

import dataclasses

from ..curves.track import FloatArray
from .alignment import PhoneTime
from .corpora.speech import SpeechClip


@dataclasses.dataclass(frozen=True)
class Job:
    """One clip to turn into items."""

    clip: SpeechClip
    phones: tuple[PhoneTime, ...]
    filmed: FloatArray | None
    """Captured curves at 50 Hz, shape (T, 52), or None for reference motion."""
    split: str
