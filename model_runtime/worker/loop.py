"""Read requests as JSON lines from stdin and write messages as JSON lines to stdout.

Standard library only until the first request, so that ``Hello`` is sent at once. The real stdout
is reserved for messages; file descriptor 1 points at stderr, so that no library can write into the
protocol. The process ends when stdin is closed or its parent ends.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO, cast

from .. import protocol
from .parent_watch import exit_with_parent
from .request_queue import BAD_MESSAGE, Jobs, RequestIdFilter

log = logging.getLogger(__name__)

GRACE_S = 1.0
"""Time for a running request to end after stdin was closed; no orphan lives for 2 s."""
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s [%(request)s] %(message)s"


class Outlet:
    """Writes messages, one per line. Thread-safe."""

    def __init__(self, stream: BinaryIO) -> None:
        # A lock: both threads send.
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, message: protocol.Message) -> None:
        """Write and flush one message. If the parent no longer reads, exit the process."""
        # A path that is not valid text is written as an escape, which JSON reads back.
        line = protocol.encode(message).encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            try:
                self._stream.write(line)
                self._stream.flush()
            except OSError as error:
                log.warning("stdout is closed (%s): exiting", error)
                # Nobody reads any more.
                leave(0)


def run(
    *, engine: str = "auto", device: str = "auto", model: str = "", verbose: bool = False
) -> int:
    """Serve requests until stdin closes.

    Args:
        engine: See ``engines.factory.open_engine``.
        device: See ``engines.factory.open_engine``.
        model: Default checkpoint folder; empty means the shipped one.
        verbose: Log each message.

    Returns:
        The exit status, always 0.

    Raises:
        BadArgument: The engine or device is unknown.
    """
    # Before any import that could print.
    outlet = Outlet(claim_stdout())
    _set_up_process(verbose)
    exit_with_parent(lambda: leave(0))
    # The queue imports nothing heavy, so that Hello goes out at once.
    jobs = Jobs(outlet.send, engine=engine, device=device, model=model)
    outlet.send(jobs.hello())
    # A daemon: it must not keep the process alive when stdin is closed.
    thread = threading.Thread(target=jobs.serve, name="jobs", daemon=True)
    thread.start()
    for line in lines(sys.stdin.buffer):
        log.debug("read %s", line[:500])
        _handle(line, jobs, outlet)
    log.info("stdin is closed: exiting")
    jobs.close()
    thread.join(GRACE_S)
    return leave(0)


def claim_stdout() -> BinaryIO:
    """Reserve stdout for messages; point file descriptor 1 and ``sys.stdout`` at stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    # Native libraries write to descriptor 1, not to sys.stdout.
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return cast(BinaryIO, os.fdopen(kept, "wb"))


def lines(stream: BinaryIO) -> Iterator[str]:
    """Yield lines without their ends; a line over the limit is cut, so that it cannot parse."""
    limit = protocol.MAX_LINE_BYTES
    # One byte over the limit tells a line that is too long.
    while data := stream.readline(limit + 1):
        rest = data
        # The rest of an overlong line is read, or it would be taken for messages.
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(limit)
        text = data.decode("utf-8", "replace").strip()
        if text:
            yield text


def leave(status: int) -> int:
    """Exit the process at once."""
    # A regular interpreter shutdown can crash in native threads of torch.
    logging.shutdown()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(status)


def _handle(line: str, jobs: Jobs, outlet: Outlet) -> None:
    try:
        message = protocol.decode(line)
    # Answered where the id is readable: a request must not stay open.
    except protocol.ProtocolError as error:
        log.warning("not a message: %s", error)
        outlet.send(
            protocol.Failure(
                id=jobs.answerable_id(_id_in(line)),
                code=BAD_MESSAGE,
                message=f"Not a message of this protocol: {error}",
                hint="Install the add-on and the runtime of the same release",
            )
        )
        return
    if isinstance(message, protocol.Generate):
        jobs.submit(message)
    elif isinstance(message, protocol.Cancel):
        jobs.cancel(message.id)
    else:
        log.warning("ignoring a %s message, which a worker does not take", type(message).__name__)


def _id_in(line: str) -> str:
    """Return the id of an invalid request, so that it can be answered; empty if it has none."""
    try:
        payload = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(payload, dict) or payload.get("type") != "generate":
        return ""
    identity = payload.get("id")
    return identity if isinstance(identity, str) else ""


def _set_up_process(verbose: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    handler.addFilter(RequestIdFilter())
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler])
    # A crash in native code leaves a trace in the log.
    faulthandler.enable(sys.stderr)
    if not sys.stdin.isatty():
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # Ctrl-C in the terminal is for Blender, which then closes stdin
