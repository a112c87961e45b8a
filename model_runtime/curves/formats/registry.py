"""Curve files: npz (ours), Live Link Face CSV, Audio2Face JSON. Chosen by the file's ending.

Nothing is unpickled. Every file is written under a temporary name and then renamed.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import BadArgument, BadCurves
from ...files import check_writable
from ..track import CurveTrack
from . import a2f as format_a2f
from . import livelink as format_livelink
from . import npz as format_npz

SUFFIXES = (".npz", ".csv", ".json")


def check_output(path: Path) -> None:
    """Raise now what ``write_curves`` would raise about the path.

    Raises:
        BadArgument: An ending other than ``.npz``, ``.csv``, ``.json``.
        BadOutput: The folder is missing or not writable, or ``path`` is a folder.
    """
    _suffix(path)
    check_writable(path)


def write_curves(track: CurveTrack, path: str | Path) -> None:
    """Write curves in the format of the ending of ``path``.

    Raises:
        BadArgument: Another ending, or a format that cannot hold any of these channels.
        BadOutput: The file cannot be written; an existing one stays as it was.
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix == ".npz":
        format_npz.write(track, path)
    elif suffix == ".csv":
        format_livelink.write(track, path)
    else:
        format_a2f.write(track, path)


def read_curves(path: str | Path) -> CurveTrack:
    """Read curves in the format of the ending of ``path``.

    Raises:
        BadArgument: Another ending.
        BadCurves: Missing, corrupt, or contents that contradict themselves.
    """
    path = Path(path)
    suffix = _suffix(path)
    try:
        if suffix == ".npz":
            return format_npz.read(path)
        if suffix == ".csv":
            return format_livelink.read(path)
        return format_a2f.read(path)
    except OSError as error:
        raise BadCurves(
            f"Cannot read {path}: {error.strerror or error}", hint="Check the path"
        ) from error


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadArgument(
            f"Unknown kind of curve file {path.name!r}", hint="End it in .npz, .csv or .json"
        )
    return suffix
