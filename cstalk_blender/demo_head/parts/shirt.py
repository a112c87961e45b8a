"""Build a plain shirt with a round collar that ends the bust in a clean cut."""

from __future__ import annotations

import itertools

import numpy as np

from ..surface import body_field, cast
from ..topology import Face, Part, strip

COLUMNS = 19
# Rows are cast from an axis inside the body, so that they cannot cross.
DEPTH = 2.8  # y (cm) of the axis the rows are cast from
# Rows from inside the collar down: height at the front and at the back, thickness (cm).
# The first row lies inside the collar: the shirt has thickness at the neck.
ROWS = (
    (-15.9, -14.0, -0.3),
    (-15.2, -13.2, 0.22),
    (-14.95, -12.9, 0.5),
    (-15.1, -13.1, 0.8),
    (-15.6, -13.7, 0.85),
    (-16.05, -14.3, 0.6),
    (-16.3, -14.6, 0.38),
    (-17.2, -15.8, 0.38),
    (-18.2, -17.1, 0.38),
    (-19.3, -18.6, 0.38),
    (-20.4, -20.2, 0.38),
    (-21.5, -21.5, 0.38),
    (-22.3, -22.3, 0.3),
    (-22.5, -22.5, 0.1),
    (-22.5, -22.5, -0.5),
)


def build_shirt() -> Part:
    """Return the left half of the shirt."""
    azimuth = np.linspace(0.0, np.pi, COLUMNS)
    back = 0.5 - 0.5 * np.cos(azimuth)
    out = np.stack([np.sin(azimuth), -np.cos(azimuth), np.zeros(COLUMNS)], axis=1)
    points, rows = [], []
    for number, (front_z, back_z, thickness) in enumerate(ROWS):
        origins = np.zeros((COLUMNS, 3))
        origins[:, 1] = DEPTH
        origins[:, 2] = front_z + (back_z - front_z) * back
        row = cast(origins, out, 16.0, body_field) + thickness * out
        # Seam on the middle plane.
        row[[0, -1], 0] = 0.0
        points.append(row)
        rows.append(list(range(number * COLUMNS, (number + 1) * COLUMNS)))
    faces: list[Face] = []
    for first, second in itertools.pairwise(rows):
        # Rows run downwards here, so the strip is turned over.
        faces += strip(second, first)
    return Part("shirt", np.concatenate(points), faces, ["shirt"] * len(faces))
