"""What the name of a sound file says of its line, and how output files are named. Stdlib only.

A pattern is a template: fields in braces, what may be absent in brackets. ``{name}__{emotion}
[_{intensity}]`` (in one word) reads ``line_012__anger_0.7.wav``. With a slash in it a pattern reads
the folders above the file as well: ``{character}/{name}``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from ...errors import BadArgument
from ...protocol import AUTO_EMOTION, EMOTIONS

DEFAULT_PATTERN = "{name}__{emotion}[_{intensity}]"
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
"""Words that people write for an emotion, and what the model calls it."""

_NUMBER = r"\d+(?:\.\d+)?"
_FIELDS = {
    "name": ".+?",
    "character": "[^/]+?",
    "scene": "[^/]+?",
    "emotion": "|".join(sorted(EMOTION_WORDS, key=len, reverse=True)),
    "intensity": _NUMBER,
    "start": _NUMBER,
    "seed": r"\d+",
    "any": "[^/]*?",
}
_TOKEN = re.compile(r"\{(\w*)\}|([\[\]])|([^{}\[\]]+)")


def emotion_named(word: str) -> str:
    """The model's name for an emotion word, whatever its case; unknown words come back as said."""
    return EMOTION_WORDS.get(word.strip().lower(), word.strip())


@dataclasses.dataclass(frozen=True)
class NamePattern:
    """A compiled pattern; make it with ``parse``."""

    text: str
    expression: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> NamePattern:
        """Compile a template.

        Raises:
            BadArgument: An unknown field, a field twice, or braces and brackets that do not pair.
        """
        parts: list[str] = []
        used: set[str] = set()
        depth = position = 0
        for token in _TOKEN.finditer(text):
            if token.start() != position:
                break
            position = token.end()
            field, bracket, plain = token.groups()
            if bracket:
                depth += 1 if bracket == "[" else -1
                parts.append("(?:" if bracket == "[" else ")?")
                if depth < 0:
                    break
            elif plain:
                parts.append(re.escape(plain))
            else:
                parts.append(_group(field, used, text))
        if position != len(text) or depth or not used:
            raise BadArgument(
                f"Cannot read the name pattern {text!r}",
                hint=f"Pair braces and brackets, as in {DEFAULT_PATTERN}",
            )
        return cls(text, re.compile("".join(parts), re.IGNORECASE))

    def read(self, relative: PurePosixPath) -> dict[str, str]:
        """What the path says, by field; empty where the pattern does not fit.

        Args:
            relative: The sound, relative to the folder or list.
        """
        depth = self.text.count("/") + 1
        parts = [*relative.parent.parts, relative.stem]
        if len(parts) < depth:
            return {}
        found = self.expression.fullmatch("/".join(parts[-depth:]))
        if found is None:
            return {}
        said = {field: word for field, word in found.groupdict().items() if word is not None}
        said.pop("any", None)
        if "emotion" in said:
            said["emotion"] = emotion_named(said["emotion"])
        return said


def read_name(relative: PurePosixPath, patterns: Sequence[NamePattern]) -> dict[str, str]:
    """What the first pattern that fits says of a sound; empty where none does."""
    for pattern in patterns:
        said = pattern.read(relative)
        if said:
            return said
    return {}


class UnusedNames:
    """Gives each line a file name of its own, also where case and accents do not tell apart."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def claim(self, stem: str, suffixes: Sequence[str]) -> str:
        """``stem`` or ``stem-2``, ``stem-3``, ...: free with each of the suffixes; now taken.

        Args:
            stem: POSIX path without ending, relative to the output folder.
            suffixes: Endings of the files that will stand there.
        """
        short = shortened(stem)
        candidate, number = short, 2
        while any(self._key(candidate + suffix) in self._taken for suffix in suffixes):
            candidate = f"{short}-{number}"
            number += 1
        self._taken.update(self._key(candidate + suffix) for suffix in suffixes)
        return candidate

    @staticmethod
    def _key(path: str) -> str:
        return unicodedata.normalize("NFC", path).casefold()


def shortened(stem: str) -> str:
    """The path with a last part that file systems take: long ones end in a digest of the whole."""
    folder, slash, name = stem.rpartition("/")
    encoded = name.encode("utf-8", "surrogateescape")
    if len(encoded) <= MAX_NAME_BYTES:
        return stem
    digest = hashlib.sha256(encoded).hexdigest()[:DIGEST_LETTERS]
    kept = encoded[: MAX_NAME_BYTES - DIGEST_LETTERS - 1].decode("utf-8", "ignore")
    return f"{folder}{slash}{kept}-{digest}"


def _group(field: str, used: set[str], text: str) -> str:
    if field not in _FIELDS:
        raise BadArgument(
            f"The name pattern {text!r} has the unknown field {{{field}}}",
            hint=f"Use {', '.join('{' + name + '}' for name in _FIELDS)}",
        )
    if field == "any":
        used.add(field)
        return _FIELDS[field]
    if field in used:
        raise BadArgument(
            f"The name pattern {text!r} has the field {{{field}}} twice",
            hint="Use {any} for what does not matter",
        )
    used.add(field)
    return f"(?P<{field}>{_FIELDS[field]})"
