"""Build the eyeballs, the loops of the lids on them, and lashes.

Places round an eye are written as two angles about the eyeball's centre: `across`, from the
plane x = centre towards the head's left, and `up`, the turn about the eye's own x axis. A
lid that closes changes `up` alone, so it slides over the ball.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ...arrays import Array
from ..surface import EYE_CENTER, EYE_RADIUS
from ..topology import Part, fan, flipped, strip, tube

# A multiple of four: corners and middles of both lids are vertices.
RING_COUNT = 28
# Which of `lid_rings` is the edge that touches the other lid.
EDGE_RING = 5
# The opening (degrees): reach to the inner and outer corner, height of the upper and lower
# edge, rise of the outer corner.
ACROSS_INNER, ACROSS_OUTER = -45.0, 51.0
UP_UPPER, UP_LOWER = 23.5, -23.5
CORNER_RISE = 3.0
# Where the closed lids meet, as a share of the way from the lower to the upper edge.
# The upper lid does most of a blink: lids meet low on the ball.
CLOSED_SHARE = 0.18


@dataclasses.dataclass(frozen=True)
class LidRing:
    """One closed loop round the eye, from the inner corner over the top."""

    points: Array
    share: float
    """How much of the lid's turn this loop follows, 0 to 1."""
    material: str
    """Material of the quads between this loop and the one before it (further out)."""


def on_eye(across: Array, up: Array, radius: Array | float) -> Array:
    """Return points (N, 3) round the left eye.

    Args:
        across: Angles to the left in degrees.
        up: Angles upwards in degrees.
        radius: Distance from the centre in centimetres.
    """
    # The turn about the x axis is `up`, so a lid that changes it alone stays at its height over the
    # ball.
    a, u = np.radians(across), np.radians(up)
    direction = np.stack([np.sin(a), -np.cos(a) * np.cos(u), np.cos(a) * np.sin(u)], axis=-1)
    return np.asarray(np.array(EYE_CENTER) + np.asarray(radius)[..., None] * direction)


def opening() -> tuple[Array, Array, Array]:
    """Angle round the opening (N,), and `across` and `up` (degrees) of its edge."""
    turn: Array = np.arange(RING_COUNT, dtype=np.float64) * (2.0 * np.pi / RING_COUNT)
    middle, half = 0.5 * (ACROSS_OUTER + ACROSS_INNER), 0.5 * (ACROSS_OUTER - ACROSS_INNER)
    across = middle - half * np.cos(turn)
    # An exponent under 1: the opening is fuller than an ellipse.
    height = np.abs(np.sin(turn)) ** 0.85
    up = np.where(np.sin(turn) >= 0.0, UP_UPPER, UP_LOWER) * height
    return turn, np.asarray(across), np.asarray(up - CORNER_RISE * np.cos(turn))


def closed_line(across: Array) -> Array:
    """`up` (degrees) of the line on which the closed lids meet."""
    middle, half = 0.5 * (ACROSS_OUTER + ACROSS_INNER), 0.5 * (ACROSS_OUTER - ACROSS_INNER)
    side = np.clip((across - middle) / half, -1.0, 1.0)
    height = np.sqrt(1.0 - side**2) ** 0.85
    # The same line from either lid, so that closed lids have no gap.
    edge = UP_LOWER + (UP_UPPER - UP_LOWER) * CLOSED_SHARE
    return np.asarray(edge * height + CORNER_RISE * side)


# Fixed loops of the lids: angle outside the opening's edge (degrees) above, below and at the
# corners, height over the ball (cm) above and below, share of the lid's turn, material of the
# quads on the loop's outer side.
# Outer loops follow the lid by a share, so the fold above the eye deepens.
LOOPS = (
    (22.0, 18.0, 9.0, 0.40, 0.31, 0.12, "skin"),
    (17.0, 13.5, 6.0, 0.24, 0.28, 0.45, "skin"),
    (13.5, 9.5, 4.5, 0.20, 0.26, 0.70, "skin"),
    (8.0, 5.5, 3.0, 0.25, 0.26, 0.90, "skin"),
    (2.0, 1.5, 1.2, 0.24, 0.23, 1.0, "skin"),
    (0.0, 0.0, 0.0, 0.18, 0.17, 1.0, "lid"),
    (0.0, 0.0, 0.0, 0.03, 0.03, 1.0, "lid"),
    (12.0, 12.0, 5.0, 0.04, 0.04, 0.8, "lid"),
)


