"""Build the left half of the skin: a grid with rings of quads round eye and mouth.

Rows run from the crown to the shoulders, columns from the middle of the face to the middle of
the back. Two rectangles of the grid are left out and filled with concentric loops, one round
the left eye, one (cut in half by the middle plane) round the mouth.
"""

from __future__ import annotations

import itertools

import numpy as np

from ..arrays import Array
from .parts import eyes, lips
from .surface import cast, head_field, project
from .topology import Face, IntArray, Part, flipped, relax, strip, tube

# Azimuth of the columns (degrees, 0 = front, 180 = back).
# Close columns in front, where the face is; wide ones at the back.
AZIMUTHS = (
    *(0.0, 2.6, 5.2, 7.8, 10.2),
    *(14.0, 18.5, 23.0, 27.5, 32.0, 36.5, 41.0, 46.0),
    *(53.0, 61.0, 70.0, 80.0, 91.0, 104.0, 118.0, 134.0, 150.0, 165.0, 180.0),
)
# Rows: depth and height of the ray's origin at the front, at the back, and the ray's elevation
# (degrees) at the front and at the back.
ROWS: tuple[tuple[float, float, float, float, float], ...] = (
    (0.9, 2.6, 2.6, 90.0, 90.0),
    (0.9, 2.6, 2.6, 76.0, 76.0),
    (0.9, 2.6, 2.6, 62.0, 62.0),
    (0.9, 2.6, 2.6, 49.0, 48.0),
    (0.9, 2.6, 2.6, 37.0, 35.0),
    (0.4, 2.6, 2.6, 27.0, 22.0),
    (0.0, 5.6, 3.0, 3.0, 12.0),
    (-0.5, 4.7, 3.0, 0.0, 6.0),
    (-1.0, 3.8, 2.6, 0.0, 3.0),
    (-1.0, 3.0, 2.4, 0.0, 0.0),
    (-1.0, 2.3, 2.0, 0.0, 0.0),
    (-1.0, 1.5, 1.4, 0.0, 0.0),  # eye, top
    (-1.0, 0.8, 0.8, 0.0, 0.0),
    (-1.0, 0.2, 0.2, 0.0, 0.0),
    (-1.0, -0.4, -0.4, 0.0, 0.0),
    (-1.0, -1.0, -1.0, 0.0, 0.0),
    (-1.0, -1.6, -1.6, 0.0, 0.0),
    (-1.0, -2.2, -2.2, 0.0, 0.0),  # eye, bottom
    (-1.0, -2.7, -2.7, 0.0, 0.0),
    (-1.0, -3.2, -3.2, 0.0, 0.0),
    (-1.0, -3.7, -3.7, 0.0, 0.0),
    (-1.0, -4.2, -4.2, 0.0, 0.0),
    (-1.0, -4.7, -4.6, 0.0, 0.0),
    (-1.0, -5.1, -5.0, 0.0, 0.0),  # mouth, top
    (-1.0, -5.6, -5.4, 0.0, 0.0),
    (-1.0, -6.2, -5.8, 0.0, 0.0),
    (-1.0, -6.8, -6.2, 0.0, 0.0),
    (-1.0, -7.4, -6.6, 0.0, 0.0),
    (-1.0, -8.0, -7.0, 0.0, 0.0),
    (-1.0, -8.5, -7.4, 0.0, 0.0),  # mouth, bottom
    (-1.0, -9.1, -7.8, 0.0, 0.0),
    (-1.0, -9.7, -8.2, 0.0, 0.0),
    (-2.2, -9.0, -8.6, -24.0, 0.0),
    (-2.6, -9.0, -9.0, -42.0, 0.0),
    (-2.6, -9.0, -9.4, -60.0, 0.0),
    (-1.6, -9.6, -9.8, -66.0, 0.0),
    (-0.4, -10.6, -10.4, -56.0, 0.0),
    (1.0, -12.2, -11.2, -25.0, 0.0),
    (2.2, -13.4, -12.2, 0.0, 0.0),
    (2.4, -14.3, -13.3, 0.0, 0.0),
    (2.6, -15.2, -14.4, 0.0, 0.0),
    (2.6, -16.2, -15.6, 0.0, 0.0),
)
EYE_ROWS, EYE_COLUMNS = (11, 17), (4, 12)
MOUTH_ROWS, MOUTH_COLUMNS = (23, 29), (0, 8)
# Free rings are relaxed between the grid and the fixed loops.
EYE_FREE_RINGS = 2
MOUTH_FREE_RINGS = 3
RELAX_ROUNDS = 30


