"""The report of a batch as a table: a row a line, worst first. Standard library only."""

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
COLUMNS = (
    *("audio", "output", "status", "character", "acting", "heard"),
    *("duration_s", "frames", "seconds"),
    *QUALITY_COLUMNS,
    *("notes", "error"),
)


def row(entry: Entry, skipped: Collection[str]) -> tuple[Any, ...]:
    """The cells of an entry, in the order of ``COLUMNS``; None is an empty cell."""
    error = f"{entry.error}. {entry.hint}".rstrip(". ") if entry.error else ""
    found = entry.quality
    return (
        *(entry.name, " ".join(entry.outputs) or entry.target),
        *(status_of(entry, skipped), entry.character),
        *(entry.acting, entry.heard, entry.duration_s, entry.frames, entry.seconds),
        *(found.get(name) for name in QUALITY_COLUMNS),
        *("; ".join(found.get("notes", ())), error),
    )


def write_csv(path: Path, entries: Iterable[Entry], skipped: Collection[str] = ()) -> None:
    """Write the table, replaced whole; a row at a time is in memory.

    Args:
        path: Where to.
        entries: In the order of the table, see ``Journal.ranked``.
        skipped: Targets that an earlier run had made: their status is ``skipped``.

    Raises:
        BadOutput: It cannot be written.
    """
    with replacing(path) as stream:
        text = io.TextIOWrapper(stream, "utf-8", errors="backslashreplace", newline="")
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        for entry in entries:
            table.writerow(["" if cell is None else cell for cell in row(entry, skipped)])
        text.flush()
        text.detach()


def status_of(entry: Entry, skipped: Collection[str]) -> str:
    """``done``, ``skipped`` or ``failed``."""
    return "skipped" if entry.target in skipped else entry.state
