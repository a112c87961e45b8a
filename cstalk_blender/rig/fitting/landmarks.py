"""Where the lips, the chin, the nose and the eyes of a head are, found from how it moves. No bpy.

Nothing is taken from vertex numbers or from the axes of the mesh. The one thing needed is how the
mesh moves when the jaw opens (a shape key, or a bone that was turned):

1. The skin is the connected part that has both still and moving vertices; teeth move as a whole,
   eyes not at all.
2. The lips are where a still and a moving vertex lie next to each other. Their common direction is
   left to right. They part downwards and backwards, for the jaw turns about a hinge behind and
   above them: down and front are that direction and its normal, turned by `HINGE_SLOPE`.
3. The middle pair is the foremost one that touches; the corners are the ends of the seam. The chin
   is the moving midline vertex furthest down and forward; the tip of the nose is the foremost
   midline vertex above the lips; eyes are two round parts beside and above it.

Vertex groups named ``cstalk_lip_upper``, ``cstalk_lip_lower`` win over what is found.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

STILL_SHARE = 0.35
"""A vertex that moves less than this part of the most moved one belongs to the upper face."""
MOVING_SHARE = 0.55
"""One that moves more than this belongs to the jaw."""
NEAR_SHARE = 0.08
"""Upper and lower vertices nearer than this part of the jaw's size may be the seam of the lips."""
OPEN_SHARE = 0.25
"""Of the jaw's size: how far the most moved vertex counts as moving, whatever the shape's size."""
TORN = 2.0
"""Lips part by more than this times their distance at rest; skin never stretches so."""
STRAY = 2.5
"""Pairs further from the middle of all than this times the usual are no lips."""
TOUCH_SHARE = 0.005
"""Of the mouth's width: lips this much beyond the nearest pair still count as touching."""
MIDDLE_SHARE = 0.08
"""Of the mouth's width: vertices this near the midline are its middle."""
HINGE_SLOPE = np.radians(27.0)
"""How far the way the lips part leans back from down: 23 to 31 degrees on four heads."""
NOSE_SHARE = 0.3
"""Of the mouth's width: vertices this near the midline may be the nose or the chin."""
TIP_SHARE = 0.05
"""Of the mouth's width: by how much a vertex may stand behind the tip and still count to it."""
EYE_ROUNDNESS = 0.75
"""Shortest by longest extent of a part that may be an eyeball."""


class NoLips(ValueError):
    """The mesh does not show where its lips are; ``str`` says why."""


@dataclasses.dataclass(frozen=True)
class Landmarks:
    """Vertices of named places, and the directions of the face."""

    lip_upper: int
    lip_lower: int
    corner_left: int
    corner_right: int
    chin: int
    fixed: Array
    """Tip of the nose and of the chin at rest, means of the foremost few vertices, (2, 3)."""
    eyes: Array | None
    """Middles of the left and the right eyeball, (2, 3); None when the mesh has none."""
    parting: Array
    """Unit vector along which the lips part, (3,)."""
    down: Array
    left: Array
    """The face's own left."""
    front: Array
    skin: NDArray[np.bool_]
    """The connected part that has the lips: no teeth, eyes, lashes, (V,)."""
    width: float
    """Distance between the corners of the mouth at rest, mesh units."""

    def places(self, points: Array) -> Array:
        """Landmarks of a head whose vertices at rest are ``points``, (6 or 8, 3).

        Middles of the lips, corners, tips of nose and chin, eyes where there are any.
        """
        names = ("lip_upper", "lip_lower", "corner_left", "corner_right")
        chosen = [points[[getattr(self, name) for name in names]], self.fixed]
        return np.concatenate(chosen if self.eyes is None else [*chosen, self.eyes])


