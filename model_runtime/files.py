"""Replace files as a whole, and recognise the marks of CSTalk's own. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from .errors import BadOutput

FOLDER_HINT = "Choose an existing, writable folder"
SPACE_HINT = "Free some space, or choose a folder on another disk"
LOCKED_HINT = "Close the program that has it open, or remove its write protection"
NO_SPACE = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""Errors of a full disk, a file over the size limit, an exceeded quota."""
HTML_MARK = '<meta name=generator content="CSTalk">'
"""Marks pages that CSTalk wrote."""
CSV_MARKS = ("audio,output,status,character,emotion,", "audio,output,status,character,acting,")
"""First lines of reports begin so: the first, of release 0.1 the second."""
PAGE_OF_VERSION_1 = "<title>CSTalk batch"
CURVE_ENTRIES = {"values.npy", "channels.npy", "fps.npy", "start_s.npy", "request.npy"}
"""Entries of CSTalk's own curve files."""
MORE_CURVE_ENTRIES = {"neutral.npy"}
"""Entries that some of them have besides."""
HEAD_BYTES = 4096
BLOCK_BYTES = 1 << 20


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a stream whose contents replace ``path`` when the block ends without an error.

    A temporary file next to it is written, flushed to the disk and renamed. After an error ``path``
    is as it was and the temporary file is removed.

    Raises:
        BadOutput: No such folder, ``path`` is a folder, no permission, no space.
    """
    check_unprotected(path)
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=".cstalk-", suffix=path.suffix, dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            yield cast(BinaryIO, stream)
            # Flushed before renaming: after a crash the name must not stand for an empty file.
            stream.flush()
            os.fsync(stream.fileno())
        # ``mkstemp`` makes a file that only the user may read; the mode of an ordinary one is
        # wanted.
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
    """Write a file in one step; see ``replacing``.

    Args:
        path: The file.
        data: Its contents.

    Raises:
        BadOutput: It cannot be written; an existing file is as it was.
    """
    with replacing(path) as stream:
        stream.write(data)


def check_writable(path: Path) -> None:
    """Raise BadOutput now if ``replacing(path)`` would fail after an hour of work."""
    if "\0" in str(path):
        raise BadOutput(f"Cannot write {str(path)!r}: NUL in the name", hint=FOLDER_HINT)
    try:
        if path.is_dir():
            raise BadOutput(f"Cannot write {path}: it is a folder", hint="Give the name of a file")
        handle, temporary = tempfile.mkstemp(prefix=".cstalk-", dir=path.parent)
        os.close(handle)
        # The folder may be writable and the file itself protected.
        os.unlink(temporary)
    except OSError as error:
        raise unwritable(path, error) from error
    check_unprotected(path)


def check_unprotected(path: Path) -> None:
    """Raise BadOutput if a file is write-protected, which renaming onto it would ignore."""
    try:
        is_protected = path.exists() and not os.access(path, os.W_OK)
    except OSError as error:
        raise unwritable(path, error) from error
    if is_protected:
        raise BadOutput(f"Cannot write {path}: the file is write-protected", hint=LOCKED_HINT)


def is_marked(path: Path) -> bool:
    """Return whether a file carries a mark that CSTalk wrote it.

    Curve files (.npz), reports (.csv) and report pages (.html) have one; Live Link Face and
    Audio2Face files cannot.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                return set(archive.namelist()) - MORE_CURVE_ENTRIES == CURVE_ENTRIES
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile):
        return False
    if suffix in (".html", ".htm"):
        return HTML_MARK in head or PAGE_OF_VERSION_1 in head
    return head.startswith(CSV_MARKS)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        # In blocks: curve files of an hour are large.
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def unwritable(path: Path, error: OSError) -> BadOutput:
    """Return the error of a file that the system did not write.

    Args:
        path: The file.
        error: Why.
    """
    hint = SPACE_HINT if error.errno in NO_SPACE else FOLDER_HINT
    # Windows refuses to replace a file that a program has open, such as a table in Excel.
    if isinstance(error, PermissionError) and path.is_file():
        hint = LOCKED_HINT
    return BadOutput(f"Cannot write {path}: {error.strerror or error}", hint=hint)


def _umask() -> int:
    # The mask can only be read by setting it.
    current = os.umask(0o077)
    os.umask(current)
    return current
