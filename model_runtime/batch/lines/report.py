"""Write the report of a batch as a CSV table, worst line first. Standard library only."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from ...files import replacing
from .journal import Entry

QUALITY_COLUMNS = (
    *("score", "closure", "closures", "lag_s", "jitter", "clipping", "silence", "confidence"),
)
FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")
"""First characters with which spreadsheets take a cell for a formula (OWASP, CSV injection)."""
COLUMNS = (
    *("audio", "output", "status", "character", "emotion", "detected"),
    *("duration_s", "frames", "seconds"),
    *QUALITY_COLUMNS,
    *("text_matched", "notes", "error"),
)


def row(entry: Entry, skipped: Collection[str]) -> tuple[Any, ...]:
    """Return the cells of an entry in the order of ``COLUMNS``; None is an empty cell.

    Args:
        entry: The line.
        skipped: Targets that an earlier run had generated.
    """
    error = f"{entry.error}. {entry.hint}".rstrip(". ") if entry.error else ""
    found = entry.quality
    return (
        *(entry.name, " ".join(entry.outputs) or entry.target),
        *(status_of(entry, skipped), entry.character),
        *(entry.emotion, entry.detected_emotion, entry.duration_s, entry.frames, entry.seconds),
        *(found.get(name) for name in QUALITY_COLUMNS),
        *(entry.text_matched, "; ".join(found.get("notes", ())), error),
    )


def write_csv(path: Path, entries: Iterable[Entry], skipped: Collection[str] = ()) -> None:
    """Write the table, replaced as a whole, with one row in memory at a time.

    Args:
        path: The file.
        entries: Lines in the order of the table, see ``Journal.ranked``.
        skipped: Targets that an earlier run had generated: their status is ``skipped``.

    Raises:
        BadOutput: The file cannot be written.
    """
    with replacing(path) as stream:
        # backslashreplace: names that are not UTF-8 must not stop the report.
        text = io.TextIOWrapper(stream, "utf-8", errors="backslashreplace", newline="")
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        for entry in entries:
            table.writerow([_safe(cell) for cell in row(entry, skipped)])
        text.flush()
        # detach: the wrapper would close the stream that `replacing` still needs.
        text.detach()


def status_of(entry: Entry, skipped: Collection[str]) -> str:
    """Return ``done``, ``skipped`` or ``failed``.

    Args:
        entry: The line.
        skipped: Targets that an earlier run had generated.
    """
    return "skipped" if entry.target in skipped else entry.state


def _safe(cell: Any) -> Any:
    """Return a cell that no spreadsheet evaluates: text that looks like a formula is quoted."""
    if cell is None:
        return ""
    if isinstance(cell, str) and cell.startswith(FORMULA_MARKS):
        # An apostrophe marks text in spreadsheets.
        return "'" + cell
    return cell
