"""Move F-curves from one Action to another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

# As arrays in bulk; modifiers have no such access.
_ENUMS = ("interpolation", "easing", "handle_left_type", "handle_right_type", "type")
_FLOATS = {"handle_left": 2, "handle_right": 2, "amplitude": 1, "back": 1, "period": 1}
"""Properties of a keyframe that matter to its curve, and their sizes."""


def copy_curves(curves: Iterable[Any], holder: Any, *, merge: bool) -> list[Any]:
    """Copy F-curves.

    Args:
        curves: F-curves of any Action.
        holder: Where to put the copies: `compat.curve_holder` of another Action.
        merge: Where the holder has a curve of the same property, add the keyframes to it; False
            leaves such a curve out.

    Returns:
        The F-curves that were copied.
    """
    copied = []
    for curve in curves:
        there = holder.fcurves.find(curve.data_path, index=curve.array_index)
        if there is None:
            _copy(curve, holder.fcurves.new(curve.data_path, index=curve.array_index))
        elif merge:
            for key in curve.keyframe_points:
                # Inserted keys replace those at the same frame, so that the newer one wins.
                there.keyframe_points.insert(key.co[0], key.co[1])
            there.update()
        else:
            continue
        copied.append(curve)
    return copied


def _copy(curve: Any, new: Any) -> None:
    count = len(curve.keyframe_points)
    new.keyframe_points.add(count)
    points = np.empty(2 * count, np.float32)
    curve.keyframe_points.foreach_get("co", points)
    # ``add`` before anything else: the arrays must have their final length.
    new.keyframe_points.foreach_set("co", points)
    for name in _ENUMS:
        kinds = np.empty(count, np.int32)
        curve.keyframe_points.foreach_get(name, kinds)
        new.keyframe_points.foreach_set(name, kinds)
    for name, size in _FLOATS.items():
        values = np.empty(size * count, np.float32)
        curve.keyframe_points.foreach_get(name, values)
        new.keyframe_points.foreach_set(name, values)
    new.extrapolation, new.mute = curve.extrapolation, curve.mute
    for modifier in curve.modifiers:
        _copy_modifier(modifier, new.modifiers.new(modifier.type))
    new.update()


def _copy_modifier(modifier: Any, new: Any) -> None:
    for prop in modifier.bl_rna.properties:
        # Pointers and read-only properties belong to the curve, not to the modifier's settings.
        if not prop.is_readonly and prop.type in ("BOOLEAN", "INT", "FLOAT", "ENUM"):
            value = getattr(modifier, prop.identifier)
            setattr(
                new, prop.identifier, value if not getattr(prop, "is_array", False) else value[:]
            )
