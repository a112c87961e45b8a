"""Files that are replaced whole or not at all. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from .errors import BadOutput

FOLDER_HINT = "Choose an existing, writable folder"
SPACE_HINT = "Free some space, or choose a folder on another disk"
NO_SPACE = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""Full disk, a file larger than allowed, a used-up quota."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A stream whose contents take the place of ``path`` when the block ends without an error.

    A temporary neighbour is written, flushed to the disk and renamed. Whatever goes wrong, what
    stood at ``path`` still does and the neighbour is gone.

    Raises:
        BadOutput: No such folder, ``path`` is a folder, no permission, no space.
    """
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=".cstalk-", suffix=path.suffix, dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            yield cast(BinaryIO, stream)
            stream.flush()
            os.fsync(stream.fileno())
        if os.name == "posix":
            os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` in one step; see ``replacing``. Raises BadOutput."""
    with replacing(path) as stream:
        stream.write(data)


def check_writable(path: Path) -> None:
    """Raise BadOutput now if ``replacing(path)`` would fail later, before an hour of work."""
    if path.is_dir():
        raise BadOutput(f"Cannot write {path}: it is a folder", hint="Give the name of a file")
    try:
        handle, temporary = tempfile.mkstemp(prefix=".cstalk-", dir=path.parent)
        os.close(handle)
        os.unlink(temporary)
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(0, "the file is write-protected")
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> BadOutput:
    """What to say of a file that the system would not write."""
    hint = SPACE_HINT if error.errno in NO_SPACE else FOLDER_HINT
    return BadOutput(f"Cannot write {path}: {error.strerror or error}", hint=hint)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
