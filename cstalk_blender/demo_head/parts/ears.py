"""Build the ears: a dish with a rim in the side of the head."""

from __future__ import annotations

import itertools

import numpy as np

from ..topology import Face, Part, strip

# Outline of the ear, seen from its side: (back, up) in cm from its middle.
EAR_CENTER = (6.75, 1.5, -0.7)
EAR_HALF_WIDTH, EAR_HALF_HEIGHT = 1.4, 2.3
EAR_SEGMENTS = 18
# Rings from behind the ear over the rim to the middle: scale, stand-off from the head (cm).
# The first ring lies inside the head, so no seam shows.
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
    """Return the left ear, a dish with a rim in the side of the head."""
    turn = np.arange(EAR_SEGMENTS) * (2.0 * np.pi / EAR_SEGMENTS)
    points, rings = [], []
    for number, (scale, stand) in enumerate(EAR_RINGS):
        # Wider at the top than at the lobe.
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
    for first, second in itertools.pairwise(rings):
        faces += strip(first, second, closed=True)
    vertices = np.concatenate([*points, points[-1].mean(0)[None]])
    tip = len(vertices) - 1
    faces += [(rings[-1][i], rings[-1][(i + 1) % EAR_SEGMENTS], tip) for i in range(EAR_SEGMENTS)]
    return Part("ears", vertices, faces, ["skin"] * len(faces))
