"""Apply a user's corrections to the words and phones of a clip. numpy only."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from ..arrays import FloatArray
from ..config import PHONES
from ..protocol import Correction
from .pronounce import pronounce_text
from .track import SILENCE, Phone, PhoneTrack, SpokenWord

_Part = TypeVar("_Part", Phone, SpokenWord)

FLOOR = 1e-4
CLOSED_PHONE = "m"
PIECE_S, STEP_S = 0.08, 0.04
"""A closed hold is a chain of short closures, whose full middles touch each other."""
LEAST_OVERLAP = 0.5
"""Share of a word within a correction from which the correction stands for the word."""
LEAST_S = 0.01


def correct_track(
    track: PhoneTrack,
    corrections: Sequence[Correction],
    posteriors: FloatArray,
    *,
    frame_rate: float,
    own: Mapping[str, tuple[tuple[str, ...], ...]] | None = None,
    language: str = "",
) -> PhoneTrack:
    """Return the track with corrected words in the place of what was recognised.

    Args:
        track: Words and phones of the clip, with or without a script.
        corrections: In seconds of the clip; later ones win. Closed holds change no word.
        posteriors: Probability of each of ``config.PHONES`` in each frame, shape (T, P): they
            place the phones of a word within its bounds.
        frame_rate: Frames a second.
        own: The user's pronunciations.
        language: ISO 639-1; empty is English.
    """
    for one in corrections:
        if one.is_closed or one.end_s - one.start_s < LEAST_S:
            continue
        word = _word_of(one, posteriors, frame_rate, own, language)
        track = _replaced(track, one, word)
    return track


def held_phones(phones: Iterable[Phone], corrections: Sequence[Correction]) -> tuple[Phone, ...]:
    """Return the phones that hold the mouth, with closures where lips are held closed.

    Args:
        phones: Phones of the clip.
        corrections: In seconds of the clip.
    """
    kept = list(phones)
    for one in corrections:
        if not one.is_closed:
            continue
        kept = [p for p in kept if p.end_s <= one.start_s or p.start_s >= one.end_s]
        starts = np.arange(one.start_s, max(one.end_s - PIECE_S, one.start_s + 1e-6), STEP_S)
        kept += [Phone(CLOSED_PHONE, float(s), float(s) + PIECE_S) for s in starts]
        last = max(one.start_s, one.end_s - PIECE_S)
        kept.append(Phone(CLOSED_PHONE, last, one.end_s))
    return tuple(sorted(kept, key=lambda phone: phone.start_s))


def shifted(corrections: Sequence[Correction], offset_s: float) -> tuple[Correction, ...]:
    """Return corrections at other times.

    Args:
        corrections: In seconds of the audio file.
        offset_s: Added to all times; minus the start of the clip gives seconds of the clip.
    """
    return tuple(
        dataclasses.replace(
            one,
            start_s=one.start_s + offset_s,
            end_s=one.end_s + offset_s,
            was_start_s=None if one.was_start_s is None else one.was_start_s + offset_s,
            was_end_s=None if one.was_end_s is None else one.was_end_s + offset_s,
        )
        for one in corrections
    )


def _word_of(
    one: Correction,
    posteriors: FloatArray,
    frame_rate: float,
    own: Mapping[str, tuple[tuple[str, ...], ...]] | None,
    language: str,
) -> SpokenWord | None:
    """Return the corrected word; None where the user deleted it."""
    text = one.text.strip()
    names = tuple(name for name in one.phones if name in PHONES[1:])
    if not names and text:
        variants = [word.variants for word in pronounce_text(text, own, language=language)]
        names = tuple(name for choices in variants for name in choices[0])
    if not names:
        return None
    first = max(0, round(one.start_s * frame_rate))
    part = posteriors[first : max(first, round(one.end_s * frame_rate))]
    bounds = [one.start_s, *(one.start_s + b / frame_rate for b in _borders(names, part)[1:-1])]
    if len(part) < len(names):  # too short for the frames: even shares
        bounds = list(np.linspace(one.start_s, one.end_s, len(names) + 1)[:-1])
    bounds.append(one.end_s)
    phones = tuple(
        Phone(name, float(start), float(end))
        for name, start, end in zip(names, bounds[:-1], bounds[1:], strict=True)
    )
    return SpokenWord(text, one.start_s, one.end_s, 1.0, phones)


def _borders(names: Sequence[str], posteriors: FloatArray) -> list[int]:
    """First frame of each phone and the end: the best split of the frames, one or more each."""
    total, count = len(posteriors), len(names)
    if total < count:
        return [0] * (count + 1)
    columns = [PHONES.index(name) for name in names]
    logs = np.log(np.maximum(posteriors[:, columns], FLOOR))
    sums = np.concatenate([np.zeros((1, count)), np.cumsum(logs, 0)])
    best = np.full((count + 1, total + 1), -np.inf)
    came = np.zeros((count + 1, total + 1), np.int64)
    best[0, 0] = 0.0
    for phone in range(count):
        for stop in range(phone + 1, total + 1):
            scores = best[phone, :stop] + sums[stop, phone] - sums[:stop, phone]
            came[phone + 1, stop] = int(scores.argmax())
            best[phone + 1, stop] = scores[came[phone + 1, stop]]
    borders = [total]
    for phone in range(count, 0, -1):
        borders.append(int(came[phone, borders[-1]]))
    return borders[::-1]


def _replaced(track: PhoneTrack, one: Correction, word: SpokenWord | None) -> PhoneTrack:
    """Return the track with the word, and without what lies where the word is or was."""
    spans = [(one.start_s, one.end_s)]
    if one.was_start_s is not None and one.was_end_s is not None:
        spans.append((one.was_start_s, one.was_end_s))
    words = [w for w in track.words if not _is_within(w, spans)]
    gone = {p for w in track.words if _is_within(w, spans) for p in w.phones}
    phones = [p for p in track.phones if p not in gone]
    parts = [part for phone in phones if (part := _cut(phone, one)) is not None]
    inside = [
        dataclasses.replace(
            shorter, phones=tuple(p for phone in w.phones if (p := _cut(phone, one)) is not None)
        )
        for w in words
        if (shorter := _cut(w, one)) is not None
    ]
    if word is not None:
        inside.append(word)
        parts += word.phones
    return dataclasses.replace(
        track,
        words=tuple(sorted(inside, key=lambda w: w.start_s)),
        phones=_covered(sorted(parts, key=lambda p: p.start_s), track.duration_s),
    )


def _is_within(word: SpokenWord, spans: Sequence[tuple[float, float]]) -> bool:
    length = max(word.end_s - word.start_s, 1e-6)
    shared = (max(0.0, min(word.end_s, b) - max(word.start_s, a)) for a, b in spans)
    return max(shared) / length >= LEAST_OVERLAP


def _cut(part: _Part, one: Correction) -> _Part | None:
    """Return a part without its overlap with a correction, None where nothing is left."""
    start, end = part.start_s, part.end_s
    if end <= one.start_s or start >= one.end_s:
        return part
    if start < one.start_s:
        end = one.start_s
    else:
        start = one.end_s
    if end - start < LEAST_S:
        return None
    return dataclasses.replace(part, start_s=start, end_s=end)


def _covered(phones: Sequence[Phone], duration_s: float) -> tuple[Phone, ...]:
    """Phones with silence in the gaps."""
    out: list[Phone] = []
    time_s = 0.0
    for phone in phones:
        if phone.start_s > time_s + 1e-6:
            out.append(Phone(SILENCE, time_s, phone.start_s))
        out.append(phone)
        time_s = phone.end_s
    if duration_s > time_s + 1e-6:
        out.append(Phone(SILENCE, time_s, duration_s))
    return tuple(out)
