"""Run the installation, test or repair of the GPU runtime in a process. Main thread only."""

from __future__ import annotations

import enum
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import InstallFailed, JobOverlap, SessionError
from ..package import ROOT_FOLDER
from ..runtime_install import state
from ..session import environment, process
from . import open_jobs, pump

log = logging.getLogger(__name__)

TICK_S = 0.2
"""Seconds between two timer callbacks: pip reports a few times a second at most."""
# More are left for the next tick, so that a chatty pip does not hold the window.
LINES_PER_TICK = 50
GRACE_S = 5.0
"""Seconds that the process has to end pip and itself."""
MODULE = "cstalk_blender.runtime_install"


class State(enum.Enum):
    """Stage of a `RuntimeJob`."""

    IDLE = enum.auto()
    RUNNING = enum.auto()
    STOPPING = enum.auto()


class RuntimeJob(pump.TimerPump):
    """At most one installation, test or repair at a time, and its progress."""

    # Its panel is in the preferences.
    redrawn_area = "PREFERENCES"

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        """Create an idle job.

        Args:
            on_change: Called when an installation, test or repair has succeeded.
        """
        super().__init__()
        self.state = State.IDLE
        self.fraction = 0.0
        self.stage = ""
        self.detail = ""
        self.seconds_left: float | None = None
        self._on_change = on_change
        self._child: process.ChildProcess | None = None
        self._ended: dict[str, Any] | None = None

    @property
    def is_busy(self) -> bool:
        """True from ``start`` until the process has ended."""
        return self.state is not State.IDLE

    @property
    def is_stopping(self) -> bool:
        """True from ``cancel`` until the process has ended."""
        return self.state is State.STOPPING

    def start(self, home: Path, command: Sequence[str]) -> None:
        """Start ``install``, ``resume``, ``test`` or ``repair``.

        Args:
            home: Folder of the runtime; created if missing.
            command: The command and its arguments.

        Raises:
            JobOverlap: Another command is running.
            SessionError: The process cannot be started.
        """
        if self.is_busy:
            raise JobOverlap(
                "A runtime installation is already running", hint="Wait for it, or cancel it"
            )
        home.mkdir(parents=True, exist_ok=True)
        python = str(environment.find_python(""))
        name, *rest = command
        argv: tuple[str, ...] = (python, "-s", "-E", "-X", "utf8", "-m", MODULE, "--json", name)
        # The end of Blender closes stdin, on which the installer stops.
        argv += ("--home", str(home), "--python", python, "--stop-with-stdin", *rest)
        variables = environment.scrubbed(os.environ)
        self._child = process.ChildProcess(environment.Launch(argv, ROOT_FOLDER, variables))
        self.state, self.error, self._ended = State.RUNNING, None, None
        self.fraction, self.stage, self.detail = 0.0, "Starting", ""
        self.seconds_left = None
        self.start_timer()

    def cancel(self) -> None:
        """Stop; an earlier installation stays, and downloads are kept for the next attempt."""
        if self._child is not None and self.state is State.RUNNING:
            self.state = State.STOPPING
            self.stage, self.detail, self.seconds_left = "Stopping", "", None
            # Closing stdin is the request to stop; the installer then ends pip itself.
            self._child.close_in_background(grace_s=GRACE_S)

    def close(self) -> None:
        """End the process. Waits a few seconds at most."""
        self.stop_timer()
        child = self._reset()
        if child is not None:
            child.close(grace_s=GRACE_S)

    def advance(self) -> None:
        """Read the process's messages, and its end."""
        child = self._child
        if child is None:
            return
        for _ in range(LINES_PER_TICK):
            line = child.next_line_or_none()
            if line is None:
                break
            self._take(line)
        # Stopping need not wait for the rest of the output.
        if child.is_over or (self.is_stopping and child.exit_code is not None):
            was_stopping = self.is_stopping
            self._reset()
            if not was_stopping:
                child.close_in_background(grace_s=GRACE_S)
            self._end(child, was_stopping)

    def next_interval(self) -> float | None:
        """Return the seconds until the next callback."""
        return TICK_S if self.is_busy else None

    def fail(self, error: SessionError) -> None:
        """End the process with an error."""
        child = self._reset()
        if child is not None:
            child.close_in_background(grace_s=GRACE_S)
        self.error = error
        log.warning("%s", error.report())

    def _reset(self) -> process.ChildProcess | None:
        """Become idle and return the process, which the caller closes."""
        child, self._child = self._child, None
        self.state, self.stage, self.detail, self.seconds_left = State.IDLE, "", "", None
        return child

    def _take(self, line: str) -> None:
        try:
            message = json.loads(line)
            kind = message["type"]
        except (ValueError, KeyError, TypeError):
            log.info("Installer output: %s", line[:500])
            return
        if kind == "progress" and not self.is_stopping:
            # Never back, as for a request.
            self.fraction = max(self.fraction, float(message.get("fraction", 0)))
            self.stage = str(message.get("stage", ""))
            self.detail = str(message.get("detail", ""))
            left = message.get("seconds_left")
            self.seconds_left = None if left is None else float(left)
        # The end is kept until the process is gone: only then are its files free.
        elif kind in ("done", "failed", "cancelled"):
            self._ended = message

    def _end(self, child: process.ChildProcess, was_stopping: bool) -> None:
        ended = self._ended or {}
        kind = ended.get("type")
        if was_stopping or kind == "cancelled":
            return
        if kind == "done":
            self._on_change()
        elif kind == "failed":
            self.error = InstallFailed(
                str(ended.get("message")),
                hint=str(ended.get("hint", "")),
                details=str(ended.get("details", "")),
            )
        else:
            self.error = InstallFailed(
                # It ended without a last message: killed, or out of memory.
                f"The installer ended with exit code {child.exit_code}",
                hint="Resume it; what was installed before still works",
                details=child.log_tail(),
            )


def current_job() -> RuntimeJob:
    """Return the job of the registered add-on, created at the first call."""
    job: RuntimeJob = open_jobs.INSTALL.current
    return job


def remove(home: Path) -> None:
    """Take the runtime out.

    Raises:
        InstallFailed: It is being worked on, or its files cannot be removed.
    """
    try:
        state.remove(home)
    except OSError as error:
        raise InstallFailed(
            f"The runtime cannot be removed: {error}",
            hint="Close other Blender windows that use the runtime, then remove it again",
        ) from error
