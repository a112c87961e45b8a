"""Find the property to key instead of a driven shape key.

On Rigify, Character Creator, Daz and MetaHuman rigs a driver sets the shape key from a property or
a bone and overrides keyframes. A monotonic driver of one variable is inverted
(`fitting.expressions`) and its property or bone is keyed; a driver of that property is followed in
turn.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..fitting.expressions import Inverse, NotInvertible, evaluate, invert, names_in

DEEPEST = 4
"""Drivers that are followed in a chain; a longer chain is taken for a cycle."""
NATURAL_REACH = 2.0
"""Largest value tried first for a source without limits: most sliders end at 1."""
WIDEST_REACH = 200.0
"""Largest value of a source that is tried, in Blender units or degrees."""

# The index is cut from the path, as Blender's drivers and F-curves keep both apart.
_INDEXED = re.compile(r"^(.*[^\]])\[(\d+)\]$")
_TRANSFORM = re.compile(r"^(LOC|ROT|SCALE)_([XYZ])$")
# Drivers in Auto mode read a rotation as Euler angles; `properties._in_rotation_modes` converts it
# to the bone's own mode.
_PROPERTY = {"LOC": "location", "ROT": "rotation_euler", "SCALE": "scale"}


@dataclasses.dataclass(frozen=True)
class Source:
    """The property to key so that a driven property takes the values wanted."""

    owner: bpy.types.ID
    path: str
    index: int
    """Component of the property, -1 for none."""
    inverses: tuple[Inverse, ...]
    """Applied in order, from the driven value to this source."""

    def values_for(self, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value of the source for each driven value in ``wanted``, same shape."""
        for step in self.inverses:
            wanted = step(wanted)
        return wanted

    @property
    def rest(self) -> float:
        """Value of the source for the driven value 0."""
        return float(self.values_for(np.zeros(1))[0])

    @property
    def side(self) -> int:
        """Side of rest on which the source moves the driven value; 0 for both."""
        # Only for a single driver: along a chain a negative slope swaps the sides.
        return self.inverses[0].side if len(self.inverses) == 1 else 0


def driver_of_or_none(owner: bpy.types.ID, path: str, index: int = -1) -> Any:
    """Return the driver on a property.

    Args:
        owner: Data block that has the property.
        path: Animation path of the property.
        index: Component, -1 for any.
    """
    if owner.animation_data is None:
        return None
    # ``drivers.find`` cannot look for any component.
    for curve in owner.animation_data.drivers:
        if curve.data_path == path and (index < 0 or curve.array_index == index):
            return curve
    return None


def split_index(path: str) -> tuple[str, int]:
    """Split ``location[1]`` into path and component; the component is -1 where there is none."""
    indexed = _INDEXED.match(path)
    return (indexed[1], int(indexed[2])) if indexed else (path, -1)


def source_of(owner: bpy.types.ID, path: str, index: int = -1) -> Source:
    """Return the property to key instead of a driven one.

    Args:
        owner: Data block that has the driven property.
        path: Animation path of the driven property.
        index: Component, -1 for none.

    Raises:
        NotInvertible: The driver cannot be inverted, or its source cannot be keyed.
    """
    steps: list[Inverse] = []
    # Bounded, as two properties may drive each other.
    for _level in range(DEEPEST):
        curve = driver_of_or_none(owner, path, index)
        if curve is None:
            return Source(owner, path, index, tuple(steps))
        owner, path, index, variable = _source_property(curve)
        steps.append(_inverted(curve, variable, _limits(owner, path)))
    raise NotInvertible(f"more than {DEEPEST} drivers depend on each other")


