"""Look up the pronunciations of words: pocketsphinx' English dictionary, else espeak-ng."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

from .pronounce import pronounce

MOST_VARIANTS: Final = 4
"""Pronunciations of one word that are tried; the dictionary lists them by frequency."""


class Lexicon:
    """Pronunciations of one language's words; what espeak-ng was asked for is remembered.

    Args:
        voice: espeak-ng voice. With a voice other than English the English dictionary is not used.
    """

    def __init__(self, voice: str = "en-us") -> None:
        self.voice = voice
        self._asked: dict[str, tuple[tuple[str, ...], ...]] = {}

    def variants(self, word: str) -> tuple[tuple[str, ...], ...]:
        """Return pronunciations in lower-case ARPABET, most frequent first; empty for none.

        Args:
            word: As ``forced.words_of`` writes it.
        """
        # Digits and names that the dictionary lacks fall through to espeak-ng.
        if self.voice.startswith("en") and (known := english_words().get(word)):
            return known[:MOST_VARIANTS]
        if word not in self._asked:
            spoken = pronounce([word], voice=self.voice).get(word, "")
            self._asked[word] = (tuple(spoken.lower().split()),) if spoken else ()
        return self._asked[word]


@functools.cache
def english_words() -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return pocketsphinx' English dictionary: pronunciations by word."""
    from pocketsphinx import get_model_path

    words: dict[str, tuple[tuple[str, ...], ...]] = {}
    text = Path(get_model_path("en-us/cmudict-en-us.dict")).read_text(encoding="utf-8")
    for line in text.splitlines():
        name, *phones = line.split()
        # Second pronunciations are listed as "word(2)".
        word = re.sub(r"\(\d+\)$", "", name)
        words[word] = (*words.get(word, ()), tuple(phone.lower() for phone in phones))
    return words
