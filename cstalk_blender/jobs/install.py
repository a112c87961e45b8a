"""The installation of a GPU runtime in a child of its own, polled by a timer. Main thread only."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..errors import InstallFailed, JobOverlap, SessionError
from ..package import ROOT_FOLDER
from ..runtime_install import state
from ..session import environment, process

log = logging.getLogger(__name__)

TICK_S = 0.2
LINES_A_TICK = 50
GRACE_S = 5.0
"""For the child to end pip and itself."""
MODULE = "cstalk_blender.runtime_install"


class RuntimeJob:
    """At most one installation, test or repair at a time, and what the panel shows of it."""

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        """Do nothing yet.

        Args:
            on_change: Called when an installation, test or repair has succeeded.
        """
        self.error: SessionError | None = None
        self.fraction = 0.0
        self.stage = ""
        self.detail = ""
        self.seconds_left: float | None = None
        self.is_stopping = False
        self._on_change = on_change
        self._child: process.ChildProcess | None = None
        self._ended: dict[str, Any] | None = None
        self._timer = self.tick

    @property
    def is_busy(self) -> bool:
        """True from ``start`` until the child is gone."""
        return self._child is not None

    @property
    def timer_runs(self) -> bool:
        """True while Blender calls ``tick``."""
        return bool(bpy.app.timers.is_registered(self._timer))

    def start(self, home: Path, command: Sequence[str]) -> None:
        """Start ``install``, ``resume``, ``test`` or ``repair`` with its arguments.

        Raises:
            SessionError: One is under way, or the child cannot be started.
        """
        if self.is_busy:
            raise JobOverlap("The runtime is being worked on", hint="Wait for it, or cancel it")
        home.mkdir(parents=True, exist_ok=True)
        python = str(environment.find_python(""))
        name, *rest = command
        argv = (python, "-s", "-E", "-X", "utf8", "-m", MODULE, "--json", name)
        argv += ("--home", str(home), "--python", python, "--stop-with-stdin", *rest)
        variables = environment.scrubbed(os.environ)
        self._child = process.ChildProcess(environment.Launch(argv, ROOT_FOLDER, variables))
        self.error, self._ended, self.is_stopping = None, None, False
        self.fraction, self.stage, self.detail = 0.0, "Starting", ""
        self.seconds_left = None
        if not self.timer_runs:
            bpy.app.timers.register(self._timer, first_interval=TICK_S, persistent=True)

    def cancel(self) -> None:
        """Stop; what was installed before stays, and what was downloaded is kept for later."""
        if self._child is not None and not self.is_stopping:
            self.is_stopping = True
            self.stage, self.detail, self.seconds_left = "Stopping", "", None
            self._child.close_in_background(grace_s=GRACE_S)

    def wait(self) -> None:
        """Drive it to its end here and now: for scripts, where no timer runs."""
        while self.is_busy:
            self.tick()
            time.sleep(0.02)

    def close(self) -> None:
        """End the child. Waits a few seconds at most."""
        if self.timer_runs:
            bpy.app.timers.unregister(self._timer)
        child, self._child = self._child, None
        if child is not None:
            child.close(grace_s=GRACE_S)

    def tick(self) -> float | None:
        """One turn of the timer: seconds until the next, None when there is nothing to do."""
        child = self._child
        if child is None:
            return None
        for _ in range(LINES_A_TICK):
            line = child.next_line_or_none()
            if line is None:
                break
            self._take(line)
        if child.is_over or (self.is_stopping and child.exit_code is not None):
            self._child = None
            if not self.is_stopping:
                child.close_in_background(grace_s=GRACE_S)
            self._end(child)
        redraw()
        return TICK_S if self.is_busy else None

    def _take(self, line: str) -> None:
        try:
            message = json.loads(line)
            kind = message["type"]
        except (ValueError, KeyError, TypeError):
            log.info("The installer says: %s", line[:500])
            return
        if kind == "progress" and not self.is_stopping:
            self.fraction = max(self.fraction, float(message.get("fraction", 0)))
            self.stage = str(message.get("stage", ""))
            self.detail = str(message.get("detail", ""))
            left = message.get("seconds_left")
            self.seconds_left = None if left is None else float(left)
        elif kind in ("done", "failed", "cancelled"):
            self._ended = message

    def _end(self, child: process.ChildProcess) -> None:
        ended = self._ended or {}
        kind = ended.get("type")
        self.stage = self.detail = ""
        self.seconds_left = None
        if self.is_stopping or kind == "cancelled":
            self.is_stopping = False
        elif kind == "done":
            self._on_change()
        elif kind == "failed":
            self.error = InstallFailed(
                str(ended.get("message")),
                hint=str(ended.get("hint", "")),
                details=str(ended.get("details", "")),
            )
        else:
            self.error = InstallFailed(
                f"The installer ended with exit code {child.exit_code}",
                hint="Resume it; what was installed before still works",
                details=child.log_tail(),
            )


job: RuntimeJob | None = None
"""Made by ``registration.register``, closed and forgotten by ``unregister``."""


def current_job() -> RuntimeJob:
    """The job of the registered add-on."""
    assert job is not None, "the add-on is not registered"
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


def redraw() -> None:
    """Let the preferences be drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()
