"""Seal the lips: add closing, or remove opening, where they should meet on this rig and do not.

The amount is computed from the mesh and the performance that plays: the lip gap that its keyframes
make here, and the gap that they make on the demo head, stored in the Action by the bake.
"""

from __future__ import annotations

import dataclasses

import bpy
import numpy as np

from ... import compat
from ...arrays import Array
from ...errors import BadTarget
from ..drive import plan
from ..drive.mouth import SMALLEST_RATE, Mouth, closing_keys, mouth_of
from ..drive.target_curves import TargetCurve
from ..fitting import bones, lips
from ..keys import bake, memory, ownership
from ..keys.fcurves import write_curve

# It would only make the file and the diff larger.
INVISIBLE = 1e-3
"""A smaller change of a shape key's value is not written."""


@dataclasses.dataclass(frozen=True)
class SealReport:
    """Result of sealing the lips."""

    key: str
    """Shape keys that close the lips, or those that open them where their values were reduced."""
    before: lips.Closures
    after: lips.Closures
    largest: float
    """Largest value that was added, or largest part that was taken away."""

    def summary(self) -> str:
        """Return one line for the status bar."""
        return (
            f"{self.key}: lips meet in {self.after.met} of {self.after.wanted} closures, "
            f"{self.before.met} before"
        )


def seal_lips(face: bpy.types.Object, frame_rate: float) -> SealReport:
    """Add closing to the performance that ``face`` plays; a second call adds nothing more.

    Args:
        face: A face with a CSTalk performance.
        frame_rate: Frames per second of the scene.

    Raises:
        BadTarget: There is no CSTalk performance, no lips were found, or no shape key that closes
            or opens them can be keyed.
    """
    key = face.data.shape_keys
    action = ownership.own_action_or_none(key)
    reference = None if action is None else action.get(bake.REFERENCE_GAP)
    if action is None or reference is None:
        # A face that is driven throughout has a performance, but none on its own keys.
        if bake.has_bake(face):  # everything is keyed on properties that drivers follow
            _require_free(mouth_of(face))
        raise BadTarget(f"{face.name!r} plays no performance of CSTalk", hint="Generate first")
    mouth = mouth_of(face)
    _require_free(mouth)
    # Stored with the Action: the sound and the track may be gone by now.
    wanted = np.array(reference, np.float64)
    frames, values = _keys(_curves_of(action, key), len(wanted), action)
    gap = _gap(mouth, values, frames)
    # The denominator guards a mouth that never opens.
    opening = max(float(np.quantile(gap, lips.OPENING_QUANTILE)), 1e-9)
    # Easing is for heads without a key that closes.
    change = _closed if closing_keys(mouth) else _eased
    names, changed, largest = change(mouth, values, wanted, gap / opening, opening)
    # Measured again from the changed values, not derived: several keys and bones add up.
    after = _gap(mouth, {**values, **changed}, frames)
    keys_per_second = _keys_per_second(frames, frame_rate)
    report = SealReport(
        names,
        lips.closures(wanted, gap / opening, keys_per_second),
        lips.closures(wanted, after / opening, keys_per_second),
        largest,
    )
    # Nothing is written for a change that nobody sees, which also makes a second call do nothing.
    for name, column in changed.items() if largest > INVISIBLE else ():
        _write(action, key, name, frames, column)
    return report


def _require_free(mouth: Mouth) -> None:
    """Raise BadTarget where drivers set keys of the lips: keyframes there have no effect."""
    # Drivers on other keys of the face do not matter.
    smallest = SMALLEST_RATE * mouth.marks.width
    driven = plan.driven_shapes(mouth.face.data.shape_keys)
    found = sorted(name for name in driven if abs(mouth.rate(name)) > smallest)
    if found:
        raise BadTarget(
            f"Drivers set {', '.join(found[:3])} of {mouth.face.name!r}, so more closing on shape "
            "keys would have no effect",
            hint="Raise the gain of mouthClose under Mapping instead, and generate again",
        )


def _closed(
    mouth: Mouth, values: dict[str, Array], wanted: Array, gap: Array, opening: float
) -> tuple[str, dict[str, Array], float]:
    """Return names, new values and largest addition of the keys that close the lips.

    Args:
        mouth: Mouth of the face.
        values: Keyed shape keys, each (frames,).
        wanted: Relative gap of the demo head, (frames,).
        gap: Relative gap of this face, (frames,).
        opening: Its opening, mesh units.
    """
    closing = closing_keys(mouth)
    # Negative, as closing keys lower the gap.
    rate = sum(gain * mouth.rate(name) for name, gain in closing.items())
    extra = lips.seal(wanted, gap, -rate / opening)
    # A key that was never keyed starts at 0.
    still = np.zeros(len(wanted))
    changed = {name: values.get(name, still) + gain * extra for name, gain in closing.items()}
    return ", ".join(closing), changed, float(extra.max(initial=0.0))


