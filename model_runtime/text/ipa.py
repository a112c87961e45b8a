"""Turn IPA (International Phonetic Alphabet) into the phones of the network. Stdlib only."""

from __future__ import annotations

from typing import Final

# fmt: off
IPA: Final = (
    *(("tʃ", "ch"), ("dʒ", "jh"), ("aɪ", "ay"), ("aʊ", "aw"), ("eɪ", "ey"), ("oʊ", "ow")),
    *(("əʊ", "ow"), ("ɔɪ", "oy"), ("ɔʏ", "oy"), ("ɪə", "ih r"), ("ʊə", "uh r"), ("ɛə", "eh r")),
    *(("əl", "ah l"), ("ɜː", "er"), ("ɑː", "aa"), ("iː", "iy"), ("uː", "uw"), ("ɔː", "ao")),
    *(("ts", "t s"), ("pf", "p f"), ("i", "iy"), ("ɪ", "ih"), ("e", "ey"), ("ɛ", "eh")),
    *(("æ", "ae"), ("a", "aa"), ("ɑ", "aa"), ("ɐ", "ah"), ("ʌ", "ah"), ("ə", "ah")),
    *(("ɚ", "er"), ("ɝ", "er"), ("ɔ", "ao"), ("o", "ow"), ("ɒ", "aa"), ("u", "uw")),
    *(("ʊ", "uh"), ("y", "uw"), ("ʏ", "uh"), ("ø", "er"), ("œ", "er"), ("ɨ", "ih")),
    *(("ᵻ", "ih"), ("ɯ", "uw"), ("p", "p"), ("b", "b"), ("t", "t"), ("d", "d"), ("k", "k")),
    *(("ɡ", "g"), ("g", "g"), ("q", "k"), ("ʔ", ""), ("m", "m"), ("n", "n"), ("ŋ", "ng")),
    *(("ɲ", "n y"), ("f", "f"), ("v", "v"), ("θ", "th"), ("ð", "dh"), ("s", "s"), ("z", "z")),
    *(("ʃ", "sh"), ("ʒ", "zh"), ("ʂ", "sh"), ("ʐ", "zh"), ("ɕ", "sh"), ("ʑ", "zh")),
    *(("ç", "sh"), ("x", "hh"), ("χ", "hh"), ("ɣ", "g"), ("h", "hh"), ("ɦ", "hh"), ("ħ", "hh")),
    *(("l", "l"), ("ɫ", "l"), ("ʎ", "l y"), ("r", "r"), ("ɹ", "r"), ("ɾ", "d"), ("ʁ", "r")),
    *(("j", "y"), ("w", "w"), ("ʋ", "v"), ("β", "v"), ("ɸ", "f"), ("c", "k"), ("ɟ", "g")),
    *(("ɭ", "l"), ("ɳ", "n"), ("ʈ", "t"), ("ɖ", "d")),
)
# fmt: on
"""Symbols, longest first, and phones. English as espeak-ng's en-us voice writes it, and the nearest
English phone for sounds of other languages."""


def phones_of_ipa(ipa: str) -> tuple[str, ...]:
    """Return names of ``config.PHONES``; marks without a phone, as of stress, are passed over."""
    phones: list[str] = []
    place = 0
    while place < len(ipa):
        symbol, sound = next(((s, p) for s, p in IPA if ipa.startswith(s, place)), (ipa[place], ""))
        phones += sound.split()
        place += len(symbol)
    return tuple(phones)
