"""The lip seal: extra closing, or less opening, where the lips should meet and do not on this rig.

What is needed is computed from the mesh and from the performance that is played: the gap that its
keys make, and the gap that they make on the demo head (kept with the Action when it is baked).
"""

from __future__ import annotations

import dataclasses

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...errors import BadTarget
from ..drive import plan
from ..drive.target_curves import TargetCurve
from ..drive.mouth import SMALLEST_RATE, Mouth, closing_keys, mouth_of
from ..fitting import bones, lips
from ..keys import bake, memory, ownership
from ..keys.fcurves import write_curve

Array = NDArray[np.float64]

NOTHING = 1e-3
"""A seal of less changes nothing that is seen."""


@dataclasses.dataclass(frozen=True)
class SealReport:
    """What the seal did."""

    key: str
    """Shape keys that close the lips; those that open them, where these were eased."""
    before: lips.Closures
    after: lips.Closures
    largest: float
    """Largest value that was added; where keys were eased, largest part that was taken away."""

    def summary(self) -> str:
        """One line for the status bar."""
        return (
            f"{self.key}: lips meet in {self.after.met} of {self.after.wanted} closures, "
            f"{self.before.met} before"
        )


def seal_lips(face: bpy.types.Object, frame_rate: float) -> SealReport:
    """Add closing to the performance that ``face`` plays; pressing twice adds nothing more.

    Args:
        face: A face with a performance of ours.
        frame_rate: Frames a second of the scene.

    Raises:
        BadTarget: No performance of ours, no lips found, no shape key that closes or opens them, or
            drivers that set such keys.
    """
    key = face.data.shape_keys
    action = ownership.own_action_or_none(key)
    reference = None if action is None else action.get(bake.REFERENCE_GAP)
    if reference is None:
        if bake.has_bake(face):  # on what the drivers follow, all of it
            _require_free(mouth_of(face))
        raise BadTarget(f"{face.name!r} plays no performance of CSTalk", hint="Generate first")
    mouth = mouth_of(face)
    _require_free(mouth)
    closing = closing_keys(mouth)
    wanted = np.array(reference, np.float64)
    curves = _curves_of(action, key)
    frames, values = _keys(curves, len(wanted))
    gap = _gap(mouth, values, frames)
    opening = max(float(np.quantile(gap, lips.OPENING_QUANTILE)), 1e-9)
    if not closing:
        names, changed, largest = _eased(mouth, values, wanted, gap / opening, opening)
    else:
        rate = sum(gain * mouth.rate(name) for name, gain in closing.items())
        extra = lips.seal(wanted, gap / opening, -rate / opening)
        names, largest = ", ".join(closing), float(extra.max(initial=0.0))
        still = np.zeros(len(wanted))
        changed = {name: values.get(name, still) + gain * extra for name, gain in closing.items()}
    after = _gap(mouth, {**values, **changed}, frames)
    fps = _rate(frames, frame_rate)
    report = SealReport(
        names,
        lips.closures(wanted, gap / opening, fps),
        lips.closures(wanted, after / opening, fps),
        largest,
    )
    for one, column in changed.items() if largest > NOTHING else ():
        _put(action, key, one, frames, column)
    return report


def _require_free(mouth: Mouth) -> None:
    """Keys that drivers set are not seen, and what they do is not in the performance's curves."""
    smallest = SMALLEST_RATE * mouth.marks.width
    driven = plan.driven_shapes(mouth.face.data.shape_keys)
    found = sorted(name for name in driven if abs(mouth.rate(name)) > smallest)
    if found:
        raise BadTarget(
            f"Drivers set {', '.join(found[:3])} of {mouth.face.name!r}, so more closing on shape "
            "keys would not be seen",
            hint="Raise the gain of mouthClose under Mapping instead, and generate again",
        )


