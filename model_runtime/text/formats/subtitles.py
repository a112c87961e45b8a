"""Read SRT and WebVTT subtitles as timed script text, and write words as SRT. Stdlib only."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from ...files import replace_file
from ..track import SpokenWord

CUE = re.compile(
    r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})\s*-->\s*(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
)
TAG = re.compile(r"<[^>\n]*>|\{\\[^}\n]*\}")
WORDS_A_CUE = 8
LONGEST_CUE_S = 4.0


@dataclasses.dataclass(frozen=True)
class Cue:
    """Text shown from ``start_s`` to ``end_s``."""

    start_s: float
    end_s: float
    text: str


def cues_of(text: str) -> list[Cue]:
    """Return the cues of SRT or WebVTT text in order of time; empty for any other text.

    Tags and cue numbers are dropped.
    """
    lines = text.splitlines()
    cues: list[Cue] = []
    index = 0
    while index < len(lines):
        found = CUE.search(lines[index])
        index += 1
        if found is None:
            continue
        body: list[str] = []
        while index < len(lines) and lines[index].strip() and not CUE.search(lines[index]):
            body.append(TAG.sub("", lines[index]).strip())
            index += 1
        parts = found.groups()
        cues.append(Cue(_seconds(parts[:4]), _seconds(parts[4:]), " ".join(filter(None, body))))
    return sorted(cues, key=lambda cue: cue.start_s)


def write_srt(words: Sequence[SpokenWord], path: Path) -> None:
    """Write words as subtitles of a few words each.

    Args:
        words: In order of time.
        path: The file; an existing one is replaced whole.

    Raises:
        BadOutput: The file cannot be written.
    """
    groups: list[list[SpokenWord]] = []
    for word in words:
        group = groups[-1] if groups else None
        if (
            group is None
            or len(group) >= WORDS_A_CUE
            or word.end_s - group[0].start_s > LONGEST_CUE_S
            or word.start_s - group[-1].end_s > 1.0  # a pause begins a new subtitle
        ):
            groups.append([word])
        else:
            group.append(word)
    blocks = [
        f"{number}\n{_stamp(group[0].start_s)} --> {_stamp(group[-1].end_s)}\n"
        + " ".join(word.text for word in group)
        for number, group in enumerate(groups, 1)
    ]
    replace_file(path, ("\n\n".join(blocks) + "\n").encode("utf-8"))


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def _stamp(time_s: float) -> str:
    thousandths = round(time_s * 1000)
    seconds, thousandths = divmod(thousandths, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d},{thousandths:03d}"
