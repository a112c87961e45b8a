"""What is measured: anything that turns a sound file into curves, the model among others."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Protocol

from ...curves.track import CurveTrack

EVALUATION_FPS = 100.0
"""Curves are sampled at this rate, in Hz: a grid of 10 ms, that of the phone times."""


@dataclasses.dataclass(frozen=True)
class Direction:
    """How a line is to be acted."""

    emotion: str = "neutral"
    intensity: float = 1.0
    seed: int = 0


class Performer(Protocol):
    """Acts a sound file. The same path and direction give the same curves."""

    @property
    def name(self) -> str:
        """How the table calls it."""
        ...

    def perform(self, path: Path, direction: Direction) -> CurveTrack:
        """Curves of the whole sound at ``EVALUATION_FPS``, frame 0 at 0 s."""
        ...


class RememberingPerformer:
    """Keeps what another performer made, for the measures that ask for the same line twice."""

    def __init__(self, performer: Performer) -> None:
        self._performer = performer
        self._made: dict[tuple[Path, Direction], CurveTrack] = {}

    @property
    def name(self) -> str:
        """The name of the performer within."""
        return self._performer.name

    def perform(self, path: Path, direction: Direction) -> CurveTrack:
        """The curves, made once."""
        key = (path, direction)
        if key not in self._made:
            self._made[key] = self._performer.perform(path, direction)
        return self._made[key]
