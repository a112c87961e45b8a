"""Read named expressions: the shipped ones, and those of a user's file. Standard library only."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..choices import AUTO_EMOTION, EMOTIONS, MAX_INTENSITY
from ..errors import BadArgument
from ..performance import ChannelOffset, EmotionShare, Expression

SHIPPED = Path(__file__).with_name("expressions.json")
FORMAT = 1
LARGEST_BYTES = 1 << 20
MOST_EXPRESSIONS = 200
NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
AMPLITUDES = (0.2, 2.5)
"""Speech amplitude below mumbles; above, the jaw leaves its range."""


@functools.cache
def shipped_expressions() -> tuple[Expression, ...]:
    """Return the expressions that come with the runtime, in the order of the panel."""
    return read_expressions(SHIPPED)


def read_expressions(path: Path) -> tuple[Expression, ...]:
    """Read a file of expressions.

    Args:
        path: JSON of the form of ``expressions.json``.

    Raises:
        BadArgument: It cannot be read, or an expression is not valid; the message names it.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise BadArgument(f"{path.name} is larger than 1 MiB", hint="Choose another file")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadArgument(
            f"Cannot read the expressions {path}: {error.strerror}", hint="Check the path"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadArgument(
            f"{path.name} is not valid JSON: {error}", hint="Correct the file of expressions"
        ) from error
    entries = data.get("expressions") if isinstance(data, dict) else None
    if not isinstance(entries, list) or data.get("format") != FORMAT:
        raise BadArgument(
            f"{path.name} is no file of expressions",
            hint='Write {"format": 1, "expressions": [...]}, see docs/user_guide.md',
        )
    if len(entries) > MOST_EXPRESSIONS:
        raise BadArgument(
            f"{path.name} has {len(entries)} expressions", hint=f"Keep {MOST_EXPRESSIONS} at most"
        )
    found = tuple(_expression(entry, path.name) for entry in entries)
    if len({one.name for one in found}) < len(found):
        raise BadArgument(f"{path.name} names an expression twice", hint="Rename one of them")
    return found


def key_of(name: str) -> str:
    """Return the form of a name in which expressions are looked up: ``In Pain`` is ``in_pain``."""
    return re.sub(r"[\s\-_]+", "_", name.strip().lower())


def expression_or_none(name: str, own: Sequence[Expression] = ()) -> Expression | None:
    """Return an expression by its name; the user's come before the shipped ones.

    Args:
        name: Any case; spaces count as underscores.
        own: Expressions of the user.
    """
    key = key_of(name)
    return next((one for one in (*own, *shipped_expressions()) if one.name == key), None)


def _expression(entry: Any, source: str) -> Expression:
    def refuse(what: str) -> BadArgument:
        return BadArgument(f"{source}: {what}", hint="Correct the file of expressions")

    if not isinstance(entry, dict):
        raise refuse("an expression is not an object")
    name = entry.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise refuse(f"the name {name!r} is not made of small letters, digits and underscores")
    if name in (*EMOTIONS, AUTO_EMOTION):
        raise refuse(f"{name!r} is the name of an emotion")
    shares = _numbers(entry.get("emotions", {}), 0.0, MAX_INTENSITY)
    offsets = _numbers(entry.get("channels", {}), -1.0, 1.0)
    amplitude = entry.get("amplitude", 1.0)
    description = entry.get("description", "")
    if shares is None or not set(shares) <= set(EMOTIONS) or sum(shares.values()) > MAX_INTENSITY:
        raise refuse(f"{name}: emotions must be weights of {', '.join(EMOTIONS[1:])}, 1.5 in all")
    if offsets is None:
        raise refuse(f"{name}: channels must be numbers from -1 to 1")
    if not _is_number(amplitude) or not AMPLITUDES[0] <= amplitude <= AMPLITUDES[1]:
        raise refuse(f"{name}: amplitude must be a number from {AMPLITUDES[0]} to {AMPLITUDES[1]}")
    if not isinstance(description, str):
        raise refuse(f"{name}: the description is not a text")
    return Expression(
        name,
        tuple(EmotionShare(emotion, weight) for emotion, weight in shares.items()),
        tuple(ChannelOffset(channel, value) for channel, value in offsets.items()),
        float(amplitude),
        description[:200],
    )


def _numbers(values: Any, low: float, high: float) -> Mapping[str, float] | None:
    if not isinstance(values, dict):
        return None
    if not all(_is_number(value) and low <= value <= high for value in values.values()):
        return None
    return {str(name): float(value) for name, value in values.items()}


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)
