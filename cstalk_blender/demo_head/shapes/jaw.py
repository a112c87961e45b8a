"""Define the shapes of jaw and tongue, and of lips that stay closed on an open jaw."""

from __future__ import annotations

import numpy as np

from ...arrays import Array
from ..anatomy import Anatomy, bump, smooth
from ..parts import lips

# The hinge of the jaw (y, z in cm), its opening (degrees) and drop (cm) at full strength.
HINGE_Y, HINGE_Z = 0.6, -2.6
OPEN_DEGREES, OPEN_DROP = 15.5, 0.25
FORWARD, SIDEWAYS = 0.6, 0.8
# Share of the gap that the upper lip closes when the lips shut over a dropped jaw, and how far
# it comes forward meanwhile, as a share of the gap.
UPPER_CLOSE_SHARE = 0.16
UPPER_CLOSE_FORWARD = 0.12
RIGID_WITH_JAW = ("teeth_lower", "tongue")


def jaw_turn(points: Array) -> Array:
    """Way (N, 3) of points that belong to the lower jaw when it opens fully."""
    angle = np.radians(OPEN_DEGREES)
    y, z = points[:, 1] - HINGE_Y, points[:, 2] - HINGE_Z
    way = np.zeros_like(points)
    # A turn about x through the hinge; the hinge itself drops a little.
    way[:, 1] = y * np.cos(angle) - z * np.sin(angle) - y
    way[:, 2] = y * np.sin(angle) + z * np.cos(angle) - z - OPEN_DROP
    return way


def _lip_weight(sin: Array) -> Array:
    """Return the share of the jaw's motion round the mouth: 0 above, 1 below."""
    # At the corners both branches give 0.5: they go half way with the jaw.
    upper = 0.5 * (1.0 - np.clip(sin, 0.0, 1.0)) ** 1.5
    lower = 0.5 * (1.0 - np.clip(-sin, 0.0, 1.0)) ** 1.5
    return np.where(sin > 0.0, upper, 1.0 - lower)


def jaw_weight(anatomy: Anatomy) -> Array:
    """Return the share of the jaw's motion that each vertex has, (V,)."""
    _, y, z = anatomy.points.T
    weight = _lip_weight(anatomy.lip_sin)
    in_mouth = ~np.isnan(anatomy.lip_ring)
    # Skin high on the face or far back does not move with the jaw.
    skin = weight * smooth(z, -1.2, -4.6) * smooth(y, 0.8, -3.2)
    # The floor of the chin fades into the neck.
    neck = smooth(y + 0.5 * (z + 11.0), -1.8, -4.6) * smooth(z, -13.2, -11.2)
    skin = np.where(
        z < -9.2, skin * np.maximum(neck, smooth(z, -11.2, -9.2) * smooth(y, -2.0, -4.0)), skin
    )
    skin = np.where(in_mouth, weight, skin) * (anatomy.part == "skin")
    # Lower teeth and tongue are rigid on the jaw.
    return np.where(np.isin(anatomy.part, RIGID_WITH_JAW), 1.0, skin)


def jaw_open(anatomy: Anatomy) -> Array:
    """Open the jaw."""
    return jaw_turn(anatomy.points) * jaw_weight(anatomy)[:, None]


def _contact_points(anatomy: Anatomy) -> Array:
    """For each vertex the point of the lip contact at its place along the mouth, (V, 3)."""
    # The ring that touches the other lip.
    ring = anatomy.lip_ring == lips.SEAL_RING
    order = np.argsort(anatomy.lip_cos[ring])
    cos, points = anatomy.lip_cos[ring][order], anatomy.points[ring][order]
    # By the place along the mouth: upper and lower lip meet at the same place.
    return np.stack([np.interp(anatomy.lip_cos, cos, points[:, i]) for i in range(3)], axis=1)


def mouth_close(anatomy: Anatomy) -> Array:
    """Close the gap that `jawOpen` of the same strength opens between the lips."""
    sin = np.abs(anatomy.lip_sin)
    # The gap that the jaw opens there: lower lip minus upper lip.
    gap = jaw_turn(_contact_points(anatomy)) * (_lip_weight(-sin) - _lip_weight(sin))[:, None]
    meeting = gap * np.array([0.0, 0.0, UPPER_CLOSE_SHARE])
    # Lips that meet over an open jaw come forward.
    meeting[:, 1] = UPPER_CLOSE_FORWARD * gap[:, 2]
    upper = (anatomy.lip_sin > 0.0)[:, None]
    # Upper lips go the small share, lower lips the rest, so that they meet.
    way = np.where(upper, meeting, meeting - gap)
    reach = np.where(anatomy.lip_sin > 0.0, 1.6, 2.6)
    near = np.where(anatomy.lip_reach < reach, bump(anatomy.lip_reach / reach, 1.0), 0.0)
    deep = np.nan_to_num(anatomy.lip_ring, nan=0.0)
    # Deep inside the mouth nothing is drawn shut.
    inside = np.where(
        deep > lips.SEAL_RING + 2, smooth(deep, lips.SEAL_RING + 7.0, lips.SEAL_RING + 2.0), 1.0
    )
    mask = (anatomy.part == "skin") * near * inside
    return np.asarray(way * mask[:, None])


def jaw_forward(anatomy: Anatomy) -> Array:
    """Move the jaw forward."""
    return np.asarray(jaw_weight(anatomy)[:, None] * np.array([0.0, -FORWARD, 0.0]))


def jaw_left(anatomy: Anatomy) -> Array:
    """Move the jaw to the head's left."""
    return np.asarray(jaw_weight(anatomy)[:, None] * np.array([SIDEWAYS, 0.05, 0.0]))


def tongue_out(anatomy: Anatomy) -> Array:
    """Put the tongue out over the lower lip and part the lips."""
    sin, cos = anatomy.lip_sin, anatomy.lip_cos
    middle = bump(cos, 0.95) * bump(anatomy.lip_reach, 1.8) * (anatomy.part == "skin")
    # Lips part where the tongue comes through, in the middle.
    part = np.where(sin > 0.0, 0.34, -0.5) * np.abs(sin) ** 0.5
    way = anatomy.tongue_out.copy()
    way[:, 2] += middle * part
    way[:, 1] += middle * np.where(sin > 0.0, 0.0, -0.05)
    return way


SHAPES = {
    "jawOpen": jaw_open,
    "jawForward": jaw_forward,
    "jawLeft": jaw_left,
    "mouthClose": mouth_close,
    "tongueOut": tongue_out,
}
