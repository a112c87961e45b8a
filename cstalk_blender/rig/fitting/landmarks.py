"""Find the lips, chin, nose and eyes of a head from the motion of its opening jaw. No bpy.

Neither vertex numbers nor the axes of the mesh are used. The only input is the motion of the mesh
when the jaw opens (by a shape key, or by a rotated bone):

1. The skin is the connected part with both still and moving vertices: teeth move as a whole, eyes
   do not move.
2. The lips are pairs of a still and a moving vertex next to each other. The axis along the pairs is
   left to right. Lips part downwards and backwards, because the jaw rotates about a hinge behind
   and above them: down and front are that direction and its normal, rotated by `HINGE_SLOPE`.
3. The middle pair is the foremost one that touches; the corners are the ends of the seam. The chin
   is the moving midline vertex furthest down and forward, the tip of the nose the foremost midline
   vertex above the lips, and the eyes are two round parts above the lips on both sides.

Vertex groups named ``cstalk_lip_upper`` and ``cstalk_lip_lower`` override the result.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...arrays import Array, Indices

STILL_SHARE = 0.35
"""A vertex that moves less than this part of the largest motion belongs to the upper face."""
MOVING_SHARE = 0.55
"""A vertex that moves more than this part of the largest motion belongs to the jaw."""
RISING_SHARE = 0.1
"""Skin that moves against the jaw by more than this part of the largest motion is a rising upper
lip; on the demo head and the three public heads none does."""
NEAR_SHARE = 0.08
"""Upper and lower vertices closer than this part of the jaw's size may be the seam of the lips."""
OPEN_SHARE = 0.25
"""Of the jaw's size: motion assumed for the most moved vertex, whatever the shape's strength."""
TORN = 2.0
"""Lips part by more than this times their distance at rest; skin does not stretch as far."""
STRAY = 2.5
"""Pairs further from the middle than this times the median distance are not lips."""
TOUCH_SHARE = 0.005
"""Of the mouth's width: pairs at most this much wider than the closest one count as touching."""
MIDDLE_SHARE = 0.08
"""Of the mouth's width: vertices this close to the midline are its middle."""
HINGE_SLOPE = np.radians(27.0)
"""Angle between the direction in which lips part and down: 23 to 31 degrees on four heads."""
NOSE_SHARE = 0.3
"""Of the mouth's width: vertices this close to the midline may be the nose or the chin."""
TIP_SHARE = 0.05
"""Of the mouth's width: scale of the weights by distance behind the foremost vertex."""
EYE_ROUNDNESS = 0.75
"""Ratio of shortest to longest extent of a part that may be an eyeball."""


class NoLips(ValueError):
    """Raised when the motion of a mesh does not show its lips; ``str`` gives the reason."""


@dataclasses.dataclass(frozen=True)
class Landmarks:
    """Vertices of landmarks, and the directions of the face."""

    lip_upper: int
    lip_lower: int
    corner_left: int
    corner_right: int
    chin: int
    fixed: Array
    """Tips of the nose and the chin at rest, means of the foremost vertices, (2, 3)."""
    eyes: Array | None
    """Centres of the left and the right eyeball, (2, 3); None when the mesh has none."""
    parting: Array
    """Unit vector along which the lips part, (3,)."""
    down: Array
    left: Array
    """The left side of the face itself."""
    front: Array
    skin: NDArray[np.bool_]
    """The connected part with the lips: no teeth, eyes or lashes, (V,)."""
    width: float
    """Distance between the corners of the mouth at rest, mesh units."""

    def places(self, points: Array) -> Array:
        """Return the landmark positions of a head with the vertices ``points``, (6 or 8, 3).

        They are the middles of the lips, the corners, the tips of nose and chin, and the eyes.
        """
        names = ("lip_upper", "lip_lower", "corner_left", "corner_right")
        chosen = [points[[getattr(self, name) for name in names]], self.fixed]
        # Without eyes the list is shorter, and `similarity` uses the common front part.
        return np.concatenate(chosen if self.eyes is None else [*chosen, self.eyes])


def connected_parts(edges: Indices, count: int) -> Indices:
    """Return the number of the connected part of each vertex, (count,).

    Args:
        edges: Vertex pairs, (E, 2).
        count: Number of vertices.
    """
    label = np.arange(count)
    if not len(edges):
        return label
    # Labels spread along edges to the lowest number: array operations instead of a walk in Python.
    while True:
        lowest = label.copy()
        np.minimum.at(lowest, edges[:, 0], label[edges[:, 1]])
        np.minimum.at(lowest, edges[:, 1], label[edges[:, 0]])
        lowest = lowest[lowest]
        if np.array_equal(lowest, label):
            # Numbers without gaps, as `_skin` counts them with ``bincount``.
            return np.unique(label, return_inverse=True)[1].astype(np.int64)
        label = lowest


