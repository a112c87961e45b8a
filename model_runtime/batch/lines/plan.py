"""The plan of a batch: each line with the files it will make. Stdlib only.

The command line and the add-on make the same plan from the same rows, so that both know which
files belong to which line. A plan holds a few hundred bytes a line and no sound.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from ...curves.file_names import inside, name_problem
from ...errors import BadArgument
from .manifest import Row
from .naming import UnusedNames

FORMATS = ("npz", "csv", "json")
"""Endings of ``curves.formats``: our own, Live Link Face, Audio2Face."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A row and the files it makes."""

    row: Row
    targets: tuple[str, ...]
    """POSIX paths relative to the output folder, one a format; the first is the one shown."""

    def paths(self, folder: Path) -> tuple[Path, ...]:
        """The files in an output folder."""
        return tuple(folder / target for target in self.targets)


def make_plan(rows: Iterable[Row], formats: Sequence[str] = ("npz",)) -> tuple[Line, ...]:
    """Give each row its files; sounds of one name in one folder get numbers.

    Args:
        rows: From ``manifest.read_rows``.
        formats: Of ``FORMATS``, for rows that do not say an ending themselves.

    Raises:
        BadArgument: An unknown format, or an output outside the output folder.
    """
    for name in formats:
        if name not in FORMATS:
            raise BadArgument(f"Unknown format {name!r}", hint=f"Use {', '.join(FORMATS)}")
    names = UnusedNames()
    lines = []
    for row in rows:
        stem, suffixes = row.stem, tuple(f".{name}" for name in formats)
        if row.output:
            wanted = _checked_output(row)
            stem = wanted.as_posix()
            if wanted.suffix.lower()[1:] in FORMATS:
                stem, suffixes = wanted.with_suffix("").as_posix(), (wanted.suffix,)
        stem = names.claim(stem, suffixes)
        lines.append(Line(row, tuple(stem + suffix for suffix in suffixes)))
    return tuple(lines)


def check_spares(lines: Iterable[Line], folder: Path, others: Sequence[Path]) -> None:
    """Raise BadArgument if a line would be written over what a batch reads, or out of ``folder``.

    Args:
        lines: The plan.
        folder: The output folder.
        others: The list itself, and whatever else must stay.
    """
    kept = {_place(path) for path in others}
    lines = tuple(lines)
    for line in lines:
        kept.add(_place(Path(line.row.audio)))
        if line.row.sidecar:
            kept.add(_place(Path(line.row.sidecar)))
    for line in lines:
        if line.row.output:
            for target in line.targets:
                inside(folder, target)
        for path in line.paths(folder):
            if _place(path) in kept:
                raise BadArgument(
                    f"{path} is read by the batch and would be written over",
                    hint="Choose another output folder, format or name",
                )


def _place(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))


def _checked_output(row: Row) -> PurePosixPath:
    path = PurePosixPath(row.output.replace("\\", "/"))
    drive = ":" in path.parts[0] if path.parts else False
    odd = any(name_problem(part) for part in path.parts)
    if path.is_absolute() or ".." in path.parts or not path.name or drive or odd:
        raise BadArgument(
            f"Line {row.number} of the list has the output {row.output!r}",
            hint="Write a name or a path within the output folder",
        )
    return path
