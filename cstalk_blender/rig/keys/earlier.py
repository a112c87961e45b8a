"""Read the fitted keys that a data block plays, to keep them where its curves have not changed."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...arrays import Array
from ...direct.few_keys import FittedCurve
from ...direct.splice import EarlierFit, changed_range_or_none
from ..drive.properties import PropertyCurve
from . import hand_edits, ownership

FRAME_TOLERANCE = 1e-3
"""Frames that count as the same, as float32 keys of hour-long clips have them."""


def earlier_fits(
    owner: bpy.types.ID,
    curves: Sequence[PropertyCurve],
    frames: Array,
    *,
    take: str,
    tolerance: float,
) -> dict[str, EarlierFit]:
    """Return the keys of the curves of a data block, as they were fitted for the same take.

    Args:
        owner: The data block.
        curves: New curves, as generated, without edits.
        frames: Scene frame of each of their samples, shape (samples,).
        take: Identity of the clip.
        tolerance: Deviation of fitted keys.

    Returns:
        By `hand_edits.label`; without curves that the artist edited, and empty where another clip,
        place in time or tolerance is played.
    """
    action = ownership.own_action_or_none(owner)
    if action is None or action.get(ownership.TAKE) != take:
        return {}
    before = hand_edits.generated_or_none(action, owner)
    if before is None or before.tolerance != tolerance or len(before.frames) != len(frames):
        return {}
    if np.abs(before.frames - frames).max() > FRAME_TOLERANCE:
        return {}
    present = {
        f"{curve.data_path}|{curve.array_index}": curve
        for curve in compat.curve_holder(action, owner).fcurves
    }
    edited = ownership.edited_labels(action, compat.slot_handle(owner), present.values())
    # Carried edits are merged anew with each bake: their border may have been changed.
    edited |= set(present) if before.kept is None else before.kept
    found = {}
    for name, after in hand_edits.halved(curves).items():
        if name in present and name in before.values and name not in edited:
            keys = _keys_or_none(present[name], frames)
            if keys is not None:
                changed = changed_range_or_none(before.values[name], after)
                found[name] = EarlierFit(keys, changed)
    return found


def _keys_or_none(curve: bpy.types.FCurve, frames: Array) -> FittedCurve | None:
    """Return the keys of an F-curve as samples; None where they do not lie on samples."""
    points = _pairs(curve, "co")
    if not len(points):
        return None
    # Samples are evenly spaced.
    step = float(frames[-1] - frames[0]) / max(len(frames) - 1, 1) or 1.0
    samples = np.clip(np.rint((points[:, 0] - frames[0]) / step), 0, len(frames) - 1).astype(int)
    if np.abs(frames[samples] - points[:, 0]).max() > FRAME_TOLERANCE:
        return None
    left, right = _pairs(curve, "handle_left"), _pairs(curve, "handle_right")
    values = points[:, 1].astype(np.float64)
    sides = left[:, 1].astype(np.float64), right[:, 1].astype(np.float64)
    return FittedCurve(samples.astype(np.int64), values, *sides, 0.0)


def _pairs(curve: bpy.types.FCurve, name: str) -> NDArray[np.float32]:
    points = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get(name, points)
    return points.reshape(-1, 2)
