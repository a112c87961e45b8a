"""Build teeth, gums and tongue."""

from __future__ import annotations

import itertools

import numpy as np

from ...arrays import Array
from ..surface import MOUTH_Z
from ..topology import Face, Part, flipped, strip
from .lips import SEAL_RING, lip_rings

# The arch of the teeth (cm): half width, depth, gap behind the line where the lips meet.
ARCH_HALF_WIDTH, ARCH_DEPTH, ARCH_GAP = 2.6, 4.2, 0.6
# 2 is an ellipse; front teeth stand flatter.
ARCH_SQUARENESS = 2.7  # exponent of the superellipse; 2 is an ellipse
ARCH_REACH = 82.0  # degrees along the arch from the middle to the last tooth
TEETH_PER_SIDE, COLUMNS_PER_TOOTH = 6, 3
GROOVE = 0.07
# Rows of a tooth from the gum to its back: height over the biting edge, depth behind the arch.
TOOTH_ROWS = (
    (1.4, 0.25),
    (1.0, -0.02),
    (0.86, 0.05),
    (0.5, -0.01),
    (0.06, 0.03),
    (0.0, 0.14),
    (0.1, 0.3),
    (1.2, 0.5),
)
# Gum rows come first: they are not grooved.
GUM_ROWS = 2
UPPER_EDGE, LOWER_EDGE = MOUTH_Z - 0.3, MOUTH_Z + 0.0
# How much shorter the last tooth stands than the first above and below (cm): near the hinge an
# open jaw drops less, and the back teeth would show like fangs.
BACK_DROP_UPPER, BACK_DROP_LOWER = 0.15, 0.95
# The lower arch bites inside the upper one.
LOWER_SHRINK = 0.3

# Tongue at rest and put out: places (y, z, half width, half thickness) from root to tip.
TONGUE_REST = (
    (-3.2, -8.4, 1.3, 0.7),
    (-4.3, -7.75, 1.5, 0.75),
    (-5.3, -7.5, 1.5, 0.62),
    (-6.2, -7.45, 1.4, 0.5),
    (-6.9, -7.4, 1.2, 0.4),
    (-7.35, -7.34, 0.95, 0.3),
    (-7.6, -7.3, 0.5, 0.18),
)
TONGUE_OUT = (
    (-3.8, -7.9, 1.3, 0.65),
    (-5.8, -6.95, 1.4, 0.5),
    (-7.6, -6.52, 1.3, 0.32),
    (-9.2, -6.5, 1.25, 0.28),
    (-10.5, -6.6, 1.2, 0.27),
    (-11.6, -6.9, 1.0, 0.24),
    (-12.1, -7.15, 0.55, 0.16),
)
TONGUE_SEGMENTS = 7


# Teeth are placed behind the contact of the lips, wherever the face puts it.
def contact_depth() -> float:
    """Y (cm) of the middle of the line where the lips meet."""
    return float(lip_rings()[SEAL_RING].points[0, 1])


def _arch(shrink: float) -> tuple[Array, Array, Array, Array]:
    """X and y along the arch from the middle, the outward direction, and the groove depth."""
    turn = np.radians(np.linspace(0.0, ARCH_REACH, 400))
    width, depth = ARCH_HALF_WIDTH - shrink, ARCH_DEPTH - shrink
    power = 2.0 / ARCH_SQUARENESS
    fine_x, fine_y = width * np.sin(turn) ** power, depth * (1.0 - np.cos(turn) ** power)
    # Equal steps along the arch, not of the angle: teeth are equally wide.
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(fine_x), np.diff(fine_y)))])
    count = TEETH_PER_SIDE * COLUMNS_PER_TOOTH + 1
    places = np.linspace(0.0, along[-1], count)
    x, y = np.interp(places, along, fine_x), np.interp(places, along, fine_y)
    normal = np.stack([np.gradient(y, places), -np.gradient(x, places)], axis=1)
    # On the middle plane the normal points straight forward; a one-sided difference would tilt it.
    normal[0] = (0.0, -1.0)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    # Teeth are parted by grooves at every third column.
    groove = np.where(np.arange(count) % COLUMNS_PER_TOOTH == 0, GROOVE, 0.0)
    return x, y + contact_depth() + ARCH_GAP + shrink, normal, groove


def build_teeth(upper: bool) -> Part:
    """Return the left half of a row of teeth with its gum."""
    x, y, normal, groove = _arch(0.0 if upper else LOWER_SHRINK)
    # The sign turns height towards the gum: up above, down below.
    edge, sign = (UPPER_EDGE, 1.0) if upper else (LOWER_EDGE, -1.0)  # sign: towards the gum
    scale = 1.0 if upper else 0.85
    drop = BACK_DROP_UPPER if upper else BACK_DROP_LOWER
    rows, points = [], []
    count = len(x)
    for number, (height, back) in enumerate(TOOTH_ROWS):
        inset = back + (groove if number >= GUM_ROWS else 0.0)
        row = np.stack([x, y, np.full(count, edge + sign * scale * height)], axis=1)
        row[:, :2] -= normal * np.asarray(inset)[..., None]
        row[:, 2] += sign * drop * np.linspace(0.0, 1.0, count) ** 2
        row[0, 0] = 0.0
        rows.append(list(range(number * count, (number + 1) * count)))
        points.append(row)
    faces: list[Face] = []
    materials: list[str] = []
    for number in range(len(rows) - 1):
        quads = strip(rows[number], rows[number + 1])
        faces += flipped(quads) if upper else quads
        # Colour changes between the gum's last row and the tooth.
        materials += ["gum" if number < GUM_ROWS - 1 else "teeth"] * len(quads)
    name = "teeth_upper" if upper else "teeth_lower"
    return Part(name, np.concatenate(points), faces, materials)


def tongue_points(spine: tuple[tuple[float, float, float, float], ...]) -> Array:
    """Vertices of the tongue's left half along a spine."""
    turn = np.linspace(0.5 * np.pi, -0.5 * np.pi, TONGUE_SEGMENTS)
    cos, sin = np.cos(turn), np.sin(turn)
    cos[[0, -1]] = 0.0
    rings = []
    for y, z, width, thickness in spine:
        # A shallow groove along the top makes it read as a tongue.
        dip = 0.22 * thickness * np.exp(-((cos / 0.35) ** 2)) * (sin > 0.0)
        height = z + thickness * sin * np.abs(sin) ** 0.2 - dip
        rings.append(np.stack([width * cos, np.full(TONGUE_SEGMENTS, y), height], axis=1))
    last = rings[-1][:1].copy()
    last[0] = (0.0, spine[-1][0] - 0.25, spine[-1][1])
    return np.concatenate([*rings, last])


def build_tongue() -> Part:
    """Return the left half of the tongue at rest; `out_*` tags have its motion for tongueOut."""
    vertices = tongue_points(TONGUE_REST)
    rows = [
        list(range(n * TONGUE_SEGMENTS, (n + 1) * TONGUE_SEGMENTS)) for n in range(len(TONGUE_REST))
    ]
    faces: list[Face] = []
    for first, second in itertools.pairwise(rows):
        faces += strip(first, second)
    tip = len(vertices) - 1
    faces += [(rows[-1][i], rows[-1][i + 1], tip) for i in range(TONGUE_SEGMENTS - 1)]
    # The same vertices along another spine: the tongue bends without rotating.
    way = tongue_points(TONGUE_OUT) - vertices
    tags = {"out_x": way[:, 0], "out_y": way[:, 1], "out_z": way[:, 2]}
    return Part("tongue", vertices, faces, ["tongue"] * len(faces), tags)
