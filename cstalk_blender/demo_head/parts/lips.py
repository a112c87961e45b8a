"""Build the loops of the lips and of the mouth behind them, left half.

A place round the mouth is written in elliptic coordinates whose two foci are the corners of
the mouth: `angle` runs from 90 degrees (above the middle) over 0 (left corner) to -90 (below).
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ...arrays import Array
from ..surface import MOUTH_Z, front_point

SEGMENTS = 22
# Half width of the closed lips and height of the tinted part (cm).
# The foci of the elliptic coordinates.
HALF_WIDTH = 2.6
UPPER_HEIGHT, LOWER_HEIGHT = 0.6, 0.78
BOW_DIP, BOW_WIDTH = 0.12, 0.38
CORNER_LIFT = 0.24
# Lip cross-section: share of the way from the border to the line of contact, and how far it
# stands out from the face (cm) at the middle of the upper and of the lower lip.
PROFILE = (
    (0.0, 0.02, 0.0),
    (0.2, 0.2, 0.2),
    (0.48, 0.38, 0.44),
    (0.78, 0.36, 0.42),
    (1.0, 0.1, 0.1),
)
# The mouth behind the lips: depth behind the contact (cm), half height, share of the width.
INSIDE = (
    # Front rows of the mouth stay close behind the lips: they are what an open mouth shows first.
    (0.2, 0.06, 0.99),
    (0.42, 0.25, 0.98),
    (0.5, 0.8, 0.99),
    (0.9, 1.5, 1.07),
    (2.8, 1.7, 1.12),
    (4.6, 1.5, 1.0),
    (5.4, 0.5, 0.75),
)
SEAL_RING = 4


@dataclasses.dataclass(frozen=True)
class LipRing:
    """One open loop from the middle above the mouth to the middle below it."""

    points: Array
    number: float
    """0 at the border, `SEAL_RING` at the contact, more inside."""
    material: str
    """Material of the quads between this loop and the one before it (further out)."""


def ring_angles() -> Array:
    """Elliptic angle (radians) of the vertices of every loop."""
    return np.linspace(0.5 * np.pi, -0.5 * np.pi, SEGMENTS + 1)


def _clean_cos(angle: Array) -> Array:
    cos = np.cos(angle)
    # Exactly 0: cos(pi / 2) is 6e-17, and the seam is found by x == 0.
    cos[[0, -1]] = 0.0
    return np.asarray(cos)


def contact_height(x: Array) -> Array:
    """Height (cm) of the line where the lips meet."""
    # Beyond the corners the line goes on rising, for skin beside the mouth.
    side = np.clip(np.abs(x) / HALF_WIDTH, 0.0, 1.3)
    return np.asarray(MOUTH_Z + CORNER_LIFT * side**2.2 - 0.05 * np.exp(-((x / 0.5) ** 2)))


def _border() -> tuple[Array, Array]:
    """X and z (cm) of the edge of the tint."""
    angle = ring_angles()
    cos, sin = _clean_cos(angle), np.sin(angle)
    x = (HALF_WIDTH + 0.1) * cos
    # The bow of the upper lip.
    upper = UPPER_HEIGHT * np.abs(sin) ** 1.15 - BOW_DIP * np.exp(-((x / BOW_WIDTH) ** 2))
    lower = -LOWER_HEIGHT * np.abs(sin) ** 0.9
    return x, contact_height(x) + np.where(sin > 0.0, upper, lower)


def lip_rings() -> list[LipRing]:
    """All fixed loops, from the border of the tint to the back of the mouth."""
    angle = ring_angles()
    cos, sin = _clean_cos(angle), np.sin(angle)
    contact_x = HALF_WIDTH * cos
    contact_z = contact_height(contact_x)
    border_x, border_z = _border()
    # Lips thin out towards the corners.
    fullness = np.abs(sin) ** 0.6
    rings = []
    for number, (share, upper, lower) in enumerate(PROFILE):
        x = border_x + (contact_x - border_x) * share
        z = border_z + (contact_z - border_z) * share
        out = np.where(sin > 0.0, upper, lower) * fullness
        points = front_point(x, z)
        points[:, 1] -= out
        if number == SEAL_RING:
            # Upper and lower contact have the same depth: lips that touch must not pass through
            # each other.
            points[:, 1] = 0.5 * (points[:, 1] + points[::-1, 1])
        rings.append(LipRing(points, float(number), "lips" if number else "skin"))
    contact = rings[-1].points
    for number, (depth, height, width) in enumerate(INSIDE):
        points = contact.copy()
        points[:, 0] *= width
        points[:, 1] += depth
        points[:, 2] += height * np.sign(sin) * np.abs(sin) ** 0.5
        # The middle vertex is the corner of the mouth: both lips share it.
        points[len(points) // 2, 2] = contact[len(points) // 2, 2]
        rings.append(LipRing(points, float(SEAL_RING + 1 + number), "mouth" if number else "lips"))
    return rings
