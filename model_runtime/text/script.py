"""Match a script with a clip: words and phones with times, and the share spoken. numpy only."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..arrays import FloatArray
from .align import AlignedPhone, AlignedWord, Alignment, align_script
from .formats.subtitles import Cue, cues_of
from .pronounce import PronouncedWord, pronounce_text
from .track import SILENCE, UNSCRIPTED, Phone, PhoneTrack, SpokenWord

LEAST_MATCHED = 0.6
"""Share of words from which a script is used at all: a script that is not that of the clip matches
less than half of its words by chance, and must never be worse than none."""
TRUSTED = 0.3
"""Mean posterior from which a word counts as spoken. Words of scripts that were exchanged between
development clips stay under it, nine in ten of the right ones lie above."""

SLACK_S = 0.6
"""Subtitles begin and end up to half a second beside their words."""
LONGEST_WINDOW_S = 60.0
"""Cues that follow each other closely are sought together up to this length."""


@dataclasses.dataclass(frozen=True)
class ScriptMatch:
    """A script against a clip."""

    track: PhoneTrack
    """Words that were found with enough confidence, and their phones."""
    doubtful: tuple[str, ...]
    """Words of the script that were not found, or hardly."""
    matched: float
    """Share of the script's words that were found, 0 to 1; 1 for an empty script."""
    guessed: tuple[str, ...]
    """Words whose phones were predicted from their spelling."""

    @property
    def is_used(self) -> bool:
        """True when enough of the script was spoken for the mouth to follow it."""
        return self.matched >= LEAST_MATCHED

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON, as it travels in the curve file."""
        return {
            "matched": round(self.matched, 3),
            "doubtful": list(self.doubtful),
            "guessed": list(self.guessed),
            "track": self.track.as_json(),
        }


def match_script(
    text: str,
    posteriors: FloatArray,
    *,
    phone_names: Sequence[str],
    frame_rate: float,
    own: Mapping[str, tuple[tuple[str, ...], ...]] | None = None,
    clip_start_s: float = 0.0,
    language: str = "",
) -> ScriptMatch:
    """Find the words of a script in a clip.

    Args:
        text: The script, in English; SRT or WebVTT is sought around the times of its cues.
        posteriors: Probability of each phone in each frame, shape (T, P).
        phone_names: Names of the P phones, silence first.
        frame_rate: Frames a second.
        own: The user's pronunciations.
        clip_start_s: Second of the audio file at which the clip begins; cues count from the file.
        language: ISO 639-1; empty is English.

    Returns:
        The words with times. Doubtful words are left out of the track: there the audio wins.
    """
    duration_s = len(posteriors) / frame_rate
    windows = _windows(text, duration_s, clip_start_s)
    words, alignment = _aligned(windows, posteriors, phone_names, frame_rate, own, language)
    trusted = [word for word in alignment.words if word.confidence >= TRUSTED]
    # A word in the wrong place would hold the mouth against the audio.
    lost = {word.index for word in alignment.words} - {word.index for word in trusted}
    lost |= set(alignment.skipped)
    spoken = tuple(_spoken(word) for word in trusted)
    track = PhoneTrack(duration_s, spoken, _covered(spoken, posteriors[:, 0], frame_rate))
    return ScriptMatch(
        track,
        tuple(words[index].word.spoken for index in sorted(lost)),
        # An empty script matches: there is nothing that could be wrong.
        len(trusted) / len(words) if words else 1.0,
        # Each once, in the order of the script.
        tuple(dict.fromkeys(word.word.spoken for word in words if word.is_guess)),
    )


def _windows(text: str, duration_s: float, clip_start_s: float) -> list[Cue]:
    """Text and the part of the clip in which it is sought; one window for text without times."""
    cues = cues_of(text)
    if not cues:
        return [Cue(0.0, duration_s, text)]
    windows: list[Cue] = []
    for cue in cues:
        start, end = cue.start_s - clip_start_s - SLACK_S, cue.end_s - clip_start_s + SLACK_S
        if end <= 0 or start >= duration_s:
            continue
        before = windows[-1] if windows else None
        if before and start < before.end_s and end - before.start_s < LONGEST_WINDOW_S:
            windows[-1] = Cue(before.start_s, max(end, before.end_s), f"{before.text} {cue.text}")
        else:
            windows.append(Cue(max(0.0, start), min(end, duration_s), cue.text))
    return windows


def _aligned(
    windows: Sequence[Cue],
    posteriors: FloatArray,
    phone_names: Sequence[str],
    frame_rate: float,
    own: Mapping[str, tuple[tuple[str, ...], ...]] | None,
    language: str,
) -> tuple[list[PronouncedWord], Alignment]:
    """Words of all windows, and where they are in the clip."""
    words: list[PronouncedWord] = []
    found: list[AlignedWord] = []
    skipped: list[int] = []
    for window in windows:
        first, before = int(window.start_s * frame_rate), len(words)
        part = posteriors[first : math.ceil(window.end_s * frame_rate)]
        more = pronounce_text(window.text, own, language=language)
        one = align_script(more, part, phone_names=phone_names, frame_rate=frame_rate)
        words += more
        skipped += [before + index for index in one.skipped]
        for word in one.words:
            moved = _moved(word, first / frame_rate, before)
            if found and moved.start_s < found[-1].end_s - 1e-6:
                skipped.append(moved.index)  # both windows reach here: the earlier one has it
            else:
                found.append(moved)
    return words, Alignment(tuple(found), tuple(sorted(skipped)), ())


def _moved(word: AlignedWord, shift_s: float, shift: int) -> AlignedWord:
    phones = tuple(
        dataclasses.replace(p, start_s=p.start_s + shift_s, end_s=p.end_s + shift_s)
        for p in word.phones
    )
    return dataclasses.replace(
        word,
        index=word.index + shift,
        start_s=word.start_s + shift_s,
        end_s=word.end_s + shift_s,
        phones=phones,
    )


def _spoken(word: AlignedWord) -> SpokenWord:
    phones = tuple(_phone(phone) for phone in word.phones)
    return SpokenWord(word.text, word.start_s, word.end_s, word.confidence, phones)


def _phone(phone: AlignedPhone) -> Phone:
    return Phone(phone.phone, phone.start_s, phone.end_s, phone.confidence)


def _covered(
    words: Sequence[SpokenWord], silence: FloatArray, frame_rate: float
) -> tuple[Phone, ...]:
    """Phones of all words, with silence or unscripted speech in the gaps."""
    out: list[Phone] = []
    time_s = 0.0
    end_s = len(silence) / frame_rate
    spoken = [phone for word in words for phone in word.phones]
    # A last entry at the end of the clip closes the last gap.
    for start_s, phone in [*((p.start_s, p) for p in spoken), (end_s, None)]:
        if start_s > time_s + 1e-6:
            part = silence[round(time_s * frame_rate) : round(start_s * frame_rate)]
            # The mean decides, as a pause may hold a breath or a click.
            is_quiet = not len(part) or float(part.mean()) > 0.5
            out.append(Phone(SILENCE if is_quiet else UNSCRIPTED, time_s, start_s))
        if phone is not None:
            out.append(phone)
            time_s = phone.end_s
    return tuple(out)
