"""Define the lip shapes for the left side, in coordinates round the mouth."""

from __future__ import annotations

import numpy as np

from ...arrays import Array
from ..anatomy import Anatomy, bump, smooth
from ..parts import lips
from ..surface import MOUTH_Z


def _near(anatomy: Anatomy, reach: float) -> Array:
    """1 on the lips and in the front of the mouth, 0 beyond `reach` (cm) and deep inside."""
    deep = np.nan_to_num(anatomy.lip_ring, nan=0.0)
    # The mouth's inside follows near the lips and fades behind the teeth.
    inside = np.where(
        deep > lips.SEAL_RING + 2, smooth(deep, lips.SEAL_RING + 7.0, lips.SEAL_RING + 2.0), 1.0
    )
    return np.asarray(bump(anatomy.lip_reach, reach) * inside * (anatomy.part == "skin"))


def _corner(anatomy: Anatomy, power: float = 1.4) -> Array:
    """0 at the middle of the mouth, 1 at its left corner."""
    return np.clip(anatomy.lip_cos, 0.0, 1.0) ** power


def _half(anatomy: Anatomy) -> Array:
    """Share of the left half of the lips; with its mirror image it makes 1."""
    # Both halves make 1 at each vertex: left and right together are the whole lip.
    return smooth(anatomy.lip_cos, -0.7, 0.7)


def _over(anatomy: Anatomy) -> Array:
    """1 on the upper lip and above it, falling to 0 at the height of the corners."""
    return np.clip(anatomy.lip_sin, 0.0, 1.0) ** 0.7


def _under(anatomy: Anatomy) -> Array:
    return np.clip(-anatomy.lip_sin, 0.0, 1.0) ** 0.7


def _thinning(anatomy: Anatomy) -> Array:
    """Way to the line of contact: -1 at the upper lip's middle, 1 at the lower's, 0 at corners.

    What moves by a share of this keeps the order of the lip loops, so thin lips never fold.
    """
    sin = anatomy.lip_sin
    # 0 at the corners: they must not pass the line of contact.
    return np.asarray(-np.sign(sin) * np.abs(sin) ** 1.15)


def _ring_share(anatomy: Anatomy) -> Array:
    """0 at the border of the tint and outside, 1 at the contact and inside."""
    return np.clip(np.nan_to_num(anatomy.lip_ring, nan=0.0) / lips.SEAL_RING, 0.0, 1.0)


def _ways(weight: Array, x: float, y: float, z: float) -> Array:
    return np.asarray(weight[:, None] * np.array([x, y, z]))


def smile(anatomy: Anatomy) -> Array:
    """Move the left corner up and out and lift the cheek."""
    near = _near(anatomy, 3.6)
    lift, wide = near * _corner(anatomy, 2.3), near * _corner(anatomy, 1.0)
    way = anatomy.slide(_ways(lift, 0.0, 0.0, 1.2) + _ways(wide, 0.8, 0.0, -0.06))
    # The corner goes back round the cheek; slide keeps it over the skull.
    way += _ways(lift, 0.0, 0.14, 0.0)
    cheek = anatomy.box((4.3, -7.4, -3.7), (2.7, 3.0, 2.2))
    # The cheek rises and comes forward in a smile.
    return way + _ways(cheek, 0.18, -0.36, 0.36)


def frown(anatomy: Anatomy) -> Array:
    """Lower the left corner."""
    pull = _near(anatomy, 3.0) * _corner(anatomy, 1.7)
    way = anatomy.slide(_ways(pull, 0.16, 0.0, -1.6))
    return way + _ways(_near(anatomy, 1.4) * _half(anatomy) * _under(anatomy), 0.0, -0.08, 0.06)


def dimple(anatomy: Anatomy) -> Array:
    """Draw the left corner back into the cheek."""
    pull = _near(anatomy, 2.4) * _corner(anatomy, 2.0)
    way = anatomy.slide(_ways(pull, 0.42, 0.0, 0.12))
    pit = anatomy.box((2.9, -8.0, MOUTH_Z + 0.15), (0.9, 2.0, 1.1))
    return way + _ways(pull, 0.0, 0.25, 0.0) + _ways(pit, 0.0, 0.3, 0.0)


def stretch(anatomy: Anatomy) -> Array:
    """Move the left corner straight out and a little down."""
    pull = _near(anatomy, 3.2) * _corner(anatomy, 1.2)
    thin = _near(anatomy, 1.0) * _half(anatomy) * (1.0 - _ring_share(anatomy))
    way = anatomy.slide(_ways(pull, 0.85, 0.0, -0.22))
    return way + _ways(thin, 0.0, 0.1, 1.0) * (0.12 * (_under(anatomy) - _over(anatomy)))[:, None]


def pucker(anatomy: Anatomy) -> Array:
    """Pucker: narrow and round the mouth and move it forward."""
    near, tight = _near(anatomy, 3.0), _near(anatomy, 2.4)
    # In proportion to x: the mouth narrows without folding.
    way = anatomy.slide(_ways(-0.62 * anatomy.points[:, 0] * tight, 1.0, 0.0, 0.0))
    # The middle of the lips comes further forward than the corners.
    way[:, 1] -= near * (0.45 + 0.4 * (1.0 - anatomy.lip_cos**2))
    full = (1.0 - _ring_share(anatomy)) * _near(anatomy, 1.2)
    way[:, 2] += full * (0.18 * _over(anatomy) - 0.16 * _under(anatomy))
    return way


