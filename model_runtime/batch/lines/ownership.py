"""Tell files that CSTalk wrote from files of the user. Standard library only."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable
from pathlib import Path

from ...files import is_marked
from .fingerprint import FilePrint, is_same


class Owner(enum.Enum):
    """The owner of the file at a path."""

    NOBODY = enum.auto()
    """There is no file."""
    CSTALK = enum.auto()
    """CSTalk wrote it, and it is as it was written: it may be replaced."""
    EDITED = enum.auto()
    """CSTalk wrote it, and it was changed since."""
    USER = enum.auto()
    """Nothing shows that CSTalk wrote it."""


def owner_of(path: Path, written: FilePrint | None) -> Owner:
    """Return whose file stands at a path.

    Args:
        path: An output file.
        written: What the journal says was written there; None without an entry. A mark inside the
            file then decides, see `files.is_marked`.
    """
    # lexists: a broken link is somebody's too.
    if not os.path.lexists(path):
        return Owner.NOBODY
    if written is not None:
        # The journal knows what was written: any difference is an edit.
        return Owner.CSTALK if is_same(path, written) else Owner.EDITED
    return Owner.CSTALK if is_marked(path) else Owner.USER


class Inputs:
    """Files that a batch reads, found again under any name: links, other cases, ``..``."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._names: set[str] = set()
        self._files: set[tuple[int, int]] = set()
        for path in paths:
            self._names.add(_real(path))
            # By identity as well: hard links and other cases have other names.
            self._files.update(_identity(path))

    def holds(self, path: Path) -> bool:
        """Return whether a path leads to one of the files."""
        return _real(path) in self._names or bool(self._files & _identity(path))


def _real(path: Path) -> str:
    # normcase: Windows ignores case.
    return os.path.normcase(os.path.realpath(path))


def _identity(path: Path) -> set[tuple[int, int]]:
    """Return device and number of a file; empty without a file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return set()
    return {(found.st_dev, found.st_ino)}
