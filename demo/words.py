"""Read the times of words and phones, and choose the moments to show. Standard library only."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

PHONE_GROUPS = (
    ("m", "b", "p"),
    ("f", "v"),
    ("th", "dh"),
    ("w", "uw", "ow", "ao", "oy", "uh"),
    ("sh", "ch", "jh", "zh"),
    ("iy", "ey", "ae"),
    ("aa", "ah", "ay", "aw"),
    ("l", "r", "er", "s", "z"),
)
"""Groups of phones that look alike, the most distinctive first."""


@dataclasses.dataclass(frozen=True)
class Span:
    """A word or a phone."""

    name: str
    start_s: float
    end_s: float

    @property
    def middle_s(self) -> float:
        """Middle of the span, in seconds of the audio."""
        return (self.start_s + self.end_s) / 2


@dataclasses.dataclass(frozen=True)
class Word(Span):
    """A word with its phones."""

    phones: tuple[Span, ...]


@dataclasses.dataclass(frozen=True)
class Moment:
    """A moment to show."""

    time_s: float
    label: str


def read_words(path: str) -> list[Word]:
    """Return the timed words of a line (``demo/speech/make.py``); none for an empty path."""
    if not path:
        return []
    document = json.loads(Path(path).read_text(encoding="utf-8"))
    return [
        Word(
            entry["word"],
            entry["start_s"],
            entry["end_s"],
            tuple(Span(x["phone"], x["start_s"], x["end_s"]) for x in entry["phones"]),
        )
        for entry in document["words"]
    ]


def moments(words: Sequence[Word], duration_s: float, count: int) -> list[Moment]:
    """Return moments to show, in order of time.

    With words: for each word its most distinctive phone of those shown least so far, then the
    longest pauses. Without words: evenly spaced.

    Args:
        words: Timed words; empty for speech without them.
        duration_s: Duration of the audio.
        count: Number of moments.
    """
    if not words:
        # Without words: the middle of equal parts.
        return [Moment((i + 0.5) * duration_s / count, "") for i in range(count)]
    shown = dict.fromkeys(range(len(PHONE_GROUPS) + 1), 0)
    chosen = []
    for word in words:
        # Least shown first, so that every group appears before one is repeated.
        phone = min(word.phones, key=lambda phone: (shown[_group(phone)], _group(phone)))
        shown[_group(phone)] += 1
        chosen.append(Moment(phone.middle_s, f"{word.name}  /{phone.name}/"))
    # Longest first: start - end is negative.
    pauses = sorted(_pauses(words, duration_s), key=lambda pause: pause.start_s - pause.end_s)
    chosen += [Moment(pause.middle_s, "(pause)") for pause in pauses[: max(0, count - len(chosen))]]
    return sorted(chosen[:count], key=lambda moment: moment.time_s)


def _group(phone: Span) -> int:
    for index, group in enumerate(PHONE_GROUPS):
        if phone.name in group:
            return index
    # Phones of no group come last.
    return len(PHONE_GROUPS)


def _pauses(words: Sequence[Word], duration_s: float) -> list[Span]:
    # A pause is from the end of a word to the start of the next.
    ends = [0.0, *(word.end_s for word in words)]
    starts = [*(word.start_s for word in words), duration_s]
    return [Span("", end, start) for end, start in zip(ends, starts, strict=True) if start > end]
