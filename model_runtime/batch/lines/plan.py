"""Plan a batch: give each line its output files. Standard library only.

The command line and the add-on make the same plan from the same rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from ...choices import CURVE_SUFFIXES
from ...curves.file_names import inside, name_problem
from ...errors import BadArgument
from .manifest import Row
from .naming import UnusedNames
from .ownership import Inputs

FORMATS = tuple(suffix.removeprefix(".") for suffix in CURVE_SUFFIXES)


OWN_FILES = ".cstalk"
"""First letters of the files and folders in which CSTalk keeps its state."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A row and its output files."""

    row: Row
    targets: tuple[str, ...]
    """POSIX paths relative to the output folder, one per format; the first names the line."""

    @property
    def id(self) -> str:
        """Path of the output without its ending; unique within the output folder."""
        # Without the ending: the id is the same for all formats.
        return self.targets[0].rpartition(".")[0]

    def paths(self, folder: Path) -> tuple[Path, ...]:
        """Return the files in an output folder."""
        return tuple(folder / target for target in self.targets)


def make_plan(rows: Iterable[Row], formats: Sequence[str] = ("npz",)) -> tuple[Line, ...]:
    """Give each row its files; audio files of one name in one folder get numbers.

    Args:
        rows: From ``manifest.read_rows``.
        formats: Of ``FORMATS``, for rows that name no ending themselves.

    Raises:
        BadArgument: An unknown format. A line with an output outside the output folder, or in
            CSTalk's own files, has a problem.
    """
    for name in formats:
        if name not in FORMATS:
            raise BadArgument(f"Unknown format {name!r}", hint=f"Use {', '.join(FORMATS)}")
    names = UnusedNames()
    lines = []
    for row in map(_with_checked_output, rows):
        stem, suffixes = row.stem, tuple(f".{name}" for name in formats)
        if row.output:
            wanted = PurePosixPath(row.output)
            stem = wanted.as_posix()
            if wanted.suffix.lower()[1:] in FORMATS:
                stem, suffixes = wanted.with_suffix("").as_posix(), (wanted.suffix,)
        # Claimed in the order of the rows: the same list gives the same names.
        stem = names.claim(stem, suffixes)
        lines.append(Line(row, tuple(stem + suffix for suffix in suffixes)))
    return tuple(lines)


def check_inputs_kept(lines: Iterable[Line], folder: Path, others: Sequence[Path]) -> None:
    """Check that no output would replace a file that the batch reads.

    Args:
        lines: The plan.
        folder: Output folder.
        others: The list itself, and further files that must stay.

    Raises:
        BadArgument: An output leads to an input under any name, or out of ``folder``.
    """
    lines = tuple(lines)
    read = [Path(line.row.audio) for line in lines]
    read += [Path(line.row.sidecar) for line in lines if line.row.sidecar]
    # The list itself is an input as well.
    inputs = Inputs([*others, *read])
    for line in lines:
        if line.row.output:
            for target in line.targets:
                # Only names from lists can lead out of the folder.
                inside(folder, target)
        for path in line.paths(folder):
            if inputs.holds(path):
                raise BadArgument(
                    f"{path} is an input of the batch and would be replaced",
                    hint="Choose another output folder, format or name",
                )


def _with_checked_output(row: Row) -> Row:
    """Return a row whose output is a path within the folder; else it has a problem and none."""
    if not row.output:
        return row
    try:
        return dataclasses.replace(row, output=_checked_output(row).as_posix())
    except BadArgument as fault:
        # Its line fails; the others go on.
        problem, hint = row.problem or str(fault), row.hint or fault.hint
        return dataclasses.replace(row, output="", problem=problem, hint=hint)


def _checked_output(row: Row) -> PurePosixPath:
    # Lists written on Windows have backslashes.
    path = PurePosixPath(row.output.replace("\\", "/"))
    # "C:name" is relative to a drive.
    drive = ":" in path.parts[0] if path.parts else False
    reasons = [problem for part in path.parts if (problem := name_problem(part))]
    if any(part.startswith(OWN_FILES) for part in path.parts):
        reasons.append("is a file that CSTalk keeps its state in")
    if path.is_absolute() or ".." in path.parts or not path.name or drive:
        reasons.insert(0, "leads out of the output folder")
    if reasons:
        raise BadArgument(
            f"Line {row.number} has the output {row.output!r}, which {reasons[0]}",
            hint="Write a name or a path within the output folder",
        )
    return path