def lid_rings() -> list[LidRing]:
    """Return the fixed loops of both lids, from the outer fold to the hidden inner edge."""
    turn, across, up = opening()
    vertical = np.sin(turn)
    above = vertical >= 0.0
    rings = []
    for over, under, corner, height_over, height_under, share, material in LOOPS:
        # At the corners both lids have one height.
        middle = 0.5 * (height_over + height_under)
        height = middle + np.abs(vertical) * (np.where(above, height_over, height_under) - middle)
        points = on_eye(
            across - corner * np.cos(turn),
            up + np.where(above, over, under) * vertical,
            EYE_RADIUS + height,
        )
        rings.append(LidRing(points, share, material))
    return rings


# Rings of the eyeball: angle from the pupil's middle (degrees) and material of the quads that
# lie inside that ring.
# Rings are dense where materials change: iris and pupil have sharp edges.
BALL_RINGS = (
    (6.0, "pupil"),
    (12.5, "pupil"),
    (14.0, "iris"),
    (20.0, "iris"),
    (25.5, "iris"),
    (28.5, "limbus"),
    (38.0, "sclera"),
    (52.0, "sclera"),
    (70.0, "sclera"),
    (95.0, "sclera"),
    (135.0, "sclera"),
)
BALL_SEGMENTS = 24


def build_eyeball() -> Part:
    """Return the left eyeball, its pupil towards -Y."""
    turn = np.arange(BALL_SEGMENTS) * (2.0 * np.pi / BALL_SEGMENTS)
    points, rings, faces, materials = [], [], [], []
    for number, (angle, _) in enumerate(BALL_RINGS):
        away = np.radians(angle)
        points.append(
            np.stack(
                [
                    np.sin(away) * np.cos(turn),
                    np.full(BALL_SEGMENTS, -np.cos(away)),
                    np.sin(away) * np.sin(turn),
                ],
                axis=1,
            )
        )
        rings.append(list(range(number * BALL_SEGMENTS, (number + 1) * BALL_SEGMENTS)))
    count = len(rings) * BALL_SEGMENTS
    points.append(np.array([[0.0, -1.0, 0.0], [0.0, 1.0, 0.0]]))
    for number in range(len(rings) - 1):
        # The ball is seen from outside.
        quads = flipped(tube(rings[number : number + 2]))
        faces += quads
        materials += [BALL_RINGS[number + 1][1]] * len(quads)
    front, rear = fan(rings[0], count), flipped(fan(rings[-1], count + 1))
    faces += front + rear
    materials += ["pupil"] * len(front) + ["sclera"] * len(rear)
    vertices = np.array(EYE_CENTER) + EYE_RADIUS * np.concatenate(points)
    return Part("eyes", vertices, faces, materials)


# Lashes: the part of the upper edge they stand on (ring places), their length (cm) and how
# far they point up (degrees) at the inner and at the outer corner.
# Only where the upper lid is free: lashes at the corners would stand inside the skin.
LASH_FIRST, LASH_LAST = 1, 14
LASH_LENGTH = (0.12, 0.42)
LASH_RISE = (1.0, 7.0)


def build_lashes() -> Part:
    """Return a dark wedge along the edge of the upper left lid that ends in a small wing."""
    turn, across, up = opening()
    where = np.arange(LASH_FIRST, LASH_LAST + 1)
    # Longer towards the outside, more than in proportion.
    share = np.linspace(0.0, 1.0, len(where)) ** 1.5
    length = LASH_LENGTH[0] + (LASH_LENGTH[1] - LASH_LENGTH[0]) * share
    rise = LASH_RISE[0] + (LASH_RISE[1] - LASH_RISE[0]) * share
    a, u = across[where], up[where]
    below = on_eye(a, u - 0.8, EYE_RADIUS + 0.16)
    tip = on_eye(a + 4.0 * share, u + rise, EYE_RADIUS + 0.24 + length)
    above = on_eye(a, u + 3.2, EYE_RADIUS + 0.22)
    count = len(where)
    rows = [list(range(n * count, (n + 1) * count)) for n in range(3)]
    faces = strip(rows[0], rows[1]) + strip(rows[1], rows[2]) + strip(rows[2], rows[0])
    vertices = np.concatenate([below, tip, above])
    # Lashes turn with the edge they stand on.
    tags = {"lid_share": np.ones(3 * count), "lid_turn": np.tile(turn[where], 3)}
    return Part("lashes", vertices, faces, ["brow"] * len(faces), tags)
