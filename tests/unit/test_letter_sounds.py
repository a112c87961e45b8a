"""Nine languages by rules from letters to phones, others by espeak-ng."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from model_runtime.config import PHONES
from model_runtime.protocol import Performance
from model_runtime.text.languages import espeak
from model_runtime.text.letter_sounds import LANGUAGES, phones_by_rules
from model_runtime.text.pronounce import pronounce_text, script_problem
from model_runtime.text.recognition import recognise


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
        ("fr", "bonjour", "b ow zh uw r"),
        ("fr", "merci", "m eh r s iy"),
        ("fr", "beaucoup", "b ow k uw"),
        ("fr", "fille", "f iy y"),
        ("fr", "travail", "t r aa v aa y"),
        ("fr", "soleil", "s ao l eh y"),
        ("fr", "maison", "m eh z ow"),
        ("fr", "oiseau", "w aa z ow"),
        ("fr", "chanter", "sh aa t ey"),
        ("fr", "parlent", "p aa r l"),
        ("fr", "homme", "ao m"),
        ("fr", "enfant", "aa f aa"),
        ("fr", "train", "t r ae"),
        ("fr", "bon", "b ow"),
        ("fr", "question", "k eh s t y ow"),
        ("fr", "nation", "n aa s y ow"),
        ("fr", "garçon", "g aa r s ow"),
        ("fr", "château", "sh aa t ow"),
        ("fr", "feuille", "f er y"),
        ("fr", "montagne", "m ow t aa n y"),
        ("fr", "petit", "p ah t iy"),
        ("fr", "c'est", "s eh"),
        ("fr", "qu'il", "k iy l"),
        ("fr", "chien", "sh y ae"),
        ("fr", "parfum", "p aa r f ah"),
        ("fr", "deux", "d er"),
        ("pt", "obrigado", "ow b r iy g aa d uw"),
        ("pt", "coração", "k ow r aa s aw"),
        ("pt", "não", "n aw"),
        ("pt", "chuva", "sh uw v ah"),
        ("pt", "filho", "f iy l y uw"),
        ("pt", "manhã", "m aa n y ah"),
        ("pt", "guerra", "g eh hh ah"),
        ("pt", "queijo", "k ey zh uw"),
        ("pt", "gente", "zh eh n ch iy"),
        ("pt", "cidade", "s iy d aa jh iy"),
        ("pt", "noite", "n oy ch iy"),
        ("pt", "bom", "b ow"),
        ("pt", "também", "t aa b ey"),
        ("pt", "homem", "ow m ey"),
        ("pt", "mesa", "m eh z ah"),
        ("pt", "rosa", "hh ow z ah"),
        ("pt", "carro", "k aa hh uw"),
        ("pt", "caixa", "k ay sh ah"),
        ("pt", "irmão", "iy r m aw"),
        ("pt", "mãe", "m ay"),
        ("pt", "muito", "m uw y t uw"),
        ("pt", "Brasil", "b r aa z iy w"),
        ("pt", "cinco", "s iy ng k uw"),
        ("pt", "três", "t r ey s"),
        ("pt", "sim", "s iy"),
        ("pt", "pão", "p aw"),
        ("nl", "huis", "hh aw s"),
        ("nl", "water", "v aa t ah r"),
        ("nl", "schip", "s hh ih p"),
        ("nl", "school", "s hh ow l"),
        ("nl", "goed", "hh uw t"),
        ("nl", "meisje", "m ey sh ah"),
        ("nl", "fiets", "f iy t s"),
        ("nl", "lopen", "l ow p ah"),
        ("nl", "boek", "b uw k"),
        ("nl", "vuur", "v uw r"),
        ("nl", "deur", "d er r"),
        ("nl", "tijd", "t ey t"),
        ("nl", "mooi", "m ow y"),
        ("nl", "nieuw", "n iy w"),
        ("nl", "straat", "s t r aa t"),
        ("nl", "vrouw", "v r aw"),
        ("nl", "hond", "hh ao n t"),
        ("nl", "natuurlijk", "n aa t uw r l ah k"),
        ("nl", "koning", "k ow n ih ng"),
        ("nl", "bedankt", "b ah d aa ng k t"),
        ("nl", "denken", "d eh ng k ah"),
        ("nl", "appel", "aa p ah l"),
        ("nl", "gezellig", "hh ah z eh l ah hh"),
        ("nl", "politie", "p ow l iy t s iy"),
        ("nl", "eeuw", "ey w"),
        ("nl", "leuk", "l er k"),
        ("ru", "привет", "p r iy v eh t"),
        ("ru", "спасибо", "s p aa s iy b ow"),
        ("ru", "хорошо", "hh ow r ow sh ow"),
        ("ru", "что", "sh t ow"),
        ("ru", "мама", "m aa m aa"),
        ("ru", "вода", "v ow d aa"),
        ("ru", "яблоко", "y aa b l ow k ow"),
        ("ru", "ёлка", "y ow l k aa"),
        ("ru", "юг", "y uw k"),
        ("ru", "чай", "ch aa y"),
        ("ru", "щука", "sh uw k aa"),
        ("ru", "жить", "zh ih t"),
        ("ru", "друг", "d r uw k"),
        ("ru", "хлеб", "hh l eh p"),
        ("ru", "его", "y ih v ow"),
        ("ru", "нож", "n ow sh"),
        ("ru", "муж", "m uw sh"),
        ("ru", "любовь", "l uw b ow f"),
        ("ru", "семья", "s eh m y aa"),
        ("ru", "объект", "ow b y eh k t"),
        ("ru", "учиться", "uw ch iy t s aa"),
        ("ru", "цирк", "t s ih r k"),
        ("ru", "большой", "b ow l sh ow y"),
        ("ru", "завтра", "z aa f t r aa"),
        ("ru", "ключ", "k l uw ch"),
        ("ja", "ありがとう", "aa r iy g aa t ow"),
        ("ja", "さようなら", "s aa y ow n aa r aa"),
        ("ja", "カメラ", "k aa m eh r aa"),
        ("ja", "きょう", "k y ow"),
        ("ja", "がっこう", "g aa k ow"),
        ("ja", "しんぶん", "sh iy m b uw n"),
        ("ja", "すし", "s uw sh iy"),
        ("ja", "コーヒー", "k ow hh iy"),
        ("ja", "せんせい", "s eh n s eh"),
        ("ja", "でんわ", "d eh n w aa"),
        ("ja", "りんご", "r iy ng g ow"),
        ("ja", "つくえ", "t s uw k uw eh"),
        ("ja", "ちゃ", "ch aa"),
        ("ja", "にほん", "n iy hh ow n"),
        ("ja", "です", "d eh s uw"),
        ("ja", "パーティー", "p aa t iy"),
        ("ja", "ファン", "f aa n"),
        ("ja", "まんが", "m aa ng g aa"),
        ("ja", "しゃしん", "sh aa sh iy n"),
        ("ja", "みず", "m iy z uw"),
        ("ja", "こんにちは", "k ow n n iy ch iy w aa"),
        ("zh", "nǐhǎo", "n iy hh aw"),
        ("zh", "xièxie", "sh y eh sh y eh"),
        ("zh", "zhōngguó", "jh uh ng g w ao"),
        ("zh", "Běijīng", "b ey jh iy ng"),
        ("zh", "lǜ", "l uw"),
        ("zh", "xuéxí", "sh w eh sh iy"),
        ("zh", "yuán", "w eh n"),
        ("zh", "yīnyuè", "iy n w eh"),
        ("zh", "shì", "sh ih"),
        ("zh", "zìjǐ", "d z ih jh iy"),
        ("zh", "chī", "ch ih"),
        ("zh", "rén", "zh ah n"),
        ("zh", "péngyou", "p ah ng y ow"),
        ("zh", "wǒ", "w ao"),
        ("zh", "xi'an", "sh iy aa n"),
        ("zh", "dangao", "d aa n g aw"),
        ("zh", "liù", "l y ow"),
        ("zh", "duì", "d w ey"),
        ("zh", "qù", "ch uw"),
        ("zh", "jiānbǐng", "jh y eh n b iy ng"),
        ("zh", "xióng", "sh y uh ng"),
        ("zh", "èr", "er"),
        ("zh", "shuǐ", "sh w ey"),
        ("zh", "fó", "f w ao"),
        ("zh", "xiǎng", "sh y aa ng"),
    ],
)
def test_words_are_read_by_the_rules(language: str, word: str, phones: str) -> None:
    assert " ".join(phones_by_rules(word, language)[0]) == phones


def test_variants_of_regions_are_both_allowed() -> None:
    assert ("s", "y", "eh", "l", "ow") in phones_by_rules("cielo", "es")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_rules_use_phones_of_the_network_alone(language: str) -> None:
    rules = LANGUAGES[language]
    for phones in (*(phones for _pattern, phones in rules.rules), *rules.words.values()):
        assert set(phones.replace("|", " ").split()) <= set(PHONES[1:])


@pytest.mark.parametrize("language", ["de", "es", "fr", "it", "nl", "pt"])
def test_every_latin_letter_but_h_sounds(language: str) -> None:
    for letter in "abcdefgijklmnopqrstuvwxyzéàöñ":
        assert phones_by_rules(f"a{letter}a", language)


def test_every_letter_of_other_writings_sounds_but_signs() -> None:
    for letter in "абвгдеёжзийклмнопрстуфхцчшщыэюя":
        assert phones_by_rules(letter, "ru")
    for code in range(ord("あ"), ord("ん") + 1):
        if chr(code) not in "っゎゐゑゃゅょ":
            assert phones_by_rules(chr(code), "ja"), chr(code)


def test_nasal_endings_close_no_lips() -> None:
    for language, word in (("fr", "parfum"), ("fr", "nom"), ("pt", "bom"), ("pt", "homem")):
        assert all(phones[-1] != "m" for phones in phones_by_rules(word, language))


def test_numbers_are_read_as_words() -> None:
    spoken = {
        **{"de": "dreißig", "es": "treinta", "fr": "trente", "it": "trenta", "nl": "dertig"},
        **{"ja": "さんじゅう", "pt": "trinta", "ru": "тридцать", "zh": "san shi"},
    }
    for language in LANGUAGES:
        words = pronounce_text("30", language=language)
        assert " ".join(word.word.spoken for word in words) == spoken[language]


def test_tones_are_no_numbers() -> None:
    words = pronounce_text("ni3 hao3", language="zh")
    assert [word.variants[0] for word in words] == [("n", "iy"), ("hh", "aw")]


def test_a_text_in_another_language_has_no_english_numbers() -> None:
    words = pronounce_text("(leise) Guten Tag, Herr König! 3", language="de")
    assert [word.word.spoken for word in words] == ["guten", "tag", "herr", "könig", "drei"]
    assert words[0].variants[0] == ("g", "uw", "t", "ah", "n")


def test_letters_of_other_scripts_are_silent() -> None:
    assert phones_by_rules("привет", "de") == ()


@pytest.mark.parametrize("language, word", [("ja", "日本"), ("ja", "食べる"), ("zh", "你好")])
def test_words_with_chinese_characters_are_left_out(language: str, word: str) -> None:
    assert phones_by_rules(word, language) == ()


def test_what_cannot_be_read_is_said(no_espeak: None) -> None:
    assert script_problem("Guten Tag", language="de") == ""
    assert script_problem("...", language="") == ""
    assert "Write it in kana" in script_problem("日本語", language="ja")
    assert "Write it in pinyin" in script_problem("你好", language="zh")
    problem = script_problem("Dzień dobry", language="pl")
    assert "'pl' cannot be read, so the audio alone is used. Install espeak-ng" in problem
    assert "de, es, fr, it, ja, nl, pt, ru, zh" in problem


def test_own_pronunciations_read_any_language(no_espeak: None) -> None:
    own = {"dobry": (("d", "ao", "b", "r", "ih"),)}
    assert [w.word.spoken for w in pronounce_text("Dzień dobry", own, language="pl")] == ["dobry"]
    assert script_problem("Dzień dobry", own, language="pl") == ""


def test_a_script_without_rules_leaves_the_clip_to_the_audio(no_espeak: None) -> None:
    posteriors = np.full((50, len(PHONES)), 1 / len(PHONES), np.float32)
    asked = Performance(Path("a.wav"), script="Dzień dobry", language="pl")
    found = recognise(asked, posteriors, frame_rate=50.0)
    assert found is not None
    assert found.match is None
    assert found.held == ()
    assert "espeak-ng" in found.problem


@pytest.fixture
def no_espeak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides espeak-ng."""
    monkeypatch.setattr("shutil.which", lambda _name: None)
    espeak.phones_by_espeak.cache_clear()


