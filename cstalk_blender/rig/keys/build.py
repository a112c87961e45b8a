"""Write the F-curves of a performance into Actions that nothing plays yet, piece by piece.

Between two pieces the user may undo, rename or delete anything, so no reference to a data block is
kept: Actions and their owners are looked up again by their session ids.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...direct.few_keys import FittedCurve, fit_region, scaled
from ...direct.splice import EarlierFit, splice_region
from ...errors import BakeFailed, SceneChanged
from ..drive.properties import PropertyCurve
from .fcurves import write_curve, write_fitted_curve

# Custom properties are part of undo: an undone removal brings the Action back with its token.
BUILDING = "cstalk_building"
"""Custom property of an Action that is incomplete and plays nowhere: the token of its builder."""
_live_tokens: set[str] = set()
"""Tokens of builders at work; an Action with another token is a remnant that an undo restored."""

Group = tuple[bpy.types.ID, list[PropertyCurve]]
"""A data block and the curves to write on it."""


@dataclasses.dataclass(frozen=True)
class Fitting:
    """The rule by which few keys stand for all samples."""

    tolerance: float
    """Largest deviation as a share of a curve's range, above 0."""
    exact: tuple[int, ...] = ()
    """Samples that get a key, such as closures of the lips."""


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

    @property
    def key(self) -> tuple[int, str]:
        """Number of the owner, and "path|component"."""
        return self.owner, f"{self.path}|{max(self.index, 0)}"

    def is_same(self, other: _Curve) -> bool:
        """Return True when both set the same property to the same values."""
        mine = (self.owner, self.path, self.index, self.group)
        theirs = (other.owner, other.path, other.index, other.group)
        # Exact equality: the curves come from the same code and differ only when something changed.
        return mine == theirs and np.array_equal(self.values, other.values)


