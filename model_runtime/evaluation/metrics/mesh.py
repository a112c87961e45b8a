"""Measure distances between the lips of a mesh that curves deform. numpy only.

The landmarks are found from what the blend shapes move, not from vertex numbers, so that any head
with ARKit names serves. Left is +X, the face looks to +Z, y is up (``shared/docs/data.md``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...arrays import DoubleArray, FloatArray, IntArray
from ...curves.track import CurveTrack
from ...errors import BadArgument
from .speech import LipCurves

# The head of all figures; other heads have other lips and other bars.
FACE_CAP = "facecap_head_arkit52"
# Not searched: all figures of this head must use the same two vertices.
FACE_CAP_LIPS = (1668, 1666)
"""Middle of the upper and of the lower inner lip of the Face Cap head (data.md)."""
MIDLINE_FRACTION = 0.02  # of the head's half width: vertices this near x = 0 are its middle
LIP_SHAPE_FRACTION = 0.05  # of a shape's largest motion: less is not "moved" by it
REGION_FRACTION = 0.25  # of a shape's largest motion: more belongs to the region it shapes

LIP_SHAPES = (
    *("mouthPucker", "mouthFunnel", "mouthRollLower", "mouthRollUpper"),
    *(
        f"mouth{name}{side}"
        for name in ("UpperUp", "LowerDown", "Stretch", "Smile")
        for side in ("Left", "Right")
    ),
)
LIP_VERTICES = 120  # on which visemes are read (face.md, section 3 f)

MESH_HINT = "Give a head with the 52 ARKit shapes, as names, neutral and deltas in an npz"


@dataclasses.dataclass(frozen=True)
class LipLandmarks:
    """Vertices that the measurements are taken between."""

    upper: int
    lower: int
    corner_left: int
    corner_right: int


class MeshRig:
    """A neutral mesh with ARKit shapes, evaluated only at the few vertices that are asked for.

    Args:
        names: Channel of each shape.
        neutral: Positions, shape (V, 3).
        deltas: Displacement at value 1, shape (S, V, 3).
        lips: Middles of the upper and lower inner lip; found by geometry when None.

    Raises:
        BadArgument: The shapes that show where the lips are do not stand among ``names``.
    """

    def __init__(
        self,
        names: Sequence[str],
        neutral: FloatArray,
        deltas: FloatArray,
        *,
        lips: tuple[int, int] | None = None,
    ) -> None:
        self.names = tuple(str(name) for name in names)
        self.neutral = np.asarray(neutral, np.float64)
        self.deltas = np.asarray(deltas, np.float64)
        self._column = {name: i for i, name in enumerate(self.names)}
        upper, lower = self._find_lips() if lips is None else lips
        left, right = self._find_corners()
        self.landmarks = LipLandmarks(upper, lower, left, right)

    @classmethod
    def load(cls, path: Path) -> MeshRig:
        """Read a rig npz (``names``, ``neutral``, ``deltas``).

        Raises:
            FileNotFoundError: No such file.
            BadArgument: An array is missing.
        """
        with np.load(path, allow_pickle=False) as data:
            missing = {"names", "neutral", "deltas"} - set(data.files)
            if missing:
                raise BadArgument(f"{path.name} lacks {', '.join(sorted(missing))}", hint=MESH_HINT)
            # Given only for this head: its numbers mean nothing on another.
            lips = FACE_CAP_LIPS if path.stem == FACE_CAP else None
            return cls(data["names"].tolist(), data["neutral"], data["deltas"], lips=lips)

    def positions(self, track: CurveTrack, vertices: Sequence[int] | IntArray) -> DoubleArray:
        """Return positions of some vertices over time, shape (frames, vertices, 3).

        Channels without a shape of that name are passed over; values are clipped to [0, 1], as a
        shape key's slider does.

        Args:
            track: Curves.
            vertices: Vertex numbers.
        """
        values, shapes = self._shape_values(track)
        # Only the vertices asked for: the landmarks are four of thousands.
        moved = np.tensordot(
            values, self.deltas[shapes[:, None], np.asarray(vertices)[None]], axes=1
        )
        return np.asarray(self.neutral[vertices] + moved)

    def mean_displacement(
        self, track: CurveTrack, vertices: IntArray, spans: Sequence[IntArray]
    ) -> DoubleArray:
        """Return how far vertices are from rest, on the mean over spans of frames.

        Args:
            track: Curves.
            vertices: Vertex numbers, shape (V,).
            spans: Frames of each span, at least one in each.

        Returns:
            Shape (spans, 3 * V), mesh units.
        """
        values, shapes = self._shape_values(track)
        # The mean displacement is that of the mean values, since shapes add up linearly.
        means = np.array([values[span].mean(axis=0) for span in spans])
        deltas = self.deltas[shapes[:, None], vertices[None]].reshape(len(shapes), -1)
        return np.asarray(means.reshape(len(spans), len(shapes)) @ deltas)

    def lip_vertices(self) -> IntArray:
        """Return the 120 vertices (or all of a smaller mesh) that lip shapes move most, (V,)."""
        moved = np.sum([self._moved_by(name) for name in self._among(LIP_SHAPES)], axis=0)
        # Stable sort: equal motions keep their vertex order on every machine.
        order = np.argsort(-moved, kind="stable")
        return np.sort(order[:LIP_VERTICES]).astype(np.int64)

    def _among(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name in self._column]

    def _shape_values(self, track: CurveTrack) -> tuple[DoubleArray, IntArray]:
        """Return values within [0, 1] of the channels that have a shape, and those shapes."""
        chosen = [i for i, name in enumerate(track.channels) if name in self._column]
        # Matched by name: curves may have more channels than the head, or another order.
        shapes = np.array([self._column[track.channels[i]] for i in chosen], np.int64)
        # Clipped: sliders of shape keys end at 0 and 1 by default.
        return np.clip(track.values[:, chosen].astype(np.float64), 0.0, 1.0), shapes

    def measure(self, track: CurveTrack) -> LipCurves:
        """Return the lips of a track, frame by frame."""
        marks = self.landmarks
        points = self.positions(
            track, [marks.upper, marks.lower, marks.corner_left, marks.corner_right]
        )
        upper, lower, left, right = np.moveaxis(points, 1, 0)
        rest = self.neutral[marks.corner_left] - self.neutral[marks.corner_right]
        # Protrusion against rest, so that heads with full lips are not ahead.
        forward = (self.neutral[marks.upper, 2] + self.neutral[marks.lower, 2]) / 2
        return LipCurves(
            fps=track.fps,
            gap=upper[:, 1] - lower[:, 1],
            width=np.linalg.norm(left - right, axis=1) / np.linalg.norm(rest),
            teeth_gap=self._teeth_edge() - lower[:, 1],
            protrusion=(upper[:, 2] + lower[:, 2]) / 2 - forward,
        )

    def gap(self, track: CurveTrack) -> DoubleArray:
        """Return the height between the middles of the inner lips, mesh units, shape (frames,)."""
        return self.measure(track).gap

    def width(self, track: CurveTrack) -> DoubleArray:
        """Return the distance between the mouth corners over time, 1 at rest, shape (frames,)."""
        return self.measure(track).width

    def vertices_moved_by(self, names: Sequence[str]) -> IntArray:
        """Return vertices that one of the shapes moves by a quarter of its largest motion."""
        moved = np.zeros(len(self.neutral), bool)
        for name in names:
            # Of each shape's own largest motion: brows move less than the jaw.
            moved |= self._moved_by(name) >= REGION_FRACTION
        return np.flatnonzero(moved)

    def _teeth_edge(self) -> float:
        # Upper teeth do not move, and many heads have none: with the lips at rest their edge stands
        # at the line where the lips meet.
        return float(self.neutral[self.landmarks.upper, 1])

    def _delta(self, name: str) -> DoubleArray:
        if name not in self._column:
            raise BadArgument(
                f"The mesh has no shape {name!r}", hint="Use a head with the ARKit blend shapes"
            )
        return np.asarray(self.deltas[self._column[name]])

    def _moved_by(self, *names: str) -> DoubleArray:
        """Return how far the shapes together move each vertex, 1 for the most moved, (V,)."""
        length = np.linalg.norm(sum(self._delta(name) for name in names), axis=1)
        return np.asarray(length / max(float(length.max()), 1e-12))

    def _find_lips(self) -> tuple[int, int]:
        """Return the nearest pair of midline vertices of the upper and the lower lip."""
        middle = np.abs(self.neutral[:, 0]) < MIDLINE_FRACTION * self.neutral[:, 0].max()
        up = self._moved_by("mouthUpperUpLeft", "mouthUpperUpRight")
        # Upper and lower lip are told apart by the shapes that move one of them alone.
        down = self._moved_by("mouthLowerDownLeft", "mouthLowerDownRight")
        uppers = np.flatnonzero(middle & (up > LIP_SHAPE_FRACTION) & (down < LIP_SHAPE_FRACTION))
        lowers = np.flatnonzero(middle & (down > LIP_SHAPE_FRACTION) & (up < LIP_SHAPE_FRACTION))
        if not (len(uppers) and len(lowers)):
            raise BadArgument(
                "No lips found: mouthUpperUp and mouthLowerDown move no midline vertex",
                hint=MESH_HINT,
            )
        # The nearest pair of both groups faces each other across the slit.
        between = self.neutral[uppers][:, None] - self.neutral[lowers][None]
        upper, lower = np.unravel_index(
            int(np.linalg.norm(between, axis=2).argmin()), (len(uppers), len(lowers))
        )
        return int(uppers[upper]), int(lowers[lower])

    def _find_corners(self) -> tuple[int, int]:
        """Return the vertex of each side that mouthPucker draws inwards most."""
        # mouthPucker moves both corners towards the middle: the left one to -X, the right one to
        # +X.
        sideways = self._delta("mouthPucker")[:, 0]
        return int(sideways.argmin()), int(sideways.argmax())