def _grid_positions() -> Array:
    """Grid vertices (rows, columns, 3) cast onto the skin."""
    azimuth = np.radians(np.array(AZIMUTHS))[None, :]
    rows = np.array(ROWS)
    # Rows change smoothly from their front height to that at the back.
    back = 0.5 - 0.5 * np.cos(azimuth)
    height = rows[:, 1, None] * (1.0 - back) + rows[:, 2, None] * back
    elevation = np.radians(rows[:, 3, None] * (1.0 - back) + rows[:, 4, None] * back)
    depth = np.broadcast_to(rows[:, 0, None], height.shape)
    origins = np.stack([np.zeros_like(height), depth, height], axis=-1)
    flat = np.cos(elevation)
    directions = np.stack(
        [np.sin(azimuth) * flat, -np.cos(azimuth) * flat, np.sin(elevation)], axis=-1
    )
    # Cast from inside: the outermost crossing is the skin.
    points = cast(origins.reshape(-1, 3), directions.reshape(-1, 3), 17.0)
    points = points.reshape(*height.shape, 3)
    # Exactly 0: the seam is found by it.
    points[:, 0, 0] = points[:, -1, 0] = 0.0
    # All rays of the first row meet at the crown.
    points[0] = points[0, 0]
    return points


def _hole(rows: tuple[int, int], columns: tuple[int, int], row: int, column: int) -> bool:
    """Return whether a vertex lies strictly inside a left-out rectangle."""
    # The mouth's hole is open on the middle plane.
    inside_columns = column < columns[1] and (column > columns[0] or columns[0] == 0)
    return rows[0] < row < rows[1] and inside_columns


def _eye_boundary(index: IntArray) -> list[int]:
    """Grid vertices round the eye: inner corner, over the top, outer corner, underneath."""
    (top, bottom), (inner, outer) = EYE_ROWS, EYE_COLUMNS
    middle = (top + bottom) // 2
    path = [(r, inner) for r in range(middle, top, -1)]
    path += [(top, c) for c in range(inner, outer)]
    path += [(r, outer) for r in range(top, bottom)]
    path += [(bottom, c) for c in range(outer, inner, -1)]
    path += [(r, inner) for r in range(bottom, middle, -1)]
    return [int(index[r, c]) for r, c in path]


def _mouth_boundary(index: IntArray) -> list[int]:
    """Grid vertices round the mouth's left half, from above the lips to below them."""
    (top, bottom), (_, outer) = MOUTH_ROWS, MOUTH_COLUMNS
    path = [(top, c) for c in range(outer)]
    # From above the lips outwards to below them: an open path, cut by the middle plane.
    path += [(r, outer) for r in range(top, bottom)]
    path += [(bottom, c) for c in range(outer, -1, -1)]
    return [int(index[r, c]) for r, c in path]


class _Builder:
    """Collects the vertices, faces and tags of the half skin."""

    def __init__(self) -> None:
        self.points: list[Array] = []
        self.count = 0
        self.faces: list[Face] = []
        self.materials: list[str] = []
        self.tags: dict[str, list[tuple[list[int], Array]]] = {}
        self.groups: dict[str, list[int]] = {}

    def add(self, points: Array) -> list[int]:
        """Add vertices and give their indices."""
        first = self.count
        self.points.append(points)
        self.count += len(points)
        return list(range(first, self.count))

    def fill(self, faces: list[Face], material: str) -> None:
        """Add faces of one material."""
        self.faces += faces
        self.materials += [material] * len(faces)

    def tag(self, name: str, where: list[int], values: Array) -> None:
        """Set a tag on some vertices; all others get NaN."""
        self.tags.setdefault(name, []).append((where, values))

    def part(self) -> Part:
        """Return the collected half skin."""
        tags = {}
        for name, entries in self.tags.items():
            values = np.full(self.count, np.nan)
            for where, given in entries:
                values[where] = given
            tags[name] = values
        points = np.concatenate(self.points)
        return Part("skin", points, self.faces, self.materials, tags, self.groups)


def _fill_grid(builder: _Builder) -> IntArray:
    """Grid vertices and quads outside the two holes; gives the index of each grid vertex."""
    grid = _grid_positions()
    rows, columns = grid.shape[:2]
    index = np.full((rows, columns), -1, dtype=np.int64)
    # One vertex for the whole first row.
    index[0] = builder.add(grid[0, :1])[0]
    for r in range(1, rows):
        kept = [
            c
            for c in range(columns)
            if not _hole(EYE_ROWS, EYE_COLUMNS, r, c) and not _hole(MOUTH_ROWS, MOUTH_COLUMNS, r, c)
        ]
        index[r, kept] = builder.add(grid[r, kept])
    for r in range(rows - 1):
        for c in range(columns - 1):
            corners = [index[r, c], index[r + 1, c], index[r + 1, c + 1], index[r, c + 1]]
            in_eye = EYE_ROWS[0] <= r < EYE_ROWS[1] and EYE_COLUMNS[0] <= c < EYE_COLUMNS[1]
            in_mouth = MOUTH_ROWS[0] <= r < MOUTH_ROWS[1] and c < MOUTH_COLUMNS[1]
            if in_eye or in_mouth:
                continue
            # At the crown two corners are the same vertex: a triangle.
            face = tuple(dict.fromkeys(int(i) for i in corners))
            builder.fill([face], "skin")
    return index


