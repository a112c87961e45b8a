"""Driven shape keys: where the key must be instead, and why not where that cannot be said.

On Rigify, Character Creator, Daz and MetaHuman rigs a driver sets the shape key from a property or
a bone, and beats any key. A driver of one variable that rises or falls all along is turned round
(`expressions.py`), and the property or the bone is keyed; a driver on that one in turn is followed.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..mapping.expressions import Inverse, NotUnderstood, evaluate, inverse, names_in

DEEPEST = 4
"""Drivers that are followed one after the other; more is taken for a circle."""
NATURAL_REACH = 2.0
"""Places of a source without limits: its sliders mostly run to 1, and this leaves room."""
WIDEST_REACH = 200.0
"""A driver that needs more of its source (in units, or degrees) has no such source."""

_INDEXED = re.compile(r"^(.*[^\]])\[(\d+)\]$")
_TRANSFORM = re.compile(r"^(LOC|ROT|SCALE)_([XYZ])$")
_PROPERTY = {"LOC": "location", "ROT": "rotation_euler", "SCALE": "scale"}


@dataclasses.dataclass(frozen=True)
class Source:
    """Where keys must be so that a driven property takes the values that are wanted."""

    owner: bpy.types.ID
    path: str
    index: int
    """Component, -1 for none."""
    inverses: tuple[Inverse, ...]
    """To be applied one after the other, from the driven value to this source."""

    def places(self, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of the source for each of ``wanted``, same shape."""
        for step in self.inverses:
            wanted = step(wanted)
        return wanted

    @property
    def rest(self) -> float:
        """Where the source stands for the driven value 0."""
        return float(self.places(np.zeros(1))[0])

    @property
    def side(self) -> int:
        """Side of rest on which the source moves the value; 0 for both."""
        return self.inverses[0].side if len(self.inverses) == 1 else 0


def driver_of_or_none(owner: bpy.types.ID, path: str, index: int = -1) -> Any:
    """The driver's F-curve on a property of ``owner``."""
    if owner.animation_data is None:
        return None
    for curve in owner.animation_data.drivers:
        if curve.data_path == path and (index < 0 or curve.array_index == index):
            return curve
    return None


def split_index(path: str) -> tuple[str, int]:
    """``location[1]`` as path and component; the component is -1 where there is none."""
    indexed = _INDEXED.match(path)
    return (indexed[1], int(indexed[2])) if indexed else (path, -1)


def source_of(owner: bpy.types.ID, path: str, index: int = -1) -> Source:
    """Where to key instead of the driven property.

    Raises:
        NotUnderstood: The driver cannot be turned round, or its source takes no keys.
    """
    steps: list[Inverse] = []
    for _level in range(DEEPEST):
        curve = driver_of_or_none(owner, path, index)
        if curve is None:
            return Source(owner, path, index, tuple(steps))
        owner, path, index, variable = _source_property(curve)
        steps.append(_turned_round(curve, variable, _limits(owner, path)))
    raise NotUnderstood(f"more than {DEEPEST} drivers hang on each other")


def _source_property(curve: Any) -> tuple[bpy.types.ID, str, int, str]:
    """Owner, path, index and variable name of what the driver follows."""
    driver = curve.driver
    if not driver.is_valid:
        raise NotUnderstood("it is broken")
    variables = list(driver.variables)
    if driver.type == "SCRIPTED":
        used = names_in(driver.expression)
        variables = [variable for variable in variables if variable.name in used]
    if len(variables) != 1:
        what = "no variable" if not variables else f"{len(variables)} variables at once"
        raise NotUnderstood(f"it follows {what}")
    variable = variables[0]
    if variable.type == "SINGLE_PROP":
        owner, path, index = _single_property(variable.targets[0])
    elif variable.type == "TRANSFORMS":
        owner, path, index = _transform(variable.targets[0])
    else:
        raise NotUnderstood(f"it follows a {variable.type.replace('_', ' ').lower()}")
    if not owner.is_editable:
        raise NotUnderstood(f"it follows {owner.name!r}, which is linked from another file")
    return owner, path, index, variable.name


def _single_property(target: Any) -> tuple[bpy.types.ID, str, int]:
    if target.id is None or not target.data_path:
        raise NotUnderstood("it follows nothing")
    path, index = split_index(target.data_path)
    try:
        target.id.path_resolve(path)
    except ValueError as error:
        raise NotUnderstood(f"{target.data_path!r} is not on {target.id.name!r}") from error
    return target.id, path, index


def _transform(target: Any) -> tuple[bpy.types.ID, str, int]:
    kind = _TRANSFORM.match(target.transform_type)
    if target.id is None or kind is None:
        raise NotUnderstood(f"it follows {target.transform_type}")
    if target.transform_space == "WORLD_SPACE":
        raise NotUnderstood("it follows a place in the world, which other bones move too")
    holder, start = target.id, ""
    if target.bone_target:
        if target.id.pose is None or target.bone_target not in target.id.pose.bones:
            raise NotUnderstood(f"its bone {target.bone_target!r} is gone")
        holder = target.id.pose.bones[target.bone_target]
        start = f'pose.bones["{bpy.utils.escape_identifier(holder.name)}"].'
    if target.transform_space == "TRANSFORM_SPACE" and len(holder.constraints):
        raise NotUnderstood(f"constraints move {holder.name!r}, which it follows")
    return target.id, start + _PROPERTY[kind[1]], "XYZ".index(kind[2])


def _limits(owner: bpy.types.ID, path: str) -> tuple[float, float] | None:
    """Limits of a custom property's slider; None where there are none worth the name."""
    opening = path.rfind('["')
    if not path.endswith('"]') or path[:opening].endswith(("bones", "key_blocks")):
        return None
    try:
        holder = owner.path_resolve(path[:opening].rstrip(".")) if opening else owner
        shown = holder.id_properties_ui(path[opening + 2 : -2]).as_dict()
    except (ValueError, KeyError, TypeError):
        return None
    low, high = float(shown.get("min", -np.inf)), float(shown.get("max", np.inf))
    return (low, high) if -WIDEST_REACH <= low < high <= WIDEST_REACH else None


def _turned_round(curve: Any, variable: str, limits: tuple[float, float] | None) -> Inverse:
    driver = curve.driver

    def follow(places: NDArray[np.float64]) -> NDArray[np.float64]:
        raw = places
        if driver.type == "SCRIPTED":
            raw = evaluate(driver.expression, variable, places)
        return np.array([curve.evaluate(float(value)) for value in raw])

    if limits is not None:
        return inverse(follow, *limits)
    reach = NATURAL_REACH
    while True:
        found = inverse(follow, -reach, reach)
        reached = found.slope is not None or (found.values[0] <= 1e-6 and found.values[-1] >= 1.0)
        if reached or reach >= WIDEST_REACH:
            return found
        reach *= 10.0
