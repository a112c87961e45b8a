"""Requests to the worker and their endings. Polled from one thread; no bpy, no callbacks.

Guarantees:

* Every ``Request`` that ``submit`` returned ends exactly once, whatever the child does: it may
  answer twice, answer for nobody, write garbage, hang, flood or die.
* ``poll`` keeps to its budget; ``submit`` and ``cancel`` return at once.
* A child that died is replaced for the next request, never for the one it died on.
* Each request has a folder of its own, gone when it failed, was cancelled, or is discarded.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import (
    RequestRefused,
    SessionClosed,
    SessionError,
    StartFailed,
    VersionMismatch,
    WorkerDied,
    WorkerGarbled,
    WorkerSilent,
)
from ..package import protocol
from .awake_clock import AwakeClock
from .environment import Launch
from .process import ChildProcess
from .request import Limits, Request, State

log = logging.getLogger(__name__)

LOG_HINT = "Copy the details and look at the end of the log"


class Client:
    """Keeps one child alive and gives each request its ending."""

    def __init__(
        self,
        launch: Callable[[], Launch],
        *,
        limits: Limits | None = None,
        temporary_folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start nothing yet.

        Args:
            launch: Called for each start of the child, so that changed preferences count.
            limits: Patience; the default is for people.
            temporary_folder: Folder for the requests' folders; the system's when None.
            clock: Seconds; jumps (a computer that slept) are not held against the child.
        """
        self._launch = launch
        self._limits = limits or Limits()
        self._temporary_folder = temporary_folder
        self._clock = AwakeClock(clock)
        self._child: ChildProcess | None = None
        self._hello: protocol.Hello | None = None
        self._heard_at = 0.0
        self._garbage = 0
        self._open: dict[str, Request] = {}
        self._ended: list[Request] = []
        self._next_id = 1
        self._closed = False

    @property
    def hello(self) -> protocol.Hello | None:
        """What the running child said of itself; None before that."""
        return self._hello

    @property
    def child_pid(self) -> int | None:
        """Process id of the running child."""
        return None if self._child is None else self._child.pid

    @property
    def is_busy(self) -> bool:
        """True while a request is open or an ending has not been given out by ``poll``."""
        return bool(self._open or self._ended)

    def submit(self, message: protocol.Generate) -> Request:
        """Ask for a performance; its ``id`` and ``output_folder`` are filled in here.

        Raises:
            SessionError: The client is closed, the child could not be started, or no folder could
                be made. There is no request then.
        """
        if self._closed:
            raise SessionClosed("The session is closed", hint="Enable the CSTalk add-on again")
        if self._child is not None and self._child.exit_code is not None:
            self._child_ended()  # a child that died unseen must not get the new request
        if self._child is None:
            self._start()
        folder = self._make_folder()
        request = Request(
            dataclasses.replace(message, id=f"r{self._next_id}", output_folder=str(folder))
        )
        self._next_id += 1
        if not self._open:
            self._heard_at = self._clock()
        self._open[request.message.id] = request
        if self._hello is not None:
            self._send(request)
        return request

    def cancel(self, request: Request) -> None:
        """Ask for the end of ``request``; a request that has ended is left as it is."""
        if request.state.is_ending or request.cancel_asked_at is not None:
            return
        request.cancel_asked_at = self._clock()
        if request.state is State.WAITING:
            self._end(request, State.CANCELLED)
        elif self._child is not None:
            self._child.send(protocol.encode(protocol.Cancel(id=request.message.id)))

    def poll(self, *, budget_s: float = 0.005, max_messages: int = 64) -> list[Request]:
        """Take in what the child said and return the requests that ended since the last call.

        Args:
            budget_s: Seconds after which no further message is taken.
            max_messages: Messages after which no further one is taken.
        """
        stop_at = time.perf_counter() + budget_s
        for _ in range(max_messages):
            line = None if self._child is None else self._child.next_line_or_none()
            if line is None:
                break
            self._take(line)
            if time.perf_counter() >= stop_at:
                break
        if self._child is not None and self._child.is_over:
            self._child_ended()
        self._check_clocks()
        ended, self._ended = self._ended, []
        return ended

    def discard(self, request: Request) -> None:
        """Remove the folder of a request that has ended."""
        assert request.state.is_ending, "an open request still writes into its folder"
        shutil.rmtree(request.folder, ignore_errors=True)

    def close(self, *, wait: bool = True) -> list[Request]:
        """End the child; what was still open fails.

        Args:
            wait: Return when the child is gone, at most three times ``close_s`` later; else it is
                ended in the background.

        Returns:
            The requests whose ending ``poll`` has not given out.
        """
        self._closed = True
        child, self._child = self._child, None
        if child is not None:
            end = child.close if wait else child.close_in_background
            end(grace_s=self._limits.close_s)
        self._end_all(SessionClosed("The session was closed", hint="Generate again"))
        ended, self._ended = self._ended, []
        return ended

    # The child ---------------------------------------------------------------------------------

    def _start(self) -> None:
        self._child = ChildProcess(self._launch())
        self._hello = None
        self._garbage = 0
        self._heard_at = self._clock()
        log.info("Worker started, process %d", self._child.pid)

    def _drop_child(self, error: SessionError) -> None:
        """Let go of the child, end it in the background, and fail what was open with ``error``."""
        child, self._child = self._child, None
        self._hello = None
        if child is not None:
            error.details = error.details or child.log_tail()
            child.close_in_background(grace_s=self._limits.close_s)
        log.warning("Worker dropped: %s", error)
        self._end_all(error)

    def _child_ended(self) -> None:
        child = self._child
        assert child is not None
        while (line := child.next_line_or_none()) is not None:
            self._take(line)  # its last words may be answers
            if self._child is not child:
                return
        code = child.exit_code
        ending = "closed its output" if code is None else f"ended with exit code {code}"
        if self._hello is None:
            self._drop_child(
                StartFailed(
                    f"The model's process {ending} before it was ready",
                    hint="Check the Python path in the CSTalk preferences, then copy the details",
                )
            )
        else:
            self._drop_child(
                WorkerDied(
                    f"The model's process {ending}",
                    hint="Generate again; if it happens twice, copy the details and report them",
                )
            )

    # Messages ----------------------------------------------------------------------------------

    def _take(self, line: str) -> None:
        try:
            message = protocol.decode(line)
        except protocol.ProtocolError as error:
            self._take_garbage(line, error)
            return
        log.debug("Worker says %s", message)
        self._heard_at = self._clock()
        if isinstance(message, protocol.Hello):
            self._take_hello(message)
        elif self._hello is None or isinstance(message, protocol.Generate | protocol.Cancel):
            self._take_garbage(line, protocol.ProtocolError("Not expected here"))
        elif isinstance(message, protocol.Failure) and not message.id:
            self._end_all(_refused(message))
        else:
            request = self._open.get(message.id)
            if request is None:
                log.debug("No open request %r; ignored", message.id)
            else:
                self._answer(request, message)

    def _take_hello(self, hello: protocol.Hello) -> None:
        if hello.protocol != protocol.PROTOCOL_VERSION:
            self._drop_child(
                VersionMismatch(
                    f"The model runtime {hello.runtime} speaks protocol {hello.protocol}, "
                    f"this add-on {protocol.PROTOCOL_VERSION}",
                    hint="Install the add-on and the runtime of one release",
                )
            )
        elif self._hello is None:
            self._hello = hello
            for request in list(self._open.values()):
                self._send(request)

    def _take_garbage(self, line: str, error: protocol.ProtocolError) -> None:
        self._garbage += 1
        log.warning("Not a message from the worker: %s (%s)", line[:200], error)
        if self._garbage > self._limits.garbage_lines:
            self._drop_child(
                WorkerGarbled(
                    f"The model's process writes what is not a message: {line[:60]!r}",
                    hint="Check that the Python path in the CSTalk preferences is a plain Python",
                )
            )

    def _answer(
        self,
        request: Request,
        message: protocol.Progress | protocol.Result | protocol.Failure | protocol.Stopped,
    ) -> None:
        if isinstance(message, protocol.Progress):
            request.fraction = max(request.fraction, min(message.fraction, 1.0))
            request.seconds_left = message.seconds_left
            request.stage = message.stage
        elif request.cancel_asked_at is not None or isinstance(message, protocol.Stopped):
            self._end(request, State.CANCELLED)  # an answer that crossed the cancel is not wanted
        elif isinstance(message, protocol.Failure):
            self._end(request, State.FAILED, error=_refused(message))
        elif not _lies_in(Path(message.path), request.folder):
            error = WorkerGarbled(f"The model's result is not at {message.path}", hint=LOG_HINT)
            self._end(request, State.FAILED, error=error)
        else:
            self._end(request, State.DONE, result=message)

    def _send(self, request: Request) -> None:
        assert self._child is not None
        try:
            line = protocol.encode(request.message)
            line.encode("utf-8")
        except (protocol.ProtocolError, UnicodeEncodeError) as error:
            refused = RequestRefused("bad-argument", str(error), hint="Correct the setting")
            self._end(request, State.FAILED, error=refused)
            return
        request.state = State.RUNNING
        self._child.send(line)

    # Endings -----------------------------------------------------------------------------------

    def _check_clocks(self) -> None:
        now = self._clock()
        patience = self._limits.silence_s if self._hello is not None else self._limits.hello_s
        for request in list(self._open.values()):
            asked = request.cancel_asked_at
            if asked is not None and now - asked > self._limits.cancel_s:
                self._end(request, State.CANCELLED)
                self._drop_child(
                    WorkerDied("The model's process did not stop and was ended", hint=LOG_HINT)
                )
                return
        if self._open and self._child is not None and now - self._heard_at > patience:
            self._drop_child(
                WorkerSilent(
                    f"The model's process has been silent for {patience:.0f} s and was ended",
                    hint=LOG_HINT,
                )
            )

    def _end_all(self, error: SessionError) -> None:
        for request in list(self._open.values()):
            if request.cancel_asked_at is not None:
                self._end(request, State.CANCELLED)
            else:
                self._end(request, State.FAILED, error=error)

    def _end(
        self,
        request: Request,
        state: State,
        *,
        result: protocol.Result | None = None,
        error: SessionError | None = None,
    ) -> None:
        """The one place where a request ends."""
        del self._open[request.message.id]
        self._garbage = 0  # stray lines of one request are not held against the next
        request.state, request.result, request.error = state, result, error
        request.seconds_left = None
        self._ended.append(request)
        if state is not State.DONE:
            self.discard(request)

    def _make_folder(self) -> Path:
        try:
            if self._temporary_folder is not None:  # a cleaner may have taken it away
                self._temporary_folder.mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix="cstalk-", dir=self._temporary_folder))
        except OSError as error:
            raise SessionError(
                f"No temporary folder could be made: {error}",
                hint="Free some space, or choose another temporary folder in Blender's preferences",
            ) from error


def _refused(message: protocol.Failure) -> RequestRefused:
    return RequestRefused(message.code, message.message, hint=message.hint)


def _lies_in(path: Path, folder: Path) -> bool:
    try:
        return path.is_file() and os.path.samefile(path.parent, folder)
    except OSError:
        return False
