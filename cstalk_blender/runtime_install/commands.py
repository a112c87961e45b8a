"""Run the commands of an installation: log them, read their output, stop them. No bpy."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import InstallFailed
from ..session.environment import scrubbed

POLL_S = 0.1
# pip names the cause near the end; the log has everything.
TAIL_LINES = 400
INDEX_VARIABLES = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_NO_INDEX",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_USER",
    "PIP_REQUIREMENT",
    "PIP_CONSTRAINT",
    "PIP_BUILD_CONSTRAINT",
    "PIP_ONLY_BINARY",
    "PIP_NO_BINARY",
    "PIP_PRE",
    "PIP_NO_DEPS",
)
"""Variables that choose packages or places; those for proxy and certificates stay."""

CONNECTION_KEYS = ("proxy", "cert", "client-cert", "trusted-host", "timeout", "retries")
"""Keys of pip's configuration that say how to connect, and nothing about what to install."""

# Text in pip's output and what the user can do about it. The first that matches counts.
ADVICE = (
    ("No space left", "Free some disk space, then resume"),
    ("CERTIFICATE_VERIFY_FAILED", "Point pip at your company's certificate (pip config: cert)"),
    ("No matching distribution", "The index has no wheel for this system: choose another source"),
    ("Cannot connect to proxy", "Check the proxy (HTTPS_PROXY)"),
    ("Name or service not known", "Check the internet connection, then resume"),
    ("name resolution", "Check the internet connection, then resume"),
    ("getaddrinfo failed", "Check the internet connection, then resume"),
    ("NewConnectionError", "Check the internet connection, then resume"),
    ("timed out", "The connection is slow or blocked: resume later"),
)


class InstallCancelled(Exception):
    """The user stopped the installation; an earlier runtime still works."""


