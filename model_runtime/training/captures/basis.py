"""Choose the points of a rig for filmed landmarks, and measure how each channel moves them.

Lip landmarks are matched by their share of the way from corner to middle along the same lip line;
the edge of the chin and the brows by place, after the rest face is laid onto the neutral mesh.
Only *displacements* are matched, so the speaker need not look like the rig.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ...arrays import DoubleArray
from ..reference.rig import reference_rig
from .fit import FitProblem
from .landmarks import BROWS, CHIN, LIP_LINES, Film
from .rig_mesh import LipContours, RigMesh

MOUTH_CHANNELS: dict[str, float] = {
    "jawOpen": 0.002,
    "mouthClose": 0.003,
    "mouthFunnel": 0.002,
    "mouthPucker": 0.002,
    "mouthStretchLeft": 0.002,
    "mouthStretchRight": 0.002,
    "mouthSmileLeft": 0.002,
    "mouthSmileRight": 0.002,
    "mouthLowerDownLeft": 0.004,
    "mouthLowerDownRight": 0.004,
    "mouthUpperUpLeft": 0.004,
    # Rolls cost more than other channels: from the front a lip rolled in looks like a thin one.
    "mouthUpperUpRight": 0.004,
    "mouthRollLower": 0.006,
    "mouthRollUpper": 0.006,
    "mouthShrugLower": 0.02,
    "mouthShrugUpper": 0.02,
    "mouthPressLeft": 0.004,
    "mouthPressRight": 0.004,
    "mouthFrownLeft": 0.004,
    "mouthFrownRight": 0.004,
    "mouthDimpleLeft": 0.004,
    "mouthDimpleRight": 0.004,
    # Sideways and forward motion is hardly seen by one frontal camera, so it costs ten times as
    # much.
    "jawLeft": 0.02,
    "jawRight": 0.02,
    "mouthLeft": 0.02,
    "mouthRight": 0.02,
    "jawForward": 0.02,
}
"""Fitted channels of jaw and mouth and what one unit costs a frame, in squared mouth widths
(one landmark that is off by 4 % of the mouth's width costs 0.0016)."""
BROW_CHANNELS: dict[str, float] = {
    "browInnerUp": 0.002,
    "browDownLeft": 0.002,
    "browDownRight": 0.002,
    "browOuterUpLeft": 0.002,
    "browOuterUpRight": 0.002,
}
DEPTH_WEIGHT = 0.05
"""Weight of depth against picture axes: one camera sees none, MediaPipe guesses it."""
CHIN_WEIGHT = 0.5
GAP_WEIGHT = 12.0
"""Weight of the inner-lip gap in the middle, for closure is what the eye checks."""
BESIDE_WEIGHT = 4.0
"""Weight of the gap beside the middle."""
WIDTH_WEIGHT = 6.0
MOUTH_SMOOTH = 0.01
BROW_SMOOTH = 0.5
SHIFT_RIDGE = (5.0, 1.0)
"""Cost of the squared shift of all rows together, sideways and up: what is left of the head's
motion moves the whole mouth, and no channel must answer for it."""
EVEN = 0.05
"""Cost of a left channel that differs from its right one."""
GAP_PAIRS = ((13, 14, GAP_WEIGHT), (82, 87, BESIDE_WEIGHT), (312, 317, BESIDE_WEIGHT))


@dataclasses.dataclass(frozen=True)
class Region:
    """A fit problem with the channels it fits and its view of the landmarks."""

    problem: FitProblem
    """The mouth's last two unknowns are the shift of all its rows, sideways and up."""
    columns: tuple[int, ...]
    """Columns of the fitted channels in the reference rig."""
    selection: DoubleArray
    """Shape (rows, landmarks * 3): measured rows from flat displacements in eyes."""
    plane_rows: tuple[int, ...] = ()
    """Rows of the lip landmarks in the picture plane, for the mouth."""
    gap_row: int = 0
    width_row: int = 0
    """Rows of the inner-lip gap in the middle and of the corners' distance, for the mouth."""

    def rows(self, displacements: DoubleArray) -> DoubleArray:
        """Return measured rows (..., rows) of displacements (..., landmarks, 3) in eyes."""
        flat = displacements.reshape(*displacements.shape[:-2], -1)
        return np.asarray(flat @ self.selection.T, np.float64)


def mouth_region(mesh: RigMesh, lips: LipContours, film: Film, rest: DoubleArray) -> Region:
    """Fit of jaw and mouth; lengths in mouth widths (outer corners), each face by its own.

    Args:
        mesh: The rig.
        lips: Its lip lines.
        film: Whose landmarks.
        rest: The speaker's resting landmarks in eyes, (landmarks, 3).
    """
    points, row = _points(mesh, lips, film, rest), _row_of(film)
    mesh_width = float(np.ptp(mesh.neutral[lips.outer_upper, 0]))
    face_width = float(np.linalg.norm(rest[row[291], :2] - rest[row[61], :2]))
    rows = _Rows(len(film.landmark_ids), 1.0 / face_width)
    for number, moves in points.items():
        weight = CHIN_WEIGHT if number in CHIN else 1.0
        for axis, share in enumerate((1.0, 1.0, DEPTH_WEIGHT)):
            # Depth is scaled per row, not dropped: it still tells protrusion from spreading.
            rows.add({(row[number], axis): 1.0}, moves[:, axis] / mesh_width, weight * share)
    lips_end = 3 * sum(number not in CHIN for number in points)
    gap_row = 3 * len(points)
    for above, below, weight in GAP_PAIRS:
        # Gaps as rows of their own: the difference of two small errors is what the eye sees.
        motion = (points[above] - points[below])[:, 1] / mesh_width
        rows.add({(row[above], 1): 1.0, (row[below], 1): -1.0}, motion, weight)
    motion = (points[291] - points[61])[:, 0] / mesh_width
    rows.add({(row[291], 0): 1.0, (row[61], 0): -1.0}, motion, WIDTH_WEIGHT)
    return dataclasses.replace(
        rows.region(MOUTH_CHANNELS, MOUTH_SMOOTH, EVEN, SHIFT_RIDGE),
        # Every third row is depth.
        plane_rows=tuple(row for row in range(lips_end) if row % 3 != 2),
        gap_row=gap_row,
        width_row=gap_row + len(GAP_PAIRS),
    )


def brow_region(mesh: RigMesh, film: Film, rest: DoubleArray) -> Region:
    """Fit the heights of the brows; lengths in eyes (outer corners), each face by its own.

    Args:
        mesh: The rig's head.
        film: Landmarks of a talker.
        rest: The talker's resting face.
    """
    row = _row_of(film)
    lids = mesh.neutral[_moved(mesh, "eyeBlinkLeft")]
    # The outer corners of the lids give the rig's eye distance, as in the film.
    unit, eye_height = 2.0 * float(lids[:, 0].max()), float(np.median(lids[:, 1]))
    lines = rest[[row[33], row[263]], 1].mean()
    rows = _Rows(len(film.landmark_ids), 1.0)
    # Heights alone: sideways motion of the brows is mostly head motion that was left over.
    for number in BROWS:
        place = np.array([rest[row[number], 0], rest[row[number], 1] - lines]) * unit
        vertex = _front_vertex(mesh, place + np.array([0.0, eye_height]))
        rows.add({(row[number], 1): 1.0}, mesh.deltas[:, vertex, 1] / unit, 1.0)
    return rows.region(BROW_CHANNELS, BROW_SMOOTH, EVEN)


def lip_shares(rest: DoubleArray, row: dict[int, int], line: str) -> DoubleArray:
    """Return where the landmarks of a lip line stand between the corners (-1 right, 1 left).

    Args:
        rest: The talker's resting face.
        row: Of each landmark on the landmark axis.
        line: Landmarks of the lip line.
    """
    # Shares along the line instead of places: mouths of film and rig differ in size and shape.
    x = rest[[row[number] for number in LIP_LINES[line]], 0]
    shares = (x - 0.5 * (x[0] + x[-1])) / (0.5 * (x[-1] - x[0]))
    # Mean of both sides: a mouth that rests crooked must not shift the fit.
    even: DoubleArray = 0.5 * (shares - shares[::-1])
    return even


def _points(
    mesh: RigMesh, lips: LipContours, film: Film, rest: DoubleArray
) -> dict[int, DoubleArray]:
    """Return the motion (52, 3) of the mesh point of each landmark at 1 of every channel."""
    row = _row_of(film)
    points: dict[int, DoubleArray] = {}
    for line, numbers in LIP_LINES.items():
        vertices = getattr(lips, line)
        x = mesh.neutral[vertices, 0]
        along = 2.0 * (x - x[0]) / (x[-1] - x[0]) - 1.0
        for number, share in zip(numbers, lip_shares(rest, row, line), strict=True):
            points[number] = _between(mesh.deltas[:, vertices], along, float(share))
    mesh_width = float(np.ptp(mesh.neutral[lips.outer_upper, 0]))
    # The chin by place, scaled by the mouth: its contour has no line that rigs mark.
    scale = mesh_width / float(rest[row[291], 0] - rest[row[61], 0])
    tip = mesh.neutral[_chin_tip(mesh, lips)]
    for number in CHIN:
        offset = (rest[row[number]] - rest[row[152]]) * scale
        place = np.array([offset[0], tip[1] + offset[1]])
        points[number] = mesh.deltas[:, _front_vertex(mesh, place)]
    return points


def _between(motions: DoubleArray, along: DoubleArray, share: float) -> DoubleArray:
    """Return motions (52, vertices, 3) interpolated at ``share`` of increasing ``along``."""
    # Stable: vertices with the same x keep their order on every machine.
    order = np.argsort(along, kind="stable")
    places = along[order]
    right = int(np.clip(np.searchsorted(places, share), 1, len(places) - 1))
    span = max(float(places[right] - places[right - 1]), 1e-9)
    # Clamped: a landmark beyond the last vertex moves with it.
    mix = min(max((share - float(places[right - 1])) / span, 0.0), 1.0)
    blended = (1.0 - mix) * motions[:, order[right - 1]] + mix * motions[:, order[right]]
    return np.asarray(blended, np.float64)


def _chin_tip(mesh: RigMesh, lips: LipContours) -> int:
    """Return the midline vertex furthest down and forward (45 degrees) below the lips."""
    lower = mesh.neutral[lips.middle(mesh, "outer_lower")]
    width = np.ptp(mesh.neutral[:, 0])
    below = (np.abs(mesh.neutral[:, 0]) < 1e-3 * width) & (mesh.neutral[:, 1] < lower[1])
    candidates = np.flatnonzero(below)
    places = mesh.neutral[candidates]
    # The tip of the chin is neither the lowest nor the foremost point of a jaw.
    return int(candidates[np.argmax(places[:, 2] - places[:, 1])])


def _front_vertex(mesh: RigMesh, place: DoubleArray) -> int:
    """Return the vertex in front of the head nearest to ``place`` (x, y) seen from the front."""
    # The back of the head has vertices at the same x and y.
    front = np.flatnonzero(mesh.neutral[:, 2] > np.median(mesh.neutral[:, 2]))
    away = np.linalg.norm(mesh.neutral[front, :2] - place, axis=1)
    nearest = front[np.argsort(away)[:3]]
    # Three nearest, then the foremost: eyelids and lips have inner surfaces right behind them.
    return int(nearest[np.argmax(mesh.neutral[nearest, 2])])


def _moved(mesh: RigMesh, channel: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    motion = np.linalg.norm(mesh.delta(channel), axis=1)
    return np.asarray(motion > 0.1 * motion.max())


def _row_of(film: Film) -> dict[int, int]:
    return {number: i for i, number in enumerate(film.landmark_ids)}


class _Rows:
    """Collects the rows of a fit problem."""

    def __init__(self, landmarks: int, scale: float) -> None:
        self._landmarks, self._scale = landmarks, scale
        self._selection: list[DoubleArray] = []
        self._motion: list[DoubleArray] = []
        self._weights: list[float] = []

    def add(self, parts: dict[tuple[int, int], float], motion: DoubleArray, weight: float) -> None:
        """Add one row: a combination of (landmark, axis) entries, its motion (52,), its weight."""
        # Scale in the selection, so that film and mesh are compared in the same unit.
        selection = np.zeros((self._landmarks, 3))
        for place, factor in parts.items():
            selection[place] = factor * self._scale
        self._selection.append(selection.ravel())
        self._motion.append(motion)
        self._weights.append(weight)

    def region(
        self, costs: dict[str, float], smooth: float, even: float, ridge: tuple[float, ...] = ()
    ) -> Region:
        """Return the region that fits the channels in ``costs``; shifts cost ``ridge``."""
        rig = reference_rig()
        columns = tuple(rig.channel_names.index(name) for name in costs)
        mirrors = tuple(
            (i, list(costs).index(rig.channels[column].mirror))
            for i, column in enumerate(columns)
            if rig.channels[column].name.endswith("Left")
            # jaw and mouth to the left mirror each other as opposites, not as equals.
            and not rig.channels[column].name.startswith(("jaw", "mouthLeft"))
        )
        count, shifts = len(columns), len(ridge)
        selection = np.stack(self._selection)
        # What a shift of the whole face adds to each row: nothing for gaps and widths.
        shifted = selection.reshape(len(selection), self._landmarks, 3).sum(axis=1) / self._scale
        moved = np.stack(self._motion)[:, list(columns)]
        problem = FitProblem(
            basis=np.concatenate([moved, shifted[:, :shifts]], axis=1),
            row_weights=np.array(self._weights),
            # Shifts are no channels: they cost by their square alone and may be negative.
            sparse=np.concatenate([list(costs.values()), np.zeros(shifts)]),
            ridge=np.concatenate([np.zeros(count), ridge]),
            lowest=np.concatenate([np.zeros(count), -np.ones(shifts)]),
            smooth=smooth,
            mirrors=mirrors,
            even=even,
        )
        return Region(problem, columns, selection)
