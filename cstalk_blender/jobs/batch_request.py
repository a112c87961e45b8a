"""A batch as plain data: what is asked for, and how far each line is. No processes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .placement import Casting, Stage

NLA, TIMELINE, ACTIONS, FILES = "NLA", "TIMELINE", "ACTIONS", "FILES"
"""Destinations of lines, besides those that write files for other programs."""
PLAYED = (NLA, TIMELINE)
"""Destinations that play in the scene, at the lines' frames."""
NEW, WAITING, RUNNING, MADE = "NEW", "WAITING", "RUNNING", "MADE"
DONE, SKIPPED, FAILED, CANCELLED = "DONE", "SKIPPED", "FAILED", "CANCELLED"
"""States of a line; MADE is between the curves and the face, SKIPPED was made before."""


@dataclasses.dataclass(frozen=True)
class BatchOrder:
    """What was asked for, in plain data."""

    castings: tuple[Casting, ...]
    stage: Stage
    options: tuple[str, ...] = ()
    """Further arguments for the child: frame rate, seed, formats."""
    report: Path | None = None
    """The table; the page lies beside it. None: in the output folder."""
    layout: Callable[[dict[str, float]], tuple[Casting, ...]] | None = None
    """Gives lines whose frame was not known their frames, from the lengths in seconds by line."""


@dataclasses.dataclass
class LineState:
    """How far one line is."""

    state: str = WAITING
    fraction: float = 0.0
    length_s: float = 0.0
    score: float | None = None
    message: str = ""
    hint: str = ""
    heard: str = ""
    """What was heard in the voice; empty where the emotion was not left to it."""
    acted_at: str = ""
    """Then also what was acted, see ``lines.read_keys``."""
    token: str = ""
    is_made: bool = False
    """Its curves are there."""
    was_made: bool = False
    """The curves come from an earlier run."""
