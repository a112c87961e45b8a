"""Read emotion, character and scene from file names, and name output files. Stdlib only.

A pattern is a template: fields in braces, optional parts in brackets. ``{name}__{emotion}
[_{intensity}]`` (without the line break) reads ``line_012__anger_0.7.wav``. A pattern with a slash
also reads the folders above the file: ``{character}/{name}``.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from ...choices import AUTO_EMOTION, DEFAULT_PATTERN, EMOTIONS
from ...errors import BadArgument
from ...expressions.blend import renamed
from ...expressions.catalogue import expression_or_none
from .matching import Program

MAX_NAME_BYTES = 240
"""File systems take 255; a number and the ending must still fit."""
DIGEST_LETTERS = 10

EMOTION_WORDS = {
    **{name: name for name in (*EMOTIONS, AUTO_EMOTION)},
    **dict.fromkeys(("calm", "none", "default"), "neutral"),
    **dict.fromkeys(("joy", "happiness", "joyful"), "happy"),
    **dict.fromkeys(("sadness", "sorrow"), "sad"),
    **dict.fromkeys(("anger", "rage"), "angry"),
    **dict.fromkeys(("surprise", "amazed"), "surprised"),
    **dict.fromkeys(("fear", "afraid", "scared"), "fearful"),
    **dict.fromkeys(("disgust",), "disgusted"),
    **dict.fromkeys(("contempt",), "contemptuous"),
}
"""Words for emotions, and the model's name of each."""

EMOTION_ORDER = sorted(EMOTION_WORDS, key=len, reverse=True)
"""Longest first, so that a word is not taken for the beginning of another."""
LIKE_EMOTION = 0.8
"""Similarity (`difflib`) from which a word is a likely misspelling; ``hapy`` has 0.89. Of 20,000
words drawn from the CMU pronouncing dictionary it marks 7 that are no emotion, as ``rangy``."""
LEAST_LETTERS = 4
"""Words of fewer letters are never taken for a misspelling."""
FIELDS = ("name", "character", "scene", "emotion", "intensity", "start", "seed", "any")
_TOKEN = re.compile(r"\{(\w*)\}|([\[\]])|([^{}\[\]]+)")


def emotion_named(word: str) -> str:
    """Return the model's name for an emotion word of any case; unknown words are unchanged.

    Names within a blend are replaced one by one.
    """
    return renamed(word, _one_named)


def _one_named(word: str) -> str:
    plain = word.strip()
    if plain.lower() in EMOTION_WORDS:
        return EMOTION_WORDS[plain.lower()]
    expression = expression_or_none(plain)
    return plain if expression is None else expression.name


@dataclasses.dataclass(frozen=True)
class NamePattern:
    """A compiled pattern; create it with ``parse``."""

    text: str
    program: Program

    @classmethod
    def parse(cls, text: str) -> NamePattern:
        """Compile a template.

        Raises:
            BadArgument: An unknown field, a field twice, or braces and brackets that do not pair.
        """
        program = Program()
        used: set[str] = set()
        optional: list[int] = []
        position = 0
        for token in _TOKEN.finditer(text):
            # A gap between tokens is a stray brace.
            if token.start() != position or (token[2] == "]" and not optional):
                break
            position = token.end()
            field, bracket, plain = token.groups()
            if bracket == "[":
                optional.append(program.begin_optional())
            elif bracket:
                program.end_optional(optional.pop())
            elif plain:
                program.text(plain)
            else:
                _add_field(program, field, used, text)
        if position != len(text) or optional or not used:
            raise BadArgument(
                f"Invalid name pattern {text!r}",
                hint=f"Pair braces and brackets, as in {DEFAULT_PATTERN}",
            )
        program.end()
        return cls(text, program)

    def read(self, relative: PurePosixPath) -> dict[str, str]:
        """Return the fields of a path; empty where the pattern does not fit.

        Args:
            relative: The audio file, relative to the folder or list.
        """
        # As many folders as the pattern has slashes.
        depth = self.text.count("/") + 1
        parts = [*relative.parent.parts, relative.stem]
        if len(parts) < depth:
            return {}
        fields = self.program.fullmatch("/".join(parts[-depth:]))
        if fields is None:
            return {}
        if "emotion" in fields:
            fields["emotion"] = emotion_named(fields["emotion"])
        return fields


