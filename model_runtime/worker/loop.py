"""The worker's door: JSON lines in on stdin, JSON lines out on stdout. The rest is in worker_jobs.

Standard library only until the first request, so that the greeting comes at once. The real stdout
is kept for messages alone; file descriptor 1 points at stderr, so that no library can write into
the protocol. Closing stdin ends the process, and so does the end of its parent.
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
"""What a running request gets to end itself after stdin was closed; no orphan lives for 2 s."""
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s [%(request)s] %(message)s"


class Outlet:
    """Sends messages, one line each, from any thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, message: protocol.Message) -> None:
        """Write and flush one message. A parent that no longer reads ends this process."""
        # A path that is no text becomes an escape, which JSON reads back.
        line = protocol.encode(message).encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            try:
                self._stream.write(line)
                self._stream.flush()
            except OSError as error:
                log.warning("nobody reads the answers any more (%s): leaving", error)
                leave(0)


def run(
    *, engine: str = "auto", device: str = "auto", model: str = "", verbose: bool = False
) -> int:
    """Serve requests until stdin closes.

    Args:
        engine: See ``engines.base.open_engine``.
        device: See ``engines.base.open_engine``.
        model: Checkpoint folder for requests that name none; empty means the shipped one.
        verbose: Log each message.

    Returns:
        The exit status, always 0.

    Raises:
        BadArgument: Unknown engine or device.
    """
    outlet = Outlet(claim_stdout())
    _set_up_process(verbose)
    exit_with_parent(lambda: leave(0))
    jobs = Jobs(outlet.send, engine=engine, device=device, model=model)
    outlet.send(jobs.hello())
    thread = threading.Thread(target=jobs.serve, name="jobs", daemon=True)
    thread.start()
    for line in lines(sys.stdin.buffer):
        log.debug("read %s", line[:500])
        _take(line, jobs, outlet)
    log.info("stdin is closed: leaving")
    jobs.close()
    thread.join(GRACE_S)
    return leave(0)


def claim_stdout() -> BinaryIO:
    """Keep stdout for messages and point file descriptor 1, and ``sys.stdout``, at stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return cast(BinaryIO, os.fdopen(kept, "wb"))


def lines(stream: BinaryIO) -> Iterator[str]:
    """Lines without their end; of one that is too long only the start, which will not parse."""
    limit = protocol.MAX_LINE_BYTES
    while data := stream.readline(limit + 1):
        rest = data
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(limit)
        text = data.decode("utf-8", "replace").strip()
        if text:
            yield text


def leave(status: int) -> int:
    """End the process now: native threads of torch do not always survive a slow farewell."""
    logging.shutdown()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(status)


def _take(line: str, jobs: Jobs, outlet: Outlet) -> None:
    try:
        message = protocol.decode(line)
    except protocol.ProtocolError as error:
        log.warning("not a message: %s", error)
        outlet.send(
            protocol.Failure(
                id=jobs.blamed_id(_id_in(line)),
                code=BAD_MESSAGE,
                message=f"Not a message of this protocol: {error}",
                hint="Install the add-on and the runtime of one release",
            )
        )
        return
    if isinstance(message, protocol.Generate):
        jobs.submit(message)
    elif isinstance(message, protocol.Cancel):
        jobs.cancel(message.id)
    else:
        log.warning("a %s message is not for a worker", type(message).__name__)


def _id_in(line: str) -> str:
    """The id of a broken request, so that it still gets its ending; empty when there is none."""
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
    faulthandler.enable(sys.stderr)
    if not sys.stdin.isatty():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in Blender's terminal is not for us