def _eased(
    mouth: Mouth, values: dict[str, Array], wanted: Array, gap: Array, opening: float
) -> tuple[str, dict[str, Array], float]:
    """Return names, new values and largest reduction of the keys that open the mouth.

    Args:
        mouth: Mouth of the face.
        values: Keyed shape keys, each (frames,).
        wanted: Relative gap of the demo head, (frames,).
        gap: Relative gap of this face, (frames,).
        opening: Its opening, mesh units.
    """
    opens = {n: np.maximum(v * mouth.rate(n), 0.0) / opening for n, v in values.items()}
    # As a part of the opening, like ``gap``.
    smallest = SMALLEST_RATE * mouth.marks.width / opening
    names = [name for name, part in opens.items() if part.max(initial=0.0) > smallest]
    if not names:
        raise BadTarget(
            f"No shape key of {mouth.face.name!r} brings the lips together, and none that opens "
            "them is keyed",
            hint="Give the head a mouthClose, or a shape key for m, b and p",
        )
    stays = lips.ease(wanted, gap, np.sum([opens[name] for name in names], axis=0))
    # Only frames in which the key opens: it may also close at negative values.
    eased = {n: np.where(opens[n] > 0.0, values[n] * stays, values[n]) for n in names}
    return ", ".join(names), eased, float(1.0 - stays.min(initial=1.0))


def _curves_of(action: bpy.types.Action, key: bpy.types.Key) -> dict[str, bpy.types.FCurve]:
    holder = compat.curve_holder(action, key)
    by_path = {curve.data_path: curve for curve in holder.fcurves}
    names = {plan.value_path(block.name): block.name for block in key.key_blocks}
    return {names[path]: curve for path, curve in by_path.items() if path in names}


def _keys(
    curves: dict[str, bpy.types.FCurve], count: int, action: bpy.types.Action | None = None
) -> tuple[Array, dict[str, Array]]:
    """Return the baked frames, and the value of each curve there, edits of the user included."""
    samples = None if action is None else action.get(bake.SAMPLES)
    if (
        action is not None
        and samples is not None
        # The stored range holds as long as nobody moved the keyframes.
        and np.allclose(samples, action.frame_range, atol=0.01)
    ):
        # Even steps: the bake samples at the track's rate.
        frames = np.linspace(samples[0], samples[1], count)
        return frames, _values(curves, frames)
    # Without a range that holds, a curve with all its keyframes gives the frames.
    whole = [curve for curve in curves.values() if len(curve.keyframe_points) == count]
    if not whole:
        raise BadTarget(
            "The keyframes of the performance were thinned out or moved",
            hint="Generate again first",
        )
    # Pairs of frame and value, as ``foreach_get`` fills them.
    points = np.empty(2 * count, np.float32)
    whole[0].keyframe_points.foreach_get("co", points)
    frames = points[0::2].astype(np.float64)
    return frames, _values(curves, frames)


def _values(curves: dict[str, bpy.types.FCurve], frames: Array) -> dict[str, Array]:
    # The curve, not the keyframes: edits by hand and modifiers count.
    return {n: np.array([c.evaluate(f) for f in frames]) for n, c in curves.items()}


def _keys_per_second(frames: Array, frame_rate: float) -> float:
    # A median, as a user may have moved some keyframes.
    return frame_rate / max(float(np.median(np.diff(frames))), 1e-6) if len(frames) > 1 else 1.0


def _gap(mouth: Mouth, values: dict[str, Array], frames: Array) -> Array:
    curves = [TargetCurve("shape", name, column, ()) for name, column in values.items()]
    return mouth.gaps([*curves, *_bone_rotations(mouth.face, frames)], len(frames))


def _bone_rotations(face: bpy.types.Object, frames: Array) -> list[TargetCurve]:
    """Return the rotations that our Action gives the bones of the face, about their axes."""
    armature = face.find_armature()
    action = None if armature is None else ownership.own_action_or_none(armature)
    if action is None:
        # Another Action on the armature is the user's own body animation.
        return []
    by_path: dict[str, dict[int, Array]] = {}
    # Curves of the slot of this armature only.
    for curve in compat.curve_holder(action, armature).fcurves:
        values = np.array([curve.evaluate(frame) for frame in frames])
        by_path.setdefault(curve.data_path, {})[curve.array_index] = values
    found = []
    for bone in armature.pose.bones:
        start = f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"].'
        angles = bones.small_turns({p.removeprefix(start): c for p, c in by_path.items()})
        # ``strict=False``: without a rotation there are no rows.
        for axis, values in zip("xyz", () if angles is None else angles.T, strict=False):
            found.append(TargetCurve("bone", f"{bone.name}:rotation_{axis}", values, ()))
    return found


def _write(
    action: bpy.types.Action, key: bpy.types.Key, name: str, frames: Array, values: Array
) -> None:
    curve = _curves_of(action, key).get(name)
    handle = compat.slot_handle(key)
    # A curve that the user edited stays theirs: its digest must not say that we wrote it.
    was_ours = curve is None or not ownership.is_edited(action, handle, curve)
    if curve is None:
        # The value before is kept for Clear, which restores it.
        memory.remember_values(key, [name])
        curve = compat.curve_holder(action, key).fcurves.new(plan.value_path(name))
    write_curve(curve, frames, values)
    if was_ours:
        ownership.record_curve(action, handle, curve)
    # Rounded up to tenths, so that the slider's end looks as a user would set it.
    low, high = min(0.0, float(values.min())), float(np.ceil(values.max() * 10.0) / 10.0)
    memory.widen_range(key.key_blocks[name], low, high)
