"""Define ``LayeredCurves``: the curves of one clip with and without their emotion."""

from __future__ import annotations

import dataclasses

from ..errors import BadCurves
from .track import AGAIN_HINT, CurveTrack

PHONES = "phones"
"""Entry of ``request`` with the recognised phones: ``[name, start_s, end_s]`` in order of time."""


@dataclasses.dataclass(frozen=True)
class LayeredCurves:
    """Two tracks of the same channels, frames and times."""

    full: CurveTrack
    """The performance, with its emotion."""
    speech: CurveTrack
    """The same clip spoken without emotion; ``full`` itself where there is none."""

    def __post_init__(self) -> None:
        ours = (self.full.channels, self.full.values.shape, self.full.fps, self.full.start_s)
        speech = self.speech
        if ours != (speech.channels, speech.values.shape, speech.fps, speech.start_s):
            raise BadCurves("The curves with and without emotion do not match", hint=AGAIN_HINT)

    @classmethod
    def without_layers(cls, track: CurveTrack) -> LayeredCurves:
        """Return a track whose emotion is not known apart, as one of a capture."""
        return cls(track, track)

    @property
    def has_emotion(self) -> bool:
        """Return whether the two tracks are different ones."""
        return self.speech is not self.full
