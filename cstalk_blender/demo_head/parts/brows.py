"""Build the eyebrows: soft dark bars on the skin that move with it."""

from __future__ import annotations

import itertools

import numpy as np

from ...arrays import Array
from ..surface import front_point, gradient, head_field
from ..topology import Face, Part, fan, flipped, strip

# The brow bends with 13 columns; six segments are enough for a bar that is seen from the front.
COLUMNS = 13
SEGMENTS = 6
# Ends of the brow (x), its height above the eyes, the rise of its arch, the drop of its tail (cm).
INNER_X, OUTER_X = 1.35, 5.5
HEIGHT, ARCH, TAIL_DROP = 2.5, 0.5, 0.45
HALF_HEIGHT, TAIL_HALF_HEIGHT, THICKNESS = 0.46, 0.15, 0.22


def _spine() -> tuple[Array, Array]:
    """Middle line of the left brow on the skin (N, 3) and its half height (N,)."""
    share = np.linspace(0.0, 1.0, COLUMNS)
    x = INNER_X + (OUTER_X - INNER_X) * share
    z = HEIGHT + ARCH * np.sin(np.pi * share**0.9) ** 1.2 - TAIL_DROP * share**2
    half = HALF_HEIGHT + (TAIL_HALF_HEIGHT - HALF_HEIGHT) * share**1.3
    # The inner end is blunt, not pointed.
    half = half * np.minimum(1.0, 0.62 + 3.0 * share)
    # On the skin: the brow must follow the ridge it lies on.
    return front_point(x, z), half


def build_brow() -> Part:
    """Return the left brow."""
    spine, half = _spine()
    normal = gradient(spine, head_field)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    along = np.gradient(spine, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    # Across the brow within the skin.
    across = np.cross(normal, along)
    # Half a step: two segments lie flat on the skin.
    turn = np.arange(SEGMENTS) * (2.0 * np.pi / SEGMENTS) + np.pi / SEGMENTS
    points = []
    for n in range(COLUMNS):
        offset = half[n] * np.cos(turn)[:, None] * across[n]
        # 0.05 cm above the skin, so that the two do not flicker in the render.
        lift = (0.05 + THICKNESS * np.sin(turn) * half[n] / HALF_HEIGHT)[:, None] * normal[n]
        points.append(spine[n] + offset + lift)
    rings = [list(range(n * SEGMENTS, (n + 1) * SEGMENTS)) for n in range(COLUMNS)]
    faces: list[Face] = []
    for first, second in itertools.pairwise(rings):
        faces += strip(first, second, closed=True)
    vertices = np.concatenate([*points, points[0].mean(0)[None], points[-1].mean(0)[None]])
    count = COLUMNS * SEGMENTS
    # The first cap looks the other way.
    faces += flipped(fan(rings[0], count)) + fan(rings[-1], count + 1)
    return Part("brows", vertices, faces, ["brow"] * len(faces))
