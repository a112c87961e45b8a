"""Evaluate and invert driver expressions on arrays. No bpy.

A driver computes ``value = f(source)``, so a keyframe only has an effect on the source. Arithmetic
and a few functions are supported. Names other than the one variable, attributes and other calls are
refused, so no code of the file is executed.
"""

from __future__ import annotations

import ast
import dataclasses
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...arrays import Array

SAMPLES = 4001
"""Source values at which a driver is evaluated: corners between two are blurred by less than a
thousandth of the range."""
FLAT = 1e-9
"""A smaller change counts as none."""
STRAIGHT = 1e-6
"""Largest deviation from a straight line, as a part of the span of values."""

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
    """Limit a numpy function to one argument: a second one would be an output array."""

    def of_one(part: Any) -> Any:
        return function(part)

    return of_one


# A whitelist: Blender's own drivers may call any function of ``bpy.app.driver_namespace``.
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
# Booleans are numbers in a driver's result.
_NAMES = {"pi": np.pi, "True": 1.0, "False": 0.0}


class NotInvertible(ValueError):
    """Raised for a driver that cannot be evaluated or inverted; ``str`` gives the reason."""


def evaluate(expression: str, variable: str, sources: Array) -> Array:
    """Evaluate a driver expression.

    Args:
        expression: Text of the expression.
        variable: Name of its one variable.
        sources: Values of the variable, any shape.

    Returns:
        Values of the expression, shape of ``sources``.

    Raises:
        NotInvertible: It uses more than arithmetic, the functions above and this variable.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        raise NotInvertible(f"its expression {expression!r} cannot be parsed") from error
    # A division by zero becomes inf here, which `invert` reports.
    with np.errstate(all="ignore"):
        # A constant expression must have the shape of the sources too.
        values = np.broadcast_to(_value(tree.body, {**_NAMES, variable: sources}), sources.shape)
    return np.asarray(values, np.float64)


def names_in(expression: str) -> set[str]:
    """Return the names that ``expression`` uses; empty when it cannot be parsed."""
    # Never evaluated: parsing alone executes nothing.
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError:
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@dataclasses.dataclass(frozen=True)
class Inverse:
    """The inverse of a driver: from the value wanted to the value of its source."""

    values: Array
    """Values of the driven property, rising."""
    sources: Array
    """Value of the source for each of ``values``."""
    slope: float | None
    """Source per value of a driver that is one straight line, which extrapolates; else None."""
    rest: float
    """Source for value 0, or the nearest that the driver reaches."""

    def __call__(self, wanted: Array) -> Array:
        """Return the source for each of ``wanted``, same shape."""
        if self.slope is not None:
            return np.asarray(self.rest + self.slope * np.asarray(wanted, np.float64))
        # Outside the reached values the nearest end is used: a driver cannot give more than it
        # does.
        return np.asarray(np.interp(wanted, self.values, self.sources))

    @property
    def side(self) -> int:
        """1 when only sources above rest move the value, -1 when only those below do, else 0."""
        if self.slope is not None:
            return 0
        above, below = self.sources.max() - self.rest, self.rest - self.sources.min()
        # The tolerance allows for a range that ends a sample beside rest.
        return 0 if min(above, below) > 1e-3 * max(above, below) else int(np.sign(above - below))


def invert(function: Callable[[Array], Array], low: float, high: float) -> Inverse:
    """Invert a monotonic function on an interval.

    Args:
        function: Values (n,) for sources (n,).
        low: Lowest source.
        high: Highest source.

    Raises:
        NotInvertible: The function does not depend on its source, or is not monotonic.
    """
    sources = np.linspace(low, high, SAMPLES)
    values = function(sources)
    if not np.isfinite(values).all():
        raise NotInvertible("it has no value for part of its source's range")
    steps = np.diff(values)
    # Compared with steps of 1/4000 of the range: rounding noise of float64 stays far below.
    if np.abs(steps).max() < FLAT:
        raise NotInvertible("it does not depend on its source")
    if (steps < -FLAT).any() and (steps > FLAT).any():
        raise NotInvertible("it rises and falls, so two sources give the same value")
    line = np.interp(sources, sources[[0, -1]], values[[0, -1]])
    # A straight line is kept apart, as it extrapolates beyond the sampled range without a clamp.
    if np.abs(line - values).max() < STRAIGHT * np.ptp(values):
        slope = float((high - low) / (values[-1] - values[0]))
        return Inverse(values, sources, slope, float(low - slope * values[0]))
    # Level parts are cut out: there the inverse is not unique, and interpolation needs rising
    # values.
    moving = np.flatnonzero(np.abs(steps) >= FLAT)
    kept = np.unique(np.concatenate([moving, moving + 1]))
    values, sources = values[kept], sources[kept]
    # ``np.interp`` needs rising positions and does not complain about falling ones.
    if values[0] > values[-1]:
        values, sources = values[::-1], sources[::-1]
    return Inverse(values, sources, None, float(np.interp(0.0, values, sources)))


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    # Booleans pass as well, since bool is an int.
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _BINARY[type(node.op)](_value(node.left, names), _value(node.right, names))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand, names)
        return -value if isinstance(node.op, ast.USub) else value
    # Both branches are evaluated on whole arrays and chosen per element; `evaluate` turns warnings
    # off.
    if isinstance(node, ast.IfExp):
        parts = (_value(part, names) for part in (node.test, node.body, node.orelse))
        return np.where(*parts)
    # Chains such as 0 < x < 1 are refused: per element they would need a logical and.
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARE:
        left, right = _value(node.left, names), _value(node.comparators[0], names)
        return _COMPARE[type(node.ops[0])](left, right)
    if isinstance(node, ast.Call) and not node.keywords and _name(node.func) in _CALLS:
        try:
            return _CALLS[_name(node.func)](*(_value(part, names) for part in node.args))
        # The arguments come from the file, so that a wrong count is its error, not ours.
        except TypeError as error:
            raise NotInvertible(f"{ast.unparse(node)} has too few or too many arguments") from error
    raise NotInvertible(f"{ast.unparse(node)!r} in its expression is not supported")


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _fold(function: Callable[[Any, Any], Any], values: tuple[Any, ...]) -> Any:
    result = values[0]
    for value in values[1:]:
        result = function(result, value)
    return result
