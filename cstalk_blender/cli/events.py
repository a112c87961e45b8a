"""Print the progress of a batch: as text on stderr, or as protocol messages on stdout."""

from __future__ import annotations

import sys
from pathlib import Path

from ..dialogue import lines
from ..jobs.batch.job import BatchJob
from ..jobs.batch.progress import LineState
from ..jobs.batch.request import LineStatus
from ..package import protocol

OUTCOMES = {
    LineStatus.DONE: "done",
    LineStatus.SKIPPED: "skipped",
    LineStatus.FAILED: "failed",
}
"""`protocol.LineOutcome` of each ending."""


class EventPrinter:
    """Prints what happens in the add-on's batch."""

    def __init__(self, job: BatchJob, *, is_json: bool) -> None:
        """Print nothing yet.

        Args:
            job: The add-on's batch.
            is_json: Print messages of the protocol, one per line, instead of text.
        """
        self._job, self._is_json, self._shown = job, is_json, 0.0

    def started(self, count: int) -> None:
        """Print that the batch begins."""
        self._print(protocol.BatchStarted(count, ""), f"{count} lines")

    def line_ended(self, line: str, state: LineState) -> None:
        """Print how a line ended.

        Args:
            line: Id of the line.
            state: Its state.
        """
        outcome = OUTCOMES.get(LineStatus(state.status))
        if outcome is None:
            return
        remark = state.message
        if state.detected_emotion:
            remark = f"(detected: {state.detected_emotion})"
        event = protocol.LineEnded(
            id=line,
            outcome=protocol.LineOutcome(outcome),
            duration_s=state.length_s,
            digest=state.digest,
            score=state.score,
            text_matched=state.text_matched,
            detected_emotion=state.detected_emotion,
            emotion_keys=lines.read_keys(state.detected_emotion_at),
            error=state.message,
            hint=state.hint,
        )
        self._print(event, f"{outcome}: {line} {remark}".rstrip())

    def progress(self) -> None:
        """Print the progress at each hundredth, as messages only."""
        fraction = round(self._job.fraction, 2)
        # At most a hundred lines, however long the batch is.
        if fraction != self._shown and self._job.is_busy:
            self._shown = fraction
            count = self._job.count
            event = protocol.BatchProgress(
                total=len(self._job.states),
                done=count(LineStatus.DONE),
                skipped=count(LineStatus.SKIPPED),
                failed=count(LineStatus.FAILED),
                fraction=fraction,
                seconds_left=self._job.seconds_left,
            )
            self._print(event, "")

    def ended(self, saved: Path | None) -> None:
        """Print that the batch is over.

        Args:
            saved: The scene's file if it was saved.
        """
        job = self._job
        assert job.outcome is not None, "a batch that ended without an error has an outcome"
        event = protocol.BatchEnded(
            outcome=job.outcome,
            total=len(job.states),
            done=job.count(LineStatus.DONE),
            skipped=job.count(LineStatus.SKIPPED),
            failed=job.count(LineStatus.FAILED),
            reports=tuple(job.reports.values()),
        )
        self._print(event, job.summary)
        for note in job.notes:
            sys.stderr.write(f"note: {note}\n")
        if saved is not None and not self._is_json:
            sys.stderr.write(f"saved: {saved}\n")

    def _print(self, event: protocol.BatchEvent, text: str) -> None:
        if self._is_json:
            sys.stdout.write(protocol.encode(event) + "\n")
            # A pipe is buffered in blocks otherwise.
            sys.stdout.flush()
        elif text:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