def funnel(anatomy: Anatomy) -> Array:
    """Funnel: move the lips forward, part them and turn them out."""
    near, close = _near(anatomy, 2.8), _near(anatomy, 1.9)
    share, sin = _ring_share(anatomy), anatomy.lip_sin
    narrow = -0.3 * anatomy.points[:, 0] * _near(anatomy, 2.3)
    way = anatomy.slide(_ways(narrow, 1.0, 0.0, 0.0))
    way[:, 1] -= near * (0.3 + 0.3 * np.abs(sin) * (0.4 + 0.6 * share))
    # Lips turn out: the inner edge moves more than the border.
    way[:, 2] += close * (0.3 + 0.22 * share) * sin * np.where(sin > 0.0, 0.85, 1.15)
    return way


def mouth_left(anatomy: Anatomy) -> Array:
    """Move the whole mouth to the head's left."""
    near = _near(anatomy, 3.0)
    way = anatomy.slide(_ways(near, 0.85, 0.0, 0.0))
    # The side that is pushed rises a little, the other sinks.
    return way + _ways(near * anatomy.lip_cos, 0.0, 0.0, 0.15)


def roll_lower(anatomy: Anatomy) -> Array:
    """Roll the lower lip in under the upper teeth."""
    lip = _near(anatomy, 1.3) * _under(anatomy)
    share = _ring_share(anatomy)
    way = _ways(lip * (0.35 + 0.65 * np.sin(0.5 * np.pi * share)), 0.0, 0.5, 0.0)
    thin = np.maximum(_thinning(anatomy), 0.0) * _near(anatomy, 1.3)
    # Less at the contact: lips become thin without crossing.
    return way + _ways(thin * (0.42 - 0.24 * share), 0.0, 0.0, 1.0)


def roll_upper(anatomy: Anatomy) -> Array:
    """Roll the upper lip in over the teeth."""
    lip = _near(anatomy, 1.2) * _over(anatomy)
    share = _ring_share(anatomy)
    way = _ways(lip * (0.3 + 0.7 * np.sin(0.5 * np.pi * share)), 0.0, 0.45, 0.0)
    thin = np.minimum(_thinning(anatomy), 0.0) * _near(anatomy, 1.2)
    return way + _ways(thin * (0.32 - 0.17 * share), 0.0, 0.0, 1.0)


def _sealed(anatomy: Anatomy) -> Array:
    """1 on the line of contact and inside it, quickly less over the lips."""
    # The square: only the contact itself is sealed.
    return _ring_share(anatomy) ** 2 * _near(anatomy, 1.0)


def shrug_lower(anatomy: Anatomy) -> Array:
    """Push the lower lip up and out with the chin; the upper lip follows."""
    chin = anatomy.box((0.0, -8.6, -9.2), (2.6, 3.0, 2.2))
    lower = _near(anatomy, 1.8) * _under(anatomy)
    corner = bump(anatomy.lip_cos, 1.0)
    # The upper lip follows where it touches.
    seal = np.where(anatomy.lip_sin > 0.0, _sealed(anatomy) ** 0.5, 1.0) * corner
    lip = np.where(anatomy.lip_sin > 0.0, _near(anatomy, 1.0) * seal, lower) * corner
    return _ways(lip, 0.0, -0.14, 0.42) + _ways(chin, 0.0, -0.12, 0.3)


def shrug_upper(anatomy: Anatomy) -> Array:
    """Move the upper lip up and out; the lower one keeps touching it."""
    upper = _near(anatomy, 1.8) * _over(anatomy)
    corner = bump(anatomy.lip_cos, 1.0)
    lip = np.where(anatomy.lip_sin < 0.0, _sealed(anatomy), upper) * corner
    return _ways(lip, 0.0, -0.2, 0.32)


def press(anatomy: Anatomy) -> Array:
    """Press the left half of the lips thin."""
    half, share = _half(anatomy) * _near(anatomy, 1.3), _ring_share(anatomy)
    thin = _thinning(anatomy)
    # Lips are pressed thin from their border; the contact stays.
    amount = np.where(thin > 0.0, 0.3, 0.22) * (1.0 - 0.9 * share)
    way = _ways(half * thin * amount, 0.0, 0.0, 1.0)
    way += _ways(half * np.sin(np.pi * share), 0.0, 0.16, 0.0)
    corner = _near(anatomy, 1.8) * _corner(anatomy, 2.5)
    return way + anatomy.slide(_ways(corner, 0.12, 0.0, 0.05)) + _ways(corner, 0.0, 0.12, 0.0)


def lower_down(anatomy: Anatomy) -> Array:
    """Lower the left half of the lower lip and show the lower teeth."""
    lip = _near(anatomy, 2.2) * _half(anatomy) * _under(anatomy)
    return _ways(lip, 0.08, -0.05, -0.72)


def upper_up(anatomy: Anatomy) -> Array:
    """Raise the left half of the upper lip and show the upper teeth."""
    lip = _near(anatomy, 2.4) * _half(anatomy) * _over(anatomy)
    fold = anatomy.box((2.3, -8.6, -4.6), (1.6, 2.5, 1.6))
    # The fold beside the nose deepens with the lip.
    return _ways(lip, 0.06, -0.06, 0.66) + _ways(fold, 0.06, -0.14, 0.22)


SHAPES = {
    "mouthSmileLeft": smile,
    "mouthFrownLeft": frown,
    "mouthDimpleLeft": dimple,
    "mouthStretchLeft": stretch,
    "mouthPucker": pucker,
    "mouthFunnel": funnel,
    "mouthLeft": mouth_left,
    "mouthRollLower": roll_lower,
    "mouthRollUpper": roll_upper,
    "mouthShrugLower": shrug_lower,
    "mouthShrugUpper": shrug_upper,
    "mouthPressLeft": press,
    "mouthLowerDownLeft": lower_down,
    "mouthUpperUpLeft": upper_up,
}
