"""Pronounce languages with regular spelling by rules from letters to phones. Stdlib only.

The phones are those of the network, so sounds that English lacks become the nearest in lips and
jaw. The rules of each language are in ``languages``, and are tried in order at each letter.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final

from .languages.dutch import DUTCH
from .languages.french import FRENCH
from .languages.german import GERMAN
from .languages.italian import ITALIAN
from .languages.japanese import JAPANESE
from .languages.mandarin import MANDARIN
from .languages.portuguese import PORTUGUESE
from .languages.rules import Language
from .languages.russian import RUSSIAN
from .languages.spanish import SPANISH

LANGUAGES: Final[dict[str, Language]] = {
    **{"de": GERMAN, "es": SPANISH, "fr": FRENCH, "it": ITALIAN, "ja": JAPANESE, "nl": DUTCH},
    **{"pt": PORTUGUESE, "ru": RUSSIAN, "zh": MANDARIN},
}
"""By ISO 639-1."""
MOST_VARIANTS = 4


def phones_by_rules(word: str, language: str) -> tuple[tuple[str, ...], ...]:
    """Return the pronunciations of a word.

    Args:
        word: In any case; letters without a rule are read without their accent, or are silent.
        language: A key of ``LANGUAGES``.

    Returns:
        Names of ``config.PHONES``, most usual first; empty when no letter sounds, and for
        characters that no rule reads.
    """
    rules = LANGUAGES[language]
    word = unicodedata.normalize("NFC", word.lower())
    if word in rules.words:
        return tuple(tuple(one.split()) for one in rules.words[word].split("|"))
    if rules.unreadable and re.search(rules.unreadable, word):
        return ()
    word = rules.prepare(word)
    variants: list[tuple[str, ...]] = [()]
    place = 0
    while place < len(word):
        length, choices = _sound(word, place, language)
        place += length
        variants = [(*v, *choice.split()) for choice in choices for v in variants][:MOST_VARIANTS]
    return tuple(dict.fromkeys(v for v in variants if v))


def _sound(word: str, place: int, language: str) -> tuple[int, list[str]]:
    """Letters that the first fitting rule takes, and what they may sound like."""
    for pattern, phones in _compiled(language):
        found = pattern.match(word, place)
        if found is not None and found.end() > place:
            return found.end() - place, phones
    plain = unicodedata.normalize("NFKD", word[place])[0]
    for pattern, phones in _compiled(language):
        found = pattern.fullmatch(plain)
        if found is not None:
            return 1, phones
    return 1, [""]


@functools.cache
def _compiled(language: str) -> list[tuple[re.Pattern[str], list[str]]]:
    rules = LANGUAGES[language].rules
    return [(re.compile(pattern), phones.split("|")) for pattern, phones in rules]
