"""Curves to keys: a key for each frame on all that makes up the face, nothing half-written.

One performance is one Action with a slot for each datablock it keys (shape keys of head, teeth and
tongue, the armature), or one Action each where Blender knows no slots (4.2, 4.3). `bake_track`
builds all of it first, unassigned; only when every curve stands is it given to the faces. A failure
before that leaves the scene as it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...errors import BakeFailed
from ...package import track
from ..drive.mouth import reference_gap
from ..drive.plan import Plan, owners_of, plan_face
from ..drive.sinks import Sink, sinks_of
from . import actions

REFERENCE_GAP = "cstalk_gap"
"""Custom property of our Actions: relative lip gap of the demo head at each key, for the seal."""
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
    """Names of their Actions: one for all where Actions have slots."""
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
    rerouted: tuple[str, ...] = ()
    """Shape keys moved through what their drivers follow."""
    refused: tuple[str, ...] = ()
    """Why shape keys were left to their drivers, one sentence for each reason."""

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
    """Write ``curves`` as keys on what moves ``objects``.

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
    frames = key_frames(curves, start_frame=start_frame, frame_rate=frame_rate)
    plans, groups = plan_all(objects, curves)
    made = _build_all(groups, frames, line)
    gap = reference_gap(curves).tolist()
    for action in dict.fromkeys(made):
        action[REFERENCE_GAP] = gap
    widened = install_all(groups, made, plans, line)
    return report_of(plans, curves, frames, made, widened)


@dataclasses.dataclass(frozen=True)
class Part:
    """What moves one datablock in a performance that is given to nobody yet."""

    owner: bpy.types.ID
    action: bpy.types.Action
    """The same for all parts where Actions have slots."""
    sinks: list[Sink]


def build_parts(
    objects: Sequence[bpy.types.Object],
    curves: track.CurveTrack,
    *,
    start_frame: float,
    frame_rate: float,
    line: str,
) -> list[Part]:
    """The Actions of a performance, for the caller to name and to place; see `bake_track`.

    Raises:
        BadTarget, BakeFailed: As `bake_track` does; nothing was made then.
    """
    frames = key_frames(curves, start_frame=start_frame, frame_rate=frame_rate)
    _plans, groups = plan_all(objects, curves)
    made = _build_all(groups, frames, line)
    return [Part(o, action, sinks) for (o, sinks), action in zip(groups, made, strict=True)]


def clear_bake(objects: Sequence[bpy.types.Object]) -> list[str]:
    """Remove our performance from ``objects`` and restore what was before the first bake.

    Returns:
        Names of the objects that had one.
    """
    had = [face.name for face in objects if has_bake(face)]
    for owner in owners_of(objects):
        actions.uninstall(owner)
    return had


def has_bake(target: bpy.types.Object | None) -> bool:
    """True when the object, or what moves it, plays a performance of ours."""
    key = getattr(getattr(target, "data", None), "shape_keys", None)
    if key is None:
        return False
    return actions.has_memory(key) or any(actions.has_memory(o) for o in owners_of([target]))


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


def write_curve(curve: bpy.types.FCurve, frames: NDArray[np.float64], values: NDArray) -> None:
    """Make ``values`` the linear keys of ``curve``, one at each of ``frames``; both (frames,)."""
    points = np.empty(2 * len(frames), np.float32)
    points[0::2] = frames
    points[1::2] = values
    linear = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value
    if len(curve.keyframe_points):
        curve.keyframe_points.clear()
    curve.keyframe_points.add(len(frames))
    curve.keyframe_points.foreach_set("co", points)
    curve.keyframe_points.foreach_set("interpolation", np.full(len(frames), linear, np.int32))
    curve.update()


