"""Which lines there are and what is said of each: a folder, a glob, or a CSV or TSV. Stdlib only.

What is said of a line comes from four places, the first counting most: the columns of the list, a
sidecar (``line.json`` beside ``line.wav``), the file's name, the options. An emotion never takes
its intensity from a place that counts less.
"""

from __future__ import annotations

import csv
import dataclasses
import fnmatch
import glob
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ...errors import BadArgument, RuntimeFault
from ...protocol import EmotionKey
from .keys import read_keys
from .naming import DEFAULT_PATTERN, NamePattern, emotion_named, read_name

SOUND_NAMES = "wav flac ogg oga opus mp3 m4a aac aif aiff wma caf mp4 mov mkv"
SOUND_SUFFIXES = frozenset(f".{name}" for name in SOUND_NAMES.split())
"""Endings that make a file in a folder one to act."""
GLOB_LETTERS = frozenset("*?[")
EMPTY_HINT = "Give a folder with sound files, or a CSV or TSV with the column 'file'"
COLUMNS = {
    "file": "file",
    "audio": "file",
    "out": "out",
    "output": "out",
    **{
        name: name
        for name in ("character", "scene", "emotion", "intensity", "emotion_at", "start", "seed")
    },
    "start_s": "cut_start_s",
    "duration_s": "cut_duration_s",
    "cstalk_title": "title",
    "cstalk_problem": "problem",
    "cstalk_hint": "hint",
}
"""Column, or key of a sidecar, and the field it means; the last three are what the add-on says."""


@dataclasses.dataclass(frozen=True, slots=True)
class Acting:
    """How one line is acted; what is None or empty is as the options say."""

    emotion: str = ""
    intensity: float | None = None
    emotion_at: tuple[EmotionKey, ...] = ()
    seed: int | None = None
    cut_start_s: float = 0.0
    """Where the used piece of the sound begins."""
    cut_duration_s: float | None = None
    """Length of the used piece; None: to the end."""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line as it was asked for."""

    number: int
    """From 1, in the order of the list or of the sorted folder."""
    audio: str
    name: str
    """What people call it: the sound's POSIX path from the folder or list."""
    stem: str
    """Output path without ending that the sound suggests: a folder's tree is kept, a list's not."""
    output: str = ""
    """POSIX path relative to the output folder, as asked for; empty: ``stem``."""
    character: str = ""
    scene: str = ""
    place_s: float | None = None
    """Second of the timeline at which the line is spoken; None: after the line before."""
    acting: Acting = Acting()
    sidecar: str = ""
    """Path of the sidecar that was read."""
    problem: str = ""
    """Why the line cannot be acted; empty where it can."""
    hint: str = ""


def read_rows(
    source: str | Path,
    *,
    patterns: Sequence[str] = (DEFAULT_PATTERN,),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> list[Row]:
    """The lines of a folder (with its subfolders), a glob, or a CSV or TSV.

    Args:
        source: What is on the disk; a text with ``*``, ``?`` or ``[`` that names nothing is a glob.
        patterns: How file names are read, see ``naming``; the first that fits counts.
        include: Globs on the path from the folder or on the name; empty means every sound.
        exclude: Globs of sounds to leave out.

    Raises:
        BadArgument: No such folder or list, no sound in it, a pattern or list that cannot be read.
    """
    compiled = [NamePattern.parse(text) for text in patterns]
    path = Path(source)
    is_tree = True
    if path.is_dir():
        # Found paths begin with the folder: joined to a relative one they would have it twice.
        base = path.absolute()
        said = [{"file": str(sound)} for sound in sounds_in(base)]
    elif not path.exists() and GLOB_LETTERS.intersection(str(source)):
        base, said = _globbed(str(source))
    else:
        base, said, is_tree = path.parent, list(_read_list(path)), False
    rows: list[Row] = []
    for columns in said:
        audio = base / columns.pop("file")
        name = columns.pop("title", "") or _name(audio, base)
        if not _wanted(name, include, exclude):
            continue
        row = _row(len(rows) + 1, audio, name, columns, compiled)
        stem = str(PurePosixPath(name).with_suffix(""))
        rows.append(dataclasses.replace(row, stem=stem if is_tree else audio.stem))
    if not rows:
        raise BadArgument(f"No sound file in {source}", hint=EMPTY_HINT)
    return rows


def sounds_in(folder: Path) -> Iterator[Path]:
    """Files with the ending of a sound, sorted, subfolders too; loops of links end by themselves.

    Hidden files are left out: macOS leaves ``._line.wav`` beside ``line.wav`` on foreign disks.
    """
    seen: set[tuple[int, int]] = set()
    found = []
    for parent, folders, files in os.walk(folder, followlinks=True):
        here = os.stat(parent)
        if (here.st_dev, here.st_ino) in seen:
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(parent, name)
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in SOUND_SUFFIXES
        ]
    return iter(sorted(found))


