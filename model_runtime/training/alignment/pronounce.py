"""Pronunciations for words the aligner's dictionary lacks: espeak-ng's IPA made ARPABET."""

from __future__ import annotations

from collections.abc import Sequence

from ...text.ipa import phones_of_ipa
from . import espeak


class NoPronunciation(ValueError):
    """A word that no phones could be found for."""


def arpabet_from_ipa(ipa: str) -> str:
    """ARPABET phones, space separated, for an IPA string; marks without a phone are passed over.

    Raises:
        NoPronunciation: Nothing in ``ipa`` is a phone.
    """
    phones = phones_of_ipa(ipa)
    if not phones:
        raise NoPronunciation(f"No phones in {ipa!r}")
    return " ".join(phones).upper()


def pronounce(words: Sequence[str], *, voice: str = "en-us") -> dict[str, str]:
    """ARPABET for each word; words without a pronunciation are absent from the answer.

    Args:
        words: Words in the spelling of the language of ``voice``, no line breaks within.
        voice: An espeak-ng voice, for example ``en-us``, ``de``, ``nl``.

    Raises:
        FileNotFoundError: espeak-ng is not installed.
    """
    # Words repeat: each is asked for once.
    distinct = list(dict.fromkeys(words))
    lines = espeak.ipa_of(distinct, voice=voice)
    if lines is None:  # a language espeak-ng has no voice for
        return {}
    spoken = {}
    for word, line in zip(distinct, lines, strict=True):
        try:
            spoken[word] = arpabet_from_ipa(line)
        except NoPronunciation:
            # Absent, not an error: the caller knows whether the word is needed.
            continue
    return spoken
