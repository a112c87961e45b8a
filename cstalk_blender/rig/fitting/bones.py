"""Convert rotations of bones between angles about their axes and rotation modes. No bpy.

Channels give angles about X, Y and Z of the bone's rest frame in radians, applied in this order. A
bone in quaternion or axis-angle mode, such as the jaw of the FLAME add-on, is keyed in that mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...arrays import Array

# Below it the direction of the sine part is rounding noise.
STILL = 1e-9
"""Radians: a smaller rotation has no defined axis."""


def matrices(angles: Array) -> Array:
    """Return rotation matrices (frames, 3, 3) of angles (frames, 3) about X, Y, Z, radians."""
    cos, sin = np.cos(angles), np.sin(angles)
    turns = np.zeros((3, len(angles), 3, 3))
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turns[axis, :, axis, axis] = 1.0
        turns[axis, :, first, first] = turns[axis, :, second, second] = cos[:, axis]
        turns[axis, :, second, first] = sin[:, axis]
        turns[axis, :, first, second] = -sin[:, axis]
    # The rotation about X is applied first, as Blender's Euler order XYZ does.
    return np.asarray(turns[2] @ turns[1] @ turns[0])


def quaternions(angles: Array) -> Array:
    """Return unit quaternions (frames, 4), w first, of angles (frames, 3) in radians."""
    # Closed form of the product of three quaternions about Z, Y and X, without a loop over frames.
    half = 0.5 * angles
    cos, sin = np.cos(half).T, np.sin(half).T
    (cx, cy, cz), (sx, sy, sz) = cos, sin
    return np.stack(
        [
            cx * cy * cz + sx * sy * sz,
            sx * cy * cz - cx * sy * sz,
            cx * sy * cz + sx * cy * sz,
            cx * cy * sz - sx * sy * cz,
        ],
        axis=1,
    )


def axis_angles(angles: Array) -> Array:
    """Return angle and unit axis (frames, 4) of angles (frames, 3); still frames keep the axis."""
    turned = quaternions(angles)
    # q and -q are the same rotation; w >= 0 chooses the one below half a turn.
    turned *= np.where(turned[:, :1] < 0, -1.0, 1.0)
    length = np.linalg.norm(turned[:, 1:], axis=1)
    moving = length > STILL
    axes = np.zeros((len(angles), 3))
    axes[:, 1] = 1.0  # Blender's axis at rest
    axes[moving] = turned[moving, 1:] / length[moving, None]
    if moving.any():  # else the interpolated axis would pass through zero between two keyframes
        # A still frame takes the axis of the last moving frame; those before the first take the
        # first's.
        nearest = np.maximum.accumulate(np.where(moving, np.arange(len(angles)), 0))
        axes = axes[np.where(moving[nearest], nearest, int(np.argmax(moving)))]
        # Axis and angle may both change sign from frame to frame without a change of the rotation,
        # but the interpolation between such keyframes would swing through zero: signs are kept
        # alike.
        turned_back = (axes[1:] * axes[:-1]).sum(axis=1) < 0
        signs: Array = np.concatenate([np.ones(1), np.where(turned_back, -1.0, 1.0)])
        flips: Array = np.asarray(np.cumprod(signs), np.float64)
    else:
        flips = np.ones(len(angles))
    # arctan2 keeps small angles exact; the arccos of a w near 1 would lose half of its digits.
    angle = 2.0 * np.arctan2(length, turned[:, 0])
    return np.concatenate([(angle * flips)[:, None], axes * flips[:, None]], axis=1)


def in_mode(bone: Any, angles: Array) -> tuple[str, Array]:
    """Return the property that a pose bone's rotation mode uses, and its values.

    Args:
        bone: A pose bone.
        angles: Angles about its axes in radians, (frames, 3).

    Returns:
        ``rotation_euler`` with (frames, 3), else ``rotation_quaternion`` or
        ``rotation_axis_angle`` with (frames, 4).
    """
    if bone.rotation_mode == "QUATERNION":
        return "rotation_quaternion", quaternions(angles)
    if bone.rotation_mode == "AXIS_ANGLE":
        return "rotation_axis_angle", axis_angles(angles)
    return "rotation_euler", angles


def small_turns(curves: Mapping[str, Mapping[int, Array]]) -> Array | None:
    """Return the angles (frames, 3) of keyed rotations, exact for rotations about one axis.

    Args:
        curves: Component to values, for each of the properties that `in_mode` returns.

    Returns:
        None when no rotation is keyed.
    """
    euler = curves.get("rotation_euler")
    if euler is not None:
        still = np.zeros_like(next(iter(euler.values())))
        return np.stack([euler.get(axis, still) for axis in range(3)], axis=1)
    turned = curves.get("rotation_quaternion")
    if turned is not None and len(turned) == 4:
        return np.stack([2.0 * np.arctan2(turned[axis], turned[0]) for axis in (1, 2, 3)], axis=1)
    about = curves.get("rotation_axis_angle")
    if about is not None and len(about) == 4:
        return np.stack([about[0] * about[axis] for axis in (1, 2, 3)], axis=1)
    return None
