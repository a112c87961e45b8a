"""Curves to keys: one Action per face mesh, a key for each frame, nothing half-written.

`bake_track` builds all Actions first, unassigned; only when every one of them stands are they given
to the faces. A failure before that leaves the scene as it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from .. import compat
from ..errors import BakeFailed
from ..installation import rigs, track
from . import actions
from .targets import RIG_NAME, mapping_of

WHOLE_FRAME_TOLERANCE = 1e-4
"""Frames: a key this near a whole frame is meant to be on it (23.976 Hz is not exact in binary)."""
SLIDER_STEP = 0.1
"""Slider ranges are widened to the next multiple of this."""
SLIDER_TOLERANCE = 1e-4
"""An overshoot of less is rounding and widens nothing."""


@dataclasses.dataclass(frozen=True)
class BakeReport:
    """What `bake_track` wrote."""

    objects: tuple[str, ...]
    """Names of the baked objects, the target first."""
    actions: tuple[str, ...]
    """Names of their Actions."""
    frames: int
    """Keys on each curve."""
    channels: int
    """Channels of the track that are keyed on at least one object."""
    seconds: float
    """Length of the performance."""
    first_frame: float
    last_frame: float
    missing: tuple[str, ...]
    """Channels of the track without a shape key on any object."""
    driven: tuple[str, ...]
    """Shape keys left to their drivers."""
    widened: tuple[str, ...]
    """Shape keys whose slider range was too small."""

    def summary(self) -> str:
        """One line for the panel: frames, channels, seconds."""
        return f"{self.frames} frames, {self.channels} channels, {self.seconds:.1f} s"


def bake_track(
    objects: Sequence[bpy.types.Object],
    curves: track.CurveTrack,
    *,
    start_frame: float,
    frame_rate: float,
    line: str,
) -> BakeReport:
    """Write ``curves`` as keys on the shape keys of ``objects``.

    Args:
        objects: Face meshes, as `targets.face_objects` gives them; no two share a Key.
        curves: The performance.
        start_frame: Frame on which the sound begins; may lie between frames.
        frame_rate: Frames a second of the scene, ``fps / fps_base``.
        line: What is spoken, for the Actions' names; baking the same line again replaces its keys.

    Raises:
        BadTarget: An Action cannot be assigned to one of the objects.
        BakeFailed: Blender refused, or nothing of the track fits the objects. The scene is as it
            was in either case.
    """
    for face in objects:
        actions.require_assignable(face.data.shape_keys, face.name)
    frames = key_frames(curves, start_frame=start_frame, frame_rate=frame_rate)
    plans = [_plan(face, curves) for face in objects]
    if not any(plan.pairs for plan in plans):
        raise _nothing_to_key(plans)
    _build_all(plans, curves, frames, line)
    widened = [name for plan in plans for name in _install(plan, curves, line)]
    keyed = {channel for plan in plans for channel in plan.pairs}
    driven = {name for plan in plans for name in plan.driven}
    return BakeReport(
        objects=tuple(plan.face.name for plan in plans if plan.action is not None),
        actions=tuple(plan.action.name for plan in plans if plan.action is not None),
        frames=curves.frame_count,
        channels=len(keyed),
        seconds=curves.duration_s,
        first_frame=float(frames[0]),
        last_frame=float(frames[-1]),
        missing=tuple(c for c in curves.channels if not any(c in plan.known for plan in plans)),
        driven=tuple(sorted(driven)),
        widened=tuple(sorted(set(widened))),
    )


def clear_bake(objects: Sequence[bpy.types.Object]) -> list[str]:
    """Remove our performance from ``objects`` and restore what was before the first bake.

    Returns:
        Names of the objects that had one.
    """
    return [face.name for face in objects if actions.uninstall(face.data.shape_keys)]


def has_bake(target: bpy.types.Object | None) -> bool:
    """True when the object plays a performance of ours."""
    key = getattr(getattr(target, "data", None), "shape_keys", None)
    return key is not None and (
        actions.MEMORY in key or actions.own_action_or_none(key) is not None
    )


def key_frames(
    curves: track.CurveTrack, *, start_frame: float, frame_rate: float
) -> NDArray[np.float64]:
    """Scene frame of each frame of the track, shape (frames,); whole where it is meant to be."""
    frames = start_frame + curves.times_s() * frame_rate
    whole = np.round(frames)
    exact: NDArray[np.float64] = np.where(
        np.abs(frames - whole) < WHOLE_FRAME_TOLERANCE, whole, frames
    )
    return exact


def driven_shapes(key: bpy.types.Key) -> set[str]:
    """Names of shape keys whose value a driver sets: keys on them would not be seen."""
    if key.animation_data is None:
        return set()
    paths = {driver.data_path for driver in key.animation_data.drivers}
    return {block.name for block in key.key_blocks if value_path(block.name) in paths}


def value_path(shape_name: str) -> str:
    """Animation path of a shape key's value."""
    return f'key_blocks["{bpy.utils.escape_identifier(shape_name)}"].value'


