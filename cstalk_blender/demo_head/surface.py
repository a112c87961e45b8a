"""Define the smooth skin under the demo head as a signed distance field, in centimetres.

Every function takes points (N, 3) and gives distances (N,), negative inside. The frame is
Blender's: x to the head's left, y backwards, z up, with the origin between the two eyes.
The field is even in x, so what is projected on it can be mirrored exactly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import Array

Triple = tuple[float, float, float]
Field = Callable[[Array], Array]

# The eyeball (cm): the lids are built round it and the socket is cut for it.
EYE_CENTER: Triple = (3.5, -6.0, 0.0)
EYE_RADIUS = 2.45
# The line where the lips meet (cm).
MOUTH_Z = -6.7


def ellipsoid(points: Array, center: Triple, radii: Triple) -> Array:
    """Return the approximate distance to an ellipsoid with axes along x, y and z.

    Args:
        points: Points (N, 3).
        center: Its centre.
        radii: Its radii.
    """
    x, y, z = ((points[:, i] - center[i]) / radii[i] for i in range(3))
    reach = np.sqrt(x * x + y * y + z * z)
    x, y, z = x / radii[0], y / radii[1], z / radii[2]
    slope = np.sqrt(x * x + y * y + z * z)
    # The distance of a scaled sphere over its slope: exact on the surface, good near it.
    return np.asarray(reach * (reach - 1.0) / np.maximum(slope, 1e-9))


def capsule(points: Array, start: Triple, end: Triple, radius: float, radius_end: float) -> Array:
    """Return the distance to a rod with round ends whose radius changes along it.

    Args:
        points: Points (N, 3).
        start: Centre of the first end.
        end: Centre of the second end.
        radius: Radius of the first end.
        radius_end: Radius of the second end.
    """
    origin, axis = np.array(start), np.array(end) - np.array(start)
    along = np.clip((points - origin) @ axis / (axis @ axis), 0.0, 1.0)
    x, y, z = (points[:, i] - start[i] - along * axis[i] for i in range(3))
    # The radius changes linearly along the rod.
    return np.asarray(np.sqrt(x * x + y * y + z * z) - (radius + (radius_end - radius) * along))


def smooth_union(first: Array, second: Array, blend: float) -> Array:
    """Return the union of two solids with a rounded seam.

    Args:
        first: Distances to one solid.
        second: Distances to the other.
        blend: Width of the rounding in centimetres.
    """
    share = np.clip(0.5 + 0.5 * (second - first) / blend, 0.0, 1.0)
    # Polynomial smooth minimum (Quilez): the seam is rounded over `blend` and exact beyond it.
    return np.asarray(second + (first - second) * share - blend * share * (1.0 - share))


def smooth_cut(solid: Array, tool: Array, blend: float) -> Array:
    """Return a solid without another one, with a rounded edge.

    Args:
        solid: Distances to the solid.
        tool: Distances to the part to remove.
        blend: Width of the rounding in centimetres.
    """
    # a without b is the complement of (complement of a) or b.
    return -smooth_union(-solid, tool, blend)


def _both_sides(points: Array, shape: Field, blend: float) -> Array:
    """Union of a solid with its mirror image: even in x and smooth on the middle plane."""
    # A hard union would have a crease where both sides meet.
    return smooth_union(shape(points), shape(points * np.array([-1.0, 1.0, 1.0])), blend)


def skull_field(p: Array) -> Array:
    """Cranium, face, jaw, chin, cheeks and the mound of the mouth."""
    d = ellipsoid(p, (0.0, 0.6, 3.5), (7.7, 8.8, 8.6))
    d = smooth_union(d, ellipsoid(p, (0.0, -2.9, -2.9), (6.25, 5.7, 7.2)), 2.5)
    jaw = _both_sides(p, lambda q: capsule(q, (4.2, -1.6, -5.0), (0.8, -6.6, -9.0), 2.1, 1.8), 1.0)
    d = smooth_union(d, jaw, 1.6)
    d = smooth_union(d, ellipsoid(p, (0.0, -7.5, -9.4), (1.6, 1.6, 1.4)), 1.6)
    cheek = _both_sides(p, lambda q: ellipsoid(q, (3.6, -5.7, -3.8), (2.65, 2.5, 2.5)), 1.0)
    d = smooth_union(d, cheek, 2.0)
    brow = _both_sides(p, lambda q: capsule(q, (1.2, -7.1, 2.6), (5.2, -5.4, 2.5), 1.0, 0.9), 0.8)
    d = smooth_union(d, brow, 1.8)
    return smooth_union(d, ellipsoid(p, (0.0, -6.55, -6.6), (2.9, 2.95, 2.3)), 1.6)


def _nose(p: Array) -> Array:
    """Bridge, tip and wings, nostrils not yet cut."""
    d = capsule(p, (0.0, -7.15, 0.7), (0.0, -9.4, -2.7), 0.72, 0.72)
    d = smooth_union(d, ellipsoid(p, (0.0, -10.05, -3.1), (1.05, 1.0, 0.88)), 0.7)
    wing = _both_sides(p, lambda q: ellipsoid(q, (0.95, -9.1, -3.55), (0.62, 0.85, 0.58)), 0.25)
    return smooth_union(d, wing, 0.4)


def ball_cover(points: Array) -> Array:
    """Return the distance to the bulge of both eyeballs under the lids."""
    center, radius = EYE_CENTER, EYE_RADIUS + 0.3
    return _both_sides(points, lambda q: ellipsoid(q, center, (radius, radius, radius)), 0.05)


def body_field(p: Array) -> Array:
    """Neck and the upper part of the shoulders."""
    d = capsule(p, (0.0, 1.3, -6.0), (0.0, 2.6, -16.0), 3.5, 3.7)
    shoulder = _both_sides(
        p, lambda q: capsule(q, (2.0, 3.0, -19.6), (6.6, 3.2, -21.6), 3.5, 3.1), 3.0
    )
    d = smooth_union(d, shoulder, 3.4)
    return smooth_union(d, ellipsoid(p, (0.0, 2.4, -23.5), (8.0, 5.6, 6.5)), 2.5)


def head_field(points: Array) -> Array:
    """Distance from the skin of the head, neck and shoulders, without lips, lids and ears."""
    d = skull_field(points)
    socket = _both_sides(points, lambda q: ellipsoid(q, (3.5, -8.9, 0.1), (2.5, 1.4, 1.8)), 0.3)
    d = smooth_cut(d, socket, 1.0)
    d = smooth_union(d, _nose(points), 0.8)
    nostril = _both_sides(
        points, lambda q: ellipsoid(q, (0.52, -9.65, -4.0), (0.28, 0.45, 0.36)), 0.05
    )
    d = smooth_cut(d, nostril, 0.2)
    # After the socket was cut: the bulge of the lids fills it.
    d = smooth_union(d, ball_cover(points), 0.5)
    return smooth_union(d, body_field(points), 1.6)


def gradient(points: Array, field: Field = head_field, step: float = 1e-3) -> Array:
    """Return the gradient (N, 3) of a field by central differences.

    Args:
        points: Points (N, 3).
        field: The field.
        step: Half the difference of positions.
    """
    result = np.empty_like(points)
    for axis in range(3):
        offset = np.zeros(3)
        offset[axis] = step
        # Central differences: the error falls with the square of the step.
        result[:, axis] = (field(points + offset) - field(points - offset)) / (2.0 * step)
    return result


def project(points: Array, field: Field = head_field, rounds: int = 3) -> Array:
    """Move points (N, 3) along the gradient onto the zero level of a field.

    Args:
        points: Points to move.
        field: The field.
        rounds: Number of steps.
    """
    for _ in range(rounds):
        slope = gradient(points, field)
        # Newton along the gradient; 0.05 bounds the step where the slope vanishes.
        scale = field(points) / np.maximum((slope**2).sum(axis=1), 0.05)
        # At most 0.6 cm a step: blends are no exact distances.
        points = points - np.clip(scale, -0.6, 0.6)[:, None] * slope
    return points


def cast(origins: Array, directions: Array, reach: float, field: Field = head_field) -> Array:
    """Outermost crossing of rays with the surface.

    Args:
        origins: Starting points inside the solid, (N, 3).
        directions: Unit directions, (N, 3).
        reach: Length that is searched, in centimetres.
        field: The solid.

    Returns:
        Points (N, 3); a ray that never leaves the solid gives its far end.
    """
    # 72 steps: thinner features than reach / 72 are not seen.
    steps = np.linspace(0.0, reach, 72)
    line = origins[:, None, :] + directions[:, None, :] * steps[None, :, None]
    inside = field(line.reshape(-1, 3)).reshape(len(origins), -1) < 0.0
    # The outermost inside point: a ray may leave the chin and enter the nose.
    last = np.where(inside.any(axis=1), len(steps) - 1 - inside[:, ::-1].argmax(axis=1), 0)
    low = steps[last]
    high = steps[np.minimum(last + 1, len(steps) - 1)]
    # 18 halvings of a step of 0.2 cm leave 1e-6 cm.
    for _ in range(18):
        middle = 0.5 * (low + high)
        within = field(origins + directions * middle[:, None]) < 0.0
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return np.asarray(origins + directions * (0.5 * (low + high))[:, None])


def front_point(x: Array, z: Array, field: Field = head_field) -> Array:
    """Return the points (N, 3) of the face seen straight from the front at (x, z).

    Args:
        x: Positions to the left.
        z: Heights.
        field: The solid.
    """
    # From inside the head, in front of its middle.
    origins = np.stack([x, np.full_like(x, -4.5), z], axis=1)
    directions = np.tile(np.array([0.0, -1.0, 0.0]), (len(x), 1))
    return cast(origins, directions, 9.0, field)
