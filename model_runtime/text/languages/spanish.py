"""Read Spanish by rules of spelling.

Source: Real Academia Española, Ortografía (2010), chapter 1. Both sounds of
"c" before "e" are allowed, that of Spain and that of America.
"""

from __future__ import annotations

from typing import Final

from .rules import END, Language, Rules

RULES: Final[Rules] = (
    *((r"ch", "ch"), (r"ll", "y"), (r"ñ", "n y"), (r"rr|r", "r"), (r"qu", "k")),
    *((r"gu(?=[eiéí])", "g"), (r"gü", "g w"), (r"g(?=[eiéí])|j", "hh")),
    *((r"c(?=[eiéí])|z", "th|s"), (r"hu(?=[aeiou])", "w"), (r"h", "")),
    *((rf"y{END}", "iy"), (r"y", "y"), (r"x", "k s"), (r"(?<=[aeiou])d(?=[aeiouáéíóú])", "dh")),
    *((r"i(?=[aeouáéóú])", "y"), (r"u(?=[aeioáéíó])", "w"), (r"[aá]", "aa"), (r"[eé]", "eh")),
    *((r"[ií]", "iy"), (r"[oó]", "ow"), (r"[uúü]", "uw"), (r"[bv]", "b"), (r"[ck]", "k")),
    *((r"d", "d"), (r"f", "f"), (r"g", "g"), (r"l", "l"), (r"m", "m"), (r"n(?=[gkcqj])", "ng")),
    *((r"n", "n"), (r"p", "p"), (r"s", "s"), (r"t", "t"), (r"w", "w")),
)

SPANISH: Final = Language(
    "Spanish",
    RULES,
)
