"""Read the lines of a folder, a glob, or a list (CSV or TSV). Standard library only.

Parameters of a line come from four sources, the first taking precedence: the columns of the list,
a sidecar (``line.json`` next to ``line.wav``), the file name, the options. The script may also be a
text file beside the audio file. An emotion never takes
its intensity from a source of lower precedence. Whatever is wrong with one line fails that line.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from ...choices import DEFAULT_PATTERN, MAX_INTENSITY
from ...errors import BadArgument, RuntimeFault
from ...protocol import EmotionKey
from ...text.formats.files import read_script, script_beside
from .audio_files import AUDIO_SUFFIXES as AUDIO_SUFFIXES
from .audio_files import GLOB_LETTERS as GLOB_LETTERS
from .audio_files import files_in, globbed, named_file
from .keys import read_keys
from .naming import NamePattern, emotion_named, likely_emotion, read_name
from .table import FIELDS, read_table

EMPTY_HINT = "Give a folder with audio files, or a CSV or TSV with the column 'file'"
LONGEST_SCRIPT = 200_000
"""Characters; four hours of speech. More is another file in the wrong cell, and takes minutes."""
MAX_SEED = 2**31 - 1
"""Largest seed that Blender can store."""
CELL_NAMES = {"cut_start_s": "start_s", "cut_duration_s": "duration_s"}
"""Columns whose field has another name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Acting:
    """Parameters of one line; what is None or empty is as the options say."""

    emotion: str = ""
    intensity: float | None = None
    emotion_at: tuple[EmotionKey, ...] = ()
    seed: int | None = None
    cut_start_s: float = 0.0
    """Start of the used part of the audio file."""
    cut_duration_s: float | None = None
    """Length of the used part; None: to the end."""
    script: str = ""
    """Spoken words; empty if unknown."""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line as the source describes it."""

    number: int
    """From 1, in the order of the list or of the sorted folder."""
    audio: str
    name: str
    """Display name: the POSIX path of the audio file from the folder or list."""
    stem: str
    """Default output path without ending: with the subfolders of a folder, without those of a
    list."""
    output: str = ""
    """Requested output, a POSIX path relative to the output folder; empty: ``stem``."""
    character: str = ""
    scene: str = ""
    place_s: float | None = None
    """Second of the timeline at which the line is spoken; None: after the previous line."""
    acting: Acting = Acting()
    sidecar: str = ""
    """Path of the sidecar that was read."""
    problem: str = ""
    """Why the line cannot be generated; empty if it can."""
    hint: str = ""
    note: str = ""
    """What the user may have meant by the line's name; empty if it is clear."""


@dataclasses.dataclass(frozen=True)
class _Source:
    """One line before its sidecar and name are read."""

    audio: Path
    cells: Mapping[str, str]
    place: str = ""
    """Row of the list, for messages."""
    problem: str = ""
    hint: str = ""


def read_rows(
    source: str | Path,
    *,
    patterns: Sequence[str] = (DEFAULT_PATTERN,),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    use_text: bool = True,
) -> list[Row]:
    """Return the lines of a folder (with its subfolders), a glob, or a CSV or TSV.

    Args:
        source: A path; a text with ``*``, ``?`` or ``[`` that names nothing is a glob.
        patterns: Patterns of file names, see ``naming``; the first that fits counts.
        include: Globs on the path from the folder or on the name; empty means every file.
        exclude: Globs of files to leave out.
        use_text: Read scripts, from a column of the list or a text file beside the audio file.

    Raises:
        BadArgument: No such folder or list, no audio file in it, or a pattern or list that cannot
            be read.
    """
    # Parsed before anything is read: a bad pattern is an error of its own.
    compiled = [NamePattern.parse(text) for text in patterns]
    path = Path(source)
    is_tree = True
    if path.is_dir():
        base, sources = path, _folder_sources(path)
    # A name with brackets that exists is a file, not a glob.
    elif not path.exists() and GLOB_LETTERS.intersection(str(source)):
        base, files = globbed(str(source))
        sources = [_Source(file, {}) for file in files]
    else:
        base, sources, is_tree = path.parent, _list_sources(path), False
    rows: list[Row] = []
    for one in sources:
        name = _name(one.audio, base)
        if not _is_wanted(name, include, exclude):
            continue
        row = _row(len(rows) + 1, name, one, compiled, use_text=use_text)
        stem = PurePosixPath(name).with_suffix("") if name else PurePosixPath("line")
        # Lists keep no subfolders: their outputs lie where the list says.
        rows.append(dataclasses.replace(row, stem=str(stem) if is_tree else stem.name))
    if not rows:
        raise BadArgument(f"No audio file in {source}", hint=EMPTY_HINT)
    return rows


