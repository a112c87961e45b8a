"""Build short stylised hair: locks combed up and back from a thick hairline."""

from __future__ import annotations

import itertools

import numpy as np

from ...arrays import Array
from ..surface import Field, cast, ellipsoid, skull_field, smooth_union
from ..topology import Face, Part, strip

HAIR_ORIGIN = (0.0, 0.9, 2.6)
# The hairline: azimuth and elevation (degrees) seen from the origin above.
HAIRLINE = (
    (0.0, 37.0),
    (16.0, 38.5),
    (34.0, 37.0),
    (48.0, 29.0),
    (58.0, 15.0),
    (68.0, -3.0),
    (77.0, -21.0),
    (85.0, -22.0),
    (91.0, -4.0),
    (103.0, 0.0),
    (117.0, -14.0),
    (135.0, -33.0),
    (155.0, -43.0),
    (180.0, -45.0),
)
COLUMNS, ROWS = 41, 15
# Locks: columns per lock, depth of the furrows between them (cm), how far their tips reach over
# the hairline (degrees).
LOCK_COLUMNS, FURROW, TIP = 4, 0.6, 4.5
# Height (cm) of the rows that lead to the hairline: the first over the scalp, where it is hidden,
# the others over the hair's body.
# The hidden first row is under the scalp, so that no gap shows at the hairline.
EDGE_LIFTS = (-0.2, -0.35, -0.05)


def hair_field(points: Array) -> Array:
    """Return the body of the hair: a close cap with a high front."""
    # 0.7 cm of hair over the skull.
    d = skull_field(points) - 0.7
    d = smooth_union(d, ellipsoid(points, (0.0, -3.4, 10.2), (6.2, 6.0, 3.9)), 2.0)
    return smooth_union(d, ellipsoid(points, (0.0, 1.6, 7.0), (7.9, 7.0, 6.2)), 2.0)


def _cast(azimuth: Array, elevation: Array, field: Field) -> tuple[Array, Array]:
    """Points on a surface and the directions they were found in, (N, 3) each."""
    a, e = np.radians(azimuth), np.radians(elevation)
    directions = np.stack([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)], axis=1)
    origins = np.tile(np.array(HAIR_ORIGIN), (len(a), 1))
    return cast(origins, directions, 15.0, field), directions


def _rows() -> list[Array]:
    """Rows of vertices from the hidden edge under the hairline to the crown."""
    azimuth = 180.0 * np.linspace(0.0, 1.0, COLUMNS)
    line = np.array(HAIRLINE)
    start = np.interp(azimuth, line[:, 0], line[:, 1])
    # 1 on the ridge of a lock, 0 in the furrow beside it; a ridge lies on the middle plane.
    # Locks are cut by a cosine: ridges repeat every LOCK_COLUMNS columns.
    ridge = np.abs(np.cos(np.pi * np.arange(COLUMNS) / LOCK_COLUMNS)) ** 0.8
    shares = np.concatenate([np.zeros(len(EDGE_LIFTS)), np.linspace(0.0, 1.0, ROWS) ** 1.5])
    lifts = np.concatenate([EDGE_LIFTS, np.zeros(ROWS)])
    rows = []
    for number, (share, lift) in enumerate(zip(shares, lifts, strict=True)):
        # Tips hang over the hairline, not at the crown.
        tip = TIP * ridge * (1.0 - share) * (number > 0)
        field = hair_field if number else skull_field
        row, outward = _cast(azimuth, start + (90.0 - start) * share - tip, field)
        depth = lift - FURROW * (1.0 - ridge) * (1.0 - share) ** 0.5
        row += np.asarray(depth)[:, None] * outward
        # The seam is exactly on the middle plane, where the halves are joined.
        row[[0, -1], 0] = 0.0
        rows.append(row)
    return rows


def build_hair() -> Part:
    """Return the left half of the hair."""
    points = _rows()
    rows = [list(range(n * COLUMNS, (n + 1) * COLUMNS)) for n in range(len(points))]
    # The last row is one point: the crown.
    vertices = np.concatenate([*points[:-1], points[-1][:1]])
    top = len(vertices) - 1
    faces: list[Face] = []
    for first, second in itertools.pairwise(rows[:-1]):
        faces += strip(first, second)
    faces += [(rows[-2][i], rows[-2][i + 1], top) for i in range(COLUMNS - 1)]
    return Part("hair", vertices, faces, ["hair"] * len(faces))
