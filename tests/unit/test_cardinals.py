"""Numbers are spelled as they are spoken in the languages that are read by rules."""

from __future__ import annotations

import pytest

from model_runtime.text.languages.cardinals import SMALL, cardinal, number_words
from model_runtime.text.pronounce import pronounce_text

COMPOUND = {
    ("de", 21): "einundzwanzig",
    ("de", 101): "einhunderteins",
    ("de", 1001): "eintausendeins",
    ("de", 1984): "neunzehnhundertvierundachtzig",
    ("de", 2024): "zweitausendvierundzwanzig",
    ("de", 9999): "neuntausendneunhundertneunundneunzig",
    ("nl", 24): "vierentwintig",
    ("nl", 1984): "negentienhonderdvierentachtig",
    ("nl", 3456): "drieduizendvierhonderdzesenvijftig",
    ("it", 21): "ventuno",
    ("it", 28): "ventotto",
    ("it", 33): "trentatré",
    ("it", 1000): "mille",
    ("it", 1984): "millenovecentoottantaquattro",
    ("it", 2345): "duemilatrecentoquarantacinque",
}
SPACED = {
    ("fr", 21): "vingt et un",
    ("fr", 70): "soixante dix",
    ("fr", 71): "soixante et onze",
    ("fr", 77): "soixante dix sept",
    ("fr", 80): "quatre vingts",
    ("fr", 81): "quatre vingt un",
    ("fr", 97): "quatre vingt dix sept",
    ("fr", 200): "deux cents",
    ("fr", 1984): "mille neuf cent quatre vingt quatre",
    ("fr", 2000): "deux mille",
    ("es", 16): "dieciséis",
    ("es", 22): "veintidós",
    ("es", 31): "treinta y uno",
    ("es", 100): "cien",
    ("es", 101): "ciento uno",
    ("es", 555): "quinientos cincuenta y cinco",
    ("es", 1984): "mil novecientos ochenta y cuatro",
    ("es", 21000): "veintiún mil",
    ("pt", 100): "cem",
    ("pt", 121): "cento e vinte e um",
    ("pt", 1001): "mil e um",
    ("pt", 1100): "mil e cem",
    ("pt", 1984): "mil novecentos e oitenta e quatro",
    ("ru", 40): "сорок",
    ("ru", 1000): "тысяча",
    ("ru", 1984): "тысяча девятьсот восемьдесят четыре",
    ("ru", 2002): "две тысячи два",
    ("ru", 5000): "пять тысяч",
    ("ru", 21000): "двадцать одна тысяча",
    ("ru", 12000): "двенадцать тысяч",
    ("ja", 10): "じゅう",
    ("ja", 365): "さんびゃく ろくじゅう ご",
    ("ja", 8600): "はっせん ろっぴゃく",
    ("ja", 10000): "いち まん",
    ("zh", 12): "shi er",
    ("zh", 101): "yi bai ling yi",
    ("zh", 110): "yi bai yi shi",
    ("zh", 2024): "er qian ling er shi si",
    ("zh", 1001): "yi qian ling yi",
    ("zh", 30000): "san wan",
}


@pytest.mark.parametrize("language, number", COMPOUND)
def test_compounds_are_their_parts(language: str, number: int) -> None:
    assert "".join(cardinal(str(number), language)) == COMPOUND[language, number]


@pytest.mark.parametrize("language, number", SPACED)
def test_numbers_are_spelled(language: str, number: int) -> None:
    assert " ".join(cardinal(str(number), language)) == SPACED[language, number]


@pytest.mark.parametrize("language", SMALL)
def test_each_number_has_words_of_its_own_and_phones(language: str) -> None:
    spelled = {tuple(cardinal(str(number), language)) for number in range(10_000)}
    assert len(spelled) == 10_000
    words = sorted({word for one in spelled for word in one})
    assert len(pronounce_text(" ".join(words), language=language)) == len(words)


def test_decimals_percent_groups_and_dates() -> None:
    assert number_words("3,5", "de") == ["drei", "komma", "fünf"]
    assert number_words("12.000", "es") == ["doce", "mil"]
    assert number_words("3.14", "zh") == ["san", "dian", "yi", "si"]
    assert number_words("1,000", "ja") == ["せん"]
    assert number_words("24.12", "fr") == ["vingt", "quatre", "douze"]
    assert number_words("007", "it") == ["zero", "zero", "sette"]
    spoken = [one.word.spoken for one in pronounce_text("Nur 50 % am 1.5.2024!", language="de")]
    assert spoken[:4] == ["nur", "fünfzig", "prozent", "am"]
    assert "".join(spoken[4:]) == "einsfünfzweitausendvierundzwanzig"
