"""Laws of forced alignment and of pronouncing what the dictionary lacks."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")

from model_runtime.audio.store import load_speech
from model_runtime.training.alignment import espeak
from model_runtime.training.alignment.forced import AlignmentFailed, align_words, words_of
from model_runtime.training.alignment.pronounce import NoPronunciation, arpabet_from_ipa, pronounce
from tests.conftest import ROOT

SPEECH = ROOT / "demo" / "speech"
NEEDS_ESPEAK = pytest.mark.skipif(
    not espeak.is_available(), reason="espeak-ng is not installed (pip install espeakng-loader)"
)


def test_phones_follow_each_other_and_spell_the_line() -> None:
    found = align_words(load_speech(SPEECH / "line.wav").samples, _text())
    for phone, following in pairwise(found.phones):
        assert phone.end_s == pytest.approx(following.start_s, abs=0.011)
    assert [p.phone for p in found.phones if p.word == "mouth"] == ["m", "aw", "th"]


def test_words_stand_where_the_demo_speech_has_them() -> None:
    found = align_words(load_speech(SPEECH / "line.wav").samples, _text())
    starts = {p.word: p.start_s for p in reversed(found.phones) if p.word}
    known = json.loads((SPEECH / "line.json").read_text(encoding="utf-8"))["words"]
    for word in known:
        assert starts[word["word"].lower()] == pytest.approx(word["start_s"], abs=0.15)


def test_wrong_text_scores_far_below_the_right_one() -> None:
    samples = load_speech(SPEECH / "line.wav").samples
    right = align_words(samples, _text()).score
    wrong = align_words(samples, "a quite different sentence about ships and harbours at night")
    assert wrong.score < right - 10


def test_sound_without_words_is_refused() -> None:
    with pytest.raises(AlignmentFailed, match="No words"):
        align_words(np.zeros(16_000, np.float32), " ... ")


def test_punctuation_and_case_do_not_matter() -> None:
    assert words_of("Don’t STOP, ever -- not at 5!") == ["don't", "stop", "ever", "not", "at", "5"]


def test_ipa_of_other_languages_becomes_the_nearest_phones() -> None:
    assert arpabet_from_ipa("tʃaɪ") == "CH AY"
    assert arpabet_from_ipa("ˈyːbɐ") == "UW B AH"
    with pytest.raises(NoPronunciation):
        arpabet_from_ipa("ˈː")


@NEEDS_ESPEAK
def test_word_no_dictionary_has_is_pronounced() -> None:
    assert pronounce(["gathercole"])["gathercole"].startswith("G AE")


@NEEDS_ESPEAK
def test_a_word_is_pronounced_by_the_rules_of_its_language() -> None:
    assert pronounce(["schönheit"], voice="de") == {"schönheit": "SH ER N HH AY T"}
    assert pronounce(["sea", "see"]) == {"sea": "S IY", "see": "S IY"}


@NEEDS_ESPEAK
def test_language_without_a_voice_has_no_pronunciations() -> None:
    assert pronounce(["word"], voice="qqq") == {}


def _text() -> str:
    return (SPEECH / "line.txt").read_text(encoding="utf-8")
