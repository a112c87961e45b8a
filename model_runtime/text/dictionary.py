"""Look words up in the pronunciation dictionary by bisection in the mapped file. Stdlib only.

The file holds sorted lines ``word TAB phones|phones``; a phone is one character. CMUdict, (C)
1993-2015 Carnegie Mellon University, see THIRD_PARTY_NOTICES.md.
"""

from __future__ import annotations

import functools
import mmap
from collections.abc import Sequence
from pathlib import Path

from ..config import PHONES

DICTIONARY = Path(__file__).resolve().parent / "data" / "english.dict"
FIRST_CODE = ord("0")
"""Code of the first phone; the 40 phones then end at 'W', clear of the separators."""


def encode_phones(phones: Sequence[str]) -> str:
    """Return phones as one character each.

    Args:
        phones: Names of ``config.PHONES``.

    Raises:
        ValueError: A name is not a phone.
    """
    return "".join(chr(FIRST_CODE + PHONES.index(phone)) for phone in phones)


def phones_of_code(code: str) -> tuple[str, ...]:
    """Return the phones that ``encode_phones`` wrote."""
    return tuple(PHONES[ord(character) - FIRST_CODE] for character in code)


def pronunciations(word: str) -> list[tuple[str, ...]]:
    """Return the pronunciations of a word, most usual first; empty for an unknown word.

    Args:
        word: In any case; English letters, apostrophe, full stop and hyphen.
    """
    # Other letters become "?", which no entry has.
    wanted = word.lower().encode("ascii", "replace")
    line = _line_of(_mapped(), wanted)
    if line is None:
        return []
    return [phones_of_code(code) for code in line.decode("ascii").split("|")]


@functools.cache
def _mapped() -> mmap.mmap:
    with DICTIONARY.open("rb") as stream:
        # Mapped: the system reads only the pages that the bisection touches.
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _line_of(lines: mmap.mmap, wanted: bytes) -> bytes | None:
    """Return what follows the word's tab, found in about 21 steps."""
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) // 2
        # ``rfind`` gives -1 + 1 = 0 where there is no earlier line in reach, hence ``or low``.
        start = lines.rfind(b"\n", low, middle) + 1 or low
        stop = lines.find(b"\n", start)
        stop = len(lines) if stop < 0 else stop
        word, _, rest = lines[start:stop].partition(b"\t")
        if word == wanted:
            # Compared as bytes, in the order in which the file was sorted.
            return rest
        if word < wanted:
            low = stop + 1
        else:
            high = start
    return None