def program_in(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Puts a program with the name of espeak-ng alone on the path."""
    program = folder / "espeak-ng"
    program.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _name: str(program))
    espeak.phones_by_espeak.cache_clear()


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_espeak_reads_each_word_on_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "import sys\nassert sys.argv[1:] == ['-q', '--ipa', '-v', 'pl']\n"
    program_in(tmp_path, monkeypatch, text + "for _ in sys.stdin: print(' d\\u02c8\u0254bri')")
    words = pronounce_text("Dobry dobry; dzień", language="pl")
    assert [w.word.spoken for w in words] == ["dobry", "dobry", "dzień"]
    assert words[0].variants == (("d", "ao", "b", "r", "iy"),)


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_espeak_that_fails_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program_in(tmp_path, monkeypatch, "raise SystemExit(1)")
    assert espeak.phones_by_espeak(("dobry",), "pl") == ()


def test_a_language_that_is_no_code_is_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_a, **_k: pytest.fail("was run"))
    monkeypatch.setattr("shutil.which", lambda _name: "espeak-ng")
    for language in ("-x", "pl --path=/", "../pl", "PL"):
        assert espeak.phones_by_espeak(("dobry",), language) == ()


@pytest.mark.skipif(not espeak.is_installed(), reason="espeak-ng is not installed")
def test_the_real_espeak_reads_polish() -> None:
    espeak.phones_by_espeak.cache_clear()
    first, second = espeak.phones_by_espeak(("dom", "mama"), "pl")
    assert (first[0], first[-1]) == ("d", "m")
    assert second == ("m", "aa", "m", "aa")
