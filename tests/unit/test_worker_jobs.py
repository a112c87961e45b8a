"""Laws of the request queue: one ending per request, and how unexpected errors are reported."""

from __future__ import annotations

import errno
import io
import threading
from pathlib import Path
from typing import Any

import pytest

from model_runtime import protocol
from model_runtime.worker import loop
from model_runtime.worker.request_queue import Jobs, _unexpected

UNLOADABLE = "libopenblas.so: failed to map segment from shared object"
TIMEOUT_S = 30.0


class BlockingEngine:
    """Answers a request once it is released; counts the requests that reached it."""

    def __init__(self) -> None:
        self.started, self.released = threading.Event(), threading.Event()
        self.answered: list[str] = []

    def answer(self, request: protocol.Generate, **_: Any) -> protocol.Result:
        self.started.set()
        assert self.released.wait(TIMEOUT_S)
        self.answered.append(request.id)
        return protocol.Result(request.id, "r.npz", 1, 52, 30.0, 0.1)


def test_a_second_request_with_an_open_id_does_not_end_the_first() -> None:
    sent, engine = io.BytesIO(), BlockingEngine()
    outlet = loop.Outlet(sent)
    jobs = Jobs(outlet.send, engine="numpy", device="cpu", model="")
    jobs._warm = engine  # type: ignore[assignment]
    thread = threading.Thread(target=jobs.serve)
    thread.start()
    request = protocol.encode(
        protocol.Generate("r", "/out", protocol.Performance(Path("/speech.wav"), 30.0))
    )
    loop._handle(request, jobs, outlet)
    assert engine.started.wait(TIMEOUT_S)
    loop._handle(request, jobs, outlet)
    loop._handle('{"type":"generate","id":"r"}', jobs, outlet)
    engine.released.set()
    jobs.close()
    thread.join(TIMEOUT_S)
    messages = [protocol.decode(line) for line in sent.getvalue().decode().splitlines()]
    endings = [m for m in messages if not isinstance(m, protocol.Progress)]
    assert [(type(m), getattr(m, "id", None)) for m in endings] == [
        (protocol.Failure, ""),  # the broken line, which must not blame the open request
        (protocol.Result, "r"),
    ]
    assert engine.answered == ["r"]


def caused_by(cause: BaseException) -> Exception:
    """Return an error of another kind with ``cause`` as its cause."""
    try:
        raise RuntimeError("cannot begin") from cause
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError(UNLOADABLE),
        caused_by(ImportError(UNLOADABLE)),
    ],
    ids=["numpy's", "the system's", "the loader's", "as a cause"],
)
def test_a_lack_of_memory_is_reported_as_such_whatever_raised_it(error: Exception) -> None:
    failure = _unexpected("a", error)
    assert failure.message == "Not enough memory"
    assert failure.hint


@pytest.mark.parametrize(
    "error", [ImportError("No module named 'x'"), OSError(errno.ENOENT, "No such file"), KeyError()]
)
def test_other_errors_are_reported_as_unexpected_with_their_type(error: Exception) -> None:
    assert type(error).__name__ in _unexpected("a", error).message
