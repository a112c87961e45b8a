"""Take words and phones with their times from a TextGrid, without alignment. numpy only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ..arrays import FloatArray
from ..config import PHONES
from ..errors import BadCurves
from ..protocol import Correction
from .corrections import correct_track
from .formats.textgrid import track_of_textgrid
from .ipa import phones_of_ipa
from .track import SILENCE, Phone, PhoneTrack, SpokenWord

NAME = "The TextGrid"


def given_problem(text: str) -> str:
    """Return why a TextGrid cannot be used; empty where it can."""
    try:
        track_of_textgrid(text, NAME)
    except BadCurves as error:
        return f"{error}, so the audio alone is used. {error.hint}"
    return ""


def given_track(
    text: str,
    posteriors: FloatArray,
    *,
    frame_rate: float,
    clip_start_s: float = 0.0,
    own: Mapping[str, tuple[tuple[str, ...], ...]] | None = None,
    language: str = "",
) -> PhoneTrack:
    """Return the words and phones of a TextGrid within a clip.

    Args:
        text: The TextGrid, with times in seconds of the audio file.
        posteriors: Probability of each of ``config.PHONES`` in each frame, shape (T, P): they
            place the phones of words that come without phones.
        frame_rate: Frames a second.
        clip_start_s: Second of the file at which the clip begins.
        own: The user's pronunciations.
        language: ISO 639-1; empty is English.

    Returns:
        Phones that the network lacks are read as IPA, or as silence.

    Raises:
        BadCurves: See ``textgrid.track_of_textgrid``.
    """
    given = track_of_textgrid(text, NAME)
    duration_s = len(posteriors) / frame_rate
    phones = _known(given.phones, clip_start_s, duration_s)
    words = []
    missing = []
    for word in given.words:
        start, end = word.start_s - clip_start_s, word.end_s - clip_start_s
        if start < 0 or end > duration_s + 1 / frame_rate:
            continue
        own_phones = _known(word.phones, clip_start_s, duration_s)
        if own_phones:
            words.append(SpokenWord(word.text, start, end, 1.0, own_phones))
        else:
            missing.append(Correction(start, min(end, duration_s), word.text))
    track = PhoneTrack(duration_s, tuple(words), phones)
    return correct_track(
        track, missing, posteriors, frame_rate=frame_rate, own=own, language=language
    )


def _known(phones: tuple[Phone, ...], clip_start_s: float, duration_s: float) -> tuple[Phone, ...]:
    """Return phones of the network in seconds of the clip, without silence."""
    out: list[Phone] = []
    for phone in phones:
        start = max(0.0, phone.start_s - clip_start_s)
        end = min(duration_s, phone.end_s - clip_start_s)
        names = (phone.name,) if phone.name in PHONES else phones_of_ipa(phone.name)
        if end <= start or phone.name == SILENCE or not names:
            continue
        # An affricate or diphthong of IPA may be two phones of ours, of equal length.
        step = (end - start) / len(names)
        for place, name in enumerate(names):
            moved = dataclasses.replace(phone, name=name, confidence=1.0)
            first = start + place * step
            out.append(dataclasses.replace(moved, start_s=first, end_s=first + step))
    return tuple(out)
