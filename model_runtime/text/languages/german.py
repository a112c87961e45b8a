"""Read German by rules of spelling.

Source: Duden's rules of pronunciation (Das Aussprachewörterbuch). The
"ü" is "uw", whose lips are as round.
"""

from __future__ import annotations

from typing import Final

from .rules import END, START, Language, Rules

RULES: Final[Rules] = (
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

GERMAN: Final = Language(
    "German",
    RULES,
)
