"""The expression of a driver, evaluated on arrays, and turned round. No bpy.

A driver says ``value = f(source)``; to be heard, a key must be on the source. Only what arithmetic
and a few functions say is understood: names other than the one variable, attributes and calls of
anything else are refused, so nothing of the file is executed.
"""

from __future__ import annotations

import ast
import dataclasses
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SAMPLES = 4001
"""Places of the source at which a driver is evaluated; corners between two are blurred by less than
a thousandth of the range."""
FLAT = 1e-9
"""A change of less is none."""
STRAIGHT = 1e-6
"""Part of its span by which a straight line may be missed."""

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


def _of_one(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``function`` of one part: a second one would be a place for numpy to write to."""

    def of_one(part: Any) -> Any:
        return function(part)

    return of_one


_CALLS: dict[str, Callable[..., Any]] = {
    "abs": _of_one(np.abs),
    "min": lambda *values: _fold(np.minimum, values),
    "max": lambda *values: _fold(np.maximum, values),
    "clamp": lambda x, low=0.0, high=1.0: np.clip(x, low, high),
    "radians": _of_one(np.radians),
    "degrees": _of_one(np.degrees),
    "sin": _of_one(np.sin),
    "cos": _of_one(np.cos),
    "tan": _of_one(np.tan),
    "sqrt": _of_one(np.sqrt),
    "pow": operator.pow,
    "float": lambda x: x,
}
_NAMES = {"pi": np.pi, "True": 1.0, "False": 0.0}


class NotUnderstood(ValueError):
    """An expression that cannot be evaluated or turned round; ``str`` says why."""


def evaluate(expression: str, variable: str, places: Array) -> Array:
    """Values of ``expression`` where its ``variable`` stands at ``places``, same shape.

    Raises:
        NotUnderstood: It uses more than arithmetic, the functions above and this variable.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        raise NotUnderstood(f"its expression {expression!r} is broken") from error
    with np.errstate(all="ignore"):
        values = np.broadcast_to(_value(tree.body, {**_NAMES, variable: places}), places.shape)
    return np.asarray(values, np.float64)


def names_in(expression: str) -> set[str]:
    """Names that ``expression`` uses; empty when it is broken."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError:
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@dataclasses.dataclass(frozen=True)
class Inverse:
    """From the value that is wanted to where the source must stand."""

    values: Array
    """Values of the driven property, rising."""
    places: Array
    """Where the source stands for each."""
    slope: float | None
    """Source per value when the driver is one straight line, which then goes on without end."""
    rest: float
    """Where the source stands for value 0, or as near as it comes."""

    def __call__(self, wanted: Array) -> Array:
        """Where the source must stand for each of ``wanted``, same shape."""
        if self.slope is not None:
            return np.asarray(self.rest + self.slope * np.asarray(wanted, np.float64))
        return np.asarray(np.interp(wanted, self.values, self.places))

    @property
    def side(self) -> int:
        """1 when only sources beyond rest move the value, -1 when only those below do, else 0."""
        if self.slope is not None:
            return 0
        beyond, below = self.places.max() - self.rest, self.rest - self.places.min()
        return 0 if min(beyond, below) > 1e-3 * max(beyond, below) else int(np.sign(beyond - below))


def inverse(function: Callable[[Array], Array], low: float, high: float) -> Inverse:
    """Turn ``function`` round where its source runs from ``low`` to ``high``.

    Raises:
        NotUnderstood: It does not depend on its source, or turns back on the way.
    """
    places = np.linspace(low, high, SAMPLES)
    values = function(places)
    if not np.isfinite(values).all():
        raise NotUnderstood("it has no value for some places of its source")
    steps = np.diff(values)
    if np.abs(steps).max() < FLAT:
        raise NotUnderstood("it does not depend on its source")
    if (steps < -FLAT).any() and (steps > FLAT).any():
        raise NotUnderstood("it rises and falls again, so two places give the same value")
    line = np.interp(places, places[[0, -1]], values[[0, -1]])
    if np.abs(line - values).max() < STRAIGHT * np.ptp(values):
        slope = float((high - low) / (values[-1] - values[0]))
        return Inverse(values, places, slope, float(low - slope * values[0]))
    moving = np.flatnonzero(np.abs(steps) >= FLAT)
    kept = np.unique(np.concatenate([moving, moving + 1]))
    values, places = values[kept], places[kept]
    if values[0] > values[-1]:
        values, places = values[::-1], places[::-1]
    return Inverse(values, places, None, float(np.interp(0.0, values, places)))


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _BINARY[type(node.op)](_value(node.left, names), _value(node.right, names))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand, names)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.IfExp):
        parts = (_value(part, names) for part in (node.test, node.body, node.orelse))
        return np.where(*parts)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARE:
        left, right = _value(node.left, names), _value(node.comparators[0], names)
        return _COMPARE[type(node.ops[0])](left, right)
    if isinstance(node, ast.Call) and not node.keywords and _name(node.func) in _CALLS:
        try:
            return _CALLS[_name(node.func)](*(_value(part, names) for part in node.args))
        except TypeError as error:
            raise NotUnderstood(f"{ast.unparse(node)} has too few or too many parts") from error
    raise NotUnderstood(f"{ast.unparse(node)!r} in its expression is not understood")


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _fold(function: Callable[[Any, Any], Any], values: tuple[Any, ...]) -> Any:
    result = values[0]
    for value in values[1:]:
        result = function(result, value)
    return result
