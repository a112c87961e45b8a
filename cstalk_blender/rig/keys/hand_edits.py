"""Keep the artist's edits when a take is generated again.

Beside its keyframes a CSTalk Action carries the generated curves, deflated as float16: half a
kilobyte a second for 52 channels. Where its keyframes play something else, the artist edited them.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from collections.abc import Sequence

import bpy
import numpy as np

from ... import compat
from ...arrays import Array
from ...direct.edits import Edit, find_edits, keep_edits
from ..drive.properties import PropertyCurve
from . import ownership

# Per slot, since head, teeth and armature play slots of one Action.
GENERATED = "cstalk_generated"
"""Custom property of our Actions: JSON with the generated curves of one slot each, by handle."""
BLEND_S = 0.08
"""Seconds over which an edit passes into the new curve: about a phone."""
# float16 has 11 significant bits: values up to 1 are rounded by 2.5e-4 at most.
ROUNDING = 2e-3
"""Of float16 and float32 values up to 1; smaller changes cannot be seen on a face."""
# Limits what a prepared file can make of memory: deflated zeros grow a thousandfold.
LARGEST_BYTES = 64 << 20
"""Of inflated curves: an hour of 52 channels at 60 frames a second has 22 MB."""


@dataclasses.dataclass(frozen=True)
class KeptEdit:
    """An edit that was carried into the new keyframes."""

    path: str
    first_frame: float
    last_frame: float


def remember_generated(
    action: bpy.types.Action,
    owner: bpy.types.ID,
    curves: Sequence[PropertyCurve],
    frames: Array,
    tolerance: float,
) -> None:
    """Store the generated curves of one data block in its Action.

    Args:
        action: The Action, which ``owner`` plays.
        owner: The data block.
        curves: The curves without edits.
        frames: Scene frame of each sample, shape (samples,).
        tolerance: Largest deviation of the keyframes from them.
    """
    # float16: the curves are only compared, never played.
    values = np.array([curve.values for curve in curves], np.float16)
    stored = json.loads(str(action.get(GENERATED, "{}")))
    stored[str(compat.slot_handle(owner))] = {
        "frames": [float(frames[0]), float(frames[-1]), len(frames)],
        "tolerance": tolerance,
        "curves": [f"{curve.path}|{max(curve.index, 0)}" for curve in curves],
        "values": base64.b85encode(zlib.compress(values.tobytes(), 6)).decode("ascii"),
    }
    action[GENERATED] = json.dumps(stored)


def with_hand_edits(
    owner: bpy.types.ID,
    curves: Sequence[PropertyCurve],
    frames: Array,
    *,
    take: str,
    frame_rate: float,
) -> tuple[list[PropertyCurve], list[KeptEdit]]:
    """Return new curves with the edits of the take that ``owner`` plays.

    Args:
        owner: The data block.
        curves: New curves, as generated.
        frames: Scene frame of each of their samples, shape (samples,).
        take: Identity of the clip; edits of another clip are not carried over.
        frame_rate: Frames per second of the scene.

    Returns:
        The curves, and what was kept. An edit keeps its time in the clip when the clip moves.
    """
    action = ownership.own_action_or_none(owner)
    # Edits belong to a clip: those of another one would move other words.
    if action is None or action.get(ownership.TAKE) != take:
        return list(curves), []
    before = _generated_or_none(action, owner)
    if before is None:
        return list(curves), []
    old_frames, tolerance, generated = before
    present = {
        f"{curve.data_path}|{curve.array_index}": curve
        for curve in compat.curve_holder(action, owner).fcurves
    }
    out, kept = [], []
    for curve in curves:
        label = f"{curve.path}|{max(curve.index, 0)}"
        if label not in generated or label not in present:
            out.append(curve)
            continue
        # Evaluated, not read: modifiers and moved keyframes count as edits too.
        played = np.array([present[label].evaluate(frame) for frame in old_frames])
        # The tolerance of fitted keys is not an edit.
        threshold = (tolerance + ROUNDING) * _range(curve.path, generated[label])
        edits = find_edits(generated[label], played, threshold)
        merged, found = _merged(curve, frames, played, old_frames, edits, frame_rate)
        out.append(merged)
        kept += found
    return out, kept


def _merged(
    curve: PropertyCurve,
    frames: Array,
    played: Array,
    old_frames: Array,
    edits: Sequence[Edit],
    frame_rate: float,
) -> tuple[PropertyCurve, list[KeptEdit]]:
    if not edits:
        return curve, []
    # Times since the start, so that edits move with a clip that was moved.
    times, old_times = frames - frames[0], old_frames - old_frames[0]
    moved = []
    for edit in edits:
        # Half a frame's rounding must not push an edit by one sample.
        first = int(np.searchsorted(times, old_times[edit.first] - 1e-3))
        last = int(np.searchsorted(times, old_times[edit.last] + 1e-3)) - 1
        if first < len(times):
            moved.append(Edit(first, max(first, min(last, len(times) - 1))))
    step = float(times[1]) if len(times) > 1 else 1.0
    blend = round(BLEND_S * frame_rate / step)
    values = keep_edits(curve.values, np.interp(times, old_times, played), moved, blend)
    kept = [KeptEdit(curve.path, float(frames[e.first]), float(frames[e.last])) for e in moved]
    return dataclasses.replace(curve, values=values), kept


def _generated_or_none(
    action: bpy.types.Action, owner: bpy.types.ID
) -> tuple[Array, float, dict[str, Array]] | None:
    """Return frames, tolerance and curves as generated; None for an Action without them."""
    try:
        stored = json.loads(str(action.get(GENERATED, "{}")))[str(compat.slot_handle(owner))]
        first, last, count = stored["frames"]
        labels = [str(label) for label in stored["curves"]]
        unpacker = zlib.decompressobj()
        # With a limit, as the property may come from any file.
        data = unpacker.decompress(base64.b85decode(stored["values"]), LARGEST_BYTES)
        values = np.frombuffer(data, np.float16).reshape(len(labels), int(count)).astype(float)
        frames = np.linspace(float(first), float(last), int(count))
        tolerance = float(stored["tolerance"])
    except (KeyError, TypeError, ValueError, zlib.error):
        return None  # an Action of version 0.1, or one whose properties somebody changed
    return frames, tolerance, dict(zip(labels, values, strict=True))


def _range(path: str, values: Array) -> float:
    """Return the range that a tolerance is a share of, as for fitted keys."""
    return 1.0 if path.startswith("key_blocks") else max(float(np.ptp(values)), 1e-6)
