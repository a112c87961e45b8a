"""Read lists of lines as spreadsheets write them. Standard library only.

UTF-8, UTF-16 and UTF-32 with or without a byte order mark, Windows-1252; comma, semicolon, tab or
bar between the cells; a first line ``sep=;``. Rows are counted as a spreadsheet counts them: the
heading is row 1, blank rows count, and a cell with line breaks is one row.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Iterator
from pathlib import Path

from ...errors import BadArgument
from ...text.formats.files import decoded
from .audio_files import AUDIO_SUFFIXES

LIST_HINT = "Give a CSV or TSV with the column 'file'"
AUDIO_HINT = "Give the folder that holds it, or use the command 'generate' for one file"
WORKBOOK_HINT = "Save the sheet as CSV in the spreadsheet program, and choose that file"
WORKBOOK_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of workbooks: zip archives (xlsx, ods, numbers), and xls of old Excel."""
DELIMITERS = ",;\t|"
CELL_CHARACTERS = 16 * 1024 * 1024
"""Longest cell; Python's own limit of 131,072 would refuse the whole list."""
FIELDS = {
    "file": "file",
    "out": "out",
    "character": "character",
    "scene": "scene",
    "emotion": "emotion",
    "intensity": "intensity",
    "emotion_at": "emotion_at",
    "start": "start",
    "seed": "seed",
    "start_s": "cut_start_s",
    "duration_s": "cut_duration_s",
    "script": "script",
}
"""Columns, and keys of a sidecar file, with the field that each sets."""
OTHER_NAMES = {
    "file": (
        *("audio", "filename", "file_name", "audio_file", "audiofile", "sound", "sound_file"),
        *("wav", "path", "file_path", "filepath", "clip"),
    ),
    "out": ("output", "output_file"),
    "character": ("speaker", "actor", "role"),
    "emotion": ("mood",),
    "intensity": ("strength",),
}
"""Further headings; one counts where the field has no column under its own name."""
SCRIPT_NAMES = ("text", "dialogue", "dialog", "line", "subtitle", "subtitles", "transcript")
"""Headings of a column with the spoken words, if its cells hold text: ``line`` may be a number."""
SPOKEN_CELL = re.compile(r".*[^\W\d_]\W*\s+\W*[^\W\d_].*|\W*[^\W\d_']+\W*", re.DOTALL)
"""Two words and more, or one of letters alone; ``L_012`` is the name of a line."""


@dataclasses.dataclass(frozen=True)
class ListRow:
    """One row of a list."""

    number: int
    """As a spreadsheet counts."""
    cells: dict[str, str]
    """Text of the cells that are not empty, by field."""


def read_table(path: Path) -> Iterator[ListRow]:
    """Yield the rows of a list; blank rows are counted and left out.

    Raises:
        BadArgument: The file cannot be read, is a workbook, has no column for the audio file, has
            two columns for one field, or has no rows.
    """
    try:
        data = path.read_bytes()
        if data.startswith(WORKBOOK_STARTS):
            raise BadArgument(f"{path} is a workbook, not a list", hint=WORKBOOK_HINT)
        text = decoded(data)
    except OSError as error:
        raise BadArgument(f"Cannot read {path}: {error.strerror}", hint=LIST_HINT) from error
    # A limit of the whole process; there is no other way.
    csv.field_size_limit(CELL_CHARACTERS)
    # Line ends of old Macs and of cells with line breaks.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    number, delimiter, text = _head(text)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        heading = next(rows, [])
        fields = _fields(heading, path)
        # Blank rows are counted, so that numbers agree with the spreadsheet.
        found = [
            (i, row) for i, row in enumerate(rows, number + 1) if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise BadArgument(f"Cannot read {path}: {error}", hint=LIST_HINT) from error
    if not found:
        raise BadArgument(f"{path} lists no audio files", hint=LIST_HINT)
    _find_script(fields, heading, [row for _, row in found])
    for i, row in found:
        cells = zip(fields, row, strict=False)
        yield ListRow(i, {field: cell.strip() for field, cell in cells if field and cell.strip()})


def _head(text: str) -> tuple[int, str, str]:
    """Return the row of the heading, the delimiter, and the text from the heading on."""
    first, _, rest = text.partition("\n")
    # Excel's own way to name the delimiter.
    said = re.fullmatch(r'"?sep=(.)"?', first, re.IGNORECASE)
    if said is not None:
        return 2, said[1], rest
    # The delimiter under which most headings are known: commas may stand in names.
    counts = {mark: len(_known(next(csv.reader([first], delimiter=mark), []))) for mark in ",;\t|"}
    return 1, max(DELIMITERS, key=lambda mark: (counts[mark], -DELIMITERS.index(mark))), text


def _known(heading: list[str]) -> list[str]:
    """Return the fields that a heading names, under any name."""
    names = [_plain(cell) for cell in heading]
    others = {other: field for field, all_ in OTHER_NAMES.items() for other in all_}
    return [field for name in names if (field := FIELDS.get(name) or others.get(name, ""))]


def _fields(heading: list[str], path: Path) -> list[str]:
    """Return the field of each column; empty for a column without meaning."""
    names = [_plain(cell) for cell in heading]
    fields = [FIELDS.get(name, "") for name in names]
    # Two columns for one field: which one counts is not for us to guess.
    twice = {field for field in fields if field and fields.count(field) > 1}
    if twice:
        raise BadArgument(f"{path} has two columns for {min(twice)!r}", hint="Keep one of them")
    for field, others in OTHER_NAMES.items():
        # Other names count only where the field has no column of its own.
        if field not in fields:
            column = next((names.index(other) for other in others if other in names), None)
            if column is not None:
                fields[column] = field
    if "file" not in fields:
        if path.suffix.lower() in AUDIO_SUFFIXES:
            raise BadArgument(f"{path} is an audio file, not a list", hint=AUDIO_HINT)
        raise BadArgument(f"{path} has no column 'file'", hint=LIST_HINT)
    return fields


def _find_script(fields: list[str], heading: list[str], rows: list[list[str]]) -> None:
    """Set the field of the column with the spoken words, if none has it under its own name."""
    names = [_plain(cell) for cell in heading]
    if "script" in fields:
        return
    for name in SCRIPT_NAMES:
        column = names.index(name) if name in names else -1
        if column < 0 or fields[column]:
            continue
        cells = [row[column].strip() for row in rows if len(row) > column and row[column].strip()]
        if 2 * sum(SPOKEN_CELL.fullmatch(cell) is not None for cell in cells) > len(cells):
            fields[column] = "script"
            return


def _plain(heading: str) -> str:
    return re.sub(r"[\s-]+", "_", heading.strip().lower())
