"""Describe a batch as plain data: lines, faces, frames, destination. No processes."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...dialogue.lines import Line
    from ...package import protocol


class Destination(enum.StrEnum):
    """The use of the curves in Blender; the values are stored in .blend files."""

    NLA = "NLA"
    TIMELINE = "TIMELINE"
    ACTIONS = "ACTIONS"
    FILES = "FILES"
    BLEND = "BLEND"
    GLTF = "GLTF"
    FBX = "FBX"


PLAYED = (Destination.NLA, Destination.TIMELINE)
"""Destinations that play in the scene, at the frames of the lines."""
EXPORTS = (Destination.BLEND, Destination.GLTF, Destination.FBX)
"""Destinations that write a file for each line."""


DEFAULT_FADE_S = 0.3
"""Seconds in which a line takes its emotion; the middle of the range that the panel offers."""


class LineStatus(enum.StrEnum):
    """State of a line; the values are stored in .blend files."""

    NEW = "NEW"
    WAITING = "WAITING"
    RUNNING = "RUNNING"
    MADE = "MADE"
    """The curves are there and not placed yet."""
    DONE = "DONE"
    SKIPPED = "SKIPPED"
    """Generated and placed by an earlier run, and unchanged since."""
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_ending(self) -> bool:
        """True for states that a line does not leave within its batch."""
        return self in (
            LineStatus.DONE,
            LineStatus.SKIPPED,
            LineStatus.FAILED,
            LineStatus.CANCELLED,
        )


@dataclasses.dataclass(frozen=True)
class Assignment:
    """One line with its face and its frame."""

    line: Line
    face_uid: int
    """Session id of the face; 0 if no character is assigned."""
    face_name: str
    zero_frame: float | None
    """Scene frame at time 0 of the audio file; None while the length of an earlier line is
    unknown."""
    scene_name: str = ""
    """Another scene that the line plays in, if there is one of that name."""


@dataclasses.dataclass(frozen=True)
class BatchTarget:
    """The destination that all lines of a batch share."""

    scene_uid: int
    scene_name: str
    batch: str
    """Source of the lines: folder, list, sequencer."""
    destination: str
    """A `Destination`."""
    folder: Path
    """Output folder."""
    with_companions: bool = True
    is_asset: bool = False
    with_sounds: bool = False
    """Add the audio of the lines to the sequencer."""
    fade_s: float = DEFAULT_FADE_S
    """Seconds in which a line takes its emotion, and leaves it at its end."""


@dataclasses.dataclass(frozen=True)
class IdleRequest:
    """What characters do while they do not speak."""

    acting: dict[int, protocol.Acting]
    """Strengths of eyes and head, by session id of the face."""
    before_s: float
    """Seconds of waiting before the first line of any character."""
    after_s: float
    """Seconds of waiting after the last."""
    is_listening: bool
    """Look at the character that speaks, and nod now and then."""
    seed: int = 0
    fps: float = 60.0
    """Keys per second, those of the lines."""


@dataclasses.dataclass(frozen=True)
class BatchRequest:
    """A batch that the user asked for."""

    assignments: tuple[Assignment, ...]
    target: BatchTarget
    base: protocol.Performance
    """Parameters that hold for all lines: frame rate, seed, blinks."""
    acting: dict[str, protocol.Acting] = dataclasses.field(default_factory=dict)
    """Strengths of acting, by id of the line: faces without a head bone cannot turn it."""
    look: dict[str, tuple[protocol.LookKey, ...]] = dataclasses.field(default_factory=dict)
    """Where the speaker of a line looks, by id of the line."""
    idle: IdleRequest | None = None
    """None leaves faces at rest between lines."""
    report: Path | None = None
    """The report's table; its page is written next to it. None: in the output folder."""
    layout: Callable[[dict[str, float]], tuple[Assignment, ...]] | None = None
    """Returns the assignments with their frames, given the length of each line in seconds by its
    id; for lists in which some length was unknown."""
