"""Spell numbers of the languages that are read by rules. Standard library only.

Whole numbers from 0 to 999,999, decimals and percent. Compounds are given in parts, "vier und
zwanzig", since the rules of spelling read the parts alike and each begins as it is spoken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

SMALL: Final[dict[str, tuple[str, ...]]] = {
    language: tuple(words.split(","))
    for language, words in {
        "de": "null,eins,zwei,drei,vier,fünf,sechs,sieben,acht,neun,zehn,elf,zwölf,dreizehn,"
        "vierzehn,fünfzehn,sechzehn,siebzehn,achtzehn,neunzehn",
        "nl": "nul,een,twee,drie,vier,vijf,zes,zeven,acht,negen,tien,elf,twaalf,dertien,"
        "veertien,vijftien,zestien,zeventien,achttien,negentien",
        "fr": "zéro,un,deux,trois,quatre,cinq,six,sept,huit,neuf,dix,onze,douze,treize,"
        "quatorze,quinze,seize,dix sept,dix huit,dix neuf",
        "es": "cero,uno,dos,tres,cuatro,cinco,seis,siete,ocho,nueve,diez,once,doce,trece,"
        "catorce,quince,dieciséis,diecisiete,dieciocho,diecinueve,veinte,veintiuno,veintidós,"
        "veintitrés,veinticuatro,veinticinco,veintiséis,veintisiete,veintiocho,veintinueve",
        "it": "zero,uno,due,tre,quattro,cinque,sei,sette,otto,nove,dieci,undici,dodici,tredici,"
        "quattordici,quindici,sedici,diciassette,diciotto,diciannove",
        "pt": "zero,um,dois,três,quatro,cinco,seis,sete,oito,nove,dez,onze,doze,treze,"
        "quatorze,quinze,dezesseis,dezessete,dezoito,dezenove",
        "ru": "ноль,один,два,три,четыре,пять,шесть,семь,восемь,девять,десять,одиннадцать,"
        "двенадцать,тринадцать,четырнадцать,пятнадцать,шестнадцать,семнадцать,восемнадцать,"
        "девятнадцать",
        "ja": "ぜろ,いち,に,さん,よん,ご,ろく,なな,はち,きゅう",
        "zh": "ling,yi,er,san,si,wu,liu,qi,ba,jiu",
    }.items()
}
"""Words of the first numbers; blanks separate the parts of one."""
TENS: Final[dict[str, tuple[str, ...]]] = {
    language: tuple(words.split())
    for language, words in {
        "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
        "nl": "twintig dertig veertig vijftig zestig zeventig tachtig negentig",
        "fr": "vingt trente quarante cinquante soixante",
        "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
        "it": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
        "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
        "ru": "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто",
    }.items()
}
"""20, 30 and so on."""
HUNDREDS: Final[dict[str, tuple[str, ...]]] = {
    "es": (
        *("ciento", "doscientos", "trescientos", "cuatrocientos", "quinientos", "seiscientos"),
        *("setecientos", "ochocientos", "novecientos"),
    ),
    "pt": (
        *("cento", "duzentos", "trezentos", "quatrocentos", "quinhentos", "seiscentos"),
        *("setecentos", "oitocentos", "novecentos"),
    ),
    "ru": (
        *("сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот", "восемьсот"),
        "девятьсот",
    ),
}
PERCENT: Final = {
    **{"de": "prozent", "nl": "procent", "fr": "pour cent", "es": "por ciento"},
    **{"it": "per cento", "pt": "por cento", "ru": "процентов", "ja": "ぱーせんと"},
}
POINT: Final = {
    **{"de": "komma", "nl": "komma", "fr": "virgule", "es": "coma", "it": "virgola"},
    **{"pt": "vírgula", "ru": "запятая", "ja": "てん", "zh": "dian"},
}
LARGEST: Final = 10**6
"""From here on digits are read one by one."""
YEARS: Final = range(1100, 2000)
"""Four digits that German and Dutch read in hundreds."""
JAPANESE_UNITS: Final = {
    **{100: "ひゃく", 300: "さんびゃく", 600: "ろっぴゃく", 800: "はっぴゃく"},
    **{1000: "せん", 3000: "さんぜん", 8000: "はっせん", 10: "じゅう"},
}


def number_words(token: str, language: str) -> list[str]:
    """Return the words of a number or a percent sign.

    Args:
        token: Digits with points and commas between them, or ``%``.
        language: A key of `SMALL`.

    Returns:
        Words in lower case. Points group thousands and a comma begins decimals, but in Japanese
        and Mandarin the other way round; other numbers, as dates, are read part by part.
    """
    if token == "%":
        return PERCENT.get(language, "").split()
    group, point = (",", ".") if language in ("ja", "zh") else (".", ",")
    if re.fullmatch(rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+", token):
        return cardinal(token.replace(group, ""), language)
    parts = re.split(r"[.,]", token)
    if len(parts) == 2 and point in token:
        fraction = [word for digit in parts[1] for word in cardinal(digit, language)]
        return [*cardinal(parts[0], language), POINT[language], *fraction]
    return [word for part in parts for word in cardinal(part, language)]


def cardinal(digits: str, language: str) -> list[str]:
    """Return the words of a whole number.

    Args:
        digits: With a leading zero, or of 10^6 and more, they are read one by one.
        language: A key of `SMALL`.
    """
    number = int(digits)
    if number >= LARGEST or (len(digits) > 1 and digits.startswith("0")):
        return [SMALL[language][int(digit)] for digit in digits]
    if number == 0:
        return [SMALL[language][0]]
    if language in ("de", "nl") and len(digits) == 4 and number in YEARS:
        high, low = divmod(number, 100)
        hundred = "hundert" if language == "de" else "honderd"
        return [*_below_hundred(high, language), hundred, *_below_hundred(low, language)]
    if language == "ja":
        return _japanese(number)
    if language == "zh":
        return _mandarin(number)
    thousands, rest = divmod(number, 1000)
    return [*_thousands(thousands, rest, language), *_below_thousand(rest, language)]


def _thousands(count: int, rest: int, language: str) -> list[str]:
    """Return the words before those of the last three digits."""
    if count == 0:
        return []
    word = {"de": "tausend", "nl": "duizend", "fr": "mille", "es": "mil", "it": "mila", "pt": "mil"}
    if language == "ru":
        return _russian_thousands(count)
    if count == 1:
        before = ["ein"] if language == "de" else []
        alone = [*before, "mille" if language == "it" else word[language]]
    else:
        alone = [*_before_thousand(count, language), word[language]]
    # Portuguese joins the last part: "mil e um", "mil e cem", but "mil cento e um".
    joins = language == "pt" and rest and (rest < 100 or rest % 100 == 0)
    return [*alone, "e"] if joins else alone


def _before_thousand(count: int, language: str) -> list[str]:
    words = _below_thousand(count, language)
    short = {"eins": "ein", "veintiuno": "veintiún", "uno": "un"}
    if language in ("de", "es"):
        words[-1] = short.get(words[-1], words[-1])
    return words


def _russian_thousands(count: int) -> list[str]:
    """Return the thousands in Russian, which are feminine."""
    if count == 1:
        return ["тысяча"]
    words = _below_thousand(count, "ru")
    words[-1] = {"один": "одна", "два": "две"}.get(words[-1], words[-1])
    last = 0 if 10 < count % 100 < 20 else count % 10
    return [*words, "тысяча" if last == 1 else "тысячи" if 2 <= last <= 4 else "тысяч"]


def _below_thousand(number: int, language: str) -> list[str]:
    """Return the words of 1 to 999; none for 0."""
    count, rest = divmod(number, 100)
    low = _below_hundred(rest, language)
    if count == 0:
        return low
    if language in HUNDREDS:
        full = {"es": "cien", "pt": "cem"}.get(language, "сто")
        head = [full] if number == 100 else [HUNDREDS[language][count - 1]]
        return [*head, *(["e"] if language == "pt" and low else []), *low]
    word = {"de": "hundert", "nl": "honderd", "fr": "cent", "it": "cento"}[language]
    if count == 1:
        head = ["ein", word] if language == "de" else [word]
    else:
        # "deux cents", but "deux cent un"; both sound alike.
        plural = "s" if language == "fr" and not rest else ""
        head = [SMALL[language][count], word + plural]
    return [*head, *low]


def _below_hundred(number: int, language: str) -> list[str]:
    """Return the words of 1 to 99; none for 0."""
    if number == 0:
        return []
    if number < len(SMALL[language]):
        return SMALL[language][number].split()
    if language == "fr":
        return _french(number)
    ten, one = divmod(number, 10)
    tens = TENS[language][ten - 2]
    if one == 0:
        return [tens]
    unit = SMALL[language][one]
    joined: dict[str, Callable[[], list[str]]] = {
        "de": lambda: ["ein" if one == 1 else unit, "und", tens],
        "nl": lambda: [unit, "en", tens],
        "es": lambda: [tens, "y", unit],
        "pt": lambda: [tens, "e", unit],
        "ru": lambda: [tens, unit],
        # "ventuno", "ventotto", "ventitré".
        "it": lambda: [(tens[:-1] if one in (1, 8) else tens) + ("tré" if one == 3 else unit)],
    }
    return joined[language]()


def _french(number: int) -> list[str]:
    """Return the words of 20 to 99 in French."""
    if number == 80:
        return ["quatre", "vingts"]
    if number > 80:
        return ["quatre", "vingt", *SMALL["fr"][number - 80].split()]
    # 70 to 79 count on from sixty.
    ten = min(number // 10, 6)
    rest = number - 10 * ten
    tens = TENS["fr"][ten - 2]
    if rest == 0:
        return [tens]
    return [tens, *(["et"] if rest in (1, 11) else []), *SMALL["fr"][rest].split()]


def _japanese(number: int) -> list[str]:
    """Return the words in kana, one for each digit with its unit."""
    high, low = divmod(number, 10000)
    words = [*_japanese(high), "まん"] if high else []
    for unit in (1000, 100, 10, 1):
        digit, low = divmod(low, unit)
        if digit == 0:
            continue
        if unit == 1:
            words.append(SMALL["ja"][digit])
        elif digit * unit in JAPANESE_UNITS:
            words.append(JAPANESE_UNITS[digit * unit])
        else:
            words.append(SMALL["ja"][digit] + JAPANESE_UNITS[unit])
    return words


def _mandarin(number: int) -> list[str]:
    """Return the words in pinyin."""
    high, low = divmod(number, 10000)
    words = [*_mandarin(high), "wan"] if high else []
    has_gap = False
    for unit, name in ((1000, "qian"), (100, "bai"), (10, "shi"), (1, "")):
        digit, low = divmod(low, unit)
        if digit == 0:
            has_gap = bool(words)
            continue
        words += ["ling"] if has_gap else []
        has_gap = False
        # "shi", not "yi shi", at the beginning.
        is_short = unit == 10 and digit == 1 and not words
        words += [*([] if is_short else [SMALL["zh"][digit]]), *([name] if name else [])]
    return words
