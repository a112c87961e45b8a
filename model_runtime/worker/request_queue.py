"""Run requests one at a time, each with exactly one ending. Heavy imports are deferred.

The reader thread submits and cancels, the job thread runs. ``Jobs._end`` alone sends the ending of
a request, after removing it from the open requests.
"""

from __future__ import annotations

import contextvars
import dataclasses
import errno
import importlib.util
import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .. import protocol
from ..errors import Cancelled, RuntimeFault

if TYPE_CHECKING:
    from .warm_engine import WarmEngine

log = logging.getLogger(__name__)

BAD_MESSAGE = "bad-message"
INTERNAL = "internal"
NO_THREAD = "can't start new thread"
"""Text of Python's RuntimeError when the stack of a thread cannot be allocated."""
LOADER_OUT_OF_MEMORY = ("failed to map segment", "cannot allocate memory")
"""Messages of the dynamic loader, in lower case, when memory for a library is missing."""
PROGRESS_INTERVAL_S = 0.1
MIN_FRACTION_FOR_ESTIMATE = 0.1
"""Progress at which the remaining time is first estimated."""

_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")


class RequestIdFilter(logging.Filter):
    """Adds ``request`` to each log record: the id of the running request, or a dash."""

    # A context variable: records of library threads carry a dash.
    def filter(self, record: logging.LogRecord) -> bool:
        """Set ``record.request`` and pass every record."""
        record.request = _request_id.get()
        return True


@dataclasses.dataclass(frozen=True)
class _Job:
    request: protocol.Generate
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)


class Jobs:
    """Queues requests and answers them in order."""

    def __init__(
        self,
        send: Callable[[protocol.Message], None],
        *,
        engine: str,
        device: str,
        model: str,
    ) -> None:
        """Create an empty queue.

        Args:
            send: Sends a message to the parent; called from both threads.
            engine: See ``engines.factory.open_engine``.
            device: See ``engines.factory.open_engine``.
            model: Default checkpoint folder; empty means the shipped one.
        """
        self._send = send
        self._engine_name, self._device_name, self._model = engine, device, model
        self._open: dict[str, _Job] = {}
        self._lock = threading.Lock()
        # None ends the queue.
        self._queue: queue.Queue[_Job | None] = queue.Queue()
        self._warm: WarmEngine | None = None

    def hello(self) -> protocol.Hello:
        """Return the first message. Engine and device are predictions; results have the facts."""
        from ..engines.device import predicted_device
        from ..version import runtime_version

        # engines.factory imports numpy, which takes 0.1 s; so its rule is repeated here.
        # find_spec: importing torch takes seconds.
        has_torch = importlib.util.find_spec("torch") is not None
        engine = self._engine_name
        if engine == "auto":
            engine = "torch" if has_torch else "numpy"
        device = self._device_name
        if device == "auto":
            device = predicted_device() if engine == "torch" and has_torch else "cpu"
        return protocol.Hello(
            protocol.PROTOCOL_VERSION, runtime_version(), engine, device, Path(self._model).name
        )

    def submit(self, request: protocol.Generate) -> None:
        """Queue a request, or ignore one with the id of an open request."""
        job = _Job(request)
        # Checked and entered under one lock: two equal ids in a row must not both pass.
        with self._lock:
            is_new = request.id not in self._open
            if is_new:
                self._open[request.id] = job
        if is_new:
            self._queue.put(job)
        else:
            # An answer with this id would end the open request.
            log.warning("ignoring a second request with the id %r", request.id)

    def cancel(self, identity: str) -> None:
        """Cancel a request; unknown and ended ids are ignored."""
        with self._lock:
            job = self._open.get(identity)
        if job is not None:
            # Only marked: the job thread ends it, so there is one ending.
            job.stop.set()

    def answerable_id(self, identity: str) -> str:
        """Return ``identity``, or an empty string if an open request has it."""
        with self._lock:
            return "" if identity in self._open else identity

    def close(self) -> None:
        """Cancel all requests and let ``serve`` return after them."""
        with self._lock:
            for job in self._open.values():
                job.stop.set()
        self._queue.put(None)

    def serve(self) -> None:
        """Run requests until ``close``. An exception ends only the request that raised it."""
        while (job := self._queue.get()) is not None:
            # Set for the log before anything of the request runs.
            _request_id.set(job.request.id)
            try:
                ending = self._run(job)
            except Cancelled:
                ending = protocol.Stopped(job.request.id)
            except RuntimeFault as fault:
                log.info("%s: %s", fault.code, fault)
                ending = _failure(job.request.id, fault.code, str(fault), fault.hint)
            except Exception as error:
                log.exception("request failed")
                ending = _unexpected(job.request.id, error)
            self._end(job, ending)
            _request_id.set("-")

    def _end(self, job: _Job, ending: protocol.Message) -> None:
        # Removed before the ending is sent: the id is free when the parent reads it.
        with self._lock:
            del self._open[job.request.id]
        self._send(ending)

    def _run(self, job: _Job) -> protocol.Message:
        # Cancelled while it waited: the model need not be loaded.
        if job.stop.is_set():
            raise Cancelled("Cancelled before it began")
        reporter = _Reporter(self._send, job.request.id)
        reporter(0.0, "loading the model")
        # Loaded for the first request.
        if self._warm is None:
            from .warm_engine import WarmEngine

            self._warm = WarmEngine(
                engine=self._engine_name, device=self._device_name, model=self._model
            )
        return self._warm.answer(job.request, progress=reporter, cancelled=job.stop.is_set)


class _Reporter:
    """Sends progress that never decreases, at most ten times a second."""

    def __init__(self, send: Callable[[protocol.Message], None], identity: str) -> None:
        self._send = send
        self._id = identity
        self._began = time.perf_counter()
        self._sent_at = -PROGRESS_INTERVAL_S
        self._fraction = 0.0

    def __call__(self, fraction: float, stage: str) -> None:
        now = time.perf_counter() - self._began
        if now - self._sent_at < PROGRESS_INTERVAL_S:
            return
        self._sent_at = now
        # Never decreasing: stages estimate their part anew.
        self._fraction = max(self._fraction, min(fraction, 1.0))
        left = None
        # Estimates from less than a tenth jump.
        if self._fraction >= MIN_FRACTION_FOR_ESTIMATE:
            left = now * (1 - self._fraction) / self._fraction
        self._send(protocol.Progress(self._id, self._fraction, left, stage))


def _failure(identity: str, code: str, message: str, hint: str) -> protocol.Failure:
    return protocol.Failure(identity, code, message, hint)


def _unexpected(identity: str, error: Exception) -> protocol.Failure:
    if _is_out_of_memory(error):
        return _failure(
            identity, INTERNAL, "Not enough memory", "Close other programs and try again"
        )
    text = f"Unexpected error in the runtime: {type(error).__name__}"
    return _failure(identity, INTERNAL, text, "Report it with the log in the system console")


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Return whether memory ran out, also while a library was loaded (an ImportError)."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if isinstance(error, RuntimeError) and NO_THREAD in str(error):
            return True
        if isinstance(error, ImportError) and any(
            sign in str(error).lower() for sign in LOADER_OUT_OF_MEMORY
        ):
            return True
        # The cause is what the library met; the outer error is often an ImportError.
        error = error.__cause__ or error.__context__
    return False