def _between(outer: Array, inner: Array, count: int) -> list[Array]:
    """Rings evenly between two rings, the outer first, both ends left out."""
    # Both ends are there already.
    shares = np.linspace(0.0, 1.0, count + 2)[1:-1]
    return [outer + (inner - outer) * share for share in shares]


def _fill_eye(builder: _Builder, boundary: list[int]) -> list[int]:
    """Loops from the grid to the lids' inner edge; gives the vertices that must not relax."""
    outer = np.concatenate(builder.points)[boundary]
    rings = eyes.lid_rings()
    loops = [boundary]
    loops += [builder.add(ring) for ring in _between(outer, rings[0].points, EYE_FREE_RINGS)]
    fixed = [builder.add(ring.points) for ring in rings]
    # Loops run from outside to inside: their faces look inwards unless turned over.
    builder.fill(flipped(tube(loops + fixed[:1])), "skin")
    for number, (first, second) in enumerate(itertools.pairwise(fixed)):
        builder.fill(flipped(strip(first, second, closed=True)), rings[number + 1].material)
    for ring, where in zip(rings, fixed, strict=True):
        builder.tag("lid_share", where, np.full(len(where), ring.share))
        builder.tag("lid_turn", where, eyes.opening()[0])
    edge = fixed[eyes.EDGE_RING]
    # A quarter of the way round is the middle above, three quarters the middle below.
    builder.groups["cstalk_lid_upper_L"] = [edge[len(edge) // 4]]
    builder.groups["cstalk_lid_lower_L"] = [edge[3 * len(edge) // 4]]
    return [i for ring in fixed for i in ring]


def _fill_mouth(builder: _Builder, boundary: list[int]) -> list[int]:
    """Loops from the grid over the lips into the mouth; gives the vertices not to relax."""
    outer = np.concatenate(builder.points)[boundary]
    rings = lips.lip_rings()
    loops = [boundary]
    free = _between(outer, rings[0].points, MOUTH_FREE_RINGS)
    for ring in free:
        ring[[0, -1], 0] = 0.0
    loops += [builder.add(ring) for ring in free]
    fixed = [builder.add(ring.points) for ring in rings]
    builder.fill(flipped(tube(loops + fixed[:1], closed=False)), "skin")
    for number, (first, second) in enumerate(itertools.pairwise(fixed)):
        builder.fill(flipped(strip(first, second)), rings[number + 1].material)
    last = fixed[-1]
    half = len(last) // 2
    # The back of the mouth is closed by quads across, from the middle plane out.
    for i in range(half - 1):
        builder.fill([(last[-1 - i], last[-2 - i], last[i + 1], last[i])], "mouth")
    builder.fill([(last[half + 1], last[half], last[half - 1])], "mouth")
    for lip_ring, where in zip(rings, fixed, strict=True):
        builder.tag("lip_ring", where, np.full(len(where), lip_ring.number))
        builder.tag("lip_cos", where, np.cos(lips.ring_angles()))
        builder.tag("lip_sin", where, np.sin(lips.ring_angles()))
    half = len(rings[0].points) // 2
    seal = fixed[lips.SEAL_RING]
    builder.groups["cstalk_lip_upper"] = [seal[0]]
    builder.groups["cstalk_lip_lower"] = [seal[-1]]
    builder.groups["cstalk_mouth_corner_L"] = [seal[half]]
    return [i for ring in fixed for i in ring]


def build_skin_half() -> Part:
    """Return the left half of the skin, relaxed; its seam is exactly at x = 0."""
    builder = _Builder()
    index = _fill_grid(builder)
    fixed = _fill_eye(builder, _eye_boundary(index))
    fixed += _fill_mouth(builder, _mouth_boundary(index))
    part = builder.part()
    # Lids and lips must keep their exact form; the bottom row and the crown hold the rest in place.
    pinned = np.zeros(len(part.vertices), dtype=bool)
    pinned[fixed] = True
    pinned[index[-1]] = True
    pinned[index[0, 0]] = True
    part.vertices[~pinned] = project(part.vertices[~pinned], head_field)
    # Projection leaves x off 0 by rounding.
    seam = np.abs(part.vertices[:, 0]) < 1e-6
    part.vertices[seam, 0] = 0.0
    relax(part, pinned, RELAX_ROUNDS, head_field)
    return part
