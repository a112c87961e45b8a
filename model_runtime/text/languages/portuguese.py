"""Read Portuguese by rules of spelling, as in Brazil and in Portugal.

Source: Cunha and Cintra, Nova gramática do português contemporâneo, chapter 3.
Where the two
countries differ, both pronunciations are allowed. A nasal "m" at the end does not close the lips.
"""

from __future__ import annotations

from typing import Final

from .rules import END, START, Language, Rules

VOWEL = "aeiouáâãàéêíóôõúü"
FRONT = "eiéêí"
CODA = rf"(?![{VOWEL}h])"

RULES: Final[Rules] = (
    *((r"ch", "sh"), (r"lh", "l y"), (r"nh", "n y"), (rf"{START}r|rr|(?<=[nls])r", "hh|r")),
    *((r"r", "r"), (rf"qu(?=[{FRONT}])", "k"), (r"qu", "k w"), (rf"gu(?=[{FRONT}])", "g")),
    *((rf"g(?=[{FRONT}])|j", "zh"), (rf"c(?=[{FRONT}])|ç|sc(?=[{FRONT}])", "s")),
    *((r"ão|am" + END, "aw"), (r"ãe", "ay"), (r"õe", "oy"), (r"[eé][mn]" + rf"(?=s?{END})", "ey")),
    *((rf"im{END}", "iy"), (rf"[uú]m{END}", "uw"), (rf"om{END}", "ow"), (r"m(?=[pb])", "")),
    *((r"ou", "ow"), (r"[eé]i", "ey"), (r"[aá]i", "ay"), (r"[aá]u", "aw"), (r"[oó]i", "oy")),
    *((rf"[aá]l{CODA}", "aw|aa l"), (rf"(?<=[{VOWEL}])l{CODA}", "w|l")),
    *((rf"te(?=s?{END})", "ch iy|t"), (rf"de(?=s?{END})", "jh iy|d"), (r"t(?=[ií])", "ch|t")),
    *((r"d(?=[ií])", "jh|d"), (rf"o(?=s?{END})", "uw"), (rf"e(?=s?{END})", "iy|")),
    *((rf"a(?=s?{END})", "ah"), (rf"(?<=[{VOWEL}])s(?=[{VOWEL}])", "z"), (r"ss", "s")),
    *((rf"[sz]{END}", "s|sh"), (r"s(?=[bdgmnlrv])", "z|zh"), (rf"{START}x", "sh")),
    *((rf"(?<={START}e)x(?=[{VOWEL}])", "z"), (r"x", "sh|k s"), (r"h", ""), (r"ph", "f")),
    *((rf"i(?=[{VOWEL}])", "y"), (r"u(?=[aeoáéóâãõ])", "w"), (r"[aáàâ]", "aa"), (r"ã", "ah")),
    *((r"é", "eh"), (r"ê", "ey"), (r"e", "eh"), (r"[iíy]", "iy"), (r"ó", "ao"), (r"[oôõ]", "ow")),
    *((r"[uúü]", "uw"), (r"n(?=[gckq])", "ng"), (r"b", "b"), (r"cc?|k|q", "k"), (r"d", "d")),
    *((r"f", "f"), (r"g", "g"), (r"ll?", "l"), (r"mm?", "m"), (r"nn?", "n"), (r"pp?", "p")),
    *((r"s", "s"), (r"t", "t"), (r"v", "v"), (r"w", "w|v"), (r"z", "z")),
)
PORTUGUESE: Final = Language(
    "Portuguese",
    RULES,
    {"muito": "m uw y t uw", "e": "iy", "o": "uw", "a": "ah", "de": "jh iy", "que": "k iy"},
)