def _eased(
    mouth: Mouth, values: dict[str, Array], wanted: Array, gap: Array, opening: float
) -> tuple[str, dict[str, Array], float]:
    """Names of the keys that open the mouth, their values with less of it, and how much less.

    Args:
        mouth: Of the face.
        values: Keyed shape keys, each (frames,).
        wanted: Relative gap of the demo head.
        gap: Relative gap of this face.
        opening: Its opening, mesh units.
    """
    opens = {n: np.maximum(v * mouth.rate(n), 0.0) / opening for n, v in values.items()}
    smallest = SMALLEST_RATE * mouth.marks.width / opening
    names = [name for name, part in opens.items() if part.max(initial=0.0) > smallest]
    if not names:
        raise BadTarget(
            f"No shape key of {mouth.face.name!r} brings the lips together, and none that opens "
            "them is keyed",
            hint="Give the head a mouthClose, or a key for m, b and p",
        )
    stays = lips.ease(wanted, gap, np.sum([opens[name] for name in names], axis=0))
    eased = {n: np.where(opens[n] > 0.0, values[n] * stays, values[n]) for n in names}
    return ", ".join(names), eased, float(1.0 - stays.min(initial=1.0))


def _curves_of(action: bpy.types.Action, key: bpy.types.Key) -> dict[str, bpy.types.FCurve]:
    holder = compat.curve_holder(action, key)
    by_path = {curve.data_path: curve for curve in holder.fcurves}
    names = {plan.value_path(block.name): block.name for block in key.key_blocks}
    return {names[path]: curve for path, curve in by_path.items() if path in names}


def _keys(curves: dict[str, bpy.types.FCurve], count: int) -> tuple[Array, dict[str, Array]]:
    """Frames of the keys as baked, and what each curve, edited or not, is there."""
    whole = [curve for curve in curves.values() if len(curve.keyframe_points) == count]
    if not whole:
        raise BadTarget(
            "The keys of the performance were thinned out or moved", hint="Generate again first"
        )
    points = np.empty(2 * count, np.float32)
    whole[0].keyframe_points.foreach_get("co", points)
    frames = points[0::2].astype(np.float64)
    values = {n: np.array([c.evaluate(f) for f in frames]) for n, c in curves.items()}
    return frames, values


def _rate(frames: Array, frame_rate: float) -> float:
    """Keys a second."""
    return frame_rate / max(float(np.median(np.diff(frames))), 1e-6) if len(frames) > 1 else 1.0


def _gap(mouth: Mouth, values: dict[str, Array], frames: Array) -> Array:
    asked = [TargetCurve("shape", name, column, ()) for name, column in values.items()]
    return mouth.gaps([*asked, *_turns(mouth.face, frames)], len(frames))


def _turns(face: bpy.types.Object, frames: Array) -> list[TargetCurve]:
    """What our Action lets the bones of the face do, as turns about their axes."""
    armature = face.find_armature()
    action = None if armature is None else ownership.own_action_or_none(armature)
    if action is None:
        return []
    curves: dict[str, dict[int, Array]] = {}
    for curve in compat.curve_holder(action, armature).fcurves:
        values = np.array([curve.evaluate(frame) for frame in frames])
        curves.setdefault(curve.data_path, {})[curve.array_index] = values
    asked = []
    for bone in armature.pose.bones:
        start = f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"].'
        angles = bones.small_turns({p.removeprefix(start): c for p, c in curves.items()})
        for axis, values in zip("xyz", () if angles is None else angles.T, strict=False):
            asked.append(TargetCurve("bone", f"{bone.name}:rotation_{axis}", values, ()))
    return asked


def _put(
    action: bpy.types.Action, key: bpy.types.Key, name: str, frames: Array, values: Array
) -> None:
    curves = _curves_of(action, key)
    curve = curves.get(name)
    if curve is None:
        memory.remember_values(key, [name])
        holder = compat.curve_holder(action, key)
        curve = holder.fcurves.new(plan.value_path(name))
    write_curve(curve, frames, values)
    low, high = min(0.0, float(values.min())), float(np.ceil(values.max() * 10.0) / 10.0)
    memory.widen_range(key.key_blocks[name], low, high)
