"""Short stylised hair and the ears."""

from __future__ import annotations

import numpy as np

from .surface import Array, cast
from .topology import Face, Part, flipped, strip

HAIR_ORIGIN = (0.0, 0.9, 2.6)
# The hairline: azimuth (degrees) and elevation (degrees) seen from the origin above, with the
# thickness of the hair (cm) at its edge.
HAIRLINE = (
    (0.0, 33.0, 1.1),
    (20.0, 34.0, 1.1),
    (40.0, 32.0, 1.0),
    (55.0, 22.0, 0.8),
    (66.0, 4.0, 0.55),
    (76.0, -18.0, 0.4),
    (86.0, -20.0, 0.35),
    (92.0, -4.0, 0.4),
    (104.0, 0.0, 0.45),
    (118.0, -14.0, 0.45),
    (135.0, -34.0, 0.4),
    (155.0, -42.0, 0.4),
    (180.0, -44.0, 0.4),
)
COLUMNS, ROWS = 26, 12
TOP_THICKNESS = 1.3
LOCKS, LOCK_DEPTH = 9.0, 0.16


def _shell(azimuth: Array, elevation: Array, thickness: Array) -> Array:
    """Points (N, 3) at a height over the scalp."""
    a, e = np.radians(azimuth), np.radians(elevation)
    directions = np.stack([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)], axis=1)
    origins = np.tile(np.array(HAIR_ORIGIN), (len(a), 1))
    return cast(origins, directions, 14.0) + thickness[:, None] * directions


def build_hair() -> Part:
    """The left half of a cap of combed-back hair with a thick edge."""
    azimuth = np.linspace(0.0, 180.0, COLUMNS)
    line = np.array(HAIRLINE)
    start = np.interp(azimuth, line[:, 0], line[:, 1])
    edge = np.interp(azimuth, line[:, 0], line[:, 2])
    points, rows = [], []
    shares = np.concatenate([[0.0, 0.0], np.linspace(0.0, 1.0, ROWS) ** 1.1])
    lifts = np.concatenate([[-0.3, 0.35], np.ones(ROWS)])
    for number, (share, lift) in enumerate(zip(shares, lifts, strict=True)):
        elevation = start + (90.0 - start) * share + (0.0 if number > 1 else 1.0 - lift) * 0.0
        height = edge + (TOP_THICKNESS - edge) * np.sin(0.5 * np.pi * min(1.0, 1.3 * share))
        lock = np.cos(np.radians(azimuth) * LOCKS * 2.0) * LOCK_DEPTH * (1.0 - share) ** 0.5
        row = _shell(
            azimuth, elevation, (height + lock) * lift if lift > 0 else np.full(COLUMNS, lift)
        )
        row[[0, -1], 0] = 0.0
        rows.append(list(range(number * COLUMNS, (number + 1) * COLUMNS)))
        points.append(row)
    points[-1][:] = points[-1][0]
    vertices = np.concatenate(points[:-1] + [points[-1][:1]])
    top = len(vertices) - 1
    faces: list[Face] = []
    for first, second in zip(rows[:-2], rows[1:-1], strict=True):
        faces += strip(first, second)
    faces += [(rows[-2][i], rows[-2][i + 1], top) for i in range(COLUMNS - 1)]
    return Part("hair", vertices, faces, ["hair"] * len(faces))


# Outline of the ear, seen from its side: (back, up) in cm from its middle.
EAR_CENTER = (6.85, 1.4, -1.0)
EAR_HALF_WIDTH, EAR_HALF_HEIGHT = 1.35, 2.15
EAR_SEGMENTS = 18
# Rings from behind the ear over the rim to the middle: scale, stand-off from the head (cm).
EAR_RINGS = (
    (0.55, -1.0),
    (0.92, 0.35),
    (1.02, 0.62),
    (0.98, 0.82),
    (0.86, 0.78),
    (0.74, 0.55),
    (0.5, 0.4),
    (0.2, 0.3),
)
EAR_FLARE = 0.38


def build_ear() -> Part:
    """The left ear, a dish with a rim, stuck into the side of the head."""
    turn = np.arange(EAR_SEGMENTS) * (2.0 * np.pi / EAR_SEGMENTS)
    points, rings = [], []
    for number, (scale, stand) in enumerate(EAR_RINGS):
        back = EAR_HALF_WIDTH * np.cos(turn) * (1.0 + 0.22 * np.sin(turn))
        up = EAR_HALF_HEIGHT * np.sin(turn)
        lean = 0.22 * up
        x = EAR_CENTER[0] + stand + EAR_FLARE * (back * scale + 0.2)
        ring = np.stack(
            [x, EAR_CENTER[1] + back * scale + lean * scale, EAR_CENTER[2] + up * scale], axis=1
        )
        points.append(ring)
        rings.append(list(range(number * EAR_SEGMENTS, (number + 1) * EAR_SEGMENTS)))
    faces: list[Face] = []
    for first, second in zip(rings[:-1], rings[1:], strict=True):
        faces += strip(first, second, closed=True)
    vertices = np.concatenate([*points, points[-1].mean(0)[None]])
    tip = len(vertices) - 1
    faces += [(rings[-1][i], rings[-1][(i + 1) % EAR_SEGMENTS], tip) for i in range(EAR_SEGMENTS)]
    return Part("ears", vertices, faces, ["skin"] * len(faces))
