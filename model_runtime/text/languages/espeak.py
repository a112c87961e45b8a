"""Ask espeak-ng, where it is installed, for the phones of languages without rules. No shell."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

from ..ipa import phones_of_ipa

PROGRAM: Final = "espeak-ng"
CODE: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
"""A language as espeak-ng names its voices, for example ``pl`` or ``en-gb``. It becomes an argument
of the program, so nothing else is passed on."""
LONGEST_S: Final = 20.0
"""A thousand words take 0.2 s; beyond this the program hangs."""
LANGUAGE_SWITCH: Final = re.compile(r"\([a-z-]+\)")
"""Mark of a word that is read by the rules of another language, as in ``(en)weekend(de)``."""


def is_installed() -> bool:
    """Return whether espeak-ng is on the path."""
    return shutil.which(PROGRAM) is not None


@functools.lru_cache(maxsize=16)
def phones_by_espeak(words: tuple[str, ...], language: str) -> tuple[tuple[str, ...], ...]:
    """Return the phones of words; an empty tuple for a word without any.

    Args:
        words: In lower case, without line breaks.
        language: A code that espeak-ng has a voice for.

    Returns:
        In the order of ``words``; empty where espeak-ng is missing or has no such voice.
    """
    program = shutil.which(PROGRAM)
    if program is None or not words or not CODE.fullmatch(language):
        return ()
    lines = _lines(program, words, language)
    # A word of several clauses has several lines: then each word is asked for alone.
    if lines is not None and len(lines) != len(words):
        alone = [_lines(program, (word,), language) for word in words]
        lines = [" ".join(one or ()) for one in alone]
    if lines is None:
        return ()
    return tuple(phones_of_ipa(LANGUAGE_SWITCH.sub("", line)) for line in lines)


def _lines(program: str, words: Sequence[str], language: str) -> list[str] | None:
    """Lines that espeak-ng writes; None where it fails."""
    try:
        done = subprocess.run(
            [program, "-q", "--ipa", "-v", language],
            input="".join(f"{word}\n" for word in words),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.splitlines() if done.returncode == 0 else None
