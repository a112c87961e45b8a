"""One request, its states, and how patient the client is. No bpy, no processes."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path

from ..errors import SessionError
from ..package import protocol


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long to be patient, in seconds, and with how much."""

    hello_s: float = 90.0
    """From start to ``hello``: a first start under a virus scanner can take a minute."""
    silence_s: float = 180.0
    """Between two messages while a request is open: importing torch from a cold disk is silent."""
    cancel_s: float = 3.0
    """From a cancel to its answer, before the child is ended."""
    close_s: float = 1.5
    """For each of: close stdin, terminate, kill."""
    garbage_lines: int = 20
    """Lines that are no messages, before the child is ended."""


class State(enum.Enum):
    """Where a request stands; the last three are endings."""

    WAITING = "waiting for the model to start"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_ending(self) -> bool:
        """True for the three states that a request never leaves."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


class Request:
    """One performance asked for. Read it after ``poll``; only the client writes it."""

    def __init__(self, message: protocol.Generate) -> None:
        self.message = message
        self.state = State.WAITING
        self.fraction = 0.0
        """Part done, 0 to 1; never falls."""
        self.seconds_left: float | None = None
        self.stage = ""
        self.result: protocol.Result | None = None
        """Set when DONE; its file is there until ``Client.discard``."""
        self.error: SessionError | None = None
        """Set when FAILED."""
        self.cancel_asked_at: float | None = None

    @property
    def folder(self) -> Path:
        """The request's own folder."""
        return Path(self.message.output_folder)