def read_curve(curve: bpy.types.FCurve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frames and values of the keys of ``curve``, both (keys,)."""
    points = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", points)
    return points[0::2].astype(np.float64), points[1::2].astype(np.float64)


Group = tuple[bpy.types.ID, list[Sink]]


def _by_owner(sinks: Sequence[Sink]) -> list[Group]:
    groups: dict[tuple[str, str], Group] = {}
    for sink in sinks:
        place = (sink.owner.id_type, sink.owner.name_full)
        groups.setdefault(place, (sink.owner, []))[1].append(sink)
    return list(groups.values())


def plan_all(
    objects: Sequence[bpy.types.Object], curves: track.CurveTrack
) -> tuple[list[Plan], list[Group]]:
    """What to key on which datablock. Raises BadTarget and BakeFailed; changes nothing."""
    for face in objects:
        actions.require_assignable(face.data.shape_keys, face.name)
    plans = [plan_face(face, curves) for face in objects]
    if not any(plan.wishes for plan in plans):
        raise _nothing_to_key(plans)
    groups = _by_owner(sinks_of([wish for plan in plans for wish in plan.wishes]))
    for owner, _sinks in groups:
        actions.require_assignable(owner, owner.name)
    return plans, groups


def _nothing_to_key(plans: list[Plan]) -> BakeFailed:
    driven = {name: why for plan in plans for name, why in plan.driven.items()}
    if driven:
        name, why = next(iter(driven.items()))
        return BakeFailed(
            f"All {len(driven)} fitting shape keys have drivers that CSTalk cannot follow back, "
            f"so keys on them would not be seen ({name}: {why})",
            hint="Remove the drivers, or choose the mesh whose shape keys are free",
        )
    return BakeFailed(
        "No shape key fits a channel of the performance", hint="Check the names of the shape keys"
    )


def _build_all(
    groups: Sequence[Group], frames: NDArray[np.float64], line: str
) -> list[bpy.types.Action]:
    """The Action of each group, all the same where one can hold them all."""
    made: list[bpy.types.Action] = []
    try:
        for owner, sinks in groups:
            if made and compat.shares_actions():
                made.append(made[0])
            else:
                made.append(bpy.data.actions.new("CSTalk building"))
                made[-1]["cstalk_line"] = line
            _write_curves(made[-1], owner, sinks, frames)
    except RuntimeError as error:
        for action in dict.fromkeys(made):
            bpy.data.actions.remove(action)
        raise BakeFailed(
            f"Blender refused the keys: {error}", hint="Nothing was changed"
        ) from error
    return made


def _write_curves(
    action: bpy.types.Action,
    owner: bpy.types.ID,
    sinks: Sequence[Sink],
    frames: NDArray[np.float64],
) -> None:
    holder = compat.curve_holder(action, owner)
    groups = {}
    for sink in sinks:
        if sink.group not in groups:
            groups[sink.group] = holder.groups.new(sink.group)
        curve = holder.fcurves.new(sink.path, index=max(sink.index, 0))
        curve.group = groups[sink.group]
        write_curve(curve, frames, sink.values)


def install_all(
    groups: Sequence[Group], made: Sequence[bpy.types.Action], plans: list[Plan], line: str
) -> list[str]:
    """Give the Actions to their owners; names of the shape keys whose sliders were widened."""
    names = {plan.face.data.shape_keys: plan.face.name for plan in plans}
    widened: list[str] = []
    for (owner, sinks), action in zip(groups, made, strict=True):
        if owner.id_type == "KEY":
            actions.restore_ranges(owner)
            widened += widen_sliders(owner, sinks)
        else:
            before = [(s.path, s.index, actions.read_value(*_place(s))) for s in sinks]
            actions.remember_paths(owner, before)
        name = plans[0].face.name if compat.shares_actions() else names.get(owner, owner.name)
        actions.install(owner, action, f"CSTalk {name} {line}")
    return widened


def _place(sink: Sink) -> tuple[bpy.types.ID, str, int]:
    return sink.owner, sink.path, sink.index


def widen_sliders(key: bpy.types.Key, sinks: Sequence[Sink]) -> list[str]:
    """Note the values of what will be keyed, and widen the sliders that are too small; names."""
    blocks = [key.path_resolve(sink.path.removesuffix(".value")) for sink in sinks]
    actions.remember_values(key, [block.name for block in blocks])
    widened = []
    for block, sink in zip(blocks, sinks, strict=True):
        values = sink.values
        low = np.floor((float(values.min()) + SLIDER_TOLERANCE) / SLIDER_STEP) * SLIDER_STEP
        high = np.ceil((float(values.max()) - SLIDER_TOLERANCE) / SLIDER_STEP) * SLIDER_STEP
        if actions.widen_range(block, low, high):
            widened.append(block.name)
    return widened


def report_of(
    plans: list[Plan],
    curves: track.CurveTrack,
    frames: NDArray[np.float64],
    made: Sequence[bpy.types.Action],
    widened: Sequence[str],
) -> BakeReport:
    """What was written on the faces of ``plans``."""
    driven = {name: why for plan in plans for name, why in plan.driven.items()}
    reasons: dict[str, list[str]] = {}
    for name, why in sorted(driven.items()):
        reasons.setdefault(why, []).append(name)
    return BakeReport(
        objects=tuple(plan.face.name for plan in plans if plan.wishes),
        actions=tuple(dict.fromkeys(action.name for action in made)),
        frames=curves.frame_count,
        channels=len({channel for plan in plans for channel in plan.keyed}),
        seconds=curves.duration_s,
        first_frame=float(frames[0]),
        last_frame=float(frames[-1]),
        missing=tuple(c for c in curves.channels if not any(c in plan.known for plan in plans)),
        driven=tuple(sorted(driven)),
        widened=tuple(sorted(set(widened))),
        rerouted=tuple(sorted({name for plan in plans for name in plan.rerouted})),
        refused=tuple(
            f"The driver of {names[0]}{f' and {len(names) - 1} more' if names[1:] else ''} cannot "
            f"be followed back: {why}"
            for why, names in reasons.items()
        ),
    )
