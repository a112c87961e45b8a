"""Pronounce languages with regular spelling by rules from letters to phones. Stdlib only.

The phones are those of the network, so sounds that English lacks become the nearest in lips and
jaw: German "ü" is "uw", whose lips are as round. Rules are tried in order at each letter.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final

Rules = tuple[tuple[str, str], ...]
"""Pattern at a letter, and phones separated by blanks; ``a|b`` gives two pronunciations."""

START, END = r"(?<![^\W\d_])", r"(?![^\W\d_])"
"""Ends of a word."""

GERMAN: Final[Rules] = (
    *((r"tsch", "ch"), (r"sch", "sh"), (r"(?<=[aou])ch", "hh"), (r"chs", "k s"), (r"ch", "hh")),
    *((r"ck|kk", "k"), (rf"{START}st", "sh t"), (rf"{START}sp", "sh p"), (r"ss|ß", "s")),
    *((r"ph", "f"), (r"pf", "p f"), (r"qu", "k v"), (r"th|tt|dt", "t"), (r"tz|zz|z", "t s")),
    *((r"x", "k s"), (r"ng", "ng"), (r"n(?=k)", "ng"), (rf"ig{END}", "ih hh")),
    *((r"ei|ai|ey|ay", "ay"), (r"eu|äu", "oy"), (r"au", "aw"), (r"ieh?", "iy")),
    *((rf"er{END}", "ah"), (rf"e(?=[nlm]?{END})", "ah"), (rf"e(?=ns?{END})", "ah")),
    *((r"aa|ah|a", "aa"), (r"ee|eh", "ey"), (r"e(?=[^\Waeiouäöüy][aeiouäöü])", "ey|eh")),
    *((r"e", "eh"), (r"äh|ä", "eh"), (r"ih", "iy"), (r"i", "ih"), (r"öh|ö", "er")),
    *((r"oo|oh", "ow"), (r"o(?=[^\Waeiouäöüy][aeiouäöü])", "ow"), (r"o", "ao")),
    *((r"üh|ü", "uw"), (r"uh", "uw"), (r"u(?=[^\Waeiouäöüy]{2})", "uh"), (r"u", "uw|uh")),
    *((r"y(?=[aeiou])", "y"), (r"y", "uw"), (r"j", "y"), (r"w", "v"), (r"v", "f|v")),
    *((rf"bb?{END}", "p"), (rf"d{END}", "t"), (rf"g{END}", "k"), (r"s(?=[aeiouäöü])", "z")),
    *((r"(?<=[aeiouäöü])h", ""), (r"h", "hh"), (r"rr|rh|r", "r"), (r"c", "k")),
    *((r"bb?", "b"), (r"dd?", "d"), (r"ff?", "f"), (r"gg?", "g"), (r"k", "k"), (r"ll?", "l")),
    *((r"mm?", "m"), (r"nn?", "n"), (r"pp?", "p"), (r"s", "s"), (r"t", "t")),
)
SPANISH: Final[Rules] = (
    *((r"ch", "ch"), (r"ll", "y"), (r"ñ", "n y"), (r"rr|r", "r"), (r"qu", "k")),
    *((r"gu(?=[eiéí])", "g"), (r"gü", "g w"), (r"g(?=[eiéí])|j", "hh")),
    *((r"c(?=[eiéí])|z", "th|s"), (r"hu(?=[aeiou])", "w"), (r"h", "")),
    *((rf"y{END}", "iy"), (r"y", "y"), (r"x", "k s"), (r"(?<=[aeiou])d(?=[aeiouáéíóú])", "dh")),
    *((r"i(?=[aeouáéóú])", "y"), (r"u(?=[aeioáéíó])", "w"), (r"[aá]", "aa"), (r"[eé]", "eh")),
    *((r"[ií]", "iy"), (r"[oó]", "ow"), (r"[uúü]", "uw"), (r"[bv]", "b"), (r"[ck]", "k")),
    *((r"d", "d"), (r"f", "f"), (r"g", "g"), (r"l", "l"), (r"m", "m"), (r"n(?=[gkcqj])", "ng")),
    *((r"n", "n"), (r"p", "p"), (r"s", "s"), (r"t", "t"), (r"w", "w")),
)
ITALIAN: Final[Rules] = (
    *((r"gli(?=[aeou])", "l y"), (r"gli", "l y iy"), (r"gn", "n y"), (r"sci(?=[aou])", "sh")),
    *((r"sc(?=[eièéì])", "sh"), (r"cch|ch", "k"), (r"ggh|gh", "g"), (r"cci(?=[aou])", "ch")),
    *((r"ci(?=[aou])", "ch"), (r"cc?(?=[eièéì])", "ch"), (r"ggi(?=[aou])|gi(?=[aou])", "jh")),
    *((r"gg?(?=[eièéì])", "jh"), (r"c?qu", "k w"), (r"zz?", "t s|d z"), (r"h", "")),
    *((r"(?<=[aeiou])s(?=[aeiouàèéìòù])", "z|s"), (r"i(?=[aeouàèéòù])", "y")),
    *((r"u(?=[aeioàèéìò])", "w"), (r"[aà]", "aa"), (r"è", "eh"), (r"[eé]", "eh|ey")),
    *((r"[iìíjy]", "iy"), (r"ò", "ao"), (r"[oó]", "ow"), (r"[uùú]", "uw"), (r"x", "k s")),
    *((r"bb?", "b"), (r"cc?|kk?", "k"), (r"dd?", "d"), (r"ff?", "f"), (r"gg?", "g")),
    *((r"ll?", "l"), (r"mm?", "m"), (r"nn?", "n"), (r"pp?", "p"), (r"rr?", "r"), (r"ss?", "s")),
    *((r"tt?", "t"), (r"vv?", "v"), (r"w", "w")),
)
LANGUAGES: Final[dict[str, Rules]] = {"de": GERMAN, "es": SPANISH, "it": ITALIAN}
MOST_VARIANTS = 4


def phones_by_rules(word: str, language: str) -> tuple[tuple[str, ...], ...]:
    """Return the pronunciations of a word.

    Args:
        word: In any case; letters without a rule are read without their accent, or are silent.
        language: A key of ``LANGUAGES``.

    Returns:
        Names of ``config.PHONES``, most usual first; empty when no letter sounds.
    """
    word = unicodedata.normalize("NFC", word.lower())
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
    return [(re.compile(pattern), phones.split("|")) for pattern, phones in LANGUAGES[language]]
