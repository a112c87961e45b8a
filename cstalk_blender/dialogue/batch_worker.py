"""Run the process that generates a batch, and exchange messages with it. No bpy.

It is ``python -m model_runtime batch-worker``, which has the folder's lock and the journal. Its
messages are those of ``model_runtime.protocol``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..errors import BatchFailed, SessionError, VersionMismatch
from ..package import protocol
from ..session.environment import Launch
from ..session.process import ChildProcess

CLOSE_S = 1.5
"""Seconds for each of: close stdin, terminate, kill."""
KEPT_HINT = "Finished lines are kept"
ERROR_PREFIX = "error: "
"""Prefix of the message with which a command of the runtime ends with status 2."""


class BatchWorker:
    """The worker process of one batch, from start to end."""

    def __init__(
        self, launch: Launch, lines: Sequence[protocol.BatchLine], start: protocol.StartBatch
    ) -> None:
        """Start the process and send it the batch.

        Args:
            launch: How to start it.
            lines: The lines.
            start: The rest of the batch.

        Raises:
            StartFailed: The system refused to start it.
            BatchFailed: A line holds a number that no message can carry.
        """
        try:
            # Encoded before the process starts, so that a bad line costs no start.
            texts = [*map(protocol.encode, lines), protocol.encode(start)]
        except protocol.ProtocolError as error:
            raise BatchFailed(str(error), hint="Correct the line's settings") from error
        self._process = ChildProcess(launch)
        self._has_ended = False
        for text in texts:
            self._process.send(text)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def pause(self) -> None:
        """Hold every line at its next window."""
        self._process.send(protocol.encode(protocol.PauseBatch()))

    def resume(self) -> None:
        """End a pause."""
        self._process.send(protocol.encode(protocol.ResumeBatch()))

    def cancel(self) -> None:
        """End all lines; finished ones are kept and not generated again."""
        self._process.send(protocol.encode(protocol.CancelBatch()))

    def poll(self, *, budget_s: float = 0.005) -> list[protocol.BatchEvent]:
        """Return the events since the last call; other output of the process is ignored.

        Raises:
            BatchFailed: The batch failed as a whole, or the process ended without `BatchEnded`.
            VersionMismatch: The process is of another release.
        """
        stop_at = time.perf_counter() + budget_s
        events: list[protocol.BatchEvent] = []
        while (line := self._process.next_line_or_none()) is not None:
            event = self._event_or_none(line)
            if event is not None:
                events.append(event)
            # After the budget the rest waits for the next call.
            if time.perf_counter() >= stop_at:
                return events
        # Only without events: the last ones may just have been read.
        if not events and self._process.is_over and not self._has_ended:
            raise self._failure()
        return events

    def close(self) -> None:
        """End the process if it has not ended. Waits a few seconds at most."""
        self._process.close(grace_s=CLOSE_S)

    def abandon(self) -> None:
        """End the process without waiting for it."""
        self._process.close_in_background(grace_s=CLOSE_S)

    def _event_or_none(self, line: str) -> protocol.BatchEvent | None:
        try:
            message = protocol.decode(line)
        # Output of libraries is no message and no fault.
        except protocol.ProtocolError:
            return None  # a library printed something
        if isinstance(message, protocol.Hello) and message.protocol != protocol.PROTOCOL_VERSION:
            raise VersionMismatch(
                f"The model runtime {message.runtime} speaks protocol {message.protocol}, "
                f"this add-on {protocol.PROTOCOL_VERSION}",
                hint="Install the add-on and the runtime of the same release",
            )
        if isinstance(message, protocol.Failure):
            raise BatchFailed(
                message.message,
                hint=message.hint or KEPT_HINT,
                details=self._process.log_tail(),
            )
        self._has_ended = self._has_ended or isinstance(message, protocol.BatchEnded)
        events = (
            protocol.BatchStarted,
            protocol.LineEnded,
            protocol.BatchProgress,
            protocol.BatchEnded,
        )
        return message if isinstance(message, events) else None

    def _failure(self) -> SessionError:
        tail = self._process.log_tail()
        texts = [line for line in tail.splitlines() if line.strip()]
        code = self._process.exit_code
        if code == 2 and texts:  # an invalid argument, reported in one line
            message = texts[-1].strip().removeprefix(ERROR_PREFIX)
            return BatchFailed(message, hint=KEPT_HINT, details=tail)
        ending = "closed its output" if code is None else f"ended with exit code {code}"
        return BatchFailed(
            f"The batch worker process {ending}",
            hint="Start again: finished lines are kept. If it ends again, copy the details",
            details=tail,
        )
