"""Find audio files: in folders, by globs, and by the names that lists give. Stdlib only."""

from __future__ import annotations

import glob
import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath

from ...errors import BadArgument

AUDIO_NAMES = (
    "wav wave w64 rf64 bwf flac ogg oga opus spx mp3 mp2 m4a m4b aac adts ac3 amr aif aiff aifc "
    "au snd caf wma mka weba mp4 m4v mov mkv avi webm mpg mpeg 3gp wmv ts"
)
AUDIO_SUFFIXES = frozenset(f".{name}" for name in AUDIO_NAMES.split())
"""Endings of the files of a folder that are taken for audio, or for video with audio."""
GLOB_LETTERS = frozenset("*?[")


def files_in(folder: Path, skipped: Callable[[Path, OSError], None]) -> Iterator[Path]:
    """Yield the audio files of a folder and its subfolders, sorted.

    Hidden files are left out: macOS leaves ``._line.wav`` next to ``line.wav`` on foreign disks.
    Pipes and devices are left out too.

    Args:
        folder: The folder; links to folders are followed, loops of links end by themselves.
        skipped: Called for each subfolder that may not be read.

    Raises:
        BadArgument: The folder disappeared while it was read.
    """
    seen: set[tuple[int, int]] = set()
    # Links to the same folder are visited once, so loops end.
    found: list[Path] = []

    def failed(error: OSError) -> None:
        # A subfolder without permission is a problem of that folder alone.
        if isinstance(error, PermissionError) and Path(error.filename) != folder:
            skipped(Path(error.filename), error)
            return
        raise BadArgument(
            f"Cannot read the folder {error.filename}: {error.strerror}",
            hint="Check the disk or network drive, then read it again",
        ) from error

    for parent, folders, files in os.walk(folder, onerror=failed, followlinks=True):
        try:
            here = os.stat(parent)
        except OSError as error:
            failed(error)
            continue
        # Device and number, since paths differ by the links on the way.
        if (here.st_dev, here.st_ino) in seen:
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        # Sorted in place: os.walk follows this list.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, name) for name in files if _is_audio(parent, name)]
    # By the whole path: the order does not depend on the file system.
    return iter(sorted(found))


def globbed(text: str) -> tuple[Path, list[Path]]:
    """Return the folder above a glob, and the audio files that fit it.

    Of several ways to a file through links, the shortest counts.
    """
    shortest: dict[tuple[str, str], str] = {}
    # Shorter paths first: of several ways through links the plainest is kept.
    for path in sorted(glob.glob(text, recursive=True), key=lambda found: (len(found), found)):
        folder, name = os.path.split(os.path.abspath(path))
        if _is_audio(folder, name):
            # The name is kept and the folder resolved: a linked file may have the name that
            # matters.
            shortest.setdefault((os.path.realpath(folder), name), os.path.join(folder, name))
    parts = Path(text).parts
    plain = next(i for i, part in enumerate(parts) if GLOB_LETTERS.intersection(part))
    return Path(*parts[:plain]), [Path(path) for path in sorted(shortest.values())]


def named_file(base: Path, name: str) -> Path:
    """Return the audio file that a cell of a list names.

    A name without ending, with backslashes, or in another case or Unicode form than the file's
    leads to the file too, if there is exactly one.

    Args:
        base: Folder of the list.
        name: The cell.

    Returns:
        The path; that of the name as it stands if there is no such file.

    Raises:
        BadArgument: Several files fit the name.
    """
    asked = base / name
    # As written first, then as a Windows path: lists travel between systems.
    for path in (asked, base / PureWindowsPath(name).as_posix()):
        if _exists(path):
            return path
        near = _similar(path)
        # Two candidates: choosing one could animate the wrong line.
        if len(near) > 1:
            raise BadArgument(
                f"{name!r} may be {near[0].name!r} or {near[1].name!r}",
                hint="Write the name with its ending",
            )
        if near:
            return near[0]
    return asked


def _similar(path: Path) -> list[Path]:
    """Return files of the same folder that the name may mean."""
    try:
        names = os.listdir(path.parent)
    except (OSError, ValueError):
        return []
    # macOS stores names decomposed, lists usually have them composed.
    wanted = _folded(path.name)
    same = [name for name in names if _folded(name) == wanted]
    # Only a name without ending may stand for one: "line.v2" has none that is audio.
    if not same and path.suffix.lower() not in AUDIO_SUFFIXES:
        same = [
            name
            for name in names
            if _folded(os.path.splitext(name)[0]) == wanted
            and os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES
        ]
    return [path.parent / name for name in sorted(same)]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False


def _is_audio(folder: str, name: str) -> bool:
    if name.startswith(".") or os.path.splitext(name)[1].lower() not in AUDIO_SUFFIXES:
        return False
    path = Path(folder, name)
    # A broken link fails as a line of its own.
    # A broken link is listed, so that it fails by name instead of vanishing.
    return path.is_file() or (path.is_symlink() and not path.exists())
