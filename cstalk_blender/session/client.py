"""Send requests to the worker process and end each one exactly once. No bpy, no callbacks.

All methods are called from one thread. Guarantees:

* Every ``Request`` that ``submit`` returned ends exactly once, whatever the worker process does:
  answer twice, answer unknown requests, write garbage, hang, flood the pipe or crash.
* ``poll`` keeps to its budget; ``submit`` and ``cancel`` return at once.
* A process that crashed is replaced for the next request, never for the one it crashed on.
* Each request has its own folder, deleted when it fails, is cancelled or is discarded.
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
    """Owns one worker process and the requests sent to it."""

    def __init__(
        self,
        launch: Callable[[], Launch],
        *,
        limits: Limits | None = None,
        temporary_folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create the client; the process starts with the first request.

        Args:
            launch: Called at each start of the process, so that changed preferences count.
            limits: Timeouts; the default suits interactive use.
            temporary_folder: Parent of the requests' folders; the system's when None.
            clock: Monotonic seconds; jumps (a computer that slept) do not count as silence.
        """
        self._launch = launch
        self._limits = limits or Limits()
        self._temporary_folder = temporary_folder
        self._clock = AwakeClock(clock)
        self._child: ChildProcess | None = None
        self._hello: protocol.Hello | None = None
        self._last_message_at = 0.0
        self._garbage = 0
        # Requests sent before the greeting wait here as well; ids are never used twice.
        self._open: dict[str, Request] = {}
        self._ended: list[Request] = []
        self._unanswered: dict[str, float] = {}
        """Requests that ended as cancelled before the process answered, and when it was asked."""
        self._next_id = 1
        self._closed = False

    @property
    def hello(self) -> protocol.Hello | None:
        """First message of the running process; None until it arrives."""
        return self._hello

    @property
    def child_pid(self) -> int | None:
        """Process id of the running worker process."""
        return None if self._child is None else self._child.pid

    @property
    def is_busy(self) -> bool:
        """True while ``poll`` has something to wait for: an end, or the answer to a cancel."""
        return bool(self._open or self._ended or self._unanswered)

    def submit(self, message: protocol.Generate) -> Request:
        """Send a request, with ``id`` and ``output_folder`` filled in.

        Raises:
            SessionError: The client is closed, the process could not be started, or no folder could
                be created. No request exists then.
        """
        if self._closed:
            raise SessionClosed("The session is closed", hint="Enable the CSTalk add-on again")
        # Asked of the system, since the reader may not have seen the end of the pipe yet.
        if self._child is not None and self._child.exit_code is not None:
            self._child_ended()  # one that crashed since the last poll must not get the request
        # A process that has not obeyed yet may never do, and would not answer the next one either.
        if self._unanswered:
            self._drop_child(_not_stopped())
        if self._child is None:
            self._start()
        folder = self._make_folder()
        request = Request(
            dataclasses.replace(message, id=f"r{self._next_id}", output_folder=str(folder))
        )
        self._next_id += 1
        # Silence before the first request is no fault: an idle worker says nothing.
        if not self._open:
            self._last_message_at = self._clock()
        self._open[request.message.id] = request
        # Before the greeting the worker's version is unknown; `_take_hello` sends what waits.
        if self._hello is not None:
            self._send(request)
        return request

    def cancel(self, request: Request) -> None:
        """Cancel ``request``; one that has ended stays as it is."""
        if request.state.is_ending or request.cancel_asked_at is not None:
            return
        request.cancel_asked_at = self._clock()
        if request.state is State.WAITING:
            # Nothing was sent, so that there is nothing to wait for.
            self._end(request, State.CANCELLED)
        elif self._child is not None:
            self._child.send(protocol.encode(protocol.Cancel(id=request.message.id)))

    def poll(self, *, budget_s: float = 0.005, max_messages: int = 64) -> list[Request]:
        """Read messages of the process and return the requests that ended since the last call.

        Args:
            budget_s: Seconds after which no further message is read.
            max_messages: Messages after which no further one is read.
        """
        # Both limits: a flood of short lines must not hold the window, nor one slow message.
        stop_at = time.perf_counter() + budget_s
        for _ in range(max_messages):
            line = None if self._child is None else self._child.next_line_or_none()
            if line is None:
                break
            self._take(line)
            if time.perf_counter() >= stop_at:
                break
        # After the messages: a process that ended may have answered before.
        if self._child is not None and self._child.is_over:
            self._child_ended()
        self._check_clocks()
        ended, self._ended = self._ended, []
        return ended

    def discard(self, request: Request) -> None:
        """Delete the folder of a request that has ended."""
        assert request.state.is_ending, "an open request still writes into its folder"
        shutil.rmtree(request.folder, ignore_errors=True)

    def close(self, *, wait: bool = True) -> list[Request]:
        """End the process; open requests fail.

        Args:
            wait: Return when the process is gone, at most three times ``close_s`` later; otherwise
                end it in the background.

        Returns:
            The requests whose end ``poll`` has not returned.
        """
        # First, so that nothing new is submitted while the process ends.
        self._closed = True
        child, self._child = self._child, None
        if child is not None:
            end = child.close if wait else child.close_in_background
            end(grace_s=self._limits.close_s)
        self._end_all(SessionClosed("The session was closed", hint="Generate again"))
        ended, self._ended = self._ended, []
        return ended

    # Process -----------------------------------------------------------------------------------

    def _start(self) -> None:
        self._child = ChildProcess(self._launch())
        self._hello = None
        self._garbage = 0
        self._last_message_at = self._clock()
        log.info("Worker started, process %d", self._child.pid)

    def _drop_child(self, error: SessionError) -> None:
        """End the process in the background and fail all open requests with ``error``."""
        child, self._child = self._child, None
        self._hello = None
        self._unanswered.clear()
        if child is not None:
            # The tail is read before the process is closed, whose log then ends.
            error.details = error.details or child.log_tail()
            child.close_in_background(grace_s=self._limits.close_s)
        # Without an open request no error is shown: a cancelled one has ended as such.
        level = logging.WARNING if self._open else logging.INFO
        log.log(level, "Worker process ended: %s", error)
        self._end_all(error)

    def _child_ended(self) -> None:
        child = self._child
        assert child is not None
        while (line := child.next_line_or_none()) is not None:
            self._take(line)  # output from before the crash may hold answers
            # `_take` may have dropped the child, on a version mismatch or garbage.
            if self._child is not child:
                return
        code = child.exit_code
        ending = "closed its output" if code is None else f"ended with exit code {code}"
        if self._hello is None:
            self._drop_child(
                StartFailed(
                    f"The worker process {ending} before it was ready",
                    hint="Check the Python path in the CSTalk preferences, then copy the details",
                )
            )
        else:
            self._drop_child(
                WorkerDied(
                    f"The worker process {ending}",
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
        log.debug("Worker message: %s", message)
        # Any message counts as a sign of life, also one of a request that has ended.
        self._last_message_at = self._clock()
        if isinstance(message, protocol.Hello):
            self._take_hello(message)
        elif self._hello is None or not isinstance(
            message, protocol.Progress | protocol.Result | protocol.Failure | protocol.Stopped
        ):  # messages of a batch have no place here, and no request
            self._take_garbage(line, protocol.ProtocolError("Unexpected message type"))
        # A failure without an id concerns the process: no open request will be answered.
        elif isinstance(message, protocol.Failure) and not message.id:
            self._end_all(_refused(message))
        else:
            if not isinstance(message, protocol.Progress):
                self._unanswered.pop(message.id, None)
            request = self._open.get(message.id)
            # Its request was cancelled meanwhile, or was answered twice.
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
            # A list, as sending may end a request and change the table.
            for request in list(self._open.values()):
                self._send(request)

    def _take_garbage(self, line: str, error: protocol.ProtocolError) -> None:
        self._garbage += 1
        log.warning("Not a message from the worker: %s (%s)", line[:200], error)
        # Some lines are tolerated: libraries print warnings to stdout.
        if self._garbage > self._limits.garbage_lines:
            self._drop_child(
                WorkerGarbled(
                    f"The worker process wrote text that is no message: {line[:60]!r}",
                    hint="Check that the Python path in the CSTalk preferences is an interpreter",
                )
            )

    def _answer(
        self,
        request: Request,
        message: protocol.Progress | protocol.Result | protocol.Failure | protocol.Stopped,
    ) -> None:
        if isinstance(message, protocol.Progress):
            # Never back: stages may estimate anew.
            request.fraction = max(request.fraction, min(message.fraction, 1.0))
            request.seconds_left = message.seconds_left
            request.stage = message.stage
        elif request.cancel_asked_at is not None or isinstance(message, protocol.Stopped):
            self._end(request, State.CANCELLED)  # also when a result crossed the cancel
        elif isinstance(message, protocol.Failure):
            self._end(request, State.FAILED, error=_refused(message))
        # A worker may name any path, but only files of its own request are read and deleted.
        elif not _is_in(Path(message.path), request.folder):
            error = WorkerGarbled(f"The model's result is not at {message.path}", hint=LOG_HINT)
            self._end(request, State.FAILED, error=error)
        else:
            self._end(request, State.DONE, result=message)

    def _send(self, request: Request) -> None:
        assert self._child is not None
        try:
            line = protocol.encode(request.message)
            # Half a surrogate pair, as in a damaged file name, cannot be sent.
            line.encode("utf-8")
        except (protocol.ProtocolError, UnicodeEncodeError) as error:
            refused = RequestRefused("bad-argument", str(error), hint="Correct the setting")
            self._end(request, State.FAILED, error=refused)
            return
        request.state = State.RUNNING
        self._child.send(line)

    # Ends of requests --------------------------------------------------------------------------

    def _check_clocks(self) -> None:
        now = self._clock()
        timeout_s = self._limits.silence_s if self._hello is not None else self._limits.hello_s
        for request in list(self._open.values()):
            asked = request.cancel_asked_at
            # The user is not kept waiting; the process may still finish what it is at.
            if asked is not None and now - asked > self._limits.cancel_s:
                self._end(request, State.CANCELLED)
                self._unanswered[request.message.id] = asked
        # A worker that does not obey a cancel may be stuck in a library, for good.
        if any(now - asked > self._limits.stop_s for asked in self._unanswered.values()):
            self._drop_child(_not_stopped())
        if self._open and self._child is not None and now - self._last_message_at > timeout_s:
            self._drop_child(
                WorkerSilent(
                    f"The worker process sent no message for {timeout_s:.0f} s and was ended",
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
        """End a request; the only place that does."""
        del self._open[request.message.id]
        self._garbage = 0  # stray lines of one request do not count for the next
        request.state, request.result, request.error = state, result, error
        request.seconds_left = None
        self._ended.append(request)
        if state is not State.DONE:
            self.discard(request)

    def _make_folder(self) -> Path:
        try:
            if self._temporary_folder is not None:  # a clean-up tool may have deleted it
                self._temporary_folder.mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix="cstalk-", dir=self._temporary_folder))
        except OSError as error:
            raise SessionError(
                f"No temporary folder could be created: {error}",
                hint="Free some space, or choose another temporary folder in Blender's preferences",
            ) from error


def _not_stopped() -> WorkerDied:
    return WorkerDied("The worker process did not stop and was ended", hint=LOG_HINT)


def _refused(message: protocol.Failure) -> RequestRefused:
    return RequestRefused(message.code, message.message, hint=message.hint)


def _is_in(path: Path, folder: Path) -> bool:
    try:
        # By identity of the folder, since links and letter case make many spellings of a path.
        return path.is_file() and os.path.samefile(path.parent, folder)
    except OSError:
        return False
