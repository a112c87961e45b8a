"""Tell files that CSTalk wrote from files of the user. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ...written import Owner, Record
from .fingerprint import FilePrint, is_same


def owner_of(path: Path, record: Record, written: FilePrint | None) -> Owner:
    """Return whose file stands at an output of a batch.

    Args:
        path: An output file.
        record: Record of the output folder.
        written: What the journal says was written there; None without an entry.
    """
    if written is None:
        return record.owner_of(path)
    if not os.path.lexists(path):
        return Owner.NOBODY
    if is_same(path, written):
        return Owner.CSTALK
    # A process that was killed may have written the file and not the journal. A mark alone does
    # not outweigh the journal.
    return Owner.EDITED if record.digest_or_none(path) is None else record.owner_of(path)


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
    try:
        return os.path.normcase(os.path.realpath(path))
    except ValueError:  # a NUL in the name: nothing lies there
        return str(path)


def _identity(path: Path) -> set[tuple[int, int]]:
    """Return device and number of a file; empty without a file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return set()
    return {(found.st_dev, found.st_ino)}
