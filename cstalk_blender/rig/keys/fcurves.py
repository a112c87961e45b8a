"""Read and write the keyframes of F-curves as arrays."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...arrays import Array
from ...direct.few_keys import FittedCurve
from ...package import track

WHOLE_FRAME_TOLERANCE = 1e-4
"""Frames: a keyframe this near a whole frame is placed on it, because 23.976 Hz is not exact in
binary."""


def key_frames(curves: track.CurveTrack, *, start_frame: float, frame_rate: float) -> Array:
    """Return the scene frame of each frame of a track.

    Args:
        curves: The track.
        start_frame: Scene frame at time 0 of the audio file.
        frame_rate: Frames per second of the scene.

    Returns:
        Shape (frames,); whole numbers where only rounding separates them.
    """
    frames = start_frame + curves.times_s() * frame_rate
    whole = np.round(frames)
    # Whole frames keep keys where an animator expects them.
    return np.where(np.abs(frames - whole) < WHOLE_FRAME_TOLERANCE, whole, frames)


def write_curve(curve: bpy.types.FCurve, frames: Array, values: NDArray[Any]) -> None:
    """Replace the keyframes of an F-curve by linear ones.

    Args:
        curve: The F-curve.
        frames: Scene frames, rising, shape (keys,).
        values: Values, shape (keys,).
    """
    # Blender's arrays interleave frame and value.
    points = np.empty(2 * len(frames), np.float32)
    points[0::2] = frames
    points[1::2] = values
    # By name, since the numbers of the enum are not part of Blender's interface.
    linear = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value
    if len(curve.keyframe_points):
        curve.keyframe_points.clear()
    # foreach_set takes 0.03 s for 52 curves of 3000 keys, keyframe_insert 8 s (4.2 to 5.2).
    curve.keyframe_points.add(len(frames))
    curve.keyframe_points.foreach_set("co", points)
    curve.keyframe_points.foreach_set("interpolation", np.full(len(frames), linear, np.int32))
    _deselect(curve)
    curve.update()


def write_fitted_curve(curve: bpy.types.FCurve, frames: Array, fitted: FittedCurve) -> None:
    """Replace the keyframes of an F-curve by few Bezier ones.

    Args:
        curve: The F-curve.
        frames: Scene frame of each fitted sample, rising and evenly spaced, shape (samples,).
        fitted: Keys and handles, on those samples.
    """
    count = len(fitted.frames)
    # A third of the way to the neighbour, the place at which a Bezier curve is even in time.
    at = frames[fitted.frames]
    before = np.diff(at, prepend=at[0] - 3) / 3
    after = np.diff(at, append=at[-1] + 3) / 3
    if len(curve.keyframe_points):
        curve.keyframe_points.clear()
    curve.keyframe_points.add(count)
    # Free handles stay where the fit put them; others are moved by Blender on every edit.
    free = bpy.types.Keyframe.bl_rna.properties["handle_left_type"].enum_items["FREE"].value
    bezier = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["BEZIER"].value
    points = curve.keyframe_points
    points.foreach_set("interpolation", np.full(count, bezier, np.int32))
    for name in ("handle_left_type", "handle_right_type"):
        points.foreach_set(name, np.full(count, free, np.int32))
    points.foreach_set("co", _pairs(at, fitted.values))
    points.foreach_set("handle_left", _pairs(at - before, fitted.left))
    points.foreach_set("handle_right", _pairs(at + after, fitted.right))
    _deselect(curve)
    curve.update()


def _deselect(curve: bpy.types.FCurve) -> None:
    """Deselect all keyframes: Blender selects new ones, and a stray G would move a whole face."""
    nothing = np.zeros(len(curve.keyframe_points), bool)
    for name in ("select_control_point", "select_left_handle", "select_right_handle"):
        curve.keyframe_points.foreach_set(name, nothing)


def _pairs(frames: Array, values: Array) -> NDArray[np.float32]:
    """Interleave frames and values as Blender's arrays have them."""
    pairs = np.empty(2 * len(frames), np.float32)
    pairs[0::2], pairs[1::2] = frames, values
    return pairs


def read_curve(curve: bpy.types.FCurve) -> tuple[Array, Array]:
    """Return frames and values of the keyframes of ``curve``, both (keys,)."""
    points = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", points)
    return points[0::2].astype(np.float64), points[1::2].astype(np.float64)
