"""Read French by rules of spelling.

Source: Fouché, Traité de prononciation française; Grevisse, Le bon usage, chapter 1.
Nasal vowels are the oral vowel with the same lips, the front rounded "u" is "uw". Silent "e" may
be spoken.
"""

from __future__ import annotations

from typing import Final

from .rules import END, START, Language, Rules

VOWEL = "aeiouyàâäéèêëîïôöûüùœ"
NASAL = rf"(?![{VOWEL}hmn])"
"""After "n" or "m": the vowel before is nasal, and neither tongue nor lips close."""
LAST = rf"(?={END}(?!'))"
"""End of a word that is no article or pronoun with an apostrophe."""
GLIDE = rf"(?=ll|l{END})"

RULES: Final[Rules] = (
    *((rf"(?<={START}[ldmtsc])es{LAST}", "ey"), (r"(?<=m)ent" + LAST, "aa")),
    *(
        (rf"ent{LAST}", "|aa"),
        (rf"er{LAST}", "ey|eh r"),
        (rf"ez{LAST}", "ey"),
        (rf"et{LAST}", "eh"),
    ),
    *((rf"(?<={START}[bcdfjlmnst])e{LAST}", "ah"), (rf"(?<={START}qu)e{LAST}", "ah")),
    *((rf"a(?=i{GLIDE})", "aa"), (rf"e(?=i{GLIDE})", "eh"), (rf"(?:eu|œu|ue|œ)(?=i{GLIDE})", "er")),
    *((rf"ou(?=i{GLIDE})", "uw"), (rf"(?<=[aeouœ])i(?:ll|l{END})", "y")),
    *((rf"(?<![{VOWEL}])ill", "iy y|iy l"),),
    *((rf"oin{NASAL}", "w ae"), (r"o[iîy]", "w aa"), (r"eaux?" + LAST, "ow"), (r"eau|au", "ow")),
    *((rf"(?<=i)en{NASAL}", "ae"), (rf"(?:[ae]i|i|y)[nm]{NASAL}", "ae")),
    *((rf"[ae][nm]{NASAL}", "aa"), (rf"o[nm]{NASAL}", "ow"), (rf"u[nm]{NASAL}", "ah")),
    *((rf"o[uùû](?=[{VOWEL}])", "w"), (r"o[uùû]", "uw"), (r"œu|œ|eu", "er")),
    *((r"a[iîy]|ei", "eh"), (rf"ée?s?{LAST}", "ey"), (r"é", "ey"), (r"[èêë]", "eh")),
    *(
        (rf"es?{LAST}", ""),
        (r"e(?=[bcdfgptv][rl])", "ah|"),
        (r"e(?=x|[bcdfgklmnpqrstvz]{2})", "eh"),
    ),
    *((rf"e(?=[bcdfgklmnpqrstvz]{END})", "eh"), (r"e", "ah|"), (r"[aàâ]", "aa")),
    *((rf"o{END}|ô", "ow"), (r"o", "ao"), (rf"(?<!q)(?<!g)u(?=[{VOWEL}])", "w"), (r"[uûùü]", "uw")),
    *((rf"[iîïy](?=[{VOWEL}])", "y"), (r"[iîïy]", "iy")),
    *((rf"[dtsxpzg]+{LAST}", ""), (r"sch|ch", "sh"), (r"ph", "f"), (r"th", "t"), (r"gn", "n y")),
    *((r"qu?", "k"), (r"gu(?=[eiéèêy])", "g"), (r"ge(?=[aouâô])", "zh"), (r"gg(?=[eé])", "g zh")),
    *((r"g(?=[eiéèêyî])|j", "zh"), (r"cc(?=[eiéèêy])", "k s"), (r"sc(?=[eiéèêy])", "s")),
    *(
        (r"c(?=[eiéèêyî'])|ç", "s"),
        (r"(?<!s)t(?=ion)", "s"),
        (rf"(?<={START}e)x(?=[{VOWEL}h])", "g z"),
    ),
    *((r"x", "k s"), (rf"(?<=[{VOWEL}])s(?=[{VOWEL}])", "z"), (r"h", ""), (r"w", "v|w")),
    *((r"bb?", "b"), (r"cc?|kk?", "k"), (r"dd?", "d"), (r"ff?", "f"), (r"gg?", "g"), (r"ll?", "l")),
    *((r"mm?", "m"), (r"nn?", "n"), (r"pp?", "p"), (r"rr?", "r"), (r"ss?", "s"), (r"tt?", "t")),
    *((r"vv?", "v"), (r"zz?", "z")),
)
WORDS: Final = {
    **{"est": "eh", "c'est": "s eh", "et": "ey", "femme": "f aa m", "fils": "f iy s"},
    **{"monsieur": "m ah s y er", "six": "s iy s", "dix": "d iy s", "sept": "s eh t"},
    **{"huit": "w iy t", "cinq": "s ae k", "ville": "v iy l", "mille": "m iy l", "août": "uw t"},
    **{"tranquille": "t r aa k iy l", "pays": "p ey iy", "hier": "y eh r", "mer": "m eh r"},
    **{"eu": "uw", "oeuf": "er f", "sens": "s aa s", "plus": "p l uw", "avec": "aa v eh k"},
}
FRENCH: Final = Language(
    "French",
    RULES,
    WORDS,
)