def _source_property(curve: Any) -> tuple[bpy.types.ID, str, int, str]:
    """Return owner, path, index and variable name of the property that the driver follows."""
    driver = curve.driver
    # Blender marks a driver with a broken path or expression, whose value is then frozen.
    if not driver.is_valid:
        raise NotInvertible("it is invalid")
    variables = list(driver.variables)
    # Rigs add variables that their expression does not use; other driver types use them all.
    if driver.type == "SCRIPTED":
        used = names_in(driver.expression)
        variables = [variable for variable in variables if variable.name in used]
    if len(variables) != 1:
        what = "no variable" if not variables else f"{len(variables)} variables at once"
        raise NotInvertible(f"it follows {what}")
    variable = variables[0]
    if variable.type == "SINGLE_PROP":
        owner, path, index = _single_property(variable.targets[0])
    elif variable.type == "TRANSFORMS":
        owner, path, index = _transform(variable.targets[0])
    else:
        raise NotInvertible(f"it follows a {variable.type.replace('_', ' ').lower()}")
    # Keyframes on linked data are not saved.
    if not owner.is_editable:
        raise NotInvertible(f"it follows {owner.name!r}, which is linked from another file")
    return owner, path, index, variable.name


def _single_property(target: Any) -> tuple[bpy.types.ID, str, int]:
    if target.id is None or not target.data_path:
        raise NotInvertible("its target is empty")
    path, index = split_index(target.data_path)
    # ValueError where the path leads nowhere, as after a bone was deleted.
    try:
        target.id.path_resolve(path)
    except ValueError as error:
        raise NotInvertible(f"{target.data_path!r} is not on {target.id.name!r}") from error
    return target.id, path, index


def _transform(target: Any) -> tuple[bpy.types.ID, str, int]:
    kind = _TRANSFORM.match(target.transform_type)
    if target.id is None or kind is None:
        raise NotInvertible(f"it follows {target.transform_type}")
    if target.transform_space == "WORLD_SPACE":
        raise NotInvertible("it follows a world-space transform, which other bones move too")
    holder, start = target.id, ""
    if target.bone_target:
        if target.id.pose is None or target.bone_target not in target.id.pose.bones:
            raise NotInvertible(f"its bone {target.bone_target!r} does not exist")
        holder = target.id.pose.bones[target.bone_target]
        start = f'pose.bones["{bpy.utils.escape_identifier(holder.name)}"].'
    # Transform space includes constraints, whose effect no keyframe can undo.
    if target.transform_space == "TRANSFORM_SPACE" and len(holder.constraints):
        raise NotInvertible(f"constraints move {holder.name!r}, which it follows")
    return target.id, start + _PROPERTY[kind[1]], "XYZ".index(kind[2])


def _limits(owner: bpy.types.ID, path: str) -> tuple[float, float] | None:
    """Return the limits of a custom property's slider; None without usable ones."""
    # The last bracket: the path may pass through bones, whose names stand in brackets too.
    opening = path.rfind('["')
    if not path.endswith('"]') or path[:opening].endswith(("bones", "key_blocks")):
        return None
    try:
        holder = owner.path_resolve(path[:opening].rstrip(".")) if opening else owner
        shown = holder.id_properties_ui(path[opening + 2 : -2]).as_dict()
    # The property may have no settings of its own, or not be a number.
    except (ValueError, KeyError, TypeError):
        return None
    low, high = float(shown.get("min", -np.inf)), float(shown.get("max", np.inf))
    # Blender's default of +-3.4e38 is no limit that a user set.
    return (low, high) if -WIDEST_REACH <= low < high <= WIDEST_REACH else None


def _inverted(curve: Any, variable: str, limits: tuple[float, float] | None) -> Inverse:
    driver = curve.driver

    def follow(sources: NDArray[np.float64]) -> NDArray[np.float64]:
        raw = sources
        if driver.type == "SCRIPTED":
            raw = evaluate(driver.expression, variable, sources)
        # ``FCurve.evaluate`` also applies the curve's keyframes and modifiers, as Blender does
        # after the expression; it has no vectorised form.
        return np.array([curve.evaluate(float(value)) for value in raw])

    if limits is not None:
        return invert(follow, *limits)
    # Small first: the samples are spread over the range, and a slider of 1 would get few of 4001.
    reach = NATURAL_REACH
    while True:
        found = invert(follow, -reach, reach)
        # Enough as soon as the driven key can go from 0 to 1.
        reached = found.slope is not None or (found.values[0] <= 1e-6 and found.values[-1] >= 1.0)
        if reached or reach >= WIDEST_REACH:
            return found
        reach *= 10.0