def _folder_sources(folder: Path) -> list[_Source]:
    unreadable: list[_Source] = []

    def skip(subfolder: Path, error: OSError) -> None:
        problem = f"{subfolder.name} cannot be read: {error.strerror}"
        unreadable.append(_Source(subfolder, {}, "", problem, "Check the folder's permissions"))

    return [*(_Source(file, {}) for file in files_in(folder, skip)), *unreadable]


def _list_sources(path: Path) -> list[_Source]:
    sources = []
    for row in read_table(path):
        place, cells = f"row {row.number}", dict(row.cells)
        name = cells.pop("file", "")
        # An empty cell or NUL cannot be a path.
        if not name or "\0" in name:
            problem = f"Row {row.number} of {path.name} names no audio file"
            sources.append(
                _Source(path.parent / place, cells, place, problem, "Fill the column 'file'")
            )
            continue
        try:
            sources.append(_Source(named_file(path.parent, name), cells, place))
        except RuntimeFault as fault:
            problem = f"Row {row.number}: {fault}"
            sources.append(_Source(path.parent / name, cells, place, problem, fault.hint))
    return sources


def _name(audio: Path, base: Path) -> str:
    """Return the path from the folder on; the file's name alone if it is elsewhere."""
    try:
        # Without resolving links: the name is what the user sees.
        inside = Path(os.path.relpath(os.path.abspath(audio), os.path.abspath(base)))
    # relpath fails between two drives.
    except ValueError:  # another drive on Windows
        return audio.name
    return audio.name if ".." in inside.parts or inside.is_absolute() else inside.as_posix()


def _is_wanted(name: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    def fits(patterns: Sequence[str]) -> bool:
        return any(
            fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(name.rpartition("/")[2], pattern)
            for pattern in patterns
        )

    return (not include or fits(include)) and not fits(exclude)


def _row(
    number: int, name: str, source: _Source, patterns: Sequence[NamePattern], *, use_text: bool
) -> Row:
    problem, hint = source.problem, source.hint
    sidecar, fields, acting, place_s = "", dict(source.cells), Acting(), None
    try:
        path, beside = _sidecar(source.audio)
        sidecar = str(path or "")
        # Name, sidecar, list: later ones take precedence.
        fields = _over(_over(read_name(PurePosixPath(name), patterns), beside), source.cells)
        if not use_text:
            fields.pop("script", None)
        elif not fields.get("script") and (beside_text := script_beside(Path(source.audio))):
            fields["script"] = read_script(beside_text)
        acting, place_s = _acting(fields), _number(fields, "start")
    except RuntimeFault as fault:
        where = f"{source.place.capitalize()}: " if source.place and source.cells else ""
        # The first problem is shown: later ones often follow from it.
        problem, hint = problem or f"{where}{fault}", hint or fault.hint
    return Row(
        number=number,
        audio=str(source.audio),
        name=name,
        stem="",
        output=fields.get("out", ""),
        character=fields.get("character", ""),
        scene=fields.get("scene", ""),
        place_s=place_s,
        acting=acting,
        sidecar=sidecar,
        problem=problem,
        hint=hint,
        # A guess is only worth telling where no emotion was read.
        note="" if acting.emotion or acting.emotion_at else _name_note(name),
    )


def _name_note(name: str) -> str:
    """Return what a file name without an emotion may mean, empty if it means none."""
    stem = PurePosixPath(name).stem
    found = likely_emotion(stem)
    if found is None:
        return ""
    return (
        f"The name has {found[0]!r} but sets no emotion: "
        f"if {found[1]} is meant, name the file like line__{found[1]}_0.8, or set it in the list"
    )


def _over(lower: Mapping[str, str], upper: Mapping[str, str]) -> dict[str, str]:
    """Return both, ``upper`` taking precedence; its emotion comes with its own intensity."""
    kept = dict(lower)
    # An emotion never takes its intensity from a source below.
    if "emotion" in upper:
        for field in ("intensity", "emotion_at"):
            kept.pop(field, None)
    return {**kept, **upper}


def _sidecar(audio: Path) -> tuple[Path | None, dict[str, str]]:
    """Return the sidecar of an audio file and its fields.

    A JSON file with none of the known keys belongs to another program.

    Raises:
        BadArgument: It is not valid JSON.
    """
    # line.json, or line.wav.json where two files share a stem.
    for path in (audio.with_suffix(".json"), audio.with_name(audio.name + ".json")):
        try:
            # Opening a pipe that nobody writes would wait for ever.
            if not path.is_file():
                continue
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, ValueError):  # ValueError: not UTF-8, or a NUL in the name
            continue
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadArgument(
                f"{path.name} is not valid JSON: {error}", hint="Correct the sidecar file"
            ) from None
        if not isinstance(data, dict):
            continue
        # Values become text, so that sidecars and lists are read by the same code.
        fields = {
            FIELDS[key]: value if isinstance(value, str) else json.dumps(value)
            for key, value in data.items()
            if key in FIELDS and value is not None and FIELDS[key] != "file"
        }
        if fields:
            return path, fields
    return None, {}


