"""Measure the mouth in every phone of many clips: one row a phone, one column a measure.

All measures of articulation (rounding, labiodental contact, tongue, readability, the table by phone
class) read this table. "Middle" is the middle half of a phone, "near" the phone with 20 ms on
either side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...arrays import BoolArray, DoubleArray, IntArray
from ...curves.track import CurveTrack
from ..data.clips import SpokenClip
from .mesh import MeshRig
from .speech import CLOSURE_MARGIN_S, LipCurves, TimedPhone, frames_of, gap_reference

SHAPES: Final[dict[str, tuple[str, ...]]] = {
    "pucker": ("mouthPucker",),
    "funnel": ("mouthFunnel",),
    "stretch": ("mouthStretchLeft", "mouthStretchRight"),
    "roll": ("mouthRollLower",),
    "jaw": ("jawOpen",),
    "tongue": ("tongueOut",),
}
"""Channels whose mean in the middle is a column of the same name."""
COLUMNS: Final = (
    *("width", "narrowest", "gap", "least_gap", "largest_gap", "protrusion"),
    *("least_teeth_gap", "largest_roll", "largest_tongue", *SHAPES),
)


@dataclasses.dataclass(frozen=True)
class PhoneTable:
    """Rows of phones, n of them."""

    phones: NDArray[np.str_]
    """Lower-case ARPABET, shape (n,)."""
    clips: IntArray
    """Number of the clip, shape (n,)."""
    seconds: DoubleArray
    """Length of the phone, shape (n,)."""
    # Rows of points are as wide as three times the vertices.
    values: DoubleArray
    """Shape (n, len(COLUMNS)); NaN where a clip has no reference gap."""
    points: DoubleArray
    """Mean displacement of the lip vertices in the middle, shape (n, 3 * vertices)."""

    def column(self, name: str) -> DoubleArray:
        """Return one column of ``COLUMNS``, shape (n,)."""
        return self.values[:, COLUMNS.index(name)]

    def of_clips(self, numbers: Sequence[int]) -> PhoneTable:
        """Return the rows of some clips."""
        # By number of the clip, so that tables of groups need no second measurement.
        rows = np.isin(self.clips, list(numbers))
        return PhoneTable(
            self.phones[rows],
            self.clips[rows],
            self.seconds[rows],
            self.values[rows],
            self.points[rows],
        )

    def among(self, names: Iterable[str], *, minimum_s: float = 0.0) -> BoolArray:
        """Return which rows are one of some phones and last long enough, shape (n,).

        Args:
            names: Phones.
            minimum_s: Shorter phones are passed over, seconds.
        """
        # - 1e-6: lengths are differences of rounded times.
        return np.isin(self.phones, list(names)) & (self.seconds >= minimum_s - 1e-6)


def phone_table(mesh: MeshRig, tracks: Iterable[tuple[SpokenClip, CurveTrack]]) -> PhoneTable:
    """Measure every phone of some clips.

    Args:
        mesh: The head to measure on.
        tracks: Clips and their curves.
    """
    vertices = mesh.lip_vertices()
    # Lists, not arrays: the number of phones is not known before.
    phones: list[str] = []
    clips: list[int] = []
    seconds: list[float] = []
    values: list[list[float]] = []
    points: list[DoubleArray] = []
    for number, (clip, track) in enumerate(tracks):
        measured = _Clip(mesh, track, clip.phones)
        spans = []
        for phone in clip.phones:
            row = measured.row(phone)
            if row is None:
                continue
            phones.append(phone.phone)
            clips.append(number)
            seconds.append(phone.end_s - phone.start_s)
            values.append(row)
            spans.append(measured.middle(phone))
        # All phones of a clip in one product.
        points.append(mesh.mean_displacement(track, vertices, spans))
    return PhoneTable(
        phones=np.array(phones, dtype=np.str_),
        clips=np.array(clips, np.int64),
        seconds=np.array(seconds),
        values=np.array(values).reshape(-1, len(COLUMNS)),
        points=np.concatenate(points) if points else np.zeros((0, 3 * len(vertices))),
    )


class _Clip:
    """One clip on the mesh, ready to be read phone by phone."""

    def __init__(self, mesh: MeshRig, track: CurveTrack, phones: Sequence[TimedPhone]) -> None:
        self.lips: LipCurves = mesh.measure(track)
        self.reference = gap_reference(self.lips, phones)
        frames = track.frame_count
        self.shapes: dict[str, DoubleArray] = {}
        for name, channels in SHAPES.items():
            # Left and right are averaged: a class is about the phone, not about asymmetry.
            found = [track.column(c).astype(np.float64) for c in channels if c in track.channels]
            # A head without the channel has 0 of it.
            self.shapes[name] = np.mean(found, axis=0) if found else np.zeros(frames)
            self.shapes[name] = np.clip(self.shapes[name], 0.0, 1.0)

    def middle(self, phone: TimedPhone) -> IntArray:
        quarter = (phone.end_s - phone.start_s) / 4
        return self._frames(phone, -quarter)

    def row(self, phone: TimedPhone) -> list[float] | None:
        """Return the values of ``COLUMNS``; None where the phone lies beyond the curves."""
        middle, near = self.middle(phone), self._frames(phone, CLOSURE_MARGIN_S)
        if not len(middle) or not len(near):
            return None
        lips = self.lips
        return [
            float(lips.width[middle].mean()),
            float(lips.width[self._frames(phone, 0.0)].min()),
            # Over the clip's own reference gap: a quiet speaker opens less and is not worse.
            float(lips.gap[middle].mean() / self.reference),
            float(lips.gap[near].min() / self.reference),
            float(lips.gap[middle].max() / self.reference),
            # Not over the reference: protrusion does not grow with the opening.
            float(lips.protrusion[middle].mean()),
            float(lips.teeth_gap[near].min() / self.reference),
            float(self.shapes["roll"][near].max()),
            float(self.shapes["tongue"][near].max()),
            *(float(series[middle].mean()) for series in self.shapes.values()),
        ]

    def _frames(self, phone: TimedPhone, margin_s: float) -> IntArray:
        return frames_of(phone, fps=self.lips.fps, frames=len(self.lips.gap), margin_s=margin_s)
