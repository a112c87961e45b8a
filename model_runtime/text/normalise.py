"""Turn script text into spoken words: numbers, money, dates, abbreviations. Stdlib only.

Stage directions in brackets are not spoken and are left out; every other token gives words or none.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable

from . import numbers
from .dictionary import pronunciations

# Limited in length between asterisks, since a lone one may stand anywhere.
DIRECTIONS = re.compile(r"\[[^\]]*\]|\([^)]*\)|\{[^}]*\}|<[^>]*>|\*[^*\n]{1,80}\*")
"""Stage directions: [sighs], (quietly), <b>, *laughs*."""
# In capitals only: "Listen: ..." is spoken.
SPEAKER = re.compile(r"^\s*[A-Z][A-Z0-9 ._'-]{1,30}:\s+")
"""The name before a line of a script, in capitals: "ANNA: Hello"."""
TOKEN = re.compile(r"\S+")
# An apostrophe at the edge is a quotation mark; within a word it stays.
PLAIN_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|(?<!\w)\d+(?:[.,]\d+)*(?!\w)|%")
EDGES = "\"'.,;:!?…-–—«»“”‘’„()[]{}*_~/\\|"
DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
TIME = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2})?(am|pm)?", re.IGNORECASE)
MONEY = re.compile(r"([$€£¥])(\d[\d,]*)(?:\.(\d{1,2}))?(k|m|bn|million|billion)?", re.IGNORECASE)
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
ORDINAL = re.compile(r"(\d+)(st|nd|rd|th)", re.IGNORECASE)
DECADE = re.compile(r"(?:'|)(\d{2,4})s")
MIXED = re.compile(r"[A-Za-z]+|\d+|[^A-Za-z\d]+")

MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
# Without the small unit's singular: "one cent" is rare in scripts.
CURRENCIES = {
    "$": ("dollar", "dollars", "cents"),
    "€": ("euro", "euros", "cents"),
    "£": ("pound", "pounds", "pence"),
    "¥": ("yen", "yen", "sen"),
}
SCALED = {"k": "thousand", "m": "million", "bn": "billion"}
ABBREVIATIONS = {
    **{"mr": "mister", "mrs": "missus", "ms": "miz", "dr": "doctor", "st": "saint", "jr": "junior"},
    **{
        "sr": "senior",
        "prof": "professor",
        "capt": "captain",
        "sgt": "sergeant",
        "lt": "lieutenant",
    },
    **{"vs": "versus", "etc": "et cetera", "no": "number", "approx": "approximately"},
    **{
        "lt": "lieutenant",
        "dept": "department",
        "gen": "general",
        "col": "colonel",
        "govt": "government",
    },
}
NEED_FULL_STOP = frozenset({"st", "no", "gen", "col", "sr", "jr"})
"""Words of their own without the full stop: "no" is no number."""
SYMBOLS = {
    # Only symbols that are read aloud; all others are silent.
    **{"&": "and", "%": "percent", "+": "plus", "=": "equals", "@": "at", "#": "number"},
    **{"°": "degrees", "€": "euros", "$": "dollars", "£": "pounds", "§": "section"},
}
LETTERS_IN_CAPITALS = frozenset({"US", "AM", "PM", "IT"})
"""Words that are read as letters where a line with small letters has them in capitals."""
LETTER_NAMES = {letter: f"{letter}." for letter in "abcdefghijklmnopqrstuvwxyz"}
"""How the dictionary names the entry of a spoken letter."""


@dataclasses.dataclass(frozen=True)
class Word:
    """A spoken word and the place of its token in the script."""

    spoken: str
    """Lower case, letters and apostrophes; ``b.`` is the name of a letter."""
    start: int
    end: int
    """Characters of the script it comes from; the words of one token share them."""


def spoken_words(text: str) -> list[Word]:
    """Return the words that somebody reading the text aloud would say.

    Args:
        text: A script line in English, or several; any characters.

    Returns:
        Words in order; empty when nothing is spoken.
    """
    # NFC first, so that positions and letters agree whatever the editor wrote.
    text = unicodedata.normalize("NFC", text)
    # Blanks of the same length keep the positions of all other words.
    blank = re.sub(DIRECTIONS, lambda found: " " * len(found.group()), text)
    blank = SPEAKER.sub(lambda found: " " * len(found.group()), blank)
    # Capitals mean letters only where other words are small.
    is_shouted = not re.search(r"[a-z]", blank)
    words: list[Word] = []
    for token in TOKEN.finditer(blank):
        said = _spoken(token.group(), is_shouted=is_shouted)
        words += [Word(word, token.start(), token.end()) for word in said]
    return words


def plain_words(text: str, read: Callable[[str], list[str]] | None = None) -> list[Word]:
    """Return the words of a text in any language, without stage directions.

    Args:
        text: A script line, or several.
        read: Returns the words of a number or percent sign; without it these are left out. Digits
            at a letter are no number: tones of pinyin, names such as R2D2.
    """
    text = unicodedata.normalize("NFC", text)
    blank = re.sub(DIRECTIONS, lambda found: " " * len(found.group()), text)
    blank = SPEAKER.sub(lambda found: " " * len(found.group()), blank)
    words: list[Word] = []
    for found in PLAIN_TOKEN.finditer(blank):
        token = found.group().lower().replace("’", "'")
        if token[0] != "%" and not token[0].isdecimal():
            words.append(Word(token, found.start(), found.end()))
        elif read is not None:
            words += [Word(name, found.start(), found.end()) for name in read(token)]
    return words


def _spoken(token: str, *, is_shouted: bool) -> list[str]:
    """Words of one token."""
    token = token.replace("’", "'").replace("‘", "'")
    core = token.strip(EDGES)
    if not core:
        return [SYMBOLS[c] for c in token if c in SYMBOLS]
    had_stop = token.rstrip("\"'”’)").endswith(".")
    # The order matters: "1st." is an ordinal before it is an abbreviation, "U.S." letters before a
    # word.
    # A minus belongs to a number, though it is an edge of a word.
    return (
        _numeric(token.strip(EDGES.replace("-", "")), core)
        or _abbreviation(core, had_stop=had_stop)
        or _letters(core, is_shouted=is_shouted)
        or _parts(core)
    )


def _numeric(signed: str, core: str) -> list[str]:
    """Words of dates, times, money and numbers; empty for anything else."""
    if found := DATE.fullmatch(core):
        y, m, d = (int(part) for part in found.groups())
        # "2024-13-01" is no date and is read as parts.
        if 1 <= m <= 12:
            return [MONTHS[m - 1], *numbers.ordinal(d), *numbers.year(y)]
    if found := TIME.fullmatch(core):
        return _time(int(found[1]), int(found[2]), found[3] or "")
    if found := MONEY.fullmatch(core.replace("'", "")):
        return _money(found)
    if found := ORDINAL.fullmatch(core):
        return numbers.ordinal(int(found[1]))
    # "1980s" is the plural of its last word.
    if found := DECADE.fullmatch(core):
        *head, last = numbers.year(int(found[1]))
        return [*head, f"{last[:-1]}ies" if last.endswith("y") else f"{last}s"]
    if NUMBER.fullmatch(signed):
        return _number(signed)
    return []


def _number(text: str) -> list[str]:
    sign = ["minus"] if text.startswith("-") else ["plus"] if text.startswith("+") else []
    plain = text.lstrip("+-")
    grouped = "," in plain
    plain = plain.replace(",", "")
    if "." in plain:
        return [*sign, *numbers.decimal(plain)]
    # "007" is read digit by digit.
    if plain.startswith("0") and len(plain) > 1:
        return [*sign, *numbers.digits(plain)]
    # Four digits without a comma are mostly years: "1984", but "1,984".
    is_year = len(plain) == 4 and not grouped and not sign
    return [*sign, *(numbers.year(int(plain)) if is_year else numbers.cardinal(int(plain)))]


def _time(hour: int, minute: int, half: str) -> list[str]:
    if hour > 24 or minute > 59:
        # "25:70" is no time of day, but a score or a ratio.
        return [*numbers.cardinal(hour), *numbers.cardinal(minute)]
    clock = ["o'clock"] if not half else []
    minutes = (
        clock if minute == 0 else [*(["oh"] if minute < 10 else []), *numbers.cardinal(minute)]
    )
    return [*numbers.cardinal(hour), *minutes, *(LETTER_NAMES[c] for c in half.lower())]


def _money(found: re.Match[str]) -> list[str]:
    one, many, small = CURRENCIES[found[1]]
    amount = int(found[2].replace(",", ""))
    scale = (found[4] or "").lower()
    if scale:
        fraction = ["point", *numbers.digits(found[3])] if found[3] else []
        return [*numbers.cardinal(amount), *fraction, SCALED.get(scale, scale), many]
    words = [*numbers.cardinal(amount), one if amount == 1 else many]
    # ".5" is fifty cents.
    cents = int((found[3] or "0").ljust(2, "0"))
    return [*words, "and", *numbers.cardinal(cents), small] if cents else words


def _abbreviation(core: str, *, had_stop: bool) -> list[str]:
    name = core.lower().rstrip(".")
    if name not in ABBREVIATIONS or (name in NEED_FULL_STOP and not had_stop):
        return []
    # "no." ends more sentences than it abbreviates numbers: it needs a capital.
    if name == "no" and core[0] != "N":
        return []
    return ABBREVIATIONS[name].split()


def _letters(core: str, *, is_shouted: bool) -> list[str]:
    """Acronyms as letters: "U.S.A.", "XKCD"; shouted words and words of the dictionary stay."""
    plain = core.replace(".", "")
    # Dots between single letters, with or without the last.
    dotted = bool(re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]?", core))
    if len(plain) < 2 or not (plain.isascii() and plain.isalpha()):
        return []
    # Longer ones are words in capitals more often than letters.
    is_acronym = plain.isupper() and len(plain) <= 5 and not is_shouted
    # The dictionary knows "NASA", which is said as a word.
    is_unknown = not pronunciations(plain)
    has_no_vowel = plain.isupper() and not re.search("[AEIOUY]", plain)
    is_letters = dotted or (is_acronym and (is_unknown or plain in LETTERS_IN_CAPITALS))
    if not is_letters and not (has_no_vowel and is_unknown):
        return []
    return [LETTER_NAMES[letter] for letter in plain.lower()]


def _parts(core: str) -> list[str]:
    """Return a word, or the words of a token joined by hyphens, digits and symbols."""
    words: list[str] = []
    # Hyphens join words, and each has its own entry.
    for part in re.split(r"[-–—/_]+", core):
        plain = _plain_letters(part)
        if re.fullmatch(r"[a-z']+", plain):
            words.append(plain)
            continue
        for piece in MIXED.findall(plain):
            if piece.isdigit():
                words += numbers.cardinal(int(piece))
            elif piece.isalpha():
                words.append(piece)
            else:
                words += [SYMBOLS[c] for c in piece if c in SYMBOLS]
    # An apostrophe alone is no word.
    return [word.strip("'") if word.strip("'") else word for word in words if word.strip("'")]


def _plain_letters(part: str) -> str:
    """Lower case without accents: "Café" is "cafe"."""
    # NFKD parts letter and accent, and full-width letters become ordinary ones.
    folded = unicodedata.normalize("NFKD", part.lower().replace("ß", "ss"))
    return "".join(c for c in folded if not unicodedata.combining(c))