def _acting(fields: Mapping[str, str]) -> Acting:
    return Acting(
        emotion=emotion_named(fields.get("emotion", "")),
        intensity=_intensity(fields),
        emotion_at=read_keys(fields.get("emotion_at", "")),
        seed=_seed(fields),
        cut_start_s=_number(fields, "cut_start_s") or 0.0,
        cut_duration_s=_number(fields, "cut_duration_s"),
        script=_script(fields),
    )


def _intensity(fields: Mapping[str, str]) -> float | None:
    number = _number(fields, "intensity")
    if number is not None and not 0 <= number <= MAX_INTENSITY:
        raise BadArgument(
            f"intensity is {fields['intensity']!r}",
            hint=f"Write a number from 0 to {MAX_INTENSITY:g}, as 0.8 or 80 %",
        )
    return number


def _script(fields: Mapping[str, str]) -> str:
    script = fields.get("script", "")
    if len(script) > LONGEST_SCRIPT:
        raise BadArgument(
            f"script has {len(script):,} characters", hint="Write the words of this line alone"
        )
    return script


def _seed(fields: Mapping[str, str]) -> int | None:
    number = _number(fields, "seed")
    if number is None:
        return None
    if number != int(number) or not 0 <= number <= MAX_SEED:
        raise BadArgument(
            f"seed is {fields['seed']!r}", hint=f"Write a whole number from 0 to {MAX_SEED}"
        )
    return int(number)


def _number(fields: Mapping[str, str], field: str) -> float | None:
    """Return a number as spreadsheets write it, with a decimal comma or a percent sign too."""
    text = fields.get(field, "").strip()
    # Cells of spreadsheets hold blanks.
    if not text:
        return None
    # A no-break space groups thousands in some languages.
    plain = text.replace("\N{NO-BREAK SPACE}", "").replace(" ", "")
    is_percent = plain.endswith("%")
    plain = plain.removesuffix("%")
    # One comma and no point is a decimal comma.
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    try:
        number = float(plain)
    except ValueError:
        number = math.nan
    # Percent is meant for intensity alone.
    if not math.isfinite(number) or (is_percent and field != "intensity"):
        name = CELL_NAMES.get(field, field)
        raise BadArgument(f"{name} is {text[:60]!r}", hint="Write a number, as 0.8")
    return number / 100 if is_percent else number
