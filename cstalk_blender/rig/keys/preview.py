"""Play curves on faces without writing a key, while their Actions stay assigned.

The file is not changed: only Blender's evaluated copy of an Action, from which it computes a frame,
is told to leave the previewed F-curves out. Saving, undo and rendering therefore see the keys, and
there is nothing to restore but the evaluation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...arrays import Array
from ...direct.preview import SampledCurves
from ...errors import SceneChanged, SessionError
from ..drive.properties import PropertyCurve
from ..drive.values import write_value
from . import hand_edits, ownership
from .build import Group
from .install import widen_sliders

SHAPE_VALUE = "].value"
"""End of the animation path of a shape key's value."""
ROUNDING = 1e-5
"""Difference of values that are the same after float32."""


class BadPreview(SessionError):
    """A face whose performance cannot be previewed."""

    code = "bad-preview"


@dataclasses.dataclass(eq=False)
class _Part:
    """The previewed curves of one data block; valid until an undo or another file."""

    owner: bpy.types.ID
    action: bpy.types.Action
    properties: tuple[tuple[str, int], ...]
    """Animation path and component of each column."""
    curves: SampledCurves
    blocks: NDArray[np.intp] | None
    """Index of the shape key of each column; None for other data blocks than shape keys."""
    block_count: int
    shown: NDArray[np.float32] | None = None
    """Values that were set last, as Blender clamped them."""

    @property
    def labels(self) -> frozenset[tuple[str, int]]:
        """Return path and component of the F-curves that the preview replaces."""
        return frozenset((path, max(index, 0)) for path, index in self.properties)

    def check(self) -> None:
        """Raise SceneChanged where the data block plays something else by now."""
        # Compared first: a removed Action is None here, and the reference to it is dead.
        if ownership.current_action_or_none(self.owner) != self.action:
            raise SceneChanged("The performance was replaced", hint="Start Live Preview again")
        if self.blocks is not None and len(self.owner.key_blocks) != self.block_count:
            raise SceneChanged("The shape keys changed", hint="Start Live Preview again")


class PreviewPlayer:
    """Plays the curves of a performance on its data blocks."""

    def __init__(self, groups: Sequence[Group], frames: Array) -> None:
        """Prepare the curves; nothing is shown yet.

        Args:
            groups: Data blocks and their curves, as `install.plan_faces` returns them.
            frames: Scene frame of each sample, shape (samples,).

        Raises:
            BadPreview: No data block plays a performance of CSTalk that has these curves.
        """
        found = [_part_or_none(owner, curves, frames) for owner, curves in groups]
        self._parts = [part for part in found if part is not None]
        if not self._parts:
            raise BadPreview("The face plays no keys of CSTalk", hint="Click Update Keys first")

    def play(self, scene: bpy.types.Scene, frame: float) -> None:
        """Show a frame that Blender is about to evaluate (before its own animation).

        Args:
            scene: The scene whose frame changes.
            frame: Scene frame, may be fractional.

        Raises:
            SceneChanged: A data block plays something else by now.
        """
        for part in self._parts:
            part.check()
            row = part.curves.at(frame)
            for evaluated in _evaluated(part.owner, scene):
                compat.mute_curves(evaluated, part.labels)
                if part.blocks is not None:
                    # Not on the original: Blender would copy all shapes of the head to its
                    # evaluated copy at each frame, 30 MB for 52 shapes of 50,000 vertices.
                    part.shown = _set_shapes(evaluated, part.blocks, row)
            if part.blocks is None:
                _set_properties(part, row)

    def show(self, scene: bpy.types.Scene, frame: float) -> None:
        """Show a frame now, without a change of frame: after a change of the curves.

        Args:
            scene: The scene.
            frame: Its present frame, may be fractional.

        Raises:
            SceneChanged: A data block plays something else by now.
        """
        self.play(scene, frame)
        for part in self._parts:
            if part.blocks is not None:
                part.shown = _set_shapes(part.owner, part.blocks, part.curves.at(frame))
                part.owner.update_tag()

    def is_shown(self, scene: bpy.types.Scene) -> bool:
        """Return whether the faces show what was set last.

        Blender may evaluate the keys, or copy earlier values, at any change of the scene.
        """
        for part in self._parts:
            if part.blocks is None or part.shown is None:
                continue
            for evaluated in _evaluated(part.owner, scene):
                values = _shapes(evaluated)[part.blocks]
                if not np.allclose(values, part.shown, rtol=0, atol=ROUNDING):
                    return False
        return True

    def release(self) -> None:
        """Let Blender evaluate the keys again."""
        for part in self._parts:
            # A new evaluated copy is made of the Action, without our muting.
            part.action.update_tag()
            part.owner.update_tag(refresh={"TIME"})


