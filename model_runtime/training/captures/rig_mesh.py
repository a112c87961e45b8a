"""Find the lips of a face mesh with shape keys: contours by walking edge loops.

Axes of the meshes in ``data/rigs``: the person's left is +x, up is +y, the face looks to +z.
"""

from __future__ import annotations

import collections
import dataclasses
from pathlib import Path
from typing import TypeAlias

import numpy as np

from ...arrays import DoubleArray, IntArray
from ...errors import BadCurves
from ..reference.rig import reference_rig

Edge: TypeAlias = tuple[int, int]

MIDLINE_TOLERANCE = 5e-4
"""A vertex is on the midline when |x| is below this share of the head's width."""
MOUTH_MOTION = 0.25
"""A vertex belongs to the mouth when funnel and pucker move it by this share of the largest."""
LIP_THICKNESS = 0.18
"""Height of the red of one lip over the mouth's width, to find the outer contour on the midline.
Chosen by eye on pictures of the three heads in ``data/rigs``."""
FRONT_PREFERENCE = 0.5
"""Distance between two lip vertices that one unit further forward outweighs."""


@dataclasses.dataclass(frozen=True)
class RigMesh:
    """Neutral vertices and the motion of each ARKit channel at 1."""

    name: str
    neutral: DoubleArray
    """Shape (vertices, 3), mesh units."""
    faces: tuple[tuple[int, ...], ...]
    deltas: DoubleArray
    """Shape (52, vertices, 3), in the order of ``reference_rig()``; zero where missing."""

    def delta(self, channel: str) -> DoubleArray:
        """Return the motion of every vertex at ``channel`` = 1, shape (vertices, 3)."""
        motion: DoubleArray = self.deltas[reference_rig().channel_names.index(channel)]
        return motion


def read_rig_mesh(path: Path) -> RigMesh:
    """Read a ``data/rigs`` npz (``names``, ``neutral``, ``faces`` padded with -1, ``deltas``).

    Raises:
        BadCurves: The file lacks channels of the mouth.
    """
    with np.load(path) as archive:
        names = [str(name) for name in archive["names"]]
        neutral = archive["neutral"].astype(np.float64)
        # Faces of three and four corners share an array, padded with -1.
        faces = tuple(tuple(int(v) for v in face if v >= 0) for face in archive["faces"])
        stored = archive["deltas"].astype(np.float64)
    wanted = reference_rig().channel_names
    # Public heads often lack a tongue.
    missing = [name for name in wanted if name not in names and name != "tongueOut"]
    if missing:
        raise BadCurves(f"Rig {path.name} lacks the channels {missing}")
    deltas = np.zeros((len(wanted), len(neutral), 3))
    for row, name in enumerate(wanted):
        if name in names:
            deltas[row] = stored[names.index(name)]
    return RigMesh(path.stem, neutral, faces, deltas)


class EdgeLoops:
    """Walks the edge loops of a mesh: straight on at every vertex, never turning."""

    def __init__(self, faces: tuple[tuple[int, ...], ...]) -> None:
        self._faces_of: dict[Edge, set[int]] = collections.defaultdict(set)
        self._neighbours: dict[int, set[int]] = collections.defaultdict(set)
        for number, face in enumerate(faces):
            for a, b in zip(face, face[1:] + face[:1], strict=True):
                # Edges without direction: two faces run along one in opposite ways.
                self._faces_of[_edge(a, b)].add(number)
                self._neighbours[a].add(b)
                self._neighbours[b].add(a)

    def neighbours(self, vertex: int) -> set[int]:
        """Return vertices that share an edge with ``vertex``."""
        return self._neighbours[vertex]

    def walk(self, first: int, second: int, limit: int = 400) -> list[int]:
        """Return vertices from ``first`` over ``second`` on, until the loop closes or forks.

        Args:
            first: Vertex to start at.
            second: A neighbour of it.
            limit: Most vertices.
        """
        path = [first, second]
        while len(path) < limit:
            before, here = path[-2:]
            beside = self._faces_of[_edge(before, here)]
            ahead = [
                vertex
                for vertex in self._neighbours[here]
                # Straight on: the edge ahead shares no face with the edge behind.
                if vertex != before and not self._faces_of[_edge(here, vertex)] & beside
            ]
            # At a pole there is no straight way on.
            if len(ahead) != 1 or ahead[0] in path:
                return path
            path.append(ahead[0])
        return path


