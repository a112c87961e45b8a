"""Define how a language is read: rules from letters to phones, and exceptions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

Rules = tuple[tuple[str, str], ...]
"""Pattern at a letter, and phones separated by blanks; ``a|b`` gives two pronunciations."""

START: Final = r"(?<![^\W\d_])"
END: Final = r"(?![^\W\d_])"
"""Ends of a word."""
HAN: Final = r"[\u3400-\u9fff\uf900-\ufaff々]"
"""Chinese characters, whose sound no rule gives."""


def _unchanged(word: str) -> str:
    return word


@dataclasses.dataclass(frozen=True)
class Language:
    """A language that is read by rules."""

    name: str
    rules: Rules
    """Tried in order at each letter."""
    words: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Frequent words that the rules misread, with their phones."""
    prepare: Callable[[str], str] = _unchanged
    """Changes a lower-case word before the rules are tried."""
    unreadable: str = ""
    """Pattern of characters that no rule reads: a word with one is left out."""
    writing: str = ""
    """How a script must be written, where that is not the usual writing."""
