"""Match a script with a clip: words and phones with times, and the share spoken. numpy only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ..arrays import FloatArray
from .align import AlignedPhone, AlignedWord, align_script
from .pronounce import pronounce_text
from .track import SILENCE, UNSCRIPTED, Phone, PhoneTrack, SpokenWord

LEAST_MATCHED = 0.6
"""Share of words from which a script is used at all: a script that is not that of the clip matches
less than half of its words by chance, and must never be worse than none."""
TRUSTED = 0.3
"""Mean posterior from which a word counts as spoken. Words of scripts that were exchanged between
development clips stay under it, nine in ten of the right ones lie above."""


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
) -> ScriptMatch:
    """Find the words of a script in a clip.

    Args:
        text: The script, in English.
        posteriors: Probability of each phone in each frame, shape (T, P).
        phone_names: Names of the P phones, silence first.
        frame_rate: Frames a second.
        own: The user's pronunciations.

    Returns:
        The words with times. Doubtful words are left out of the track: there the audio wins.
    """
    words = pronounce_text(text, own)
    duration_s = len(posteriors) / frame_rate
    alignment = align_script(words, posteriors, phone_names=phone_names, frame_rate=frame_rate)
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