def find_landmarks(
    neutral: Array,
    edges: Indices,
    opening: Array,
    *,
    lips: tuple[int, int] | None = None,
) -> Landmarks:
    """Find the landmarks of a head.

    Args:
        neutral: Vertices at rest, (V, 3), in any frame and unit.
        edges: Vertex pairs, (E, 2).
        opening: Motion of each vertex when the jaw opens, (V, 3).
        lips: Upper and lower vertex of the middle of the lips, where the user marked them.

    Raises:
        NoLips: Nothing moves, or no still and moving vertices are next to each other.
    """
    parts = connected_parts(edges, len(neutral))
    length = np.linalg.norm(opening, axis=1)
    if not len(length) or length.max() <= 0:
        raise NoLips("the jaw's shape moves no vertex")
    skin = _skin(parts, length)
    share = _share_of_opening(opening, length, skin)
    upper, lower, distance = _lip_seam(neutral, opening, skin, share, lips)
    parting, down, left, front = _directions(neutral, opening, skin, upper, lower)
    across = neutral[lower] @ left
    corner_left, corner_right = lower[np.argmax(across)], lower[np.argmin(across)]
    width = float(np.linalg.norm(neutral[corner_left] - neutral[corner_right]))
    middle = 0.5 * (neutral[corner_left] + neutral[corner_right]) @ left
    if lips is None:
        lips = _middle_pair(neutral, (upper, lower, distance), across - middle, front, width)
    height = -(neutral - neutral[lips[1]]) @ down
    forward = neutral @ front
    # A band about the midline: nose and chin stand on it, whatever else is further in front.
    line = skin & (np.abs(neutral @ left - middle) < NOSE_SHARE * width)
    jaw = line & (height < 0) & (share > MOVING_SHARE)
    # Between lip and eyes, in mouth widths: above them the brow may stand further out.
    nose = line & (height > 0.3 * width) & (height < 1.6 * width)
    fixed = [
        _tip(neutral, nose, forward, width, neutral[lips[0]]),
        _tip(neutral, jaw, forward - height, width, neutral[lips[1]]),
    ]
    chin = np.flatnonzero(jaw)[np.argmax((forward - height)[jaw])] if jaw.any() else lips[1]
    return Landmarks(
        lip_upper=lips[0],
        lip_lower=lips[1],
        corner_left=int(corner_left),
        corner_right=int(corner_right),
        chin=int(chin),
        fixed=np.stack(fixed),
        eyes=_eyes(neutral, parts, skin, share, neutral[lips[0]], (down, left), width),
        parting=parting,
        down=down,
        left=left,
        front=front,
        skin=skin,
        width=width,
    )


def _lip_seam(
    neutral: Array,
    opening: Array,
    skin: NDArray[np.bool_],
    share: Array,
    lips: tuple[int, int] | None,
) -> tuple[Indices, Indices, Array]:
    """Return the seam between still and moving skin, else the one through the marked lips."""
    # Also with marked lips: a mark is one pair, the seam gives the corners as well.
    try:
        return _seam(neutral, skin, share)
    except NoLips:
        if lips is None:
            raise
        return _marked_seam(neutral, opening, skin, lips)


def _share_of_opening(opening: Array, length: Array, skin: NDArray[np.bool_]) -> Array:
    """Return how far each vertex follows the opening, as a share of the farthest, (V,)."""
    share: Array = length / length[skin].max()
    along: Array = opening @ opening[skin][length[skin].argmax()] / length[skin].max() ** 2
    # VRoid's Fcl_MTH_A raises the upper lip about as far as it lowers the lower one: only the
    # direction tells them apart.
    return along if along[skin].min() < -RISING_SHARE else share


def _middle_pair(
    neutral: Array,
    seam: tuple[Indices, Indices, Array],
    aside: Array,
    front: Array,
    width: float,
) -> tuple[int, int]:
    """Return the foremost touching pair of the seam; ``aside`` is (N,) distance to the left."""
    # At the corners the lips touch as well; only the middle can be the middle.
    upper, lower, distance = seam
    near = np.abs(aside) < MIDDLE_SHARE * width
    if not near.any():
        raise NoLips("the lips have no vertices in the middle")
    touching = near & (distance <= distance[near].min() + TOUCH_SHARE * width)
    score = neutral[lower] @ front - np.abs(aside)
    best = np.flatnonzero(touching)[np.argmax(score[touching])]
    return int(upper[best]), int(lower[best])


