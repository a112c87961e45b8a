"""German, Spanish and Italian by rules from letters to phones."""

from __future__ import annotations

import pytest

from model_runtime.config import PHONES
from model_runtime.text.letter_sounds import LANGUAGES, phones_by_rules
from model_runtime.text.pronounce import pronounce_text


@pytest.mark.parametrize(
    "language, word, phones",
    [
        ("de", "Straße", "sh t r aa s ah"),
        ("de", "ich", "ih hh"),
        ("de", "Wasser", "v aa s ah"),
        ("de", "Häuser", "hh oy z ah"),
        ("de", "Zug", "t s uw k"),
        ("de", "sprechen", "sh p r eh hh ah n"),
        ("de", "Bäume", "b oy m ah"),
        ("de", "König", "k er n ih hh"),
        ("es", "chico", "ch iy k ow"),
        ("es", "guerra", "g eh r aa"),
        ("es", "niño", "n iy n y ow"),
        ("es", "vamos", "b aa m ow s"),
        ("es", "hola", "ow l aa"),
        ("es", "cielo", "th y eh l ow"),
        ("it", "ciao", "ch aa ow"),
        ("it", "famiglia", "f aa m iy l y aa"),
        ("it", "gnocchi", "n y ow k iy"),
        ("it", "scena", "sh eh n aa"),
        ("it", "giorno", "jh ow r n ow"),
        ("it", "quando", "k w aa n d ow"),
    ],
)
def test_words_are_read_by_the_rules(language: str, word: str, phones: str) -> None:
    assert " ".join(phones_by_rules(word, language)[0]) == phones


def test_variants_of_regions_are_both_allowed() -> None:
    assert ("s", "y", "eh", "l", "ow") in phones_by_rules("cielo", "es")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_rules_use_phones_of_the_network_alone(language: str) -> None:
    for _pattern, phones in LANGUAGES[language]:
        assert set(phones.replace("|", " ").split()) <= set(PHONES[1:])


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_latin_letter_but_h_sounds(language: str) -> None:
    for letter in "abcdefgijklmnopqrstuvwxyzéàöñ":
        assert phones_by_rules(f"a{letter}a", language)


def test_a_text_in_another_language_has_no_english_numbers() -> None:
    words = pronounce_text("(leise) Guten Tag, Herr König! 3", language="de")
    assert [word.word.spoken for word in words] == ["guten", "tag", "herr", "könig"]
    assert words[0].variants[0] == ("g", "uw", "t", "ah", "n")


def test_letters_of_other_scripts_are_silent() -> None:
    assert phones_by_rules("привет", "de") == ()
