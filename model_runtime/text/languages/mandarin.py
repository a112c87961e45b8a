"""Read Mandarin in pinyin, with tones as marks, as digits or left out.

Source: Duanmu, The Phonology of Standard Chinese, table of finals. Chinese characters are not read.
The retroflex initials are the English palatals, "ü" is "uw": the same lips.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from .rules import END, HAN, Language, Rules

TONES: Final = "\u0300\u0301\u0304\u030c"
"""Combining marks: grave, acute, macron, caron."""
N = r"(?=n(?!g(?![aeiouü])))"
"""Before a final n that is no ng."""
NG = r"(?=ng(?![aeiouü]))"

RULES: Final[Rules] = (
    *((rf"yua{N}", "w eh"), (r"yue", "w eh"), (r"yu(?=a)", "w"), (r"yu", "uw"), (r"yi", "iy")),
    *((rf"ya{N}", "y eh"), (rf"yo{NG}", "y uh"), (r"ye", "y eh"), (r"y", "y")),
    *((r"wu", "uw"), (r"wo", "w ao"), (r"w", "w"), (r"zh", "jh"), (r"ch|q", "ch"), (r"sh|x", "sh")),
    *((r"z", "d z"), (r"c", "t s"), (r"j", "jh"), (r"r(?=[aeiouü])", "zh")),
    *((r"(?<=[zcsr])i(?![aeou])|(?<=[zcs]h)i(?![aeou])", "ih"), (r"iu", "y ow")),
    *((rf"ia{N}", "y eh"), (r"iao", "y aw"), (rf"io{NG}", "y uh"), (r"ie", "y eh")),
    *((r"ia", "y aa"), (r"i", "iy"), (rf"(?<=[jqx])ua{N}", "w eh"), (r"(?<=[jqx])ue|üe", "w eh")),
    *(
        (r"(?<=[jqx])u|ü", "uw"),
        (r"uai", "w ay"),
        (r"uo", "w ao"),
        (r"ui", "w ey"),
        (r"ua", "w aa"),
    ),
    *((rf"u{N}", "w ah"), (r"u", "uw"), (r"ao", "aw"), (r"ai", "ay"), (r"a", "aa"), (r"ou", "ow")),
    *((rf"o{NG}", "uh"), (r"(?<=[bpmf])o", "w ao"), (r"o", "ao"), (r"ei", "ey")),
    *((r"er(?![aeiouü])", "er"), (r"e", "ah"), (r"ng(?![aeiouü])", "ng"), (rf"r{END}", "r")),
    *((r"b", "b"), (r"d", "d"), (r"f", "f"), (r"g", "g"), (r"h", "hh"), (r"k", "k"), (r"l", "l")),
    *((r"m", "m"), (r"n", "n"), (r"p", "p"), (r"r", "r"), (r"s", "s"), (r"t", "t")),
)


def toneless(word: str) -> str:
    """Return pinyin without tones: "nǐ" is "ni", "lǜ" and "lv" are "lü"."""
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if c not in TONES)
    return unicodedata.normalize("NFC", plain).replace("v", "ü")


MANDARIN: Final = Language(
    "Mandarin",
    RULES,
    prepare=toneless,
    unreadable=HAN,
    writing="pinyin",
)
