"""Build quad meshes as arrays: parts, strips between rings, mirroring, relaxation."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from .surface import Field, project

IntArray = NDArray[np.int64]
Face = tuple[int, ...]
# Tags that change their sign from the left side of the head to the right.
SIGNED_TAGS = ("lip_cos",)
FLIP = np.array([-1.0, 1.0, 1.0])


@dataclasses.dataclass
class Part:
    """A piece of the head in centimetres, before all pieces become one mesh.

    `tags` holds numbers per vertex, (N,) each, that the shapes are written in; `groups` names
    single vertices or sets of them.
    """

    name: str
    vertices: Array
    faces: list[Face]
    materials: list[str]
    """One material name per face."""
    tags: dict[str, Array] = dataclasses.field(default_factory=dict)
    groups: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    mirror: IntArray = dataclasses.field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Index of every vertex's mirror image; set by `mirrored`."""


def strip(first: Sequence[int], second: Sequence[int], closed: bool = False) -> list[Face]:
    """Return quads between two rows of vertices of equal length.

    Args:
        first: Indices of one row.
        second: Indices of the other.
        closed: Join the ends of the rows.
    """
    count = len(first)
    last = count if closed else count - 1
    return [
        (first[i], first[(i + 1) % count], second[(i + 1) % count], second[i]) for i in range(last)
    ]


def fan(ring: Sequence[int], tip: int) -> list[Face]:
    """Return triangles from a closed ring to one vertex.

    Args:
        ring: Indices of the ring.
        tip: Index of the vertex.
    """
    count = len(ring)
    return [(ring[i], ring[(i + 1) % count], tip) for i in range(count)]


def tube(rings: Sequence[Sequence[int]], closed: bool = True) -> list[Face]:
    """Return quads along a series of rings.

    Args:
        rings: Indices of each ring.
        closed: Join the ends of the rings.
    """
    faces: list[Face] = []
    for first, second in itertools.pairwise(rings):
        faces += strip(first, second, closed)
    return faces


def flipped(faces: Sequence[Face]) -> list[Face]:
    """Return the same faces seen from the other side."""
    return [tuple(reversed(face)) for face in faces]


def _other_side(group: str) -> str:
    return group[:-2] + "_R" if group.endswith("_L") else group


def mirrored(part: Part) -> Part:
    """Return a whole part from its left half: vertices with x = 0 are shared, others doubled.

    Tags in `SIGNED_TAGS` change their sign, groups that end in `_L` get a twin in `_R`, and
    `mirror` becomes the index of every vertex's mirror image.
    """
    # Exact comparison: seams are set to 0.0.
    seam = part.vertices[:, 0] == 0.0
    count, doubled = len(part.vertices), int((~seam).sum())
    other = np.arange(count)
    other[~seam] = count + np.arange(doubled)
    # A mirror image turns faces inside out.
    right = flipped([tuple(int(other[i]) for i in face) for face in part.faces])
    # Places along the mouth change their sign; heights do not.
    tags = {
        key: np.concatenate([value, (-value if key in SIGNED_TAGS else value)[~seam]])
        for key, value in part.tags.items()
    }
    tags["side"] = np.concatenate([np.where(seam, 0.0, 1.0), np.full(doubled, -1.0)])
    groups = {key: list(value) for key, value in part.groups.items()}
    for key, value in part.groups.items():
        twin = [int(other[i]) for i in value]
        # Groups of the middle get both sides' vertices.
        groups[_other_side(key)] = twin if key.endswith("_L") else sorted({*value, *twin})
    return Part(
        part.name,
        np.concatenate([part.vertices, (part.vertices * FLIP)[~seam]]),
        part.faces + right,
        part.materials * 2,
        tags,
        groups,
        np.concatenate([other, np.flatnonzero(~seam)]),
    )


def edges_of(faces: Sequence[Face]) -> IntArray:
    """Return the unique edges (E, 2), the smaller index first."""
    pairs = {
        (min(a, b), max(a, b))
        for face in faces
        for a, b in zip(face, (*face[1:], face[0]), strict=True)
    }
    return np.array(sorted(pairs), dtype=np.int64)


def relax(
    part: Part, pinned: NDArray[np.bool_], rounds: int, field: Field, strength: float = 0.5
) -> None:
    """Even out the quads of a half part in place, keeping its free vertices on a surface.

    Vertices with x = 0 stay on the middle plane, with their missing neighbours mirrored.

    Args:
        part: Half part, changed in place.
        pinned: Vertices that stay, (V,).
        rounds: Number of iterations.
        field: Surface that the vertices stay on.
        strength: Share of the way to the neighbours' mean in each iteration.
    """
    edges = edges_of(part.faces)
    # Edges between pinned vertices move nothing.
    edges = edges[~pinned[edges].all(axis=1)]
    ends = np.concatenate([edges[:, 0], edges[:, 1]])
    others = np.concatenate([edges[:, 1], edges[:, 0]])
    seam = part.vertices[:, 0] == 0.0
    # The neighbour across the middle plane is missing in a half: the one on this side counts twice.
    weight = np.where(seam[ends] & ~seam[others], 2.0, 1.0)
    count = len(part.vertices)
    total = np.maximum(np.bincount(ends, weight, count), 1.0)
    free = ~pinned
    for _ in range(rounds):
        # bincount adds repeated indices, which fancy assignment would not.
        mean = np.stack(
            [
                np.bincount(ends, weight * part.vertices[others, axis], count) / total
                for axis in range(3)
            ],
            axis=1,
        )
        moved = part.vertices[free] + strength * (mean - part.vertices)[free]
        # Before and after the projection: neither may push the seam off the plane.
        moved[seam[free], 0] = 0.0
        moved = project(moved, field, rounds=1)
        moved[seam[free], 0] = 0.0
        part.vertices[free] = moved
