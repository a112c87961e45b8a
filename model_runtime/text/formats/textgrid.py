"""Write and read Praat TextGrids with tiers of words and phones, as MFA makes them. Stdlib only.

Long text format: https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ...errors import BadCurves
from ...files import replace_file
from ..track import SILENCE, UNSCRIPTED, Phone, PhoneTrack, SpokenWord

Interval = tuple[float, float, str]

NUMBER = r"(-?\d+(?:\.\d+)?(?:[eE]-?\d+)?)"
# A doubled quotation mark stands for one, as Praat writes it.
INTERVAL = re.compile(
    rf"xmin\s*=\s*{NUMBER}\s*xmax\s*=\s*{NUMBER}\s*text\s*=\s*\"((?:[^\"]|\"\")*)\""
)
SHORT = re.compile(rf"{NUMBER}\s+{NUMBER}\s+\"((?:[^\"]|\"\")*)\"")
# Class, name, start, end and number of intervals, then the intervals.
SHORT_TIER = re.compile(
    rf'"IntervalTier"\s+"((?:[^"]|"")*)"\s+{NUMBER}\s+{NUMBER}\s+\d+\s+'.replace(
        NUMBER, NUMBER.replace("(-", "(?:-", 1)
    )
    + r'((?:(?!"IntervalTier"|"TextTier")[\s\S])*)'
)
HEADER = re.compile(r'\s*File type = "ooTextFile')
LONGEST_S = 1e6
"""Later times are no times of a recording."""
TIER = re.compile(r"item\s*\[\d+\]\s*:")
NAME = re.compile(r"name\s*=\s*\"((?:[^\"]|\"\")*)\"")
# Names of silence of MFA, Praat and WebMAUS.
SILENT_LABELS = frozenset({"", "sil", "sp", "spn", "<eps>", "<p:>"})
ESPEAK_STRESS = re.compile(r"\d$")


def write_textgrid(track: PhoneTrack, path: Path) -> None:
    """Write the words and phones of a clip.

    Args:
        track: The words and phones.
        path: The file; an existing one is replaced whole.

    Raises:
        BadOutput: The file cannot be written.
    """
    tiers = [
        ("words", [(w.start_s, w.end_s, w.text) for w in track.words]),
        (
            "phones",
            [
                (p.start_s, p.end_s, p.name)
                for p in track.phones
                # Praat's gaps are silence; they are filled with empty intervals below.
                if p.name not in (SILENCE, UNSCRIPTED)
            ],
        ),
    ]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += [f"xmin = 0 \nxmax = {track.duration_s:.4f} ", "tiers? <exists> "]
    lines += [f"size = {len(tiers)} ", "item []: "]
    for number, (name, intervals) in enumerate(tiers, 1):
        lines += _tier(number, name, _gapless(intervals, track.duration_s), track.duration_s)
    replace_file(path, ("\n".join(lines) + "\n").encode("utf-8"))


def read_textgrid(path: Path) -> PhoneTrack:
    """Read a TextGrid with a tier of words, of phones, or of both.

    Args:
        path: The file, UTF-8 or UTF-16. Tier names end in "words" or "phones" (MFA puts the speaker
            first); stress digits of phones are dropped.

    Raises:
        BadCurves: Not a TextGrid, or no such tier.
        OSError: The file cannot be opened.
    """
    return track_of_textgrid(_decoded(path.read_bytes()), path.name)


def is_textgrid(text: str) -> bool:
    """Return whether a text is a TextGrid rather than a script."""
    return HEADER.match(text.lstrip("\ufeff")) is not None


def track_of_textgrid(text: str, name: str) -> PhoneTrack:
    """Return the words and phones of a TextGrid.

    Args:
        text: Its contents, in Praat's long or short text format.
        name: Name of the file, for messages.

    Raises:
        BadCurves: Not a TextGrid, no such tier, or an interval that ends before it starts.
    """
    tiers: dict[str, list[Interval]] = {}
    for full_name, intervals in _long_tiers(text) or _short_tiers(text):
        # MFA names tiers "speaker - words".
        kind = full_name.strip().lower().split(" - ")[-1]
        if kind in ("words", "word", "phones", "phone", "phonemes"):
            # The first tier of a kind, as a file may have several speakers.
            tiers.setdefault("words" if kind.startswith("word") else "phones", intervals)
    if "File type" not in text[:200] or not tiers:
        raise BadCurves(
            f"{name} has no tier of words or phones",
            hint="Export a TextGrid as text, with tiers named words and phones",
        )
    for start, end, label in (one for intervals in tiers.values() for one in intervals):
        if not 0 <= start <= end < LONGEST_S:
            raise BadCurves(
                f"{name} has an interval {label[:40]!r} from {start:g} s to {end:g} s",
                hint="Correct its times in Praat",
            )
    return _track(tiers)


def _long_tiers(text: str) -> list[tuple[str, list[Interval]]]:
    """Return name and intervals of each tier of the long format."""
    found = []
    for part in TIER.split(text)[1:]:
        name = NAME.search(part)
        if name is not None:
            intervals = [
                (float(a), float(b), t.replace('""', '"')) for a, b, t in INTERVAL.findall(part)
            ]
            found.append((name[1], intervals))
    return found


def _short_tiers(text: str) -> list[tuple[str, list[Interval]]]:
    """Return name and intervals of each tier of the short format, which names no fields."""
    return [
        (
            name.replace('""', '"'),
            [(float(a), float(b), t.replace('""', '"')) for a, b, t in SHORT.findall(body)],
        )
        for name, body in SHORT_TIER.findall(text)
    ]


def _track(tiers: dict[str, list[Interval]]) -> PhoneTrack:
    phones = tuple(
        Phone(_phone_name(label), start, end) for start, end, label in tiers.get("phones", [])
    )
    words = tuple(
        SpokenWord(
            label,
            start,
            end,
            # Times were rounded on writing; a tenth of a millisecond is less than any phone.
            phones=tuple(p for p in phones if start - 1e-4 <= p.start_s and p.end_s <= end + 1e-4),
        )
        for start, end, label in tiers.get("words", [])
        if label.strip().lower() not in SILENT_LABELS
    )
    ends = [end for intervals in tiers.values() for _, end, _ in intervals]
    return PhoneTrack(max(ends, default=0.0), words, phones)


def _phone_name(label: str) -> str:
    plain = ESPEAK_STRESS.sub("", label.strip().lower())
    return SILENCE if plain in SILENT_LABELS else plain


def _gapless(intervals: Sequence[Interval], duration_s: float) -> list[Interval]:
    """Intervals with empty ones in the gaps: Praat wants a tier to be covered."""
    out: list[Interval] = []
    time_s = 0.0
    for start, end, label in intervals:
        if start > time_s + 1e-6:
            out.append((time_s, start, ""))
        # Overlaps of rounding are cut, as Praat refuses them.
        out.append((max(start, time_s), end, label))
        time_s = end
    if duration_s > time_s + 1e-6:
        out.append((time_s, duration_s, ""))
    return out


def _tier(number: int, name: str, intervals: Sequence[Interval], duration_s: float) -> list[str]:
    lines = [f"    item [{number}]:", '        class = "IntervalTier" ']
    lines += [f'        name = "{name}" ', "        xmin = 0 "]
    lines += [f"        xmax = {duration_s:.4f} ", f"        intervals: size = {len(intervals)} "]
    for index, (start, end, label) in enumerate(intervals, 1):
        quoted = label.replace('"', '""')
        lines += [f"        intervals [{index}]:", f"            xmin = {start:.4f} "]
        lines += [f"            xmax = {end:.4f} ", f'            text = "{quoted}" ']
    return lines


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig", errors="replace")
