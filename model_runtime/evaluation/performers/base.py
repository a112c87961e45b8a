"""Define what is measured: anything that turns an audio file into curves."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Protocol, runtime_checkable

from ...arrays import FloatArray
from ...curves.track import CurveTrack

EVALUATION_FPS = 60.0
"""Frame rate that performances are measured at, in Hz: what most users bake."""


@dataclasses.dataclass(frozen=True)
class Direction:
    """Emotion and random seed of a clip to generate."""

    emotion: str = "neutral"
    intensity: float = 1.0
    seed: int = 0
    alive: bool = False
    """With blinks and all other motion that is added after the network."""


class Performer(Protocol):
    """Performs an audio file. The same path and direction give the same curves."""

    @property
    def name(self) -> str:
        """Heading of its column in the table."""
        ...

    def perform(self, path: Path, direction: Direction) -> CurveTrack:
        """Return curves of the whole file at ``EVALUATION_FPS``, frame 0 at 0 s.

        Args:
            path: Audio file.
            direction: Emotion, seed and what is added.

        Raises:
            KeyError: A performer that knows some clips only was given another.
        """
        ...


@dataclasses.dataclass(frozen=True)
class NetworkOutput:
    """Raw output of a network for a whole file, at its own frame rate."""

    curves: FloatArray
    """Unbounded, shape (T, C)."""
    posteriors: FloatArray
    """Probabilities of the phones, shape (T, P)."""
    phones: tuple[str, ...]
    """Name of each column of ``posteriors``."""
    frame_rate: float


@runtime_checkable
class Network(Protocol):
    """A performer whose network can be looked into."""

    def perform(self, path: Path, direction: Direction) -> CurveTrack:
        """Return curves; see :meth:`Performer.perform`.

        Args:
            path: Audio file.
            direction: Emotion, seed and what is added.
        """
        ...

    def output(self, path: Path) -> NetworkOutput:
        """Return the network's own output for a neutral performance."""
        ...


class RememberingPerformer:
    """Keeps what another performer made, for measures that ask for the same clip again."""

    def __init__(self, performer: Performer) -> None:
        self._performer = performer
        # In memory: an evaluation asks for the same clip in many measures.
        self._made: dict[tuple[Path, Direction], CurveTrack] = {}

    @property
    def name(self) -> str:
        """The name of the performer within."""
        return self._performer.name

    def perform(self, path: Path, direction: Direction) -> CurveTrack:
        """Return the curves, made once; see :meth:`Performer.perform`.

        Args:
            path: Audio file.
            direction: Emotion, seed and what is added.
        """
        key = (path, direction)
        if key not in self._made:
            self._made[key] = self._performer.perform(path, direction)
        return self._made[key]

    def knows(self, path: Path) -> bool:
        """Return whether the performer can perform a file.

        Args:
            path: Audio file.
        """
        # Performers that know some clips only raise KeyError.
        try:
            self.perform(path, Direction())
        except KeyError:
            return False
        return True

    def network(self) -> Network | None:
        """Return the performer within where it is a network, else None."""
        return self._performer if isinstance(self._performer, Network) else None
