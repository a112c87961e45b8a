"""What a batch says while it runs: lines for people, or JSON objects for programs. Stdlib only.

With ``--json`` every line on stdout is one object; ``type`` is ``start``, ``line``, ``progress`` or
``end``. Every line of the plan gets exactly one ``line``, unless the batch is cancelled; ``end`` is
the last.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..cli.console import ProgressLine, print_line
from .lines.journal import FAILED, Entry
from .lines.plan import Line

PROGRESS_S = 0.5
"""Between two ``progress`` objects."""


@dataclasses.dataclass
class Tally:
    """How far the batch is."""

    total: int
    done: int = 0
    skipped: int = 0
    failed: int = 0
    started: float = dataclasses.field(default_factory=time.monotonic)

    @property
    def ended(self) -> int:
        """Lines that need no more work."""
        return self.done + self.skipped + self.failed

    def seconds_left(self, running: Mapping[int, float]) -> float | None:
        """At the pace so far; None while there is none. What an earlier run made does not count."""
        made = self.done + self.failed + sum(running.values())
        if made <= 0:
            return None
        pace = (time.monotonic() - self.started) / made
        return max(0.0, pace * (self.total - self.skipped - made))


class Narrator:
    """Says it in words."""

    def __init__(self) -> None:
        self._bar = ProgressLine()

    def start(self, tally: Tally, title: str) -> None:
        """The batch begins."""
        print_line(f"{tally.total} lines, {title}")

    def line(self, tally: Tally, line: Line, entry: Entry, status: str) -> None:
        """A line has ended."""
        self._bar.clear()
        told = f"(heard: {entry.heard})" if entry.heard else ""
        if entry.state == FAILED:
            told = f"{entry.error}. {entry.hint}".rstrip(". ")
        name = line.row.name
        print_line(f"{tally.ended}/{tally.total} {status}: {name} {told}".rstrip())

    def progress(self, tally: Tally, running: Mapping[int, float], is_paused: bool) -> None:
        """Called several times a second."""
        fraction = (tally.ended + sum(running.values())) / max(1, tally.total)
        left = tally.seconds_left(running)
        self._bar(min(fraction, 0.999), "paused" if is_paused else _left(left))

    def end(self, tally: Tally, status: str, reports: Mapping[str, str]) -> None:
        """The batch is over."""
        self._bar.clear()
        made = tally.done + tally.skipped
        print_line(f"{made} of {tally.total} files done, {tally.failed} failed")
        if status == "cancelled":
            print_line("stopped; --resume goes on from here")
        for path in reports.values():
            print_line(f"report: {path}")


class JsonNarrator(Narrator):
    """Says it in JSON."""

    def __init__(self, write: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._write = write or _say_now
        self._told = 0.0

    def start(self, tally: Tally, title: str) -> None:
        """See ``Narrator``."""
        self._say("start", lines=tally.total, engine=title)

    def line(self, tally: Tally, line: Line, entry: Entry, status: str) -> None:
        """See ``Narrator``."""
        self._say(
            "line",
            **_counts(tally),
            number=line.row.number,
            outputs=list(line.targets),
            audio=entry.name,
            output=entry.target,
            status=status,
            frames=entry.frames,
            seconds=entry.seconds,
            score=entry.quality.get("score"),
            notes=list(entry.quality.get("notes", ())),
            heard=entry.heard,
            acted_at=entry.acted_at,
            code=entry.code,
            error=entry.error,
            hint=entry.hint,
        )

    def progress(self, tally: Tally, running: Mapping[int, float], is_paused: bool) -> None:
        """See ``Narrator``; told twice a second at most."""
        now = time.monotonic()
        if now - self._told < PROGRESS_S:
            return
        self._told = now
        left = tally.seconds_left(running)
        self._say(
            "progress",
            **_counts(tally),
            fraction=round((tally.ended + sum(running.values())) / max(1, tally.total), 4),
            seconds_left=None if left is None else round(left, 1),
            paused=is_paused,
            running={str(number): round(done, 3) for number, done in running.items()},
        )

    def end(self, tally: Tally, status: str, reports: Mapping[str, str]) -> None:
        """See ``Narrator``."""
        self._say("end", status=status, **_counts(tally), reports=dict(reports))

    def _say(self, kind: str, **values: Any) -> None:
        self._write(json.dumps({"type": kind, **values}, ensure_ascii=True))


def _say_now(text: str) -> None:
    """One line on stdout that a reader gets at once: a pipe would be filled first."""
    print_line(text)
    sys.stdout.flush()


def _counts(tally: Tally) -> dict[str, int]:
    names = ("total", "done", "skipped", "failed")
    return {name: getattr(tally, name) for name in names}


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.0f} s left" if seconds < 120 else f"{seconds / 60:.0f} min left"
