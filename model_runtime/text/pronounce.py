"""Give every word of a text its phones: user's dictionary, CMUdict, then the spelling. No bpy."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..config import PHONES
from ..errors import BadArgument
from ..protocol import Pronunciation
from .dictionary import pronunciations
from .languages.cardinals import number_words
from .languages.espeak import phones_by_espeak
from .letter_sounds import LANGUAGES, phones_by_rules
from .normalise import Word, plain_words, spoken_words
from .spelling import phones_of_spelling

SUFFIXES = (("'s", ("z",)), ("s'", ("z",)), ("'ll", ("l",)), ("'d", ("d",)), ("'ve", ("v",)))
"""Endings that a known word takes: the phones of the ending follow those of the word."""
# English assimilates the ending to the sound before it.
ENGLISH = ("", "en")
"""Names of the default language."""
UNVOICED = frozenset({"p", "t", "k", "f", "th"})
SIBILANTS = frozenset({"s", "z", "sh", "zh", "ch", "jh"})


@dataclasses.dataclass(frozen=True)
class PronouncedWord:
    """A word of a script with its possible phones."""

    word: Word
    variants: tuple[tuple[str, ...], ...]
    """Pronunciations, most usual first; names of ``config.PHONES``."""
    is_guess: bool = False
    """The phones come from the spelling, not from a dictionary."""


def pronounce_text(
    text: str,
    own: Mapping[str, tuple[tuple[str, ...], ...]] | None = None,
    *,
    language: str = "",
) -> list[PronouncedWord]:
    """Return the words of a text with their phones.

    Args:
        text: A script line.
        own: The user's pronunciations by lower-case word (``read_own_dictionary``), which come
            first.
        language: ISO 639-1; empty is English.

    Returns:
        Words that have phones, in order; none for a language that neither rules nor espeak-ng read.
    """
    if language in ENGLISH:
        words = spoken_words(text)
        found = [_variants(word.spoken, own or {}) for word in words]
    else:
        words = _words_of(text, language)
        found = [(variants, False) for variants in _foreign(words, own or {}, language)]
    return [
        PronouncedWord(word, variants, is_guess)
        for word, (variants, is_guess) in zip(words, found, strict=True)
        if variants
    ]


def script_problem(
    text: str,
    own: Mapping[str, tuple[tuple[str, ...], ...]] | None = None,
    *,
    language: str = "",
) -> str:
    """Return why a script cannot be read, and what to do; empty if it can.

    Args:
        text: The script.
        own: The user's pronunciations.
        language: ISO 639-1; empty is English.
    """
    if not text.strip() or pronounce_text(text, own, language=language):
        return ""
    if language in ENGLISH:
        return ""  # an English script without words says nothing, which is no mistake
    rules = LANGUAGES.get(language)
    if rules is None:
        return (
            f"Scripts in the language {language!r} cannot be read, so the audio alone is used. "
            f"Install espeak-ng, or choose one of en, {', '.join(sorted(LANGUAGES))}"
        )
    writing = f"Write it in {rules.writing}" if rules.writing else "Check the language"
    return f"No word of the script can be read as {rules.name}. {writing}"


def _words_of(text: str, language: str) -> list[Word]:
    if language not in LANGUAGES:
        return plain_words(text)
    return plain_words(text, lambda token: number_words(token, language))


def _foreign(
    words: Sequence[Word], own: Mapping[str, tuple[tuple[str, ...], ...]], language: str
) -> list[tuple[tuple[str, ...], ...]]:
    """Pronunciations of words that are not English; empty for those that nothing reads."""
    spoken = tuple(word.spoken for word in words)
    if language in LANGUAGES:
        return [own.get(one) or phones_by_rules(one, language) for one in spoken]
    others = tuple(dict.fromkeys(one for one in spoken if one not in own))
    read = phones_by_espeak(others, language)
    by_word = dict(zip(others, read, strict=True)) if read else {}
    return [own.get(one) or ((by_word[one],) if by_word.get(one) else ()) for one in spoken]


def read_own_dictionary(path: Path) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Read the user's dictionary: JSON of words to phones, ``{"Xanthe": "z ae n th iy"}``.

    Args:
        path: The file; a missing one is an empty dictionary.

    Raises:
        BadArgument: Not such a JSON, or a phone that does not exist; names the word.
    """
    if not path.is_file():
        return {}
    try:
        # utf-8-sig: editors on Windows begin a file with a byte order mark.
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        entries = [(str(w), [v] if isinstance(v, str) else list(v)) for w, v in data.items()]
    except (ValueError, AttributeError, TypeError, OSError, RecursionError) as error:
        raise BadArgument(
            f"The dictionary {path.name} cannot be read: {error}",
            hint='Write it as JSON, for example {"Xanthe": "z ae n th iy"}',
        ) from error
    own: dict[str, tuple[tuple[str, ...], ...]] = {}
    for word, texts in entries:
        said = tuple(tuple(str(text).lower().split()) for text in texts)
        # Silence is no phone of a word.
        wrong = [phone for phones in said for phone in phones if phone not in PHONES[1:]]
        if wrong or not all(said):
            raise BadArgument(
                f"The dictionary {path.name} has no valid phones for {word!r}: {' '.join(wrong)}",
                hint=f"Use the phones {' '.join(PHONES[1:])}",
            )
        own[word.lower()] = said
    return own


def own_pronunciations(
    entries: Iterable[Pronunciation],
) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return entries by word, as ``pronounce_text`` takes them; invalid ones are dropped."""
    own: dict[str, tuple[tuple[str, ...], ...]] = {}
    for entry in entries:
        phones = tuple(entry.phones.lower().split())
        if phones and all(phone in PHONES[1:] for phone in phones):
            own[entry.word] = (*own.get(entry.word, ()), phones)
    return own


def entries_of(own: Mapping[str, tuple[tuple[str, ...], ...]]) -> tuple[Pronunciation, ...]:
    """Return what ``read_own_dictionary`` read as entries that travel with a request."""
    return tuple(
        Pronunciation(word, " ".join(phones))
        for word, variants in own.items()
        for phones in variants
    )


def _variants(
    spoken: str, own: Mapping[str, tuple[tuple[str, ...], ...]]
) -> tuple[tuple[tuple[str, ...], ...], bool]:
    found = own.get(spoken) or tuple(pronunciations(spoken))
    if found:
        return found, False
    for ending, phones in SUFFIXES:
        # The stem keeps at least two letters: "'s" alone is no word.
        if spoken.endswith(ending) and len(spoken) > len(ending) + 1:
            stem, is_guess = _variants(spoken.removesuffix(ending), own)
            if stem:
                return tuple((*s, *_linked(s, phones)) for s in stem), is_guess
    guess = phones_of_spelling(spoken)
    return ((guess,), True) if guess else ((), True)


def _linked(stem: tuple[str, ...], ending: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ending as it sounds after a stem: s after p, a vowel between s and z."""
    if ending != ("z",):
        return ending
    if stem[-1] in SIBILANTS:
        return ("ih", "z")
    return ("s",) if stem[-1] in UNVOICED else ("z",)
