"""Find where the eyes of a face are and which way it looks, in world space. Main thread only.

The eyes are those of the eye bones, else the vertices that the blink shapes move, else the middle
of the mesh. The pose of the body counts up to the bone below neck and head, whose own rotation is
what a performance adds.
"""

from __future__ import annotations

import dataclasses

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from ..binding import geometry, wiring
from . import eyes

Array = NDArray[np.float64]

MOVED_SHARE = 0.3
"""Vertices that a blink moves by this share of its largest motion are those of the lids."""


@dataclasses.dataclass(frozen=True)
class Facing:
    """Where a face is, in world space."""

    position: Array
    """Between the eyes, shape (3,)."""
    left: Array
    """Unit vector to the face's own left."""
    up: Array
    front: Array


def facing_of(face: bpy.types.Object) -> Facing:
    """Return position and directions of a face at the present frame.

    Args:
        face: A face mesh.
    """
    left_eye, right_eye = _eyes(face)
    matrix = _posed_matrix(face)
    middle = matrix @ Vector((left_eye + right_eye) / 2)
    turn = np.array(matrix.to_3x3())
    left = _unit(turn @ (left_eye - right_eye))
    up = turn @ eyes.up_of(face)
    up = _unit(up - (up @ left) * left)
    return Facing(np.array(middle), left, up, np.cross(left, up))


def direction_deg(facing: Facing, point: Array) -> tuple[float, float]:
    """Return the direction of a point as yaw to the own left and pitch upwards, in degrees.

    Args:
        facing: The face.
        point: World position, shape (3,).
    """
    way = np.asarray(point, float) - facing.position
    ahead, aside, above = way @ facing.front, way @ facing.left, way @ facing.up
    yaw = np.degrees(np.arctan2(aside, ahead))
    pitch = np.degrees(np.arctan2(above, np.hypot(ahead, aside)))
    return float(yaw), float(pitch)


def _eyes(face: bpy.types.Object) -> tuple[Array, Array]:
    """Left and right eye in the face's space; they differ even where nothing marks them."""
    bones = eyes.eye_bones_or_none(face)
    if bones is not None:
        found = [geometry.bone_frame(face, bones[side])[1] for side in ("left", "right")]
    else:
        found = [_lids_or_none(face, f"eyeBlink{side}") for side in ("Left", "Right")]
    if any(point is None for point in found) or np.allclose(found[0], found[1]):
        points = geometry.rest_points(face)
        middle = (points.min(0) + points.max(0)) / 2 if len(points) else np.zeros(3)
        aside = np.array([0.03, 0.0, 0.0])  # of a face that looks along -Y, as usual in Blender
        return middle + aside, middle - aside
    return found[0], found[1]


def _lids_or_none(face: bpy.types.Object, channel: str) -> Array | None:
    for route in wiring.wiring_of(face).usable.routes:
        if route.channel == channel and route.kind == "shape":
            moved = np.linalg.norm(geometry.shape_motion(face, route.target), axis=1)
            lids = moved > MOVED_SHARE * moved.max(initial=1e-9)
            if lids.any():
                return np.asarray(geometry.rest_points(face)[lids].mean(0))
    return None


def _posed_matrix(face: bpy.types.Object) -> Matrix:
    """Matrix from the face's space to the world, with the body's pose below the neck."""
    armature = face.find_armature()
    chain = eyes.head_chain(face)
    if armature is None or not chain or chain[0].parent is None:
        return face.matrix_world
    posed = armature.pose.bones[chain[0].parent.name]
    body = posed.matrix @ posed.bone.matrix_local.inverted()
    to_armature = armature.matrix_world.inverted() @ face.matrix_world
    return armature.matrix_world @ body @ to_armature


def _unit(vector: Array) -> Array:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))
