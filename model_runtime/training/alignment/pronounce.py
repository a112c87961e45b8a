"""Pronunciations for words the aligner's dictionary lacks: espeak-ng's IPA made ARPABET."""

from __future__ import annotations

from collections.abc import Sequence

from . import espeak

# Longest first. English IPA of espeak-ng's en-us voice, plus the nearest English phone for sounds of
# other languages, so that any language can be aligned with the English acoustic model.
_IPA_TO_ARPABET: tuple[tuple[str, str], ...] = (
    ("tʃ", "CH"), ("dʒ", "JH"), ("aɪ", "AY"), ("aʊ", "AW"), ("eɪ", "EY"), ("oʊ", "OW"), ("əʊ", "OW"),
    ("ɔɪ", "OY"), ("ɔʏ", "OY"), ("ɪə", "IH R"), ("ʊə", "UH R"), ("ɛə", "EH R"), ("əl", "AH L"),
    ("ɜː", "ER"), ("ɑː", "AA"), ("iː", "IY"), ("uː", "UW"), ("ɔː", "AO"), ("ts", "T S"), ("pf", "P F"),
    ("i", "IY"), ("ɪ", "IH"), ("e", "EY"), ("ɛ", "EH"), ("æ", "AE"), ("a", "AA"), ("ɑ", "AA"),
    ("ɐ", "AH"), ("ʌ", "AH"), ("ə", "AH"), ("ɚ", "ER"), ("ɝ", "ER"), ("ɔ", "AO"), ("o", "OW"),
    ("ɒ", "AA"), ("u", "UW"), ("ʊ", "UH"), ("y", "UW"), ("ʏ", "UH"), ("ø", "ER"), ("œ", "ER"),
    ("ɨ", "IH"), ("ᵻ", "IH"), ("ɯ", "UW"), ("p", "P"), ("b", "B"), ("t", "T"), ("d", "D"), ("k", "K"),
    ("ɡ", "G"), ("g", "G"), ("q", "K"), ("ʔ", ""), ("m", "M"), ("n", "N"), ("ŋ", "NG"), ("ɲ", "N Y"),
    ("f", "F"), ("v", "V"), ("θ", "TH"), ("ð", "DH"), ("s", "S"), ("z", "Z"), ("ʃ", "SH"), ("ʒ", "ZH"),
    ("ʂ", "SH"), ("ʐ", "ZH"), ("ɕ", "SH"), ("ʑ", "ZH"), ("ç", "SH"), ("x", "HH"), ("χ", "HH"),
    ("ɣ", "G"), ("h", "HH"), ("ɦ", "HH"), ("ħ", "HH"), ("l", "L"), ("ɫ", "L"), ("ʎ", "L Y"),
    ("r", "R"), ("ɹ", "R"), ("ɾ", "D"), ("ʁ", "R"), ("j", "Y"), ("w", "W"), ("ʋ", "V"), ("β", "V"),
    ("ɸ", "F"), ("c", "K"), ("ɟ", "G"), ("ɭ", "L"), ("ɳ", "N"), ("ʈ", "T"), ("ɖ", "D"),
)  # fmt: skip


class NoPronunciation(ValueError):
    """A word that no phones could be found for."""


def arpabet_from_ipa(ipa: str) -> str:
    """ARPABET phones, space separated, for an IPA string; marks without a phone are passed over.

    Raises:
        NoPronunciation: Nothing in ``ipa`` is a phone.
    """
    phones: list[str] = []
    position = 0
    while position < len(ipa):
        for symbol, phone in _IPA_TO_ARPABET:
            if ipa.startswith(symbol, position):
                phones += phone.split()
                position += len(symbol)
                break
        else:
            # Stress, length and tie marks have no phone.
            position += 1
    if not phones:
        raise NoPronunciation(f"No phones in {ipa!r}")
    return " ".join(phones)


def pronounce(words: Sequence[str], *, voice: str = "en-us") -> dict[str, str]:
    """ARPABET for each word; words without a pronunciation are absent from the answer.

    Args:
        words: Words in the spelling of the language of ``voice``, no line breaks within.
        voice: An espeak-ng voice, for example ``en-us``, ``de``, ``nl``.

    Raises:
        FileNotFoundError: espeak-ng is not installed.
    """
    # Words repeat: each is asked for once.
    distinct = list(dict.fromkeys(words))
    lines = espeak.ipa_of(distinct, voice=voice)
    if lines is None:  # a language espeak-ng has no voice for
        return {}
    spoken = {}
    for word, line in zip(distinct, lines, strict=True):
        try:
            spoken[word] = arpabet_from_ipa(line)
        except NoPronunciation:
            # Absent, not an error: the caller knows whether the word is needed.
            continue
    return spoken
