"""Describe one clip that is to be cached."""

from __future__ import annotations

import dataclasses

from ...arrays import FloatArray
from ..alignment.forced import PhoneTime
from ..corpora.clip import FaceClip
from ..corpora.speech import SpeechClip


@dataclasses.dataclass(frozen=True)
class Job:
    """One clip to turn into items."""

    clip: SpeechClip
    phones: tuple[PhoneTime, ...]
    filmed: FloatArray | None
    """Captured curves at 50 Hz, shape (T, 52), or None for reference motion."""
    split: str
    face: FaceClip | None = None
    """A recorded face, read when the clip is cached."""
    rig: str = ""
    """Rig definition that ``face`` is matched to."""
