"""Run one child process: send and receive lines, keep its log, always end it. No bpy.

Three daemon threads use the pipes so that the caller never blocks: a reader fills a bounded queue
(a process that floods is slowed by its own full pipe), a writer empties an unbounded one, and a
third reads stderr. Only ``close`` waits, and no longer than its grace period.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from ..errors import StartFailed
from .environment import Launch

log = logging.getLogger(__name__)

# A limit on ``readline``: a process without line ends would fill the memory.
LINE_LIMIT = 4 * 1024 * 1024
"""Bytes read as one line; a longer one arrives in pieces. Equals the protocol's MAX_LINE_BYTES."""
# Small, so that a flood stays in the child's pipe and blocks the child, not Blender.
QUEUED_LINES = 64
"""Lines held until ``next_line_or_none`` takes them."""
TAIL_LINES = 200
"""Lines of stderr kept in memory."""
# A log without a limit would grow for years.
LOG_FILE_BYTES = 2 * 1024 * 1024
"""No more is written to a log file; half of it moves to ``<name>.old`` at the next start."""
END_GRACE_S = 1.0
"""Seconds between the end of the output and the exit of a process, in either order."""


class ChildProcess:
    """Owns one process from start to end."""

    def __init__(self, launch: Launch) -> None:
        """Start the process.

        Raises:
            StartFailed: The system refused.
        """
        self._lines: queue.Queue[str] = queue.Queue(QUEUED_LINES)
        # Unbounded: the caller must never block; it holds a few requests at most.
        self._outbox: queue.Queue[str | None] = queue.Queue()
        self._tail: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        self._closing = threading.Event()
        self._half_over_at: float | None = None
        self._popen = _popen(launch)
        self._reader = _thread(self._read_output, "reader")
        self._writer = _thread(self._write_input, "writer")
        self._logger = _thread(lambda: self._read_log(launch.log_file), "log")

    @property
    def pid(self) -> int:
        """Process id."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code of an ended process, else None."""
        return self._popen.poll()

    @property
    def is_over(self) -> bool:
        """True when no further line can come: output closed and read, or the process long gone."""
        closed, exited = not self._reader.is_alive(), self._popen.poll() is not None
        if not self._lines.empty() or not (closed or exited):
            return False
        if closed and exited:
            return True
        # The exit code arrives shortly after the pipe closes; and a process that the child started
        # may hold the pipe open after the child is gone.
        if self._half_over_at is None:
            self._half_over_at = time.monotonic()
        return time.monotonic() - self._half_over_at > END_GRACE_S

    def send(self, line: str) -> None:
        """Queue one line for stdin. Never blocks; a process that has ended does not read it."""
        self._outbox.put(line)

    def next_line_or_none(self) -> str | None:
        """Return the next line of stdout without its line end; None when there is none yet."""
        try:
            return self._lines.get_nowait()
        except queue.Empty:
            return None

    def log_tail(self) -> str:
        """Return the last lines of stderr."""
        # The last lines of a crash arrive just after the exit.
        self._logger.join(timeout=0.2 if self._popen.poll() is not None else 0)
        return "\n".join(self._tail.copy())

    def close(self, *, grace_s: float = 2.0) -> None:
        """End the process: close its stdin, then terminate, then kill, ``grace_s`` seconds apart.

        May be called twice. Afterwards the process is gone and its pipes are closed.
        """
        # First of all, so that the reader does not wait for room in a full queue.
        self._closing.set()
        self._outbox.put(None)
        for escalate in (self._terminate, self._kill, None):
            try:
                self._popen.wait(timeout=grace_s)
                break
            except subprocess.TimeoutExpired:
                log.info("Child %d still runs after %.1f s", self.pid, grace_s)
                if escalate is not None:
                    escalate()
        self._release_pipes()

    def close_in_background(self, *, grace_s: float = 2.0) -> None:
        """Run ``close`` in its own thread, which Python waits for before it exits."""
        # No daemon: Python would otherwise exit and leave the child behind.
        threading.Thread(
            target=lambda: self.close(grace_s=grace_s), name="cstalk-close", daemon=False
        ).start()

    def _terminate(self) -> None:
        if sys.platform == "win32":
            self._popen.terminate()
        elif self._popen.poll() is None:
            # The process may end between the question and the signal.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                # The whole group, as a worker may have started processes of its own.
                os.killpg(self._popen.pid, signal.SIGTERM)

    def _kill(self) -> None:
        if sys.platform == "win32":
            self._popen.kill()
        elif self._popen.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)

    def _release_pipes(self) -> None:
        for thread, pipe in (
            (self._writer, self._popen.stdin),
            (self._reader, self._popen.stdout),
            (self._logger, self._popen.stderr),
        ):
            # A thread that still reads is left alone: a grandchild holds its pipe open.
            thread.join(timeout=END_GRACE_S)
            # Closing a pipe another thread still reads would block on that thread's lock.
            if pipe is not None and not thread.is_alive():
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read_output(self) -> None:
        pipe = _pipe(self._popen.stdout)
        try:
            while chunk := pipe.readline(LINE_LIMIT):
                # "replace", since output of a crash may be cut inside a letter.
                self._offer(chunk.decode("utf-8", "replace").rstrip("\r\n"))
        except (OSError, ValueError) as error:
            log.warning("Reading from child %d ended: %s", self.pid, error)

    def _offer(self, line: str) -> None:
        while not self._closing.is_set():  # while closing, output is read and dropped
            with contextlib.suppress(queue.Full):
                # A time-out, so that closing is noticed while the queue is full.
                self._lines.put(line, timeout=0.1)
                return

    def _write_input(self) -> None:
        pipe = _pipe(self._popen.stdin)
        try:
            while (line := self._outbox.get()) is not None:
                pipe.write(line.encode("utf-8") + b"\n")
                pipe.flush()
        # A closed pipe is the ordinary end of a child.
        except (OSError, ValueError) as error:
            log.debug("Writing to child %d ended: %s", self.pid, error)
        finally:
            with contextlib.suppress(OSError):
                pipe.close()

    def _read_log(self, path: Path | None) -> None:
        pipe = _pipe(self._popen.stderr)
        with contextlib.ExitStack() as stack:
            file = _open_log_or_none(path)
            if file is not None:
                stack.enter_context(file)
            try:
                while chunk := pipe.readline(LINE_LIMIT):
                    line = chunk.decode("utf-8", "replace").rstrip("\r\n")
                    self._tail.append(line)
                    # A full disk must not stop the reading: the child would block on stderr.
                    with contextlib.suppress(OSError):
                        _write_log(file, line)
            except (OSError, ValueError) as error:
                log.warning("The log of child %d ended: %s", self.pid, error)


