"""The child that makes a batch: what it says, and what it is told. No bpy.

It is ``python -m model_runtime batch`` with ``--json`` and ``--control``: the same program that a
shell runs. It has the folder's lock, the journal and the report; here its words are read.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import BatchFailed, SessionError
from ..session.environment import Launch
from ..session.process import ChildProcess

CLOSE_S = 1.5
"""For each of: close stdin, terminate, kill."""
HINT_INPUT = "Finished lines are kept"
COMPLAINT = "error: "
"""Before what the command line says when it ends with status 2."""
WORD = "worker"
"""The command in the launch of a worker, whose place the batch takes."""


@dataclasses.dataclass(frozen=True)
class Started:
    """The batch begins."""

    lines: int
    engine: str


@dataclasses.dataclass(frozen=True)
class LineEnded:
    """A line is made, was made already, or cannot be made."""

    target: str
    """First file, relative to the output folder."""
    status: str
    """``done``, ``skipped`` or ``failed``."""
    frames: int = 0
    score: float | None = None
    error: str = ""
    hint: str = ""
    heard: str = ""
    """What was heard in the voice, in words; empty where the emotion was not left to it."""
    acted_at: str = ""
    """Then also what was acted, see ``lines.read_keys``."""


@dataclasses.dataclass(frozen=True)
class Going:
    """How far it is."""

    fraction: float
    seconds_left: float | None
    is_paused: bool
    running: Mapping[int, float]
    """Number of each line in hand, from 1 in the order of the list, and its fraction."""


@dataclasses.dataclass(frozen=True)
class Ended:
    """The last word."""

    status: str
    """``done``, ``failed`` (some line) or ``cancelled``."""
    reports: Mapping[str, str]


Event = Started | LineEnded | Going | Ended


def batch_launch(worker: Launch, arguments: Sequence[str]) -> Launch:
    """How to start a batch, from how to start a worker: the same Python, engine and device."""
    argv = list(worker.argv)
    place = argv.index(WORD)
    argv[place : place + 1] = ["batch"]
    return dataclasses.replace(worker, argv=(*argv, *arguments))


class BatchChild:
    """One batch from start to end."""

    def __init__(self, launch: Launch) -> None:
        """Start it.

        Raises:
            StartFailed: The system refused.
        """
        self._child = ChildProcess(launch)
        self._has_ended = False

    @property
    def pid(self) -> int:
        """Process id."""
        return self._child.pid

    def pause(self) -> None:
        """Hold every line at its next window."""
        self._child.send("pause")

    def go_on(self) -> None:
        """End a pause."""
        self._child.send("continue")

    def cancel(self) -> None:
        """End the lines in hand; finished ones stay and are not made again."""
        self._child.send("cancel")

    def poll(self, *, budget_s: float = 0.005) -> list[Event]:
        """What was said since the last call.

        Raises:
            BatchFailed: The child has ended without its last word; the message is its own.
        """
        stop_at = time.perf_counter() + budget_s
        events: list[Event] = []
        while (line := self._child.next_line_or_none()) is not None:
            event = read_event(line)
            if event is not None:
                events.append(event)
                self._has_ended = self._has_ended or isinstance(event, Ended)
            if time.perf_counter() >= stop_at:
                return events
        if not events and self._child.is_over and not self._has_ended:
            raise self._failure()
        return events

    def close(self) -> None:
        """End it if it has not ended. Waits a few seconds at most."""
        self._child.close(grace_s=CLOSE_S)

    def _failure(self) -> SessionError:
        tail = self._child.log_tail()
        words = [line for line in tail.splitlines() if line.strip()]
        code = self._child.exit_code
        if code == 2 and words:  # a bad argument or input, said in one line
            message = words[-1].strip().removeprefix(COMPLAINT)
            return BatchFailed(message, hint=HINT_INPUT, details=tail)
        ending = "closed its output" if code is None else f"ended with exit code {code}"
        return BatchFailed(
            f"The batch's process {ending}",
            hint="Start again: finished lines are kept. If it ends again, copy the details",
            details=tail,
        )


def read_event(text: str) -> Event | None:
    """One line of the child; None for what is no word of a batch."""
    try:
        said: Any = json.loads(text)
        kind = said.get("type")
        if kind == "start":
            return Started(int(said["lines"]), str(said.get("engine", "")))
        if kind == "line":
            score = said.get("score")
            return LineEnded(
                target=str(said["output"]),
                status=str(said["status"]),
                frames=int(said.get("frames") or 0),
                score=None if score is None else float(score),
                error=str(said.get("error") or ""),
                hint=str(said.get("hint") or ""),
                heard=str(said.get("heard") or ""),
                acted_at=str(said.get("acted_at") or ""),
            )
        if kind == "progress":
            left = said.get("seconds_left")
            running = {int(n): float(done) for n, done in said.get("running", {}).items()}
            return Going(
                float(said["fraction"]),
                None if left is None else float(left),
                bool(said.get("paused")),
                running,
            )
        if kind == "end":
            return Ended(str(said["status"]), dict(said.get("reports") or {}))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return None
