"""Read Japanese kana, hiragana and katakana, by a table of morae.

Source: Vance, The Sounds of Japanese. Kanji have no fixed sound, so a word with kanji is left out;
Japanese has no blanks, so what stands between two marks is one word unless blanks are written.
"""

from __future__ import annotations

from typing import Final

from .rules import END, HAN, Language, Rules

VOWELS: Final = ("aa", "iy", "uw", "eh", "ow")
ROWS: Final = (
    *(("あいうえお", ""), ("かきくけこ", "k"), ("がぎぐげご", "g"), ("さ すせそ", "s")),
    *(("ざ ずぜぞ", "z"), ("た  てと", "t"), ("だ  でど", "d"), ("なにぬねの", "n")),
    *(("はひ へほ", "hh"), ("ばびぶべぼ", "b"), ("ぱぴぷぺぽ", "p"), ("まみむめも", "m")),
    *(("や ゆ よ", "y"), ("らりるれろ", "r"), ("わ    ", "w"), ("ぁぃぅぇぉ", "")),
)
"""Morae in the order of ``VOWELS``, and their consonant."""
PALATAL: Final = {
    **{"き": "k y", "ぎ": "g y", "し": "sh", "じ": "jh", "ち": "ch", "ぢ": "jh", "に": "n y"},
    **{"ひ": "hh y", "び": "b y", "ぴ": "p y", "み": "m y", "り": "r y"},
}
"""Consonants before a small ya, yu, yo."""
LOANS: Final = {
    "ふ": "f",
    "て": "t",
    "で": "d",
    "う": "w",
    "し": "sh",
    "じ": "jh",
    "ち": "ch",
    "ゔ": "v",
}
"""Consonants before a small vowel, as in loan words."""


def _table() -> Rules:
    rules: list[tuple[str, str]] = []
    for mora, sound in PALATAL.items():
        rules += [
            (mora + small, f"{sound} {v}") for small, v in zip("ゃゅょ", VOWELS[::2], strict=True)
        ]
    for mora, sound in LOANS.items():
        rules += [
            (mora + small, f"{sound} {v}") for small, v in zip("ぁぃぅぇぉ", VOWELS, strict=True)
        ]
    for row, sound in ROWS:
        rules += [
            (mora, f"{sound} {vowel}".strip())
            for mora, vowel in zip(row, VOWELS, strict=True)
            if mora != " "
        ]
    return tuple(rules)


RULES: Final[Rules] = (
    *(
        (r"(?<=[おこそとのほもよろごぞどぼぽょ])[うお]", ""),
        (r"(?<=[えけせてねへめれげぜでべぺ])[いえ]", ""),
    ),
    *((r"ー|っ", ""), (r"ん(?=[まみむめもばびぶべぼぱぴぷぺぽ])", "m"), (r"ん(?=[か-ご])", "ng")),
    *((r"ん", "n"), (rf"す{END}", "s uw|s"), (r"を", "ow")),
    *_table(),
    *((r"し", "sh iy"), (r"[じぢ]", "jh iy"), (r"ち", "ch iy"), (r"つ", "t s uw"), (r"づ", "z uw")),
    # A bilabial fricative: neither labiodental nor open.
    *((r"ふ", "hh uw|f uw"), (r"ゔ", "v uw")),
)


def hiragana(word: str) -> str:
    """Return a word with hiragana in the place of katakana."""
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヴ" else c for c in word)


JAPANESE: Final = Language(
    "Japanese",
    RULES,
    {
        "は": "w aa",
        "へ": "eh",
        "こんにちは": "k ow n n iy ch iy w aa",
        "こんばんは": "k ow m b aa n w aa",
    },
    prepare=hiragana,
    unreadable=HAN,
    writing="kana",
)
