"""Script text becomes spoken words and phones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model_runtime.config import PHONES
from model_runtime.errors import BadArgument
from model_runtime.text.dictionary import encode_phones, phones_of_code, pronunciations
from model_runtime.text.normalise import spoken_words
from model_runtime.text.pronounce import pronounce_text, read_own_dictionary
from model_runtime.text.spelling import phones_of_spelling


def said(text: str) -> str:
    """The spoken words, joined."""
    return " ".join(word.spoken for word in spoken_words(text))


@pytest.mark.parametrize(
    "text,words",
    [
        ("Hello, world!", "hello world"),
        ("It's 3 o'clock.", "it's three o'clock"),
        ("I have 21 cats", "i have twenty one cats"),
        ("Born in 1984.", "born in nineteen eighty four"),
        ("the 1990s", "the nineteen nineties"),
        ("in 2007 and 2015", "in two thousand seven and twenty fifteen"),
        ("$5.50", "five dollars and fifty cents"),
        ("£1", "one pound"),
        ("$3m", "three million dollars"),
        ("1,250,000 people", "one million two hundred fifty thousand people"),
        ("2024-03-05", "march fifth twenty twenty four"),
        ("at 7:05pm", "at seven oh five p. m."),
        ("3.14", "three point one four"),
        ("-12 °", "minus twelve degrees"),
        ("50%", "fifty percent"),
        ("the 3rd", "the third"),
        ("Dr. Jones vs. Mr. Lee", "doctor jones versus mister lee"),
        ("the FBI and the C.I.A.", "the fbi and the c. i. a."),
        ("the US and the XQKD", "the u. s. and the x. q. k. d."),
        ("GIVE IT TO US", "give it to us"),
        ("NASA", "nasa"),
        ("STOP THAT", "stop that"),
        ("twenty-one well-known", "twenty one well known"),
        ("[sighs] Fine. (quietly) Go. *door slams*", "fine go"),
        ("ANNA: I know.", "i know"),
        ("Café naïve", "cafe naive"),
        ("“Don’t,” she said…", "don't she said"),
        ("R2D2", "r two d two"),
        ("rock & roll", "rock and roll"),
        ("007", "zero zero seven"),
        ("", ""),
        ("?! … —", ""),
    ],
)
def test_text_is_said_as_a_reader_would(text: str, words: str) -> None:
    assert said(text) == words


def test_a_no_that_ends_a_sentence_is_no_number() -> None:
    assert said("I said no. Go home.") == "i said no go home"


def test_a_word_knows_its_characters_in_the_script() -> None:
    text = "ANNA: (softly) Twenty 21 cats"
    places = [(w.spoken, text[w.start : w.end]) for w in spoken_words(text)]
    assert places == [("twenty", "Twenty"), ("twenty", "21"), ("one", "21"), ("cats", "cats")]


def test_codes_of_phones_round_trip() -> None:
    assert phones_of_code(encode_phones(PHONES)) == PHONES


def test_dictionary_finds_first_last_and_middle_words() -> None:
    assert ("hh", "ah", "l", "ow") in pronunciations("hello")
    assert pronunciations("zywicki")
    assert pronunciations("'bout") == [("b", "aw", "t")]
    assert pronunciations("read") == [("r", "eh", "d"), ("r", "iy", "d")]
    assert pronunciations("qqqqx") == []
    assert pronunciations("a") == [("ah",), ("ey",)]


@pytest.mark.parametrize(
    "word,phones", [("blat", "b l ae t"), ("fipper", "f ih p er"), ("skyrim", "s k ay r ih m")]
)
def test_invented_words_are_read_from_their_letters(word: str, phones: str) -> None:
    assert " ".join(phones_of_spelling(word)) == phones


def test_possessives_sound_as_their_last_phone_wants() -> None:
    found = {w.word.spoken: w.variants[0][-1] for w in pronounce_text("Grux's Blent's Vrem's")}
    assert found["blent's"] == "s"
    assert found["vrem's"] == "z"


def test_the_users_dictionary_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"Hello": "hh ey l oy", "Xanthe": ["z ae n th iy"]}), "utf-8")
    own = read_own_dictionary(path)
    hello, xanthe = pronounce_text("hello Xanthe", own)
    assert hello.variants == (("hh", "ey", "l", "oy"),)
    assert xanthe.variants == (("z", "ae", "n", "th", "iy"),)
    assert not xanthe.is_guess


@pytest.mark.parametrize("text", ["[1", '{"a": "zz"}', '{"a": ""}', '"x"', '{"a": 3}'])
def test_a_wrong_dictionary_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.json"
    path.write_text(text, "utf-8")
    with pytest.raises(BadArgument, match=r"own\.json"):
        read_own_dictionary(path)


def test_every_word_of_a_line_has_phones_that_exist() -> None:
    words = pronounce_text("The quick brown fox jumps over Zyxvorg's lazy dog, 42 times!")
    assert len(words) == 12
    assert all(set(p) <= set(PHONES[1:]) and p for w in words for p in w.variants)
    assert [w.word.spoken for w in words if w.is_guess] == ["zyxvorg's"]
