"""Read Dutch by rules of spelling.

Source: Booij, The Phonology of Dutch, and the Woordenlijst Nederlandse Taal for the spelling.
The
diphthong "ui" is "aw", which ends as round; "w" touches the teeth, as "v" does.
"""

from __future__ import annotations

from typing import Final

from .rules import END, START, Language, Rules

VOWEL = "aeiouyéèëïöü"
OPEN = rf"(?=[^\W\d_{VOWEL}](?:[{VOWEL}])|{END})"
"""A single vowel is long before one consonant and a vowel, and at the end."""
UNSTRESSED = rf"(?<!{START})(?<!{START}[^\W\d_])"
"""Not in the first syllable, as far as two letters tell."""

RULES: Final[Rules] = (
    *((rf"isch(?=e?{END})", "iy s"), (rf"sch{END}", "s"), (r"sch", "s hh"), (r"sj", "sh")),
    *((r"tj", "ch"), (r"ng", "ng"), (r"n(?=k)", "ng"), (rf"(?<!s)t(?=ie{END})", "t s")),
    *((rf"{UNSTRESSED}ig(?=e?{END})", "ah hh"), (r"ch|gg?", "hh")),
    *((r"(?<=l)ij(?=k)", "ah"), (r"ij|ei", "ey"), (r"ui", "aw"), (r"ouw?|auw?", "aw")),
    *((r"eeuw", "ey w"), (r"ieuw", "iy w"), (r"oei", "uw y"), (r"ooi", "ow y"), (r"aai", "aa y")),
    *((r"eu", "er"), (r"oe", "uw"), (r"ie", "iy"), (r"aa", "aa"), (r"ee", "ey"), (r"oo", "ow")),
    *((r"uu", "uw"), (rf"{UNSTRESSED}en{END}", "ah|ah n"), (rf"{UNSTRESSED}e(?=[lrm]{END})", "ah")),
    *((rf"e{END}", "ah"), (rf"(?<={START}[bg])e(?=[^\W\d_{VOWEL}][{VOWEL}])", "ah|ey")),
    *((rf"e{OPEN}|é", "ey"), (r"[eèë]", "eh"), (r"a", "aa"), (rf"o{OPEN}", "ow"), (r"[oö]", "ao")),
    *((rf"[uü]{OPEN}", "uw"), (r"[uü]", "uh"), (rf"[iï]{OPEN}|y", "iy"), (r"[iï]", "ih")),
    *((r"v", "v|f"), (rf"(?<=[{VOWEL}])w{END}", "w"), (r"w", "v"), (r"j", "y")),
    *((rf"bb?{END}", "p"), (rf"dd?{END}|dt", "t"), (r"c(?=[eiy])", "s"), (r"ck|cc?|kk?|q", "k")),
    *(
        (r"x", "k s"),
        (r"ph|ff?", "f"),
        (r"th|tt?", "t"),
        (r"bb?", "b"),
        (r"dd?", "d"),
        (r"h", "hh"),
    ),
    *((r"ll?", "l"), (r"mm?", "m"), (r"nn?", "n"), (r"pp?", "p"), (r"rr?", "r"), (r"ss?", "s")),
    *((r"zz?", "z"),),
)
DUTCH: Final = Language(
    "Dutch",
    RULES,
    {"een": "ah n|ey n", "het": "ah t|hh eh t", "er": "eh r", "bijzonder": "b iy z ao n d ah r"},
)
