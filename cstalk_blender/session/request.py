"""Define a request, its states and the client's timeouts. No bpy, no processes."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path

from ..errors import SessionError
from ..package import protocol


@dataclasses.dataclass(frozen=True)
class Limits:
    """Timeouts of the client in seconds, and its tolerance for garbage."""

    hello_s: float = 90.0
    """From start to the first message: a first start under a virus scanner can take a minute."""
    silence_s: float = 180.0
    """Between two messages while a request is open: importing torch from a cold disk is silent."""
    cancel_s: float = 3.0
    """From a cancel to the end of its request, answered or not."""
    stop_s: float = 60.0
    """From a cancel to its answer; after that the process is ended. A slow computer may be in the
    middle of importing torch, which nothing interrupts."""
    close_s: float = 1.5
    """For each step of ending the process: close stdin, terminate, kill."""
    garbage_lines: int = 20
    """Lines that are no messages; with one more the process is ended."""


class State(enum.Enum):
    """State of a request; the last three are final."""

    WAITING = "waiting for the model to start"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_ending(self) -> bool:
        """True for the three final states."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


class Request:
    """One request to generate. Read it after ``poll``; only the client writes it."""

    def __init__(self, message: protocol.Generate) -> None:
        self.message = message
        self.state = State.WAITING
        self.fraction = 0.0
        """Progress, 0 to 1; never falls."""
        self.seconds_left: float | None = None
        self.stage = ""
        self.result: protocol.Result | None = None
        """Set when DONE; its file exists until ``Client.discard``."""
        self.error: SessionError | None = None
        """Set when FAILED."""
        self.cancel_asked_at: float | None = None

    @property
    def folder(self) -> Path:
        """Folder of this request alone."""
        return Path(self.message.output_folder)