def connected_parts(edges: Indices, count: int) -> Indices:
    """Number of the connected part of each vertex, (count,); ``edges`` is (E, 2)."""
    label = np.arange(count)
    if not len(edges):
        return label
    while True:
        lowest = label.copy()
        np.minimum.at(lowest, edges[:, 0], label[edges[:, 1]])
        np.minimum.at(lowest, edges[:, 1], label[edges[:, 0]])
        lowest = lowest[lowest]
        if np.array_equal(lowest, label):
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
        opening: How each vertex moves when the jaw opens, (V, 3).
        lips: Upper and lower vertex of the middle of the lips, where somebody said so.

    Raises:
        NoLips: Nothing opens, or no still and moving vertices lie side by side.
    """
    parts = connected_parts(edges, len(neutral))
    length = np.linalg.norm(opening, axis=1)
    if not len(length) or length.max() <= 0:
        raise NoLips("the jaw's shape moves nothing")
    skin = _skin(parts, length)
    share = length / length[skin].max()
    upper, lower, distance = _seam(neutral, skin, share)
    parting, down, left, front = _directions(neutral, opening, skin, upper, lower)
    across = neutral[lower] @ left
    corner_left, corner_right = lower[np.argmax(across)], lower[np.argmin(across)]
    width = float(np.linalg.norm(neutral[corner_left] - neutral[corner_right]))
    middle = 0.5 * (neutral[corner_left] + neutral[corner_right]) @ left
    if lips is None:
        lips = _middle_pair(neutral, (upper, lower, distance), across - middle, front, width)
    height = -(neutral - neutral[lips[1]]) @ down
    forward = neutral @ front
    line = skin & (np.abs(neutral @ left - middle) < NOSE_SHARE * width)
    jaw = line & (height < 0) & (share > MOVING_SHARE)
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


def _middle_pair(
    neutral: Array,
    seam: tuple[Indices, Indices, Array],
    aside: Array,
    front: Array,
    width: float,
) -> tuple[int, int]:
    """The foremost pair of the seam that touches in the middle; ``aside`` is (N,) to the left."""
    upper, lower, distance = seam
    near = np.abs(aside) < MIDDLE_SHARE * width
    if not near.any():
        raise NoLips("no vertices lie in the middle of the lips")
    touching = near & (distance <= distance[near].min() + TOUCH_SHARE * width)
    score = neutral[lower] @ front - np.abs(aside)
    best = np.flatnonzero(touching)[np.argmax(score[touching])]
    return int(upper[best]), int(lower[best])


def _skin(parts: Indices, length: Array) -> NDArray[np.bool_]:
    """The connected part with the most vertices that move half-way: where skin stretches."""
    highest = length.max()
    stretched = (length > 0.02 * highest) & (length < 0.9 * highest)
    counts = np.bincount(parts, weights=stretched)
    if counts.max() <= 0:
        raise NoLips("the jaw's shape moves whole parts only, so no skin stretches")
    return np.asarray(parts == int(np.argmax(counts)))


def _seam(neutral: Array, skin: NDArray[np.bool_], share: Array) -> tuple[Indices, Indices, Array]:
    """Pairs of an upper and a lower vertex side by side, and their distances, each (N,)."""
    still = np.flatnonzero(skin & (share < STILL_SHARE))
    moving = np.flatnonzero(skin & (share > MOVING_SHARE))
    if not len(still) or not len(moving):
        raise NoLips("the jaw's shape leaves no part of the skin still")
    size = float(np.linalg.norm(np.ptp(neutral[moving], axis=0)))
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
    near[np.flatnonzero(near)[outside > STRAY * np.median(outside)]] = False  # a fold elsewhere
    return still[nearest[near]], moving[near], distance[near]


def _neighbours(
    neutral: Array, some: Indices, others: Indices, reach: float
) -> tuple[Indices, Indices]:
    """Those of both sets that may have one of the other set within ``reach``: by boxes."""
    boxes = np.floor((neutral - neutral.min(axis=0)) / reach).astype(np.int64) + 1
    sizes = boxes.max(axis=0) + 2
    number = (boxes[:, 0] * sizes[1] + boxes[:, 1]) * sizes[2] + boxes[:, 2]
    steps = np.array([(x * sizes[1] + y) * sizes[2] + z for x, y, z in np.ndindex(3, 3, 3)])
    steps -= steps[13]
    kept = []
    for one, other in ((some, others), (others, some)):
        there = np.unique(number[other][:, None] + steps)
        kept.append(one[np.isin(number[one], there)])
    return kept[0], kept[1]


def _directions(
    neutral: Array, opening: Array, skin: NDArray[np.bool_], upper: Indices, lower: Indices
) -> tuple[Array, Array, Array, Array]:
    """Parting, down, left and front of the face, unit vectors."""
    parting = (opening[lower] - opening[upper]).mean(axis=0)
    centred = neutral[lower] - neutral[lower].mean(axis=0)
    left = np.linalg.svd(centred, full_matrices=False)[2][0]
    parting = parting - (parting @ left) * left
    parting /= max(float(np.linalg.norm(parting)), 1e-12)
    outward = neutral[lower].mean(axis=0) - neutral[skin].mean(axis=0)
    if outward @ np.cross(parting, left) < 0:
        left = -left
    normal = np.cross(parting, left)
    down = np.cos(HINGE_SLOPE) * parting + np.sin(HINGE_SLOPE) * normal
    return parting, down, left, np.cross(down, left)


def _tip(
    neutral: Array, where: NDArray[np.bool_], score: Array, width: float, otherwise: Array
) -> Array:
    """Mean of the vertices with the best score, for a single one jumps from mesh to mesh."""
    if not where.any():
        return otherwise
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
    """Middles of the eyeballs, the left one first."""
    down, left = directions
    found: list[tuple[float, Array]] = []
    for number in np.unique(parts[~skin & (share < 0.05)]):
        points = neutral[parts == number]
        extent = np.ptp(points, axis=0)
        round_enough = extent.min() > EYE_ROUNDNESS * extent.max()
        if len(points) < 12 or not round_enough or not 0.2 < extent.max() / width < 1.2:
            continue
        middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
        aside, height = (middle - lip) @ left, -(middle - lip) @ down
        if 0.2 < abs(aside) / width < 1.5 and 0.2 < height / width < 3.0:
            found.append((float(aside), middle))
    sides = [[m for aside, m in found if aside * sign > 0] for sign in (1.0, -1.0)]
    if not (sides[0] and sides[1]):
        return None
    return np.stack([np.mean(side, axis=0) for side in sides])


def nearest_of(points: Array, others: Array, *, block: int = 512) -> tuple[Indices, Array]:
    """Nearest of ``others`` (M, D) to each of ``points`` (N, D), and its distance; both (N,)."""
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
    """Vertex pairs (E, 2) of faces; -1 pads short ones."""
    pairs = []
    for face in faces:
        corners = [int(corner) for corner in face if corner >= 0]
        pairs += list(zip(corners, corners[1:] + corners[:1], strict=True))
    return np.array(pairs, np.int64).reshape(-1, 2)
