"""Read Praat TextGrid files, long and short form, for the words and phones of a corpus."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from ...errors import BadCurves
from .files import reading

TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<!\S)(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?!\S)')
"""A quoted text, or a number that stands alone: ``intervals [3]:`` is none."""


@dataclasses.dataclass(frozen=True)
class Interval:
    """A labelled stretch of time."""

    start_s: float
    end_s: float
    label: str


def read_textgrid(path: Path) -> dict[str, tuple[Interval, ...]]:
    """Return intervals of each tier by the tier's name; points have no length.

    Raises:
        BadCurves: No TextGrid, or it ends early.
    """
    with reading(path):
        raw = path.read_bytes()
        # Praat writes UTF-16 with a byte order mark where labels are not ASCII.
        encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        text = raw.decode(encoding)
    # Doubled quotes are Praat's escape.
    tokens = [
        quoted.replace('""', '"') if number == "" else float(number)
        for quoted, number in TOKEN.findall(text)
    ]
    if tokens[:2] != ["ooTextFile", "TextGrid"]:
        raise BadCurves("Not a TextGrid")
    try:
        return _tiers(tokens[2:])
    except (IndexError, ValueError, TypeError) as error:
        raise BadCurves(f"TextGrid ends early or is out of order: {error}") from error


def words_of(tiers: dict[str, tuple[Interval, ...]]) -> str:
    """Return words of the tier ``words``, silence left out; empty without such a tier."""
    tier = next((tier for name, tier in tiers.items() if name.lower() == "words"), ())
    return " ".join(interval.label for interval in tier if interval.label.strip())


def _tiers(tokens: list[str | float]) -> dict[str, tuple[Interval, ...]]:
    tiers: dict[str, tuple[Interval, ...]] = {}
    position = 3  # after start, end and the number of tiers
    for _ in range(int(tokens[2])):
        # Five tokens stand before the intervals: class, name, start, end, count.
        kind, name, count = tokens[position], str(tokens[position + 1]), int(tokens[position + 4])
        # Points have a time and a mark, intervals two times and a text.
        width = 3 if kind == "IntervalTier" else 2
        first = position + 5
        rows = [tokens[first + i * width : first + (i + 1) * width] for i in range(count)]
        if any(len(row) < width for row in rows):
            raise IndexError(f"tier {name!r}")
        tiers[name] = tuple(
            Interval(float(row[0]), float(row[width - 2]), str(row[width - 1])) for row in rows
        )
        position = first + count * width
    return tiers