@dataclasses.dataclass
class _Plan:
    face: bpy.types.Object
    known: set[str]
    """Channels of the track that the face has, driven ones included."""
    pairs: dict[str, str]
    """Channel to the shape key that will be keyed."""
    driven: set[str]
    action: bpy.types.Action | None = None


def _plan(face: bpy.types.Object, curves: track.CurveTrack) -> _Plan:
    wanted = set(curves.channels)
    pairs = {c: name for c, name in mapping_of(face).pairs.items() if c in wanted}
    driven = driven_shapes(face.data.shape_keys)
    return _Plan(
        face=face,
        known=set(pairs),
        pairs={c: name for c, name in pairs.items() if name not in driven},
        driven=driven & set(pairs.values()),
    )


def _nothing_to_key(plans: list[_Plan]) -> BakeFailed:
    driven = sorted(name for plan in plans for name in plan.driven)
    if driven:
        return BakeFailed(
            f"All {len(driven)} fitting shape keys have drivers, so keys on them would not be seen",
            hint="Remove the drivers, or choose the mesh whose shape keys are free",
        )
    return BakeFailed(
        "No shape key fits a channel of the performance", hint="Check the names of the shape keys"
    )


def _build_all(
    plans: list[_Plan], curves: track.CurveTrack, frames: NDArray[np.float64], line: str
) -> None:
    try:
        for plan in plans:
            if plan.pairs:
                plan.action = bpy.data.actions.new("CSTalk building")
                plan.action["cstalk_line"] = line
                _write_curves(plan, curves, frames)
    except RuntimeError as error:
        for plan in plans:
            if plan.action is not None:
                bpy.data.actions.remove(plan.action)
        raise BakeFailed(
            f"Blender refused the keys: {error}", hint="Nothing was changed"
        ) from error


def _write_curves(plan: _Plan, curves: track.CurveTrack, frames: NDArray[np.float64]) -> None:
    holder = compat.curve_holder(plan.action, plan.face.data.shape_keys)
    regions = {channel.name: channel.region for channel in rigs.load_rig(RIG_NAME).channels}
    groups = {}
    points = np.empty(2 * len(frames), np.float32)
    points[0::2] = frames
    linear = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value
    interpolation = np.full(len(frames), linear, np.int32)
    for channel, name in plan.pairs.items():
        region = regions[channel].capitalize()
        if region not in groups:
            groups[region] = holder.groups.new(region)
        curve = holder.fcurves.new(value_path(name))
        curve.group = groups[region]
        curve.keyframe_points.add(len(frames))
        points[1::2] = curves.column(channel)
        curve.keyframe_points.foreach_set("co", points)
        curve.keyframe_points.foreach_set("interpolation", interpolation)
        curve.update()


def _install(plan: _Plan, curves: track.CurveTrack, line: str) -> list[str]:
    """Give the finished Action to the face; names of the shape keys whose sliders were widened."""
    if plan.action is None:
        return []
    key = plan.face.data.shape_keys
    actions.restore_ranges(key)
    actions.remember_values(key, list(plan.pairs.values()))
    widened = []
    for channel, name in plan.pairs.items():
        values = curves.column(channel)
        low = np.floor((float(values.min()) + SLIDER_TOLERANCE) / SLIDER_STEP) * SLIDER_STEP
        high = np.ceil((float(values.max()) - SLIDER_TOLERANCE) / SLIDER_STEP) * SLIDER_STEP
        if actions.widen_range(key.key_blocks[name], low, high):
            widened.append(name)
    actions.install(key, plan.action, f"CSTalk {plan.face.name} {line}")
    return widened
