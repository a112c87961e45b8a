"""Read Russian by rules of spelling.

Source: Avanesov, Russkoe literaturnoe proiznoshenie; Jones and Ward, The Phonetics of Russian.
The
spelling does not show the stress, so "o" may be rounded or not: the audio decides.
"""

from __future__ import annotations

from typing import Final

from .rules import END, START, Language, Rules

VOWEL = "аеёиоуыэюя"
AFTER_VOWEL = rf"(?:{START}|(?<=[{VOWEL}ьъ]))"
UNVOICED = rf"(?=ь?{END}|ь?[кпстфхцчшщ])"
"""Before these, and at the end, voiced consonants lose their voice."""

RULES: Final[Rules] = (
    *(
        (r"ть?с(?=я)", "t s"),
        (rf"(?<=[ео])г(?=о{END})", "v|g"),
        (r"[сз]ч|щ", "sh"),
        (r"чн", "ch n"),
    ),
    *((r"ч", "ch"), (r"ш", "sh"), (rf"ж{UNVOICED}", "sh"), (r"ж", "zh"), (r"тц|ц", "t s")),
    *((rf"{AFTER_VOWEL}е", "y eh"), (rf"{AFTER_VOWEL}ё", "y ow"), (rf"{AFTER_VOWEL}ю", "y uw")),
    *((rf"{AFTER_VOWEL}я", "y aa"), (r"е", "eh|ih"), (r"ё", "ow"), (r"ю", "uw"), (r"я", "aa|ih")),
    *(
        (rf"о{END}", "ow|ah"),
        (r"о", "ow|aa"),
        (r"(?<=[жшц])и|ы", "ih"),
        (r"и", "iy"),
        (r"э", "eh"),
    ),
    *((r"у", "uw"), (r"а", "aa"), (r"й", "y"), (r"[ьъ]", "")),
    *((rf"бб?{UNVOICED}", "p"), (rf"вв?{UNVOICED}", "f"), (rf"г{UNVOICED}", "k")),
    *((rf"д{UNVOICED}", "t"), (rf"з{UNVOICED}", "s")),
    *((r"бб?", "b"), (r"вв?", "v"), (r"гг?", "g"), (r"дд?", "d"), (r"зз?", "z"), (r"кк?", "k")),
    *((r"лл?", "l"), (r"мм?", "m"), (r"нн?", "n"), (r"пп?", "p"), (r"рр?", "r"), (r"сс?", "s")),
    *((r"тт?", "t"), (r"фф?", "f"), (r"х", "hh")),
)
WORDS: Final = {
    **{"что": "sh t ow", "чтобы": "sh t ow b ih", "конечно": "k aa n y eh sh n ah"},
    **{
        "сегодня": "s iy v ow d n y ah",
        "его": "y ih v ow",
        "здравствуйте": "z d r aa s t v uw y t eh",
    },
    **{
        "солнце": "s ow n t s eh",
        "сердце": "s eh r t s eh",
        "пожалуйста": "p aa zh aa l uw s t aa",
    },
}
RUSSIAN: Final = Language(
    "Russian",
    RULES,
    WORDS,
)
