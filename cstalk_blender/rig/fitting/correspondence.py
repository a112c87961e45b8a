"""Transfer the motion of one head to the vertices of another. No bpy.

1. The landmarks of both give the similarity transform that aligns the source with the target
   (Umeyama 1991).
2. The remaining distance between landmarks, and then between nearest vertices, is removed by a
   smooth warp: Gaussian kernels that shrink from half a face to the width of a lip.
3. Each vertex of the target's skin takes the motion of the nearest skin of the source, never of its
   eyes, teeth or lashes. The distance includes how far a vertex follows the jaw, so that the upper
   lip does not take the motion of the lower lip that it touches.

Motions keep their size relative to the face: the similarity transform rotates and scales them, the
warp does not.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ...arrays import Array, Indices
from .landmarks import Landmarks, nearest_of

# From coarse to fine: a wide kernel first removes the difference of proportions, so that the narrow
# one finds the right lip; starting narrow would match lips with noses.
WARP_WIDTHS = (2.0, 1.0, 0.5)
"""Of the mouth's width: reach of the warp's kernels in each pass."""
# The kernels are dense: cost grows with points times vertices of the source.
WARP_POINTS = 600
"""Vertices that guide each pass of the warp."""
JAW_WEIGHT = 0.5
"""Mouth widths added to the distance of a vertex that follows the jaw and one that does not."""
FARTHEST = 0.6
"""Mouth widths: a vertex without a source vertex closer than this has no counterpart."""
# Several, blended by distance: one alone would print the source's coarser mesh as steps.
NEIGHBOURS = 4


@dataclasses.dataclass(frozen=True)
class Head:
    """A head as arrays."""

    points: Array
    """Vertices at rest, (V, 3)."""
    opening: Array
    """Motion of each vertex when the jaw opens, (V, 3)."""
    landmarks: Landmarks

    @property
    def jaw_share(self) -> Array:
        """Return each vertex's share of the jaw's motion, 1 for the chin, (V,)."""
        length = np.linalg.norm(self.opening, axis=1)
        # A head whose chin stays still would divide by zero.
        chin = max(float(length[self.landmarks.chin]), 1e-12)
        # Bounded: a tongue or a stray vertex that moves further must not dominate the distance.
        return np.asarray(np.minimum(length / chin, 1.2))


@dataclasses.dataclass(frozen=True)
class Similarity:
    """Rotation, scale and translation that align one head with another."""

    turn: Array
    """Rotation, (3, 3)."""
    size: float
    shift: Array
    """(3,)."""

    def points(self, points: Array) -> Array:
        """Transform positions (..., 3)."""
        return np.asarray(self.size * points @ self.turn.T + self.shift)

    def motions(self, motions: Array) -> Array:
        """Rotate and scale motions (..., 3)."""
        return np.asarray(self.size * motions @ self.turn.T)


def similarity(source: Head, target: Head) -> Similarity:
    """Return the transform that aligns two heads by their common landmarks.

    Args:
        source: The head to transform.
        target: The head to align it with.
    """
    here, there = source.landmarks, target.landmarks
    first, second = here.places(source.points), there.places(target.points)
    # Both lists start with the same six; only one head may have eyes.
    count = min(len(first), len(second))
    first, second = first[:count], second[:count]
    centred, aimed = first - first.mean(axis=0), second - second.mean(axis=0)
    left, spread, right = np.linalg.svd(aimed.T @ centred)
    # Without the sign the best orthogonal matrix may be a mirror, and left would become right.
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turn = (left * signs) @ right
    # The least-squares size of Umeyama, equation 42.
    size = float((spread * signs).sum() / max(float((centred**2).sum()), 1e-12))
    return Similarity(turn, size, second.mean(axis=0) - size * turn @ first.mean(axis=0))


@dataclasses.dataclass(frozen=True)
class Correspondence:
    """Source vertices of the motion of some vertices of the target head."""

    places: Indices
    """Vertices of the target that have a counterpart, (P,)."""
    sources: Indices
    """Vertices of the source for each, (P, NEIGHBOURS)."""
    shares: Array
    """Their shares, summing to 1, (P, NEIGHBOURS)."""
    laid_over: Similarity

    def motions(self, deltas: Array) -> Array:
        """Return motions (..., V, 3) of the source at the target's vertices, (..., P, 3)."""
        taken = np.einsum("...pnd,pn->...pd", deltas[..., self.sources, :], self.shares)
        return self.laid_over.motions(taken)


