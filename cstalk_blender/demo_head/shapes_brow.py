"""Brows, cheeks and nose."""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy
from .shapes_eyes import lower_lid_up
from .surface import Array

# Turn of the lower lid (degrees) that the rising cheek pushes up.
CHEEK_LID_DEGREES = 8.0


def _ways(weight: Array, x: float, y: float, z: float) -> Array:
    return np.asarray(weight[:, None] * np.array([x, y, z]))


def _forehead(anatomy: Anatomy, center: tuple[float, float], radii: tuple[float, float]) -> Array:
    """Bell on the forehead that leaves the lids where they are."""
    bell = anatomy.box((center[0], -8.0, center[1]), (radii[0], 5.0, radii[1]))
    return bell * (1.0 - anatomy.lid_share)


def inner_up(anatomy: Anatomy) -> Array:
    """The inner ends of both brows go up."""
    left = _forehead(anatomy, (1.4, 2.7), (3.0, 2.8))
    both = np.maximum(left, anatomy.mirrored_way(_ways(left, 1.0, 0.0, 0.0))[:, 0] * -1.0)
    return anatomy.slide(_ways(both, 0.0, 0.0, 1.05))


def outer_up(anatomy: Anatomy) -> Array:
    """The outer half of the left brow goes up."""
    return anatomy.slide(_ways(_forehead(anatomy, (4.8, 2.9), (3.0, 2.8)), 0.0, 0.0, 0.95))


def down(anatomy: Anatomy) -> Array:
    """The left brow goes down and in."""
    inner = _forehead(anatomy, (1.5, 2.4), (3.0, 2.4))
    outer = _forehead(anatomy, (4.4, 2.5), (2.8, 2.2))
    way = anatomy.slide(_ways(inner, -0.34, 0.0, -0.95) + _ways(outer, -0.1, 0.0, -0.12))
    return way + _ways(inner, 0.0, -0.16, 0.0)


def puff(anatomy: Anatomy) -> Array:
    """Both cheeks fill with air."""
    left = anatomy.box((4.6, -6.2, -6.0), (3.0, 3.8, 3.0))
    near = anatomy.box((2.2, -8.4, -6.6), (2.4, 2.5, 2.4))
    way = _ways(left, 0.8, -0.55, 0.0) + _ways(near, 0.15, -0.25, 0.0)
    return way + anatomy.mirrored_way(way)


def cheek_squint(anatomy: Anatomy) -> Array:
    """The left cheek rises against the lower lid."""
    cheek = anatomy.box((3.9, -7.8, -3.0), (2.8, 3.0, 1.9)) * (1.0 - anatomy.lid_share)
    return _ways(cheek, 0.1, -0.3, 0.5) + lower_lid_up(anatomy, CHEEK_LID_DEGREES)


def sneer(anatomy: Anatomy) -> Array:
    """The left wing of the nose goes up and wrinkles its side."""
    wing = anatomy.box((1.5, -9.0, -3.7), (1.5, 2.2, 1.7))
    lip = anatomy.box((1.5, -8.9, -5.4), (1.9, 2.2, 1.8)) * (anatomy.lip_sin > 0.0)
    side = anatomy.box((1.3, -8.2, -1.0), (1.3, 2.0, 1.8)) * (1.0 - anatomy.lid_share)
    return (
        _ways(wing, 0.12, 0.05, 0.42) + _ways(lip, 0.0, -0.05, 0.3) + _ways(side, 0.0, -0.12, 0.15)
    )


SHAPES = {
    "browInnerUp": inner_up,
    "browOuterUpLeft": outer_up,
    "browDownLeft": down,
    "cheekPuff": puff,
    "cheekSquintLeft": cheek_squint,
    "noseSneerLeft": sneer,
}