def _part_or_none(
    owner: bpy.types.ID, curves: Sequence[PropertyCurve], frames: Array
) -> _Part | None:
    action = ownership.own_action_or_none(owner)
    if action is None:
        return None
    present = {f"{one.data_path}|{one.array_index}" for one in compat.curves_of(owner)}
    # Without a curve in the Action, nothing would return a value when the preview ends.
    used = [curve for curve in curves if hand_edits.label(curve) in present]
    if not used:
        return None
    _require_no_strip(owner, {(curve.path, max(curve.index, 0)) for curve in used})
    values = np.stack([curve.values for curve in used], 1).astype(np.float32)
    sampled = SampledCurves(frames, values)
    properties = tuple((curve.path, curve.index) for curve in used)
    if owner.id_type != "KEY" or not all(path.endswith(SHAPE_VALUE) for path, _i in properties):
        return _Part(owner, action, properties, sampled, None, 0)
    # As the bake does, for Blender clamps values to the sliders.
    widen_sliders(owner, used)
    names = [owner.path_resolve(path.removesuffix(".value")).name for path, _i in properties]
    blocks = np.array([owner.key_blocks.find(name) for name in names], np.intp)
    return _Part(owner, action, properties, sampled, blocks, len(owner.key_blocks))


def _require_no_strip(owner: bpy.types.ID, labels: Collection[tuple[str, int]]) -> None:
    """Raise BadPreview where strips move what the preview shows."""
    tracks = owner.animation_data.nla_tracks if owner.animation_data.use_nla else ()
    for track in tracks:
        for strip in track.strips:
            if track.mute or strip.mute or strip.action is None:
                continue
            # Strips are evaluated together with the Action: they would win over a muted curve.
            bags = compat.curve_bags(strip.action)
            if any(
                (c.data_path, c.array_index) in labels for _handle, curves in bags for c in curves
            ):
                raise BadPreview(
                    f"The NLA strip {strip.name!r} moves the same channels",
                    hint=f"Mute the track {track.name!r}, then start Live Preview again",
                )


def _evaluated(owner: bpy.types.ID, scene: bpy.types.Scene) -> Iterator[bpy.types.ID]:
    """Yield the evaluated copies of a data block, one for each view layer that is in use."""
    for layer in scene.view_layers:
        # Read, not `evaluated_depsgraph_get`, which would evaluate the scene.
        depsgraph = layer.depsgraph
        if depsgraph is not None:
            copy = owner.evaluated_get(depsgraph)
            if copy.is_evaluated:
                yield copy


def _shapes(key: bpy.types.ID) -> NDArray[np.float32]:
    values = np.empty(len(key.key_blocks), np.float32)
    key.key_blocks.foreach_get("value", values)
    return values


def _set_shapes(
    key: bpy.types.ID, blocks: NDArray[np.intp], row: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Set the values of some shape keys; return them as Blender clamped them."""
    values = _shapes(key)
    values[blocks] = row
    key.key_blocks.foreach_set("value", values)
    return _shapes(key)[blocks]


def _set_properties(part: _Part, row: NDArray[np.float32]) -> None:
    for (path, index), value in zip(part.properties, row.tolist(), strict=True):
        write_value(part.owner, path, index, value)
    part.owner.update_tag()
