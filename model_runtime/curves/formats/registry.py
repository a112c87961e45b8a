"""Choose the format of a curve file by its extension, one of ``choices.CURVE_SUFFIXES``.

Nothing is unpickled, and files are replaced atomically.
"""

from __future__ import annotations

from pathlib import Path

from ...choices import CURVE_SUFFIXES
from ...errors import BadArgument, BadCurves
from ...files import check_writable
from ..layered import LayeredCurves
from ..track import CurveTrack
from . import a2f as format_a2f
from . import livelink as format_livelink
from . import npz as format_npz


def check_output(path: Path) -> None:
    """Check a path before the curves are generated.

    Raises:
        BadArgument: The extension is unknown.
        BadOutput: The folder is missing or not writable, or ``path`` is a folder.
    """
    _suffix(path)
    check_writable(path)


def write_curves(track: CurveTrack, path: str | Path) -> None:
    """Write curves in the format of the extension of ``path``.

    Args:
        track: The curves.
        path: Target in an existing folder.

    Raises:
        BadArgument: The extension is unknown, or the format cannot hold any of these channels.
        BadOutput: The file cannot be written; an existing one is left unchanged.
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix == ".npz":
        format_npz.write(track, path)
    elif suffix == ".csv":
        format_livelink.write(track, path)
    else:
        format_a2f.write(track, path)


def write_layered(curves: LayeredCurves, path: str | Path) -> None:
    """Write curves with and without their emotion, as ``.npz``.

    Args:
        curves: The curves.
        path: Target in an existing folder.

    Raises:
        BadArgument: The extension is not ``.npz``.
        BadOutput: The file cannot be written; an existing one is left unchanged.
    """
    path = Path(path)
    if _suffix(path) != ".npz":
        raise BadArgument(
            f"{path.name!r} cannot hold curves with and without emotion",
            hint="Use the extension .npz",
        )
    format_npz.write_layered(curves, path)


def read_curves(path: str | Path) -> CurveTrack:
    """Read curves in the format of the extension of ``path``.

    Raises:
        BadArgument: The extension is unknown.
        BadCurves: The file is missing, corrupt or inconsistent.
    """
    return read_layered(path).full


def read_layered(path: str | Path) -> LayeredCurves:
    """Read curves with and without their emotion; only ``.npz`` files can tell them apart.

    Raises:
        BadArgument: The extension is unknown.
        BadCurves: The file is missing, corrupt or inconsistent.
    """
    path = Path(path)
    suffix = _suffix(path)
    try:
        if suffix == ".npz":
            return format_npz.read_layered(path)
        read = format_livelink.read if suffix == ".csv" else format_a2f.read
        return LayeredCurves.without_layers(read(path))
    except OSError as error:
        raise BadCurves(
            f"Cannot read {path}: {error.strerror or error}", hint="Check the path"
        ) from error


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in CURVE_SUFFIXES:
        raise BadArgument(
            f"Unknown type of curve file {path.name!r}",
            hint=f"Use the extension {', '.join(CURVE_SUFFIXES[:-1])} or {CURVE_SUFFIXES[-1]}",
        )
    return suffix
