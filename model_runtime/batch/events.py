"""Count the lines of a running batch and describe its progress as protocol messages."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping

from ..protocol import (
    BatchEnded,
    BatchEvent,
    BatchOutcome,
    BatchProgress,
    BatchStarted,
    LineEnded,
    LineOutcome,
    LineProgress,
)
from .line_work import Ending
from .lines.journal import FAILED
from .lines.keys import read_keys

PROGRESS_S = 0.5
"""Seconds between two `BatchProgress`."""


@dataclasses.dataclass
class Tally:
    """Number of lines that have ended, and the pace."""

    total: int
    done: int = 0
    skipped: int = 0
    failed: int = 0
    started: float = dataclasses.field(default_factory=time.monotonic)

    @property
    def ended(self) -> int:
        """Number of lines that need no more work."""
        return self.done + self.skipped + self.failed

    def seconds_left(self, running: Mapping[str, float]) -> float | None:
        """Return the seconds to the end at the pace so far, None while there is no pace.

        Args:
            running: Completed part of each line that is being generated, 0 to 1, by id.
        """
        # Skipped lines take no time and would make the pace look better.
        generated = self.done + self.failed + sum(running.values())  # skipped lines cost nothing
        if generated <= 0:
            return None
        pace = (time.monotonic() - self.started) / generated
        # Never negative: estimates of running lines may be ahead.
        return max(0.0, pace * (self.total - self.skipped - generated))


class Events:
    """Sends the events of one batch."""

    def __init__(self, total: int, send: Callable[[BatchEvent], None]) -> None:
        """Start counting.

        Args:
            total: Number of lines.
            send: Called for each event, from this thread.
        """
        self.tally = Tally(total)
        self._send = send
        self._progress_at = 0.0

    def started(self, engine: str) -> None:
        """Send that the batch begins."""
        self._send(BatchStarted(self.tally.total, engine))

    def line_ended(self, ending: Ending) -> None:
        """Count a line that has ended, and send it."""
        event = ended(ending)
        self.tally.skipped += event.outcome is LineOutcome.SKIPPED
        self.tally.failed += event.outcome is LineOutcome.FAILED
        self.tally.done += event.outcome is LineOutcome.DONE
        self._send(event)

    def progress(self, running: Mapping[str, float], *, is_paused: bool) -> None:
        """Send the progress, at most every `PROGRESS_S`.

        Args:
            running: Completed part of each line that is being generated, 0 to 1, by id.
            is_paused: Whether the lines are held.
        """
        now = time.monotonic()
        # Progress is for people: twice a second is enough.
        if now - self._progress_at < PROGRESS_S:
            return
        self._progress_at = now
        tally = self.tally
        left = tally.seconds_left(running)
        done = (tally.ended + sum(running.values())) / max(1, tally.total)
        self._send(
            BatchProgress(
                total=tally.total,
                done=tally.done,
                skipped=tally.skipped,
                failed=tally.failed,
                fraction=round(min(done, 1.0), 4),
                seconds_left=None if left is None else round(left, 1),
                is_paused=is_paused,
                running=tuple(LineProgress(line, round(part, 3)) for line, part in running.items()),
            )
        )

    def ended(self, outcome: BatchOutcome, reports: tuple[str, ...]) -> None:
        """Send that the batch is over.

        Args:
            outcome: How it ended.
            reports: Paths of the reports that were written.
        """
        tally = self.tally
        self._send(
            BatchEnded(outcome, tally.total, tally.done, tally.skipped, tally.failed, reports)
        )


def ended(ending: Ending) -> LineEnded:
    """Return the message of a line that has ended; it must have an entry."""
    entry, line = ending.entry, ending.line
    assert entry is not None, "a cancelled line has no ending"
    outcome = LineOutcome.FAILED if entry.state == FAILED else LineOutcome.DONE
    # The first file names the line, as in the plan.
    first = entry.outputs.get(line.targets[0])
    return LineEnded(
        id=line.id,
        outcome=LineOutcome.SKIPPED if ending.is_skipped else outcome,
        outputs=line.targets,
        name=line.name,
        frames=entry.frames,
        duration_s=entry.duration_s,
        seconds=entry.seconds,
        # An edited file has a digest that the entry does not know.
        digest=ending.digest or ("" if first is None else first.sha256),
        score=entry.quality.get("score"),
        notes=tuple(entry.quality.get("notes", ())),
        warning=ending.warning or line.note,
        text_matched=entry.text_matched,
        detected_emotion=entry.detected_emotion,
        emotion_keys=read_keys(entry.detected_emotion_at),
        code=entry.code,
        error=entry.error,
        hint=entry.hint,
    )
