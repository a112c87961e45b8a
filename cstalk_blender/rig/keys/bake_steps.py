"""A bake in pieces, so that the window never stands still: the same keys as `bake.bake_track`.

The keys are written into an Action that nobody plays yet, and only the last piece gives it to the
face. Between two pieces the artist may do anything, so nothing of bpy is kept: the Action and its
owners are found again by their session ids. What was undone, or what is wired differently by then,
is built again; a face that is gone ends the bake. `drop` leaves the scene as it was.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...errors import BakeFailed, SceneChanged
from ...package import track
from ..drive.mouth import reference_gap
from . import bake

BUILDING = "cstalk_building"
"""Custom property of an Action that is not complete and plays nowhere."""
MOST_STARTS = 20
"""A bake that is outdated more often than this by what happens around it is given up."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """An F-curve to be, without anything of bpy."""

    part: int
    """Which owner."""
    path: str
    index: int
    group: str
    values: NDArray[np.float64]
    """Shape (frames,)."""

    def is_same(self, other: Curve) -> bool:
        """True when both are the same property with the same values."""
        mine = (self.part, self.path, self.index, self.group)
        theirs = (other.part, other.path, other.index, other.group)
        return mine == theirs and np.array_equal(self.values, other.values)


@dataclasses.dataclass(frozen=True)
class Owner:
    """A datablock that is to be keyed, to be found again."""

    id_type: str
    uid: int
    name: str


class Building:
    """One bake under way. The order of calls is ``begin``, ``step`` until True, ``finish``."""

    def __init__(
        self, curves: track.CurveTrack, *, start_frame: float, frame_rate: float, line: str
    ) -> None:
        self._curves, self._line = curves, line
        self._frames = bake.key_frames(curves, start_frame=start_frame, frame_rate=frame_rate)
        self._gap: list[float] | None = None
        self._owners: list[Owner] = []
        self._actions: list[int] = []
        """Session ids, one for each owner so far."""
        self._wanted: list[Curve] = []
        self._written = 0
        self._starts = 0

    def begin(self, objects: Sequence[bpy.types.Object]) -> None:
        """Plan what is keyed on ``objects``; changes nothing but to remove what was begun.

        Raises:
            BadTarget, BakeFailed: As `bake.bake_track`.
            SceneChanged: It was begun too often.
        """
        self.drop()
        self._starts += 1
        if self._starts > MOST_STARTS:
            raise SceneChanged(
                f"The face changed {MOST_STARTS} times while its keys were written",
                hint="Generate again while nothing else changes it",
            )
        _plans, groups = bake.plan_all(objects, self._curves)
        self._owners, self._wanted = _plain(groups)

    def step(self, budget_s: float) -> bool:
        """Write F-curves for ``budget_s`` seconds, one at least; True when all are written.

        Raises:
            SceneChanged: A datablock that is to be keyed is gone.
            BakeFailed: Blender refused; nothing is left of what was written.
        """
        began = time.perf_counter()
        if self._gap is None:
            self._gap = reference_gap(self._curves).tolist()
            return False
        if not self._is_whole():
            self._start_over()
        try:
            while self._written < len(self._wanted):
                self._write(self._wanted[self._written])
                self._written += 1
                if time.perf_counter() - began > budget_s:
                    break
        except RuntimeError as error:
            self.drop()
            raise BakeFailed(
                f"Blender refused the keys: {error}", hint="Nothing was changed"
            ) from error
        return self._written == len(self._wanted)

    def finish(self, objects: Sequence[bpy.types.Object]) -> bake.BakeReport | None:
        """Give the keys to ``objects``; None when they are outdated: then ``begin`` again.

        Raises:
            BadTarget, BakeFailed: As `bake.bake_track`.
        """
        plans, groups = bake.plan_all(objects, self._curves)
        owners, wanted = _plain(groups)
        is_planned = owners == self._owners and len(wanted) == len(self._wanted)
        if not is_planned or not self._is_whole() or self._written < len(wanted):
            return None
        if not all(a.is_same(b) for a, b in zip(wanted, self._wanted, strict=True)):
            return None
        found = _actions_by_uid()
        made = [found[uid] for uid in self._actions]
        for action in dict.fromkeys(made):
            del action[BUILDING]
            action[bake.REFERENCE_GAP] = self._gap
        self._actions = []
        widened = bake.install_all(groups, made, plans, self._line)
        return bake.report_of(plans, self._curves, self._frames, made, widened)

    def drop(self) -> None:
        """Remove what was written; also what an undo brought back of an earlier bake."""
        self._actions, self._written = [], 0
        for action in [a for a in bpy.data.actions if a.get(BUILDING) is not None]:
            bpy.data.actions.remove(action)

    def _is_whole(self) -> bool:
        """True when all curves so far are there: an undo may have brought back fewer."""
        found = _actions_by_uid()
        for part, uid in enumerate(self._actions):
            if uid not in found:
                return False
            holder = compat.curve_holder(found[uid], _found(self._owners[part]))
            if len(holder.fcurves) != sum(c.part == part for c in self._wanted[: self._written]):
                return False
        return True

    def _start_over(self) -> None:
        self._starts += 1
        self.drop()

    def _write(self, curve: Curve) -> None:
        owner = _found(self._owners[curve.part])
        if curve.part == len(self._actions):
            self._actions.append(self._new_action())
        holder = compat.curve_holder(_actions_by_uid()[self._actions[curve.part]], owner)
        group = holder.groups.get(curve.group) or holder.groups.new(curve.group)
        fcurve = holder.fcurves.new(curve.path, index=max(curve.index, 0))
        fcurve.group = group
        bake.write_curve(fcurve, self._frames, curve.values)

    def _new_action(self) -> int:
        if self._actions and compat.shares_actions():
            return self._actions[0]
        action = bpy.data.actions.new("CSTalk building")
        action["cstalk_line"], action[BUILDING] = self._line, True
        return int(action.session_uid)


def _plain(groups: Sequence[bake.Group]) -> tuple[list[Owner], list[Curve]]:
    owners = [Owner(o.id_type, o.session_uid, o.name_full) for o, _sinks in groups]
    curves = [
        Curve(part, sink.path, sink.index, sink.group, sink.values)
        for part, (_owner, sinks) in enumerate(groups)
        for sink in sinks
    ]
    return owners, curves


def _actions_by_uid() -> dict[int, bpy.types.Action]:
    return {action.session_uid: action for action in bpy.data.actions}


def _found(owner: Owner) -> Any:
    for collection in _collections():
        for thing in collection:
            if thing.id_type != owner.id_type:
                break  # a collection holds one kind, but for that of object data
            if thing.session_uid == owner.uid:
                return thing
    raise SceneChanged(
        f"{owner.name!r} was removed while its keys were written",
        hint="Undo the removal or choose another face, then generate again",
    )


def _collections() -> Iterator[Any]:
    for prop in bpy.types.BlendData.bl_rna.properties:
        if prop.type == "COLLECTION":
            yield getattr(bpy.data, prop.identifier)