def _edge(a: int, b: int) -> Edge:
    return (a, b) if a < b else (b, a)


@dataclasses.dataclass(frozen=True)
class LipContours:
    """Vertices of the four lip lines, each from the right corner (-x) over the middle to the left.

    The middle of a line is the entry whose |x| is smallest.
    """

    inner_upper: IntArray
    inner_lower: IntArray
    outer_upper: IntArray
    outer_lower: IntArray

    def middle(self, mesh: RigMesh, line: str) -> int:
        """Return the vertex of a lip line on the midline.

        Args:
            mesh: The head.
            line: Name of the lip line.
        """
        vertices: IntArray = getattr(self, line)
        return int(vertices[np.argmin(np.abs(mesh.neutral[vertices, 0]))])


def find_lips(mesh: RigMesh) -> LipContours:
    """Find the lip lines of a symmetric, mostly quad mesh by geometry alone.

    The middle of the inner lips is the closest pair of midline vertices that ``jawOpen`` parts;
    the contours are the edge loops through them, cut at the corners (largest |x|).
    """
    upper, lower = _midline_lips(mesh)
    up, low = _closest_pair(mesh, upper, lower)
    loops = EdgeLoops(mesh.faces)
    inner_upper, inner_lower = (_contour(mesh, loops, vertex) for vertex in (up, low))
    width = float(np.ptp(mesh.neutral[inner_upper, 0]))
    # The outer line is chosen by thickness: no shape key tells where the red ends.
    outer = [
        int(side[np.argmin(np.abs(_reach(mesh, side, middle) - LIP_THICKNESS * width))])
        for side, middle in ((upper, up), (lower, low))
    ]
    return LipContours(inner_upper, inner_lower, *(_contour(mesh, loops, v) for v in outer))


def _midline_lips(mesh: RigMesh) -> tuple[IntArray, IntArray]:
    """Return midline vertices of the mouth above and below the slit."""
    funnel = np.linalg.norm(mesh.delta("mouthFunnel"), axis=1)
    pucker = np.linalg.norm(mesh.delta("mouthPucker"), axis=1)
    # Vertices that rounding moves are the mouth, whatever the mesh's topology.
    mouth = (funnel + pucker) > MOUTH_MOTION * (funnel + pucker).max()
    tolerance = MIDLINE_TOLERANCE * np.ptp(mesh.neutral[:, 0])
    midline = np.flatnonzero(mouth & (np.abs(mesh.neutral[:, 0]) < tolerance))
    drop = -mesh.delta("jawOpen")[midline, 1]
    # Midline vertices fall into two groups; half of the largest drop lies between them.
    falls = drop > 0.5 * drop.max()
    return midline[~falls], midline[falls]


def _closest_pair(mesh: RigMesh, upper: IntArray, lower: IntArray) -> tuple[int, int]:
    """Return the pair that is close and well to the front: lips can touch inside the mouth."""
    above, below = mesh.neutral[upper][:, None], mesh.neutral[lower][None]
    forward = 0.5 * (above[..., 2] + below[..., 2])
    cost = np.linalg.norm(above - below, axis=-1) - FRONT_PREFERENCE * forward
    row, column = np.unravel_index(np.argmin(cost), cost.shape)
    return int(upper[row]), int(lower[column])


def _reach(mesh: RigMesh, side: IntArray, middle: int) -> DoubleArray:
    """Return the height of each vertex of a lip above (below) its inner middle; inside: far."""
    offset = mesh.neutral[side] - mesh.neutral[middle]
    return np.where(offset[:, 2] > 0, np.abs(offset[:, 1]), np.inf)


def _contour(mesh: RigMesh, loops: EdgeLoops, middle: int) -> IntArray:
    """Return the loop through ``middle`` from corner to corner, right to left."""
    x = mesh.neutral[:, 0]
    beside = sorted(loops.neighbours(middle), key=lambda vertex: x[vertex])
    halves = []
    for start, side in ((beside[0], -1.0), (beside[-1], 1.0)):
        path = np.array(loops.walk(middle, start))
        # Up to the corner: the loop goes on around the other lip.
        halves.append(path[1 : int(np.argmax(side * x[path])) + 1])
    return np.concatenate([halves[0][::-1], [middle], halves[1]])
