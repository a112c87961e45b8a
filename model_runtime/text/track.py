"""Hold the words and phones of a clip with their times. Stdlib only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..errors import BadCurves

SILENCE = "sil"
UNSCRIPTED = "spn"
"""Speech that no word of the script stands for; MFA's name for spoken noise."""
FORMAT = 1
PHONE_TRACK = "phone_track"
"""Entry of a curve track's ``request`` with the words and phones of the clip."""


@dataclasses.dataclass(frozen=True)
class Phone:
    """A phone from ``start_s`` to ``end_s`` of the clip."""

    name: str
    start_s: float
    end_s: float
    confidence: float = 1.0
    """0 to 1."""


@dataclasses.dataclass(frozen=True)
class SpokenWord:
    """A word with its phones."""

    text: str
    start_s: float
    end_s: float
    confidence: float = 1.0
    phones: tuple[Phone, ...] = ()


@dataclasses.dataclass(frozen=True)
class PhoneTrack:
    """All words and phones of a clip, in order of time."""

    duration_s: float
    words: tuple[SpokenWord, ...] = ()
    """Empty where no script was given."""
    phones: tuple[Phone, ...] = ()
    """Phones of all words, with silences and unscripted speech; they do not overlap."""

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON; times are rounded to a tenth of a millisecond."""
        return {
            "format": FORMAT,
            "duration_s": round(self.duration_s, 4),
            "words": [[w.text, *_numbers(w), len(w.phones)] for w in self.words],
            "phones": [[p.name, *_numbers(p)] for p in self.phones],
        }


def _numbers(part: Phone | SpokenWord) -> list[float]:
    return [round(part.start_s, 4), round(part.end_s, 4), round(part.confidence, 3)]


def track_from_json(data: Mapping[str, Any]) -> PhoneTrack:
    """Return the track that ``PhoneTrack.as_json`` wrote.

    Raises:
        BadCurves: The data are not such a track.
    """
    try:
        phones = tuple(Phone(str(n), float(s), float(e), float(c)) for n, s, e, c in data["phones"])
        words = tuple(
            SpokenWord(
                str(text),
                float(start),
                float(end),
                float(sure),
                # Phones are found again by time, which saves a list of numbers for each word.
                tuple(p for p in phones if start - 1e-6 <= p.start_s and p.end_s <= end + 1e-6),
            )
            for text, start, end, sure, _count in data["words"]
        )
        return PhoneTrack(float(data["duration_s"]), words, phones)
    except (KeyError, TypeError, ValueError) as error:
        raise BadCurves(
            f"The phone track cannot be read: {error}", hint="Generate the curves again"
        ) from error


def phone_track_or_none(request: Mapping[str, Any]) -> PhoneTrack | None:
    """Return the words and phones that curves carry; None where no phones were recognised.

    Args:
        request: ``CurveTrack.request``; curves of version 0.1 carry a track of scripts alone.

    Raises:
        BadCurves: The entry is damaged.
    """
    data = request.get(PHONE_TRACK) or (request.get("script_match") or {}).get("track")
    return track_from_json(data) if isinstance(data, Mapping) else None
