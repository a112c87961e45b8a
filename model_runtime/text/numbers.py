"""Spell English numbers: cardinals, ordinals, years, decimals, digits. Stdlib only."""

from __future__ import annotations

UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
LARGEST = 10**15
"""From here on digits are read one by one."""
IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def cardinal(number: int) -> list[str]:
    """Return the words of a whole number: 342 is "three hundred forty two".

    Args:
        number: Of any size; from 10^15 on its digits are read.
    """
    if number < 0:
        return ["minus", *cardinal(-number)]
    if number >= LARGEST:
        return digits(str(number))
    if number < 20:
        return [UNITS[number]]
    if number < 100:
        ten, one = divmod(number, 10)
        return [TENS[ten], *([UNITS[one]] if one else [])]
    # Largest first, so that each remainder is below the scale.
    for size, name in (*SCALES, (100, "hundred")):
        if number >= size:
            count, rest = divmod(number, size)
            return [*cardinal(count), name, *(cardinal(rest) if rest else [])]
    raise AssertionError(number)


def ordinal(number: int) -> list[str]:
    """Return the words of an ordinal: 21 is "twenty first"."""
    *head, last = cardinal(number)
    if last in IRREGULAR_ORDINALS:
        return [*head, IRREGULAR_ORDINALS[last]]
    return [*head, f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"]


def year(number: int) -> list[str]:
    """Return the words of a year: 1984 is "nineteen eighty four", 2007 "two thousand seven"."""
    high, low = divmod(number, 100)
    # Outside of these centuries, and from 2000 to 2009, years are read as numbers.
    if not 1100 <= number < 2100 or 2000 <= number < 2010:
        return cardinal(number)
    if low == 0:
        return [*cardinal(high), "hundred"]
    return [*cardinal(high), *(["oh"] if low < 10 else []), *cardinal(low)]


def decimal(text: str) -> list[str]:
    """Return the words of a number with a decimal point: "3.05" is "three point zero five".

    Args:
        text: Digits, one point, digits.
    """
    whole, _, fraction = text.partition(".")
    return [*cardinal(int(whole or "0")), "point", *digits(fraction)]


def digits(text: str) -> list[str]:
    """Return each digit as a word."""
    return [UNITS[int(character)] for character in text if character.isdigit()]