def read_name(relative: PurePosixPath, patterns: Sequence[NamePattern]) -> dict[str, str]:
    """Return the fields of the first pattern that fits a path; empty where none does.

    Args:
        relative: The audio file, relative to the folder or list.
        patterns: In the order of preference.
    """
    for pattern in patterns:
        fields = pattern.read(relative)
        if fields:
            return fields
    return {}


def likely_emotion(stem: str) -> tuple[str, str] | None:
    """Return the part of a file name that looks like an emotion, and that emotion.

    Args:
        stem: Name of a file, without ending, from which no pattern read an emotion.
    """
    for word in re.split(r"[^A-Za-z]+", stem):
        folded = word.lower()
        if folded in EMOTION_WORDS:
            emotion = EMOTION_WORDS[folded]
        elif len(word) >= LEAST_LETTERS and (
            near := difflib.get_close_matches(folded, EMOTIONS, n=1, cutoff=LIKE_EMOTION)
        ):
            emotion = near[0]
        else:
            continue
        # Neutral needs no emotion.
        if emotion != EMOTIONS[0]:  # a neutral line is neutral without being told
            return word, emotion
    return None


class UnusedNames:
    """Gives each line its own file name, on file systems without case or accents too."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def claim(self, stem: str, suffixes: Sequence[str]) -> str:
        """Return and reserve ``stem``, or ``stem-2``, ``stem-3``, ... if it is taken.

        Args:
            stem: POSIX path without ending, relative to the output folder.
            suffixes: Endings of the files.
        """
        short = shortened(stem)
        candidate, number = short, 2
        # All formats must be free: they share the stem.
        while any(self._key(candidate + suffix) in self._taken for suffix in suffixes):
            candidate = f"{short}-{number}"
            number += 1
        self._taken.update(self._key(candidate + suffix) for suffix in suffixes)
        return candidate

    @staticmethod
    def _key(path: str) -> str:
        # Case and accents: macOS and Windows take them for the same name.
        return unicodedata.normalize("NFC", path).casefold()


def shortened(stem: str) -> str:
    """Return a path whose last part is short enough; long ones end in a digest of the whole."""
    folder, slash, name = stem.rpartition("/")
    encoded = name.encode("utf-8", "surrogateescape")
    if len(encoded) <= MAX_NAME_BYTES:
        return stem
    # A digest of the whole: two long names that begin alike stay apart.
    digest = hashlib.sha256(encoded).hexdigest()[:DIGEST_LETTERS]
    # Cut at a byte, then decoded without the torn character.
    kept = encoded[: MAX_NAME_BYTES - DIGEST_LETTERS - 1].decode("utf-8", "ignore")
    return f"{folder}{slash}{kept}-{digest}"


def _add_field(program: Program, field: str, used: set[str], text: str) -> None:
    if field not in FIELDS:
        raise BadArgument(
            f"The name pattern {text!r} has the unknown field {{{field}}}",
            hint=f"Use {', '.join('{' + name + '}' for name in FIELDS)}",
        )
    if field == "any":
        used.add(field)
        program.some(_is_in_part, least=0, is_greedy=False)
        return
    # The same field twice would have two values.
    if field in used:
        raise BadArgument(
            f"The name pattern {text!r} has the field {{{field}}} twice",
            hint="Use {any} for what does not matter",
        )
    used.add(field)
    program.begin_field(field)
    if field == "emotion":
        # Longest first: "sadness" must not be read as "sad".
        program.one_of(EMOTION_ORDER)
    elif field in ("intensity", "start", "seed"):
        program.some(_is_digit, least=1, is_greedy=True)
        if field != "seed":
            optional = program.begin_optional()
            program.text(".")
            program.some(_is_digit, least=1, is_greedy=True)
            program.end_optional(optional)
    else:
        # Shortest first: the rest of the pattern decides where a name ends.
        program.some(_is_any if field == "name" else _is_in_part, least=1, is_greedy=False)
    program.end_field(field)


def _is_any(_letter: str) -> bool:
    return True


def _is_in_part(letter: str) -> bool:
    return letter != "/"


def _is_digit(letter: str) -> bool:
    return letter in "0123456789"
