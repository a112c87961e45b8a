"""Read mixtures of emotions as text, and what they amount to. Standard library only.

The text of an emotion key is an emotion, a named expression, or several of them with weights:
``happy``, ``amused``, ``happy:0.6+surprised:0.4``, ``happy+sad`` (equal weights that sum to 1).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

from ..choices import AUTO_EMOTION, EMOTIONS, MAX_INTENSITY
from ..errors import BadArgument
from ..performance import Expression
from .catalogue import expression_or_none, shipped_expressions

BLEND_HINT = "Write NAME:WEIGHT+NAME:WEIGHT, as in happy:0.6+surprised:0.4"
MOST_PARTS = 8


@dataclasses.dataclass(frozen=True)
class Mixture:
    """What an emotion key asks of a face, at intensity 1."""

    weights: Mapping[str, float]
    """Weight of each emotion; empty for neutral."""
    offsets: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Added to channels."""
    amplitude: float = 1.0
    """Factor on the channels that open the mouth."""

    @property
    def is_plain(self) -> bool:
        """True when it is made of emotions alone."""
        return not self.offsets and self.amplitude == 1.0


def parts_of(text: str) -> tuple[tuple[str, float], ...]:
    """Return names and weights of a mixture, without looking the names up.

    Args:
        text: As described above; a single name has weight 1.

    Raises:
        BadArgument: Another form, a weight out of range, or weights for some names only.
    """
    pieces = [piece.strip() for piece in text.split("+")]
    named = [piece.partition(":") for piece in pieces]
    weighted = [bool(colon) for _name, colon, _weight in named]
    if not all(name.strip() for name, _c, _w in named) or len(pieces) > MOST_PARTS:
        raise BadArgument(f"Invalid blend of emotions {text[:60]!r}", hint=BLEND_HINT)
    if not any(weighted):
        return tuple((name.strip(), 1 / len(named)) for name, _c, _w in named)
    if not all(weighted):
        raise BadArgument(f"Some emotions of {text[:60]!r} have no weight", hint=BLEND_HINT)
    return tuple((name.strip(), _weight(weight, text)) for name, _c, weight in named)


def mixture_of(text: str, own: Sequence[Expression] = ()) -> Mixture:
    """Return what an emotion, an expression or a blend amounts to.

    Args:
        text: Of an emotion key; not ``auto``.
        own: Expressions of the user.

    Raises:
        BadArgument: The text has another form, or a name is unknown.
    """
    weights: dict[str, float] = {}
    offsets: dict[str, float] = {}
    amplitude = 1.0
    for name, share in parts_of(text):
        if name in EMOTIONS:
            if name != EMOTIONS[0]:
                weights[name] = weights.get(name, 0.0) + share
            continue
        expression = expression_or_none(name, own)
        if expression is None:
            raise _unknown(name, text, own)
        for part in expression.shares:
            if part.emotion != EMOTIONS[0]:
                weights[part.emotion] = weights.get(part.emotion, 0.0) + share * part.weight
        for offset in expression.offsets:
            offsets[offset.channel] = offsets.get(offset.channel, 0.0) + share * offset.value
        amplitude += share * (expression.amplitude - 1)
    if sum(weights.values()) > MAX_INTENSITY + 1e-9:
        raise BadArgument(
            f"The weights of {text[:60]!r} sum to {sum(weights.values()):.3g}",
            hint=f"Let them sum to {MAX_INTENSITY} at most",
        )
    return Mixture(weights, offsets, amplitude)


def is_blend(text: str) -> bool:
    """Return whether a text is a mixture of several names or carries weights."""
    return "+" in text or ":" in text


def renamed(text: str, rename: Callable[[str], str]) -> str:
    """Return a mixture with each name replaced, such as ``joy`` by ``happy``.

    Args:
        text: Of an emotion key; a text that is no blend is one name.
        rename: Returns the new name.
    """
    pieces = [piece.partition(":") for piece in text.split("+")]
    return "+".join(f"{rename(name)}{colon}{weight.strip()}" for name, colon, weight in pieces)


def known_names(own: Sequence[Expression] = ()) -> tuple[str, ...]:
    """Return all names that a key can have: emotions, expressions, ``auto``."""
    expressions = [one.name for one in (*shipped_expressions(), *own)]
    return (*EMOTIONS, *dict.fromkeys(expressions), AUTO_EMOTION)


def is_known(text: str, own: Sequence[Expression] = ()) -> bool:
    """Return whether a text is a valid emotion of a key.

    Args:
        text: An emotion, an expression, a blend or ``auto``.
        own: Expressions of the user.
    """
    if text == AUTO_EMOTION:
        return True
    try:
        mixture_of(text, own)
    except BadArgument:
        return False
    return True


def _weight(text: str, blend: str) -> float:
    try:
        weight = float(text.strip().replace(",", "."))  # decimal commas
    except ValueError:
        weight = math.nan
    if not 0 <= weight <= MAX_INTENSITY:  # False for NaN too
        raise BadArgument(f"Invalid weight {text.strip()!r} in {blend[:60]!r}", hint=BLEND_HINT)
    return weight


def _unknown(name: str, text: str, own: Sequence[Expression]) -> BadArgument:
    if name == AUTO_EMOTION:
        return BadArgument(
            f"{AUTO_EMOTION} cannot be part of a blend ({text[:60]!r})",
            hint="Use it alone, or name the emotions",
        )
    return BadArgument(
        f"Unknown emotion {name!r}", hint=f"Use one of: {', '.join(known_names(own))}"
    )