def _skin(parts: Indices, length: Array) -> NDArray[np.bool_]:
    """Return the part with the most vertices that move half as far: there skin stretches."""
    highest = length.max()
    # Rounding of exporters moves still vertices a little, and rigid parts move almost fully.
    stretched = (length > 0.02 * highest) & (length < 0.9 * highest)
    counts = np.bincount(parts, weights=stretched)
    if counts.max() <= 0:
        raise NoLips("the jaw's shape moves whole parts only and stretches no skin")
    return np.asarray(parts == int(np.argmax(counts)))


def _seam(neutral: Array, skin: NDArray[np.bool_], share: Array) -> tuple[Indices, Indices, Array]:
    """Return pairs of an upper and a lower vertex next to each other, and distances, (N,)."""
    still = np.flatnonzero(skin & (share < STILL_SHARE))
    moving = np.flatnonzero(skin & (share > MOVING_SHARE))
    if not len(still) or not len(moving):
        raise NoLips("the jaw's shape leaves no part of the skin still")
    # The size of the moving part, not of the mesh, which may include a body.
    size = float(np.linalg.norm(np.ptp(neutral[moving], axis=0)))
    # Boxes first: the distances of all pairs grow with the square of the mesh.
    still, moving = _neighbours(neutral, still, moving, NEAR_SHARE * size)
    if not len(moving):
        raise NoLips("no lips meet: still and moving skin lie far from each other")
    nearest, distance = nearest_of(neutral[moving], neutral[still])
    apart = OPEN_SHARE * size * (share[moving] - share[still[nearest]])
    near = (distance < NEAR_SHARE * size) & (apart > TORN * distance)
    if near.sum() < 3:
        raise NoLips("no lips meet: still and moving skin lie far from each other")
    places = neutral[moving[near]]
    outside = np.linalg.norm(places - np.median(places, axis=0), axis=1)
    # A median, as a fold far away would shift a mean towards itself.
    near[np.flatnonzero(near)[outside > STRAY * np.median(outside)]] = False  # a fold elsewhere
    return still[nearest[near]], moving[near], distance[near]


def _marked_seam(
    neutral: Array, opening: Array, skin: NDArray[np.bool_], lips: tuple[int, int]
) -> tuple[Indices, Indices, Array]:
    """Return the marked pair and the ends of the moving skin beside it as a seam, each (3,).

    Args:
        neutral: Vertices at rest, (V, 3).
        opening: Motion of each vertex when the jaw opens, (V, 3).
        skin: Vertices of the skin, (V,).
        lips: The marked upper and lower vertex.
    """
    upper, lower = lips
    parting = opening[lower] - opening[upper]
    parting = parting / max(float(np.linalg.norm(parting)), 1e-12)
    # From the middle of the skin to the lips is roughly forward: enough to tell left from right.
    outward = neutral[lower] - neutral[skin].mean(axis=0)
    left = np.cross(outward, parting)
    left = left / max(float(np.linalg.norm(left)), 1e-12)
    length = np.linalg.norm(opening, axis=1)
    moving = np.flatnonzero(skin & (length > STILL_SHARE * length[[upper, lower]].max()))
    across = neutral[moving] @ left
    height = np.abs((neutral[moving] - neutral[lower]) @ parting)
    # Beside the mouth, not above or below: the chin may be wider than the lips.
    level = height < 0.25 * max(float(np.ptp(across)), 1e-12)
    if level.sum() < 2:
        raise NoLips("no skin moves beside the marked lips")
    ends = moving[level][[np.argmin(across[level]), np.argmax(across[level])]]
    # The ends are their own partners: at the corners the lips are one.
    seam = np.array([upper, *ends]), np.array([lower, *ends])
    return *seam, np.linalg.norm(neutral[seam[0]] - neutral[seam[1]], axis=1)


def _neighbours(
    neutral: Array, some: Indices, others: Indices, reach: float
) -> tuple[Indices, Indices]:
    """Return the members of both sets that may have one of the other within ``reach``."""
    # A margin of one box on each side, so that a step to a neighbour never wraps to the next row.
    boxes = np.floor((neutral - neutral.min(axis=0)) / reach).astype(np.int64) + 1
    sizes = boxes.max(axis=0) + 2
    number = (boxes[:, 0] * sizes[1] + boxes[:, 1]) * sizes[2] + boxes[:, 2]
    steps = np.array([(x * sizes[1] + y) * sizes[2] + z for x, y, z in np.ndindex(3, 3, 3)])
    # The middle of the 27 is the box itself.
    steps -= steps[13]
    kept = []
    for one, other in ((some, others), (others, some)):
        there = np.unique(number[other][:, None] + steps)
        kept.append(one[np.isin(number[one], there)])
    return kept[0], kept[1]


