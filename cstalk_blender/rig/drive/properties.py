"""Merge the values that several shape keys and bones request of one property into one F-curve."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from ...arrays import Array
from ..fitting import bones


@dataclasses.dataclass(frozen=True)
class PropertyTarget:
    """Values that one shape key or bone angle requests of a property; several may share it."""

    owner: bpy.types.ID
    path: str
    index: int
    """Component of the property, -1 for none."""
    values: Array
    """Shape (frames,)."""
    group: str
    """Name of the group of F-curves."""
    rest: float = 0.0
    """Value of the property while nothing is requested."""
    side: int = 0
    """1 or -1 for a request about one side of rest only, such as the upper half of a slider that
    smiles up and frowns down; 0 for both sides."""
    rank: int = 0
    """Only targets of the highest rank are applied: 1 is a property keyed directly, 0 one that is
    keyed because a driver follows it."""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Identity of the property, equal for targets that share it."""
        # Names instead of the data block: a key of a dict must outlast Blender's references.
        return (self.owner.id_type, self.owner.name_full, self.path, self.index)


@dataclasses.dataclass(frozen=True)
class PropertyCurve:
    """One F-curve to write: a property and its value at each frame of the performance."""

    owner: bpy.types.ID
    path: str
    index: int
    """Component of the property, -1 for none."""
    values: Array
    """Shape (frames,)."""
    group: str


def merge_targets(targets: Sequence[PropertyTarget]) -> list[PropertyCurve]:
    """Return one curve per property, in the order of the first targets.

    Targets on the same side of rest are averaged and the two sides are added: the left and the
    right half of a smile on one slider agree, and its smile and frown do not compete.
    """
    by_property: dict[tuple[str, str, str, int], list[PropertyTarget]] = {}
    for target in targets:
        by_property.setdefault(target.key, []).append(target)
    return _in_rotation_modes([_merged(group) for group in by_property.values()])


def _merged(targets: list[PropertyTarget]) -> PropertyCurve:
    # A property keyed for its own sake wins over one that the driver of a shape asks for.
    rank = max(target.rank for target in targets)
    applied = [target for target in targets if target.rank == rank]
    first = applied[0]
    # Float64 whatever the first target has: values of many targets are added.
    values = np.full_like(first.values, first.rest, np.float64)
    for side in sorted({target.side for target in applied}):
        # The mean per side, not the sum: left and right smile on one slider ask for the same motion
        # twice.
        values += np.mean([t.values - t.rest for t in applied if t.side == side], axis=0)
    return PropertyCurve(first.owner, first.path, first.index, values, first.group)


def _in_rotation_modes(curves: list[PropertyCurve]) -> list[PropertyCurve]:
    """Rewrite Euler angles of bones in other rotation modes; angles without a target are 0."""
    result: list[PropertyCurve] = []
    rotated: dict[tuple[str, str, str], list[PropertyCurve]] = {}
    for curve in curves:
        bone = _rotated_bone_or_none(curve)
        # Euler orders other than XYZ keep the three angles; for turns about one axis they are the
        # same.
        if bone is None or bone.rotation_mode not in ("QUATERNION", "AXIS_ANGLE"):
            result.append(curve)
        else:
            key = (curve.owner.id_type, curve.owner.name_full, curve.path)
            rotated.setdefault(key, []).append(curve)
    for group in rotated.values():
        result += _rotation_curves(group)
    return result


def _rotation_curves(group: list[PropertyCurve]) -> list[PropertyCurve]:
    """Return the curves of one bone's rotation in its own mode."""
    first = group[0]
    angles = np.zeros((len(first.values), 3))
    for curve in group:
        angles[:, curve.index] = curve.values
    name, values = bones.in_mode(_rotated_bone_or_none(first), angles)
    path = first.path.removesuffix("rotation_euler") + name
    return [
        PropertyCurve(first.owner, path, component, values[:, component], first.group)
        # All components: a quaternion with one curve missing is not a unit.
        for component in range(values.shape[1])
    ]


def _rotated_bone_or_none(curve: PropertyCurve) -> Any:
    if not curve.path.endswith("].rotation_euler"):
        return None
    # Resolved anew: a bone's reference is valid only until the armature changes.
    return curve.owner.path_resolve(curve.path.removesuffix(".rotation_euler"))
