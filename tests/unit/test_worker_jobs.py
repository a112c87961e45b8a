"""Laws of how an unforeseen error is told."""

from __future__ import annotations

import errno

import pytest

from model_runtime.worker.request_queue import _unexpected

UNLOADABLE = "libopenblas.so: failed to map segment from shared object"


def caused_by(cause: BaseException) -> Exception:
    """An error of another kind that ``cause`` led to."""
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
def test_want_of_memory_is_told_as_such_whoever_finds_it(error: Exception) -> None:
    failure = _unexpected("a", error)
    assert failure.message == "Not enough memory"
    assert failure.hint


@pytest.mark.parametrize(
    "error", [ImportError("No module named 'x'"), OSError(errno.ENOENT, "No such file"), KeyError()]
)
def test_other_errors_are_owned_as_mistakes_with_their_name(error: Exception) -> None:
    assert type(error).__name__ in _unexpected("a", error).message