class ActionBuilder:
    """Actions under construction: one for all owners where Actions have slots, else one each."""

    def __init__(self, frames: NDArray[np.float64], fitting: Fitting | None = None) -> None:
        """Start with no curves.

        Args:
            frames: Scene frame of each sample, shape (frames,).
            fitting: Fit few Bezier keys; None writes a linear key for each sample.
        """
        self._frames, self._fitting = frames, fitting
        # The curves of a region are fitted at once, but written one by one.
        self._fitted: dict[int, FittedCurve] = {}
        """Fitted keys of curves that are not written yet, by their index."""
        self.largest_error = 0.0
        """Largest deviation of fitted keys so far, as a share of each curve's range."""
        self.keys = 0
        """Keys written so far."""
        self._earlier: dict[tuple[int, str], EarlierFit] = {}
        self._owners: list[Owner] = []
        self._curves: list[_Curve] = []
        self._actions: list[int] = []
        """Session ids of the Actions, one per owner reached so far."""
        self._written = 0
        # Random rather than counted: tokens of two sessions must differ in one file.
        self._token = uuid.uuid4().hex

    @property
    def fraction(self) -> float:
        """Written part of the planned curves, 0 to 1."""
        return self._written / len(self._curves) if self._curves else 0.0

    @property
    def is_complete(self) -> bool:
        """True when all curves are written."""
        return self._written == len(self._curves)

    def plan(
        self, groups: Sequence[Group], earlier: Mapping[tuple[int, str], EarlierFit] | None = None
    ) -> None:
        """Set the curves to write; what was written before is removed.

        Args:
            groups: Data blocks and their curves.
            earlier: Fitted keys to keep where nothing changed, by number of the data block and
                "path|component"; a curve without any is fitted anew.
        """
        self.drop()
        self._earlier = dict(earlier or {})
        _live_tokens.add(self._token)
        self._owners, self._curves = _without_references(groups)

    def write(self, deadline: float) -> None:
        """Write curves until a time of ``time.perf_counter``, at least one.

        Raises:
            SceneChanged: A data block to key was removed.
            BakeFailed: Blender refused the keyframes; what was written is removed.
        """
        # Looking an owner up searches all data; within one call nothing can be removed.
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
        # RuntimeError is what Blender raises for refused keyframes; the Actions are of no use then.
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
            # Curves of an owner are written in order, so that their number tells how many exist.
            if len(holder.fcurves) != sum(c.owner == number for c in self._curves[: self._written]):
                return False
        return True

    def is_current(self, groups: Sequence[Group]) -> bool:
        """Return True when the complete curves are those that ``groups`` describe."""
        # Plans are compared by content: the user may have changed a mapping and changed it back.
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
            # Without the mark `drop` of any builder leaves the Actions alone.
            del action[BUILDING]
        self._actions, self._written = [], 0
        _live_tokens.discard(self._token)
        return made

    def drop(self) -> None:
        """Remove the incomplete Actions of this builder, and remnants of finished ones."""
        self._actions, self._written, self._fitted = [], 0, {}
        self.largest_error, self.keys = 0.0, 0
        _live_tokens.discard(self._token)
        # A list, as removing changes the collection that is iterated.
        for action in list(bpy.data.actions):
            token = action.get(BUILDING)
            if token is not None and token not in _live_tokens:
                bpy.data.actions.remove(action)

    def _write(self, curve: _Curve, owner: bpy.types.ID) -> None:
        # Owners come in order, so that the first curve of an owner asks for its Action.
        if curve.owner == len(self._actions):
            self._actions.append(self._new_action())
        action = _actions_by_uid()[self._actions[curve.owner]]
        holder = compat.curve_holder(action, owner)
        group = holder.groups.get(curve.group) or holder.groups.new(curve.group)
        # An F-curve of a property without components has index 0.
        fcurve = holder.fcurves.new(curve.path, index=max(curve.index, 0))
        fcurve.group = group
        if self._fitting is None:
            write_curve(fcurve, self._frames, curve.values)
            self.keys += len(self._frames)
            return
        fitted = self._fitted_curve(self._written)
        write_fitted_curve(fcurve, self._frames, fitted)
        self.keys += len(fitted.frames)

    def _fitted_curve(self, number: int) -> FittedCurve:
        """Return the fitted keys of a curve; the curves of its region are fitted together."""
        assert self._fitting is not None
        if number not in self._fitted:
            curve = self._curves[number]
            # Fitted together: keys of one region share their frames, which an animator moves as
            # one.
            region = [
                n
                for n, other in enumerate(self._curves)
                if (other.owner, other.group) == (curve.owner, curve.group)
            ]
            self._fitted.update(self._fit(region))
        # Popped: every curve is written once, and the arrays are not needed again.
        return self._fitted.pop(number)

    def _fit(self, region: Sequence[int]) -> dict[int, FittedCurve]:
        """Return the fitted keys of the curves of a region; keys of unchanged stretches stay."""
        assert self._fitting is not None
        rule = self._fitting
        kept = [n for n in region if self._curves[n].key in self._earlier]
        anew = [n for n in region if n not in kept]
        out: dict[int, FittedCurve] = {}
        for some in (anew, kept):
            if not some:
                continue
            scales = [_scale(self._curves[n]) for n in some]
            # Each curve by its own scale, so that one tolerance holds for values and for radians.
            values = np.stack(
                [self._curves[n].values / s for n, s in zip(some, scales, strict=True)], 1
            )
            if some is kept:
                earlier = [self._earlier[self._curves[n].key] for n in some]
                found = splice_region(
                    values, scales, earlier, tolerance=rule.tolerance, exact=rule.exact
                )
            else:
                fits = fit_region(values, tolerance=rule.tolerance, exact=rule.exact)
                found = [scaled(one, s) for one, s in zip(fits, scales, strict=True)]
            self.largest_error = max(self.largest_error, *(one.error for one in found))
            out.update(zip(some, found, strict=True))
        return out

    def _new_action(self) -> int:
        if self._actions and compat.shares_actions():
            return self._actions[0]
        action = bpy.data.actions.new("CSTalk building")
        action[BUILDING] = self._token
        return int(action.session_uid)


def _scale(curve: _Curve) -> float:
    """Return the range that tolerance is a share of: 1 for a shape key, else that of the curve."""
    # A curve that never changes would divide by zero.
    return 1.0 if curve.path.startswith("key_blocks") else max(float(np.ptp(curve.values)), 1e-6)


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
    # Blender has no lookup by session id.
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
    # All kinds of data: a driver's source may be on any of them.
    for prop in bpy.types.BlendData.bl_rna.properties:
        if prop.type == "COLLECTION":
            yield getattr(bpy.data, prop.identifier)