def _globbed(text: str) -> tuple[Path, list[dict[str, str]]]:
    """The folder above the glob and what fits it; of many ways through loops the shortest."""
    shortest: dict[tuple[str, str], str] = {}
    for path in sorted(glob.glob(text, recursive=True), key=lambda found: (len(found), found)):
        if Path(path).suffix.lower() in SOUND_SUFFIXES and not Path(path).is_dir():
            folder, name = os.path.split(os.path.abspath(path))
            shortest.setdefault((os.path.realpath(folder), name), os.path.join(folder, name))
    parts = Path(text).parts
    plain = next(i for i, part in enumerate(parts) if GLOB_LETTERS.intersection(part))
    return Path(*parts[:plain]), [{"file": path} for path in sorted(shortest.values())]


def _name(audio: Path, base: Path) -> str:
    """The path from the folder on; the file's name alone where it lies elsewhere."""
    inside = Path(os.path.relpath(os.path.abspath(audio), os.path.abspath(base)))
    return audio.name if ".." in inside.parts or inside.is_absolute() else inside.as_posix()


def _wanted(name: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    def fits(patterns: Sequence[str]) -> bool:
        return any(
            fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(name.rpartition("/")[2], pattern)
            for pattern in patterns
        )

    return (not include or fits(include)) and not fits(exclude)


def _read_list(path: Path) -> Iterator[dict[str, str]]:
    """Fields of each line of a CSV or TSV; unnamed and empty cells are left out."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        first = text.partition("\n")[0]
        delimiter = next((mark for mark in "\t;" if mark in first and "," not in first), ",")
        table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        header = [name.strip().lower() for name in next(table, [])]
        rows = [row for row in table if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadArgument(f"Cannot read {path}: {error}", hint=EMPTY_HINT) from error
    fields = [COLUMNS.get(name, "") for name in header]
    if "file" not in fields or not rows:
        raise BadArgument(f"{path} lists no sounds", hint=EMPTY_HINT)
    twice = {field for field in fields if field and fields.count(field) > 1}
    if twice:
        raise BadArgument(f"{path} has two columns for {min(twice)!r}", hint="Keep one of them")
    for number, row in enumerate(rows, 1):
        cells = zip(fields, row, strict=False)
        said = {field: cell.strip() for field, cell in cells if field and cell.strip()}
        if "file" not in said:
            raise BadArgument(f"Line {number} of {path} names no sound", hint=EMPTY_HINT)
        try:
            _acting(said)
            _place(said)
        except RuntimeFault as fault:
            raise BadArgument(f"Line {number} of the list: {fault}", hint=fault.hint) from fault
        yield said


def _row(
    number: int,
    audio: Path,
    name: str,
    columns: Mapping[str, str],
    patterns: Sequence[NamePattern],
) -> Row:
    problem, hint = columns.get("problem", ""), columns.get("hint", "")
    sidecar, said, acting, place_s = "", dict(columns), Acting(), None
    try:
        path, beside = _sidecar(audio)
        sidecar = str(path or "")
        said = _over(_over(read_name(PurePosixPath(name), patterns), beside), columns)
        acting, place_s = _acting(said), _place(said)
    except RuntimeFault as fault:
        problem, hint = problem or str(fault), hint or fault.hint
    return Row(
        number=number,
        audio=str(audio),
        name=name,
        stem="",
        output=said.get("out", ""),
        character=said.get("character", ""),
        scene=said.get("scene", ""),
        place_s=place_s,
        acting=acting,
        sidecar=sidecar,
        problem=problem,
        hint=hint,
    )


def _over(lower: Mapping[str, str], upper: Mapping[str, str]) -> dict[str, str]:
    """Both, ``upper`` counting more; its emotion comes with its own intensity or none."""
    kept = dict(lower)
    if "emotion" in upper:
        for field in ("intensity", "emotion_at"):
            kept.pop(field, None)
    return {**kept, **upper}


def _sidecar(audio: Path) -> tuple[Path | None, dict[str, str]]:
    """The sidecar of a sound and its fields. A JSON that knows none of our keys is not one."""
    for path in (audio.with_suffix(".json"), audio.with_name(audio.name + ".json")):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            continue
        try:
            data = json.loads(text)
        except ValueError as error:
            raise BadArgument(f"{path.name} is no JSON: {error}", hint="Mend the sidecar") from None
        if not isinstance(data, dict):
            continue
        said = {
            COLUMNS[key]: value if isinstance(value, str) else json.dumps(value)
            for key, value in data.items()
            if key in COLUMNS and value is not None and COLUMNS[key] != "file"
        }
        if said:
            return path, said
    return None, {}


def _acting(said: Mapping[str, str]) -> Acting:
    seed = _number(said, "seed")
    return Acting(
        emotion=emotion_named(said.get("emotion", "")),
        intensity=_number(said, "intensity"),
        emotion_at=read_keys(said.get("emotion_at", "")),
        seed=None if seed is None else int(seed),
        cut_start_s=_number(said, "cut_start_s") or 0.0,
        cut_duration_s=_number(said, "cut_duration_s"),
    )


def _place(said: Mapping[str, str]) -> float | None:
    return _number(said, "start")


def _number(said: Mapping[str, str], field: str) -> float | None:
    text = said.get(field, "")
    try:
        return float(text) if text else None
    except ValueError:
        raise BadArgument(f"{field} is {text!r}", hint="Write a number") from None