def correspond(source: Head, target: Head, candidates: Indices) -> Correspondence:
    """Find the counterparts of vertices on another head.

    Args:
        source: The head with known motions.
        target: The head to move.
        candidates: Vertices of ``target``, (N,); those without a counterpart are left out.
    """
    laid_over = similarity(source, target)
    width = target.landmarks.width
    skin = np.flatnonzero(source.landmarks.skin)
    candidates = candidates[target.landmarks.skin[candidates]]
    face = _near_the_mouth(target, candidates)
    points = laid_over.points(source.points[skin])
    points = _warped(points, source, target, face, width)
    # The jaw's share is a fourth coordinate, so that one nearest-neighbour search does both.
    here = np.column_stack([points, JAW_WEIGHT * width * source.jaw_share[skin]])
    there = np.column_stack([target.points, JAW_WEIGHT * width * target.jaw_share])[candidates]
    sources, distances = _nearest_few(there, here)
    near = distances[:, 0] < FARTHEST * width
    # The small term keeps a vertex that coincides with a source vertex from dividing by zero.
    closeness = 1.0 / (distances[near] + 1e-3 * width)
    shares = closeness / closeness.sum(axis=1, keepdims=True)
    return Correspondence(candidates[near], skin[sources[near]], shares, laid_over)


def _near_the_mouth(head: Head, candidates: Indices) -> Indices:
    """Return evenly chosen vertices of the front of the face, to guide the warp."""
    marks = head.landmarks
    middle = head.points[marks.lip_upper]
    apart = np.linalg.norm(head.points[candidates] - middle, axis=1)
    near = candidates[apart < 3.0 * marks.width]
    # Every n-th vertex: deterministic, unlike a random choice, and even enough on a face.
    return np.asarray(near[:: max(1, len(near) // WARP_POINTS)])


def _warped(points: Array, source: Head, target: Head, leading: Indices, width: float) -> Array:
    """Return source skin warped onto the target, by landmarks, then by nearest vertices."""
    marks = source.landmarks.places(source.points), target.landmarks.places(target.points)
    count = min(len(mark) for mark in marks)
    own = similarity(source, target).points(marks[0][:count])
    aim = marks[1][:count]
    # The landmarks alone first: nearest vertices are only right once the mouths lie on each other.
    points = points + _pull(points, own, aim - own, 2.0 * width)
    # As in `correspond`: the same distance chooses the leading vertices.
    share_there = JAW_WEIGHT * width * target.jaw_share[leading]
    share_here = JAW_WEIGHT * width * source.jaw_share[source.landmarks.skin]
    for reach in WARP_WIDTHS:
        feature = np.column_stack([points, share_here])
        nearest, _ = nearest_of(np.column_stack([target.points[leading], share_there]), feature)
        own = points[nearest]
        points = points + _average(points, own, target.points[leading] - own, reach * width)
    return points


def _pull(points: Array, at: Array, by: Array, reach: float) -> Array:
    """Return a smooth field close to ``by`` at ``at``: regularised Gaussian kernels."""
    # The regularisation gives way where two landmarks lie almost together and ask for different
    # moves.
    kernel = _gauss(at, at, reach) + 0.05 * np.eye(len(at))
    return np.asarray(_gauss(points, at, reach) @ np.linalg.solve(kernel, by))


def _average(points: Array, at: Array, by: Array, reach: float) -> Array:
    """Return the weighted mean of ``by`` around each point; it fades where nothing is near."""
    kernel = _gauss(points, at, 0.5 * reach)
    total = kernel.sum(axis=1, keepdims=True)
    # The constant makes the mean fade to zero away from all points, instead of extrapolating.
    return np.asarray(kernel @ by / (total + 0.1))


def _gauss(points: Array, others: Array, reach: float) -> Array:
    # |a|^2 + |b|^2 - 2ab: one matrix product instead of an array of all differences.
    squares = (points**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None]
    squares -= 2.0 * points @ others.T
    # Rounding may make a square of a distance slightly negative.
    return np.asarray(np.exp(-np.maximum(squares, 0.0) / (2.0 * reach**2)))


# Blocks bound the memory: all distances of 50,000 and 10,000 vertices would take 4 GB.
def _nearest_few(points: Array, others: Array, block: int = 256) -> tuple[Indices, Array]:
    """Return indices and distances of the `NEIGHBOURS` nearest ``others`` of each point."""
    few = min(NEIGHBOURS, len(others))
    index = np.empty((len(points), few), np.int64)
    distance = np.empty((len(points), few))
    squares = (others**2).sum(axis=1)
    for start in range(0, len(points), block):
        some = points[start : start + block]
        # The term of ``some`` is left out: it is the same for all candidates of a point.
        apart = squares[None] - 2.0 * some @ others.T
        # Partition is linear; only the few are sorted.
        best = np.argpartition(apart, few - 1, axis=1)[:, :few]
        # The distance is taken from the differences, as the product form loses digits for close
        # points.
        gaps = np.linalg.norm(some[:, None] - others[best], axis=2)
        order = np.argsort(gaps, axis=1)
        index[start : start + block] = np.take_along_axis(best, order, axis=1)
        distance[start : start + block] = np.take_along_axis(gaps, order, axis=1)
    return index, distance
