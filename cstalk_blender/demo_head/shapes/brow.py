"""Define the shapes of brows, cheeks and nose."""

from __future__ import annotations

import numpy as np

from ...arrays import Array
from ..anatomy import Anatomy, bump, smooth
from .eyes import lower_lid_up

# Turn of the lower lid (degrees) that the rising cheek pushes up.
CHEEK_LID_DEGREES = 11.0


def _ways(weight: Array, x: float, y: float, z: float) -> Array:
    return np.asarray(weight[:, None] * np.array([x, y, z]))


def _forehead(anatomy: Anatomy, center: tuple[float, float], radii: tuple[float, float]) -> Array:
    """Bell on the forehead that leaves the lids where they are."""
    bell = anatomy.box((center[0], -8.0, center[1]), (radii[0], 5.0, radii[1]))
    # Lids have motions of their own; a forehead that moved them would open the eyes.
    return bell * (1.0 - anatomy.lid_share)


def inner_up(anatomy: Anatomy) -> Array:
    """Raise the inner ends of both brows."""
    left = _forehead(anatomy, (1.4, 2.7), (3.0, 2.8))
    # The mirror image of the weight as an x component: mirrored_way flips x, so -1 turns it back.
    # maximum joins both sides without doubling the middle.
    both = np.maximum(left, anatomy.mirrored_way(_ways(left, 1.0, 0.0, 0.0))[:, 0] * -1.0)
    # 1.45 cm: below that the slant of sadness is lost in a picture of 256 pixels.
    return anatomy.slide(_ways(both, 0.0, 0.0, 1.45))


def outer_up(anatomy: Anatomy) -> Array:
    """Raise the outer half of the left brow, its tail a little less."""
    x, _, z = anatomy.points.T
    # The tail moves less than the arch.
    along = smooth(x, 1.5, 4.6) * (1.0 - 0.75 * smooth(x, 4.6, 7.6))
    bell = along * bump(z - 2.9, 2.9) * smooth(anatomy.points[:, 1], -1.0, -3.5)
    weight = bell * anatomy.soft * (1.0 - anatomy.lid_share)
    return anatomy.slide(_ways(weight, 0.0, 0.0, 1.3))


def down(anatomy: Anatomy) -> Array:
    """Lower the left brow and move it inwards."""
    inner = _forehead(anatomy, (1.6, 2.4), (2.4, 2.4))
    outer = _forehead(anatomy, (4.4, 2.5), (2.8, 2.2))
    way = anatomy.slide(_ways(inner, -0.42, 0.0, -1.2) + _ways(outer, -0.16, 0.0, -0.4))
    # Bunched skin comes forward; `slide` would take that away.
    return way + _ways(inner, 0.0, -0.16, 0.0)


def puff(anatomy: Anatomy) -> Array:
    """Both cheeks fill with air."""
    left = anatomy.box((4.6, -6.2, -6.0), (3.0, 3.8, 3.0))
    near = anatomy.box((2.2, -8.4, -6.6), (2.4, 2.5, 2.4))
    way = _ways(left, 0.8, -0.55, 0.0) + _ways(near, 0.15, -0.25, 0.0)
    # Both cheeks: one channel.
    return way + anatomy.mirrored_way(way)


def cheek_squint(anatomy: Anatomy) -> Array:
    """Raise the left cheek against the lower lid."""
    cheek = anatomy.box((3.9, -7.8, -3.0), (2.8, 3.0, 1.9)) * (1.0 - anatomy.lid_share)
    # The rising cheek pushes the lower lid up.
    return _ways(cheek, 0.14, -0.42, 0.6) + lower_lid_up(anatomy, CHEEK_LID_DEGREES)


def sneer(anatomy: Anatomy) -> Array:
    """Raise the left wing of the nose, wrinkle its side and deepen the fold next to it."""
    wing = anatomy.box((1.3, -9.3, -3.7), (1.5, 2.2, 1.8))
    # Only above the corners: the upper lip goes along, the lower does not.
    lip = anatomy.box((1.5, -9.2, -5.6), (2.0, 2.4, 1.8)) * (anatomy.lip_sin > 0.0)
    side = anatomy.box((1.2, -8.2, -0.8), (1.2, 2.0, 1.8)) * (1.0 - anatomy.lid_share)
    fold = anatomy.box((2.5, -8.5, -3.2), (1.3, 2.2, 1.6))
    brow = _forehead(anatomy, (1.4, 2.4), (2.4, 2.0))
    way = _ways(wing, 0.28, 0.0, 0.95) + _ways(lip, 0.02, -0.08, 0.7)
    # The bulges beside the bridge and along the fold catch the light: a nose that only moves up
    # does not read as a wrinkled one.
    way += _ways(side, 0.0, -0.4, 0.4) + _ways(fold, 0.14, -0.5, 0.45)
    return way + anatomy.slide(_ways(brow, -0.16, 0.0, -0.5)) + lower_lid_up(anatomy, 5.0)


SHAPES = {
    "browInnerUp": inner_up,
    "browOuterUpLeft": outer_up,
    "browDownLeft": down,
    "cheekPuff": puff,
    "cheekSquintLeft": cheek_squint,
    "noseSneerLeft": sneer,
}