def _directions(
    neutral: Array, opening: Array, skin: NDArray[np.bool_], upper: Indices, lower: Indices
) -> tuple[Array, Array, Array, Array]:
    """Return parting, down, left and front of the face, unit vectors."""
    parting = (opening[lower] - opening[upper]).mean(axis=0)
    centred = neutral[lower] - neutral[lower].mean(axis=0)
    # The longest axis of the lips is left to right, in any frame of the mesh.
    left = np.linalg.svd(centred, full_matrices=False)[2][0]
    # Gram-Schmidt: a jaw that opens askew must not tilt the face.
    parting = parting - (parting @ left) * left
    parting /= max(float(np.linalg.norm(parting)), 1e-12)
    outward = neutral[lower].mean(axis=0) - neutral[skin].mean(axis=0)
    # The sign of a singular vector is arbitrary; forward decides it.
    if outward @ np.cross(parting, left) < 0:
        left = -left
    normal = np.cross(parting, left)
    down = np.cos(HINGE_SLOPE) * parting + np.sin(HINGE_SLOPE) * normal
    return parting, down, left, np.cross(down, left)


def _tip(
    neutral: Array, where: NDArray[np.bool_], score: Array, width: float, otherwise: Array
) -> Array:
    """Return the weighted mean of the foremost vertices: a single one depends on the mesh."""
    if not where.any():
        return otherwise
    # The greatest score is subtracted, so that exp cannot overflow.
    shares = np.exp((score[where] - score[where].max()) / (TIP_SHARE * width))
    return np.asarray(shares @ neutral[where] / shares.sum())


def _eyes(
    neutral: Array,
    parts: Indices,
    skin: NDArray[np.bool_],
    share: Array,
    lip: Array,
    directions: tuple[Array, Array],
    width: float,
) -> Array | None:
    """Return the centres of the eyeballs, the left one first; None without a pair."""
    down, left = directions
    found: list[tuple[float, Array]] = []
    # Eyes do not follow the jaw; lower teeth and tongue do.
    for number in np.unique(parts[~skin & (share < 0.05)]):
        points = neutral[parts == number]
        extent = np.ptp(points, axis=0)
        round_enough = extent.min() > EYE_ROUNDNESS * extent.max()
        if len(points) < 12 or not round_enough or not 0.2 < extent.max() / width < 1.2:
            continue
        # The middle of the box, as the vertices of an eyeball crowd at the pupil.
        middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
        aside, height = (middle - lip) @ left, -(middle - lip) @ down
        if 0.2 < abs(aside) / width < 1.5 and 0.2 < height / width < 3.0:
            found.append((float(aside), middle))
    sides = [[m for aside, m in found if aside * sign > 0] for sign in (1.0, -1.0)]
    if not (sides[0] and sides[1]):
        return None
    # Cornea, iris and eyeball may be parts of their own; their mean is the centre.
    return np.stack([np.mean(side, axis=0) for side in sides])


def nearest_of(points: Array, others: Array, *, block: int = 512) -> tuple[Indices, Array]:
    """Return index and distance of the nearest neighbour of each point, both (N,).

    Args:
        points: Points, (N, D).
        others: Candidates, (M, D).
        block: Points per matrix product, which bounds the memory.
    """
    index = np.empty(len(points), np.int64)
    distance = np.empty(len(points))
    squares = np.einsum("md,md->m", others, others)
    for start in range(0, len(points), block):
        some = points[start : start + block]
        apart = squares[None] - 2.0 * some @ others.T
        best = apart.argmin(axis=1)
        index[start : start + block] = best
        gap = some - others[best]
        distance[start : start + block] = np.sqrt(np.einsum("nd,nd->n", gap, gap))
    return index, distance


def edges_of_faces(faces: Sequence[Sequence[int]] | Indices) -> Indices:
    """Return the vertex pairs (E, 2) of faces; -1 pads short faces."""
    # Polygons of any length: meshes mix triangles, quads and n-gons.
    pairs = []
    for face in faces:
        corners = [int(corner) for corner in face if corner >= 0]
        pairs += list(zip(corners, corners[1:] + corners[:1], strict=True))
    return np.array(pairs, np.int64).reshape(-1, 2)