class Stop:
    """A request to stop, set from another thread; kills the running command."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._running: subprocess.Popen[str] | None = None

    def set(self) -> None:
        """Request the stop and kill the running command."""
        # The event first: a command that starts after the lock is released then finds it set.
        self._event.set()
        with self._lock:
            if self._running is not None and self._running.poll() is None:
                self._running.kill()

    def check(self) -> None:
        """Raise InstallCancelled once a stop was requested."""
        if self._event.is_set():
            raise InstallCancelled

    @contextlib.contextmanager
    def watching(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """Let ``set`` kill this process while the context is open."""
        with self._lock:
            self._running = process
        # A stop between the check and the start would otherwise be lost.
        if self._event.is_set():
            process.kill()
        try:
            yield
        finally:
            with self._lock:
                self._running = None


def run(
    command: Sequence[str | Path],
    *,
    stop: Stop,
    log: Path,
    what: str,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    on_line: Callable[[str], None] = lambda _line: None,
    on_wait: Callable[[], None] = lambda: None,
) -> str:
    """Run a command to its end and return the last lines of its output, stderr included.

    Args:
        command: Program and arguments.
        stop: Ends the command when set.
        log: File that the output is appended to.
        what: Name of the step, for the error message.
        environment: Variables; those of this process without ``PYTHON*`` when None.
        folder: Working directory.
        on_line: Called with each line.
        on_wait: Called ten times a second while no line comes.

    Raises:
        InstallFailed: The command could not start, or ended with an error.
        InstallCancelled: ``stop`` was set.
    """
    # A stopped installation must not start another command.
    stop.check()
    tail: list[str] = []
    process = _started(command, environment, folder, what)
    with stop.watching(process), log.open("a", encoding="utf-8") as kept:
        kept.write(f"$ {' '.join(str(word) for word in command)}\n")
        for line in _lines(process, on_wait):
            # Written before it is read, so that the log has the line that made a reader fail.
            kept.write(line + "\n")
            tail = [*tail[-TAIL_LINES:], line]
            on_line(line)
        status = process.wait()
    # A killed command has a status too; the stop is the reason, not the status.
    stop.check()
    output = "\n".join(tail)
    if status != 0:
        raise InstallFailed(
            f"{what} failed: {_reason(tail, status)}",
            hint=advice(output),
            details=output[-6000:],
        )
    return output


def _started(
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None,
    folder: Path | None,
    what: str,
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            [str(word) for word in command],
            # A command that asks something would wait for ever.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # One stream keeps the order of output and errors.
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            # Tools of Windows write in the system's code page whatever they are told.
            errors="replace",
            env=dict(scrubbed(os.environ) if environment is None else environment),
            cwd=folder,
            # Blender has no console of its own: each command would open a window.
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise InstallFailed(
            f"{what}: {command[0]} could not be started: {error}",
            hint="Repair it, or install it again",
        ) from error


def pip_environment(*, has_user_indexes: bool, cache: Path) -> dict[str, str]:
    """Return the environment variables for pip.

    Args:
        has_user_indexes: Let pip use the indexes and constraints of the user's configuration;
            False takes packages only from where the command line says. Proxy, certificates and
            timeouts of environment variables count in both cases.
        cache: Folder for what pip downloads itself.
    """
    values = scrubbed(os.environ)
    values |= {
        "PIP_CACHE_DIR": str(cache),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        # A mistake in the interpreter's path must not change Blender's or the system's Python.
        "PIP_REQUIRE_VIRTUALENV": "1",
        # pip's own output would otherwise depend on the locale.
        "PYTHONUTF8": "1",
    }
    if not has_user_indexes:
        for name in INDEX_VARIABLES:
            values.pop(name, None)
        values["PIP_CONFIG_FILE"] = os.devnull  # pip then reads no configuration file at all
    return values


def connection_variables(listing: str) -> dict[str, str]:
    """Return the connection settings of ``pip config list`` as environment variables for pip.

    Where pip must not use the user's indexes it reads no configuration, yet the proxy and the
    certificate of a company still have to count. pip lists values as quoted Python literals.
    """
    found = {}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        key = name.strip().rpartition(".")[2]
        if key in CONNECTION_KEYS:
            plain = value.strip().strip("'\"").replace("\\\\", "\\").replace("\\n", " ")
            found["PIP_" + key.upper().replace("-", "_")] = plain.strip()
    # A list of pip is one value with line breaks; its variable has spaces.
    return found


def isolated_environment() -> dict[str, str]:
    """Return the environment variables for a pip that must read no configuration whatever.

    `pip --isolated` ignores ``PIP_*`` variables and the user's file, but still reads the files of
    the machine unless ``PIP_CONFIG_FILE`` is the null device.
    """
    values = {name: value for name, value in scrubbed(os.environ).items() if name[:4] != "PIP_"}
    return values | {"PIP_CONFIG_FILE": os.devnull, "PYTHONUTF8": "1"}


def advice(output: str) -> str:
    """Return what the user can do about a failure, judging by pip's output."""
    default = "Copy the details and look at the end of the log, or resume"
    return next((text for sign, text in ADVICE if sign in output), default)


def _lines(process: subprocess.Popen[str], on_wait: Callable[[], None]) -> Iterator[str]:
    """Yield the lines of a process; call ``on_wait`` while none comes."""
    # A thread reads, since a pipe cannot be read with a timeout on Windows.
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for line in stream:
                lines.put(line.rstrip("\r\n"))
        lines.put(None)

    threading.Thread(target=read, name="cstalk-output", daemon=True).start()
    # Each wait ends after a tenth of a second, so that the caller can look at the disk.
    while True:
        try:
            line = lines.get(timeout=POLL_S)
        except queue.Empty:
            on_wait()
            continue
        if line is None:
            return
        yield line


def _reason(lines: Sequence[str], status: int) -> str:
    # pip's last line is often advice; the line with ``ERROR:`` names the cause.
    errors = [line for line in lines if line.lower().startswith("error:")]
    if errors:
        return errors[-1].partition(":")[2].strip()
    written = [line.strip() for line in lines if line.strip()]
    return written[-1] if written else f"exit status {status}"