def _popen(launch: Launch) -> subprocess.Popen[bytes]:
    flags = 0
    if sys.platform == "win32":
        # Without a window of its own, and apart from Blender's Ctrl+C.
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    try:
        return subprocess.Popen(
            launch.argv,
            cwd=launch.folder,
            env=dict(launch.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=flags,
            # A session of its own, so that its group can be ended as a whole.
            start_new_session=sys.platform != "win32",
        )
    except (OSError, ValueError) as error:
        raise StartFailed(
            f"{launch.argv[0]} could not be started: {error}",
            hint="Check the Python path in the CSTalk preferences",
        ) from error


def _thread(target: Callable[[], None], name: str) -> threading.Thread:
    thread = threading.Thread(target=target, name=f"cstalk-{name}", daemon=True)
    thread.start()
    return thread


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "_popen opens all three pipes"
    return pipe


def _open_log_or_none(path: Path | None) -> IO[str] | None:
    if path is None:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # At the next start rather than now: Windows cannot rename an open file.
        if path.is_file() and path.stat().st_size > LOG_FILE_BYTES // 2:
            path.replace(path.with_name(path.name + ".old"))
        return path.open("a", encoding="utf-8", errors="replace")
    except OSError as error:
        log.warning("No log file at %s: %s", path, error)
        return None


def _write_log(file: IO[str] | None, line: str) -> None:
    # ``tell`` counts what was there, too, since the file is opened for appending.
    if file is not None and file.tell() < LOG_FILE_BYTES:
        file.write(line + "\n")
        file.flush()
