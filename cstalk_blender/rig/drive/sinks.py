"""F-curves to be: which property of which datablock takes which values, each property once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..fitting import bones

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Wish:
    """One channel's, or one shape key's, wish for a property; several may be for the same."""

    owner: bpy.types.ID
    path: str
    index: int
    """Component, -1 for none."""
    values: Array
    """Shape (frames,)."""
    group: str
    """Name of the group of F-curves."""
    rest: float = 0.0
    """What the property is when nothing is wished."""
    side: int = 0
    """1 or -1 for a wish about one side of rest only (a slider that smiles up and frowns down)."""
    rank: int = 0
    """Of wishes with different ranks the highest is heard: 1 is a key of a mesh's own, 0 one that
    came through a driver and only follows."""

    @property
    def place(self) -> tuple[str, str, str, int]:
        """The same for wishes about the same property."""
        return (self.owner.id_type, self.owner.name_full, self.path, self.index)


@dataclasses.dataclass(frozen=True)
class Sink:
    """One F-curve: a property and its value at each frame of the performance."""

    owner: bpy.types.ID
    path: str
    index: int
    """Component, -1 for none."""
    values: Array
    """Shape (frames,)."""
    group: str


def sinks_of(wishes: Sequence[Wish]) -> list[Sink]:
    """One sink for each property, in the order of the first wishes.

    Wishes on the same side of rest are averaged, those on two sides are added: the left and the
    right half of a smile on one slider agree on it; up and down on one slider do not compete.
    """
    by_place: dict[tuple[str, str, str, int], list[Wish]] = {}
    for wish in wishes:
        by_place.setdefault(wish.place, []).append(wish)
    sinks = [_agreed(group) for group in by_place.values()]
    return _in_rotation_modes(sinks)


def _agreed(wishes: list[Wish]) -> Sink:
    rank = max(wish.rank for wish in wishes)
    heard = [wish for wish in wishes if wish.rank == rank]
    first = heard[0]
    values = np.full_like(first.values, first.rest, np.float64)
    for side in sorted({wish.side for wish in heard}):
        values += np.mean([w.values - w.rest for w in heard if w.side == side], axis=0)
    return Sink(first.owner, first.path, first.index, values, first.group)


def _in_rotation_modes(sinks: list[Sink]) -> list[Sink]:
    """Euler angles of bones in other modes rewritten; its angles without a wish are 0."""
    result: list[Sink] = []
    turned: dict[tuple[str, str, str], list[Sink]] = {}
    for sink in sinks:
        bone = _turned_bone_or_none(sink)
        if bone is None or bone.rotation_mode not in ("QUATERNION", "AXIS_ANGLE"):
            result.append(sink)
        else:
            turned.setdefault((sink.owner.id_type, sink.owner.name_full, sink.path), []).append(
                sink
            )
    for group in turned.values():
        bone, first = _turned_bone_or_none(group[0]), group[0]
        angles = np.zeros((len(first.values), 3))
        for sink in group:
            angles[:, sink.index] = sink.values
        name, values = bones.in_mode(bone, angles)
        path = first.path.removesuffix("rotation_euler") + name
        result += [
            Sink(first.owner, path, component, values[:, component], first.group)
            for component in range(values.shape[1])
        ]
    return result


def _turned_bone_or_none(sink: Sink) -> Any:
    if not sink.path.endswith("].rotation_euler"):
        return None
    return sink.owner.path_resolve(sink.path.removesuffix(".rotation_euler"))
