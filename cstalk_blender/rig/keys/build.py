"""Write the F-curves of a performance into Actions that nothing plays yet, piece by piece.

Between two pieces the user may undo, rename or delete anything, so no reference to a data block is
kept: Actions and their owners are looked up again by their session ids.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...errors import BakeFailed, SceneChanged
from ..drive.properties import PropertyCurve
from .fcurves import write_curve

BUILDING = "cstalk_building"
"""Custom property of an Action that is incomplete and plays nowhere: the token of its builder."""
_live_tokens: set[str] = set()
"""Tokens of builders at work; an Action with another token is a remnant that an undo restored."""

Group = tuple[bpy.types.ID, list[PropertyCurve]]
"""A data block and the curves to write on it."""


@dataclasses.dataclass(frozen=True)
class Owner:
    """Identity of a data block that will be keyed."""

    id_type: str
    uid: int
    name: str


@dataclasses.dataclass(frozen=True)
class _Curve:
    """An F-curve to write, without a reference to a data block."""

    owner: int
    """Index of its owner."""
    path: str
    index: int
    group: str
    values: NDArray[np.float64]
    """Shape (frames,)."""

    def is_same(self, other: _Curve) -> bool:
        """Return True when both set the same property to the same values."""
        mine = (self.owner, self.path, self.index, self.group)
        theirs = (other.owner, other.path, other.index, other.group)
        return mine == theirs and np.array_equal(self.values, other.values)


class ActionBuilder:
    """Actions under construction: one for all owners where Actions have slots, else one each."""

    def __init__(self, frames: NDArray[np.float64]) -> None:
        """Start with no curves.

        Args:
            frames: Scene frame of each keyframe, shape (frames,).
        """
        self._frames = frames
        self._owners: list[Owner] = []
        self._curves: list[_Curve] = []
        self._actions: list[int] = []
        """Session ids of the Actions, one per owner reached so far."""
        self._written = 0
        self._token = uuid.uuid4().hex

    @property
    def is_complete(self) -> bool:
        """True when all curves are written."""
        return self._written == len(self._curves)

    def plan(self, groups: Sequence[Group]) -> None:
        """Set the curves to write; what was written before is removed."""
        self.drop()
        _live_tokens.add(self._token)
        self._owners, self._curves = _without_references(groups)

    def write(self, deadline: float) -> None:
        """Write curves until a time of ``time.perf_counter``, at least one.

        Raises:
            SceneChanged: A data block to key was removed.
            BakeFailed: Blender refused the keyframes; what was written is removed.
        """
        owners: dict[int, Any] = {}  # valid within this call only
        try:
            while not self.is_complete:
                curve = self._curves[self._written]
                if curve.owner not in owners:
                    owners[curve.owner] = _found(self._owners[curve.owner])
                self._write(curve, owners[curve.owner])
                self._written += 1
                if time.perf_counter() >= deadline:
                    break
        except RuntimeError as error:
            self.drop()
            raise BakeFailed(
                f"Blender refused the keyframes: {error}", hint="Nothing was changed"
            ) from error

    def is_intact(self) -> bool:
        """Return True when all curves written so far exist: an undo may have removed some."""
        found = _actions_by_uid()
        for number, uid in enumerate(self._actions):
            if uid not in found:
                return False
            holder = compat.curve_holder(found[uid], _found(self._owners[number]))
            if len(holder.fcurves) != sum(c.owner == number for c in self._curves[: self._written]):
                return False
        return True

    def is_current(self, groups: Sequence[Group]) -> bool:
        """Return True when the complete curves are those that ``groups`` describe."""
        owners, curves = _without_references(groups)
        if owners != self._owners or len(curves) != len(self._curves):
            return False
        if not self.is_complete or not self.is_intact():
            return False
        return all(a.is_same(b) for a, b in zip(curves, self._curves, strict=True))

    def take(self) -> list[bpy.types.Action]:
        """Hand over the complete Actions, one per owner; the builder is empty afterwards."""
        found = _actions_by_uid()
        made = [found[uid] for uid in self._actions]
        for action in dict.fromkeys(made):
            del action[BUILDING]
        self._actions, self._written = [], 0
        _live_tokens.discard(self._token)
        return made

    def drop(self) -> None:
        """Remove the incomplete Actions of this builder, and remnants of finished ones."""
        self._actions, self._written = [], 0
        _live_tokens.discard(self._token)
        for action in list(bpy.data.actions):
            token = action.get(BUILDING)
            if token is not None and token not in _live_tokens:
                bpy.data.actions.remove(action)

    def _write(self, curve: _Curve, owner: bpy.types.ID) -> None:
        if curve.owner == len(self._actions):
            self._actions.append(self._new_action())
        action = _actions_by_uid()[self._actions[curve.owner]]
        holder = compat.curve_holder(action, owner)
        group = holder.groups.get(curve.group) or holder.groups.new(curve.group)
        fcurve = holder.fcurves.new(curve.path, index=max(curve.index, 0))
        fcurve.group = group
        write_curve(fcurve, self._frames, curve.values)

    def _new_action(self) -> int:
        if self._actions and compat.shares_actions():
            return self._actions[0]
        action = bpy.data.actions.new("CSTalk building")
        action[BUILDING] = self._token
        return int(action.session_uid)


def _without_references(groups: Sequence[Group]) -> tuple[list[Owner], list[_Curve]]:
    owners = [Owner(o.id_type, o.session_uid, o.name_full) for o, _curves in groups]
    curves = [
        _Curve(number, curve.path, curve.index, curve.group, curve.values)
        for number, (_owner, some) in enumerate(groups)
        for curve in some
    ]
    return owners, curves


def _actions_by_uid() -> dict[int, bpy.types.Action]:
    return {action.session_uid: action for action in bpy.data.actions}


def _found(owner: Owner) -> Any:
    for collection in _collections():
        for thing in collection:
            if thing.id_type != owner.id_type:
                break  # a collection holds one type; bpy.data.all_ids does not exist before 5.0
            if thing.session_uid == owner.uid:
                return thing
    raise SceneChanged(
        f"{owner.name!r} was removed while its keyframes were written",
        hint="Undo the removal or choose another face, then generate again",
    )


def _collections() -> Iterator[Any]:
    for prop in bpy.types.BlendData.bl_rna.properties:
        if prop.type == "COLLECTION":
            yield getattr(bpy.data, prop.identifier)
