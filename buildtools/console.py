"""Write progress to the terminal and run commands. Standard library only.

Progress goes to stderr, so that stdout holds only the result of a command (a path, a summary).
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""Top of the checkout."""

HEARTBEAT_S = 15.0  # a command without output is reported as still working this often
EXIT_S = 60.0  # from the end of the output to the end of the process
READER_S = 5.0  # a reader ends as soon as the command and its children have ended

# At import, so that seconds count from the start of the command.
_STARTED = time.monotonic()


class BuildError(Exception):
    """A problem that the user must fix; ``hint`` says how. Both may have several lines."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def say(text: str) -> None:
    """Write a progress line to stderr, with the seconds since the start."""
    sys.stderr.write(f"[{time.monotonic() - _STARTED:5.0f} s] {text}\n")
    sys.stderr.flush()


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process' environment without variables of its Python, plus ``extra``."""
    # Variables of this Python would lead another one to the wrong packages.
    dropped = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    # UTF-8 mode: on Windows the locale's encoding would break output with other letters.
    return {**kept, "PYTHONUTF8": "1", **(extra or {})}


def run(
    command: Sequence[str | Path],
    *,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    what: str = "",
) -> tuple[int, str]:
    """Run a command to its end and collect its output.

    Args:
        command: Program and arguments; no shell is involved.
        timeout_s: Seconds after which the command and its children are killed.
        environment: Complete environment; that of `clean_environment` when None.
        log: File that receives the output line by line.
        on_line: Called with each line of output, without the line end.
        what: Name for the "still working" lines; empty means none are written.

    Returns:
        Exit status (-9 after a timeout) and the output, stdout and stderr merged.

    Raises:
        BuildError: The program cannot be started.
    """
    try:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            env=dict(environment) if environment is not None else clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # Merged: the order of lines says which output belongs to which error.
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            # A session of its own, so that its children can be killed as a group.
            start_new_session=os.name == "posix",
        )
    except OSError as error:
        raise BuildError(
            f"{command[0]} could not be started: {error}", hint="Check that it is installed"
        ) from error
    lines_read: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, lines_read), daemon=True)
    reader.start()
    lines: list[str] = []
    timed_out = True
    try:
        timed_out = _drain(lines_read, timeout_s, lines, log, on_line, what) or not _ends(process)
    finally:
        # Also after Ctrl-C: no child may outlive the command.
        if timed_out:
            _kill(process)
        process.wait()
        _close(process, reader)
    if timed_out:
        lines.append(f"Stopped: it did not end within {timeout_s:.0f} s")
    return -9 if timed_out else process.returncode, "\n".join(lines)


def _drain(
    lines_read: queue.Queue[str | None],
    timeout_s: float,
    lines: list[str],
    log: Path | None,
    on_line: Callable[[str], None] | None,
    what: str,
) -> bool:
    """Read until the output ends; True when time ran out first."""
    started = reported = time.monotonic()
    # The log is written line by line, so that it can be followed.
    with (log or Path(os.devnull)).open("w", encoding="utf-8") as record:
        while True:
            now = time.monotonic()
            if now - started > timeout_s:
                return True
            try:
                # Half a second: the heartbeat and the timeout are checked in between.
                line = lines_read.get(timeout=0.5)
            except queue.Empty:
                if what and now - reported > HEARTBEAT_S:
                    say(f"{what}: still working ({now - started:.0f} s)")
                    reported = now
                continue
            if line is None:
                return False
            reported = now
            lines.append(line)
            record.write(line + "\n")
            record.flush()
            if on_line is not None:
                on_line(line)


# Runs in a thread: a pipe cannot be read with a timeout on every platform.
def _read(process: subprocess.Popen[str], lines_read: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines_read.put(line.rstrip("\r\n"))
    # None marks the end of the output.
    lines_read.put(None)


# A process may close its output and go on.
def _ends(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(timeout=EXIT_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _close(process: subprocess.Popen[str], reader: threading.Thread) -> None:
    """Close the pipe, unless a process that the command started still holds the other end."""
    reader.join(timeout=READER_S)
    # A grandchild may hold the pipe open: closing it would block in the reader.
    if not reader.is_alive():
        assert process.stdout is not None
        process.stdout.close()


def _kill(process: subprocess.Popen[str]) -> None:
    """End the command and, on POSIX, everything it started."""
    if sys.platform == "win32":
        # taskkill /T ends the children as well; killing the process alone leaves them.
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], check=False)
        return
    import signal

    try:
        os.killpg(process.pid, signal.SIGKILL)
    # The group is gone where the process ended in the meantime.
    except ProcessLookupError:
        process.kill()
