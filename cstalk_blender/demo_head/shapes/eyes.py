"""Define blink, squint, wide and gaze: the lids turn about the eyeball's axis."""

from __future__ import annotations

import numpy as np

from ...arrays import Array
from ..anatomy import Anatomy
from ..parts.eyes import closed_line, opening
from ..surface import EYE_CENTER

# Gaze at full strength (degrees); keys add up, so more would swell the ball when two are on.
LOOK_SIDE, LOOK_UP, LOOK_DOWN = 24.0, 18.0, 21.0


def _center(anatomy: Anatomy) -> Array:
    """Centre of the eyeball nearest to each vertex, (V, 3)."""
    center = np.tile(np.array(EYE_CENTER), (len(anatomy.points), 1))
    # Each side turns about its own ball.
    center[:, 0] *= np.where(anatomy.side < 0.0, -1.0, 1.0)
    return center


def turn_up(anatomy: Anatomy, degrees: Array) -> Array:
    """Return the motion (V, 3) of turning vertices about the eyes' left-right axis.

    Args:
        anatomy: The head.
        degrees: Angle of each vertex; positive looks up.
    """
    angle = np.radians(degrees)
    arm = anatomy.points - _center(anatomy)
    cos, sin = np.cos(angle), np.sin(angle)
    y = arm[:, 1] * cos + arm[:, 2] * sin
    z = -arm[:, 1] * sin + arm[:, 2] * cos
    return np.stack([np.zeros_like(y), y - arm[:, 1], z - arm[:, 2]], axis=1)


def _left(anatomy: Anatomy) -> Array:
    return np.asarray(anatomy.side > 0.0, dtype=np.float64)


def _lids(anatomy: Anatomy) -> tuple[Array, Array, Array]:
    """Masks of the upper and lower left lid (V,) and the way to the closed line in degrees."""
    tagged = ~np.isnan(anatomy.lid_turn)
    turn = np.nan_to_num(anatomy.lid_turn)
    rings, across, up = opening()
    # The tag is an angle: it is brought back to the number of the loop's vertex.
    step = np.rint(turn / (rings[1] - rings[0])).astype(np.int64) % len(rings)
    close = np.where(tagged, closed_line(across[step]) - up[step], 0.0)
    sin = np.sin(turn)
    left = _left(anatomy) * tagged
    # 1e-6: the corners belong to neither lid and stay.
    return left * (sin > 1e-6), left * (sin < -1e-6), close


def blink(anatomy: Anatomy) -> Array:
    """Both lids of the left eye meet on the ball."""
    upper, lower, close = _lids(anatomy)
    # By the share of each loop: the edge closes, the fold follows.
    return turn_up(anatomy, close * (upper + lower) * anatomy.lid_share)


def squint(anatomy: Anatomy) -> Array:
    """Raise the lower lid, lower the upper one a little and bunch the skin below."""
    upper, lower, close = _lids(anatomy)
    height = np.abs(np.sin(np.nan_to_num(anatomy.lid_turn)))
    # The square root spreads the motion to the outer loops.
    turn = (15.0 * lower * height + 0.2 * close * upper) * np.sqrt(anatomy.lid_share)
    bag = anatomy.box((3.9, -8.2, -2.3), (2.6, 2.5, 1.5)) * (anatomy.lid_share == 0.0)
    return np.asarray(turn_up(anatomy, turn) + bag[:, None] * np.array([0.0, -0.12, 0.28]))


def lower_lid_up(anatomy: Anatomy, degrees: float) -> Array:
    """Return the motion (V, 3) of the left lower lid pushed up, most at its middle.

    Args:
        anatomy: The head.
        degrees: Angle at the middle.
    """
    _, lower, _ = _lids(anatomy)
    height = np.abs(np.sin(np.nan_to_num(anatomy.lid_turn)))
    return turn_up(anatomy, degrees * lower * height * np.sqrt(anatomy.lid_share))


def wide(anatomy: Anatomy) -> Array:
    """Raise the upper lid over the iris."""
    upper, lower, _ = _lids(anatomy)
    height = np.abs(np.sin(np.nan_to_num(anatomy.lid_turn)))
    # An exponent above 1: only the edge goes up, so the fold is not flattened.
    turn = (12.0 * upper - 4.0 * lower) * height * anatomy.lid_share**1.5
    return turn_up(anatomy, turn)


def _gaze(anatomy: Anatomy, up: float, out: float) -> Array:
    """Way (V, 3) of the left eyeball that turns up or outwards (degrees)."""
    arm = anatomy.points - _center(anatomy)
    # Only the ball: lids follow by a motion of their own.
    ball = (anatomy.part == "eyes") * _left(anatomy)
    way = turn_up(anatomy, up * ball)
    cos, sin = np.cos(np.radians(out)), np.sin(np.radians(out))
    way[:, 0] += ball * (arm[:, 0] * cos - arm[:, 1] * sin - arm[:, 0])
    way[:, 1] += ball * (arm[:, 0] * sin + arm[:, 1] * cos - arm[:, 1])
    return way


def _follow(anatomy: Anatomy, upper_turn: float, lower_turn: float) -> Array:
    """Way (V, 3) of the left lids that follow a gaze up or down (degrees)."""
    upper, lower, _ = _lids(anatomy)
    # Less at the corners, which are fixed to the bone.
    height = np.abs(np.sin(np.nan_to_num(anatomy.lid_turn))) ** 0.7
    turn = (upper_turn * upper + lower_turn * lower) * height * anatomy.lid_share
    return turn_up(anatomy, turn)


def look_up(anatomy: Anatomy) -> Array:
    """Gaze up; the upper lid goes along."""
    return _gaze(anatomy, LOOK_UP, 0.0) + _follow(anatomy, 8.0, 3.0)


# The upper lid goes down with the gaze, or white would show above the iris.
def look_down(anatomy: Anatomy) -> Array:
    """Gaze down; the upper lid sinks."""
    return _gaze(anatomy, -LOOK_DOWN, 0.0) + _follow(anatomy, -16.0, -5.0)


def look_in(anatomy: Anatomy) -> Array:
    """Gaze towards the nose."""
    return _gaze(anatomy, 0.0, -LOOK_SIDE)


def look_out(anatomy: Anatomy) -> Array:
    """Gaze away from the nose."""
    return _gaze(anatomy, 0.0, LOOK_SIDE)


SHAPES = {
    "eyeBlinkLeft": blink,
    "eyeSquintLeft": squint,
    "eyeWideLeft": wide,
    "eyeLookUpLeft": look_up,
    "eyeLookDownLeft": look_down,
    "eyeLookInLeft": look_in,
    "eyeLookOutLeft": look_out,
}
