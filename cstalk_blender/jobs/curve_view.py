"""Collect what the curve view shows of a face, as plain data. Main thread only; writes nothing.

It is asked at every redraw of a viewport: curves are computed again when a setting changes, words
and hand edits are read twice a second at most.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Hashable
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray
from ..direct import layers, ranges, regions, waveform
from ..errors import SessionError
from ..rig.keys import hand_edits
from ..scene import audio_decode, direction, predictions, takes, words
from . import direct
from . import takes as face_takes

REST_S = 0.5
"""Seconds for which words and hand edits are not read again: they take milliseconds."""
DOUBTFUL = 0.5
"""Confidence under which a word is marked, as in the list of words."""
LARGEST_CODED = 20 << 20
"""Bytes of an audio file that Blender decodes for its waveform: more would hold up the viewport."""


@dataclasses.dataclass(frozen=True)
class Word:
    """A word in scene frames."""

    text: str
    first_frame: float
    last_frame: float
    is_doubtful: bool


@dataclasses.dataclass(frozen=True, eq=False)
class Curves:
    """Curves of one region as the settings direct them."""

    frames: NDArray[np.float64]
    """Scene frame of each value, shape (frames,)."""
    channels: tuple[str, ...]
    values: FloatArray
    """Shape (frames, channels)."""
    closures: tuple[tuple[float, float], ...]
    """First and last frame in which the lips meet over an open jaw."""
    start_frame: int
    frame_rate: float


@dataclasses.dataclass(frozen=True, eq=False)
class Marks:
    """Words, hand edits and waveform of a face, beside its curves."""

    words: tuple[Word, ...]
    edits: tuple[hand_edits.HandEdit, ...]
    peaks: waveform.Peaks | None


@dataclasses.dataclass(frozen=True, eq=False)
class Content:
    """All that the view shows of a face."""

    region: str
    curves: Curves
    marks: Marks
    ranges: tuple[tuple[float, float] | None, tuple[float, float] | None]
    """Scene frames of the range of the whole face, and of that of the region."""

    def seconds(self, frame: float) -> float:
        """Return the second of the audio file at a scene frame."""
        return (frame - self.curves.start_frame) / self.curves.frame_rate


class Reader:
    """Reads the content of one face at a time and remembers it."""

    def __init__(self) -> None:
        self._curves: tuple[Hashable, Curves] | None = None
        self._marks: tuple[Hashable, float, Marks] | None = None

    def content_or_none(
        self, face: bpy.types.Object | None, scene: bpy.types.Scene
    ) -> Content | None:
        """Return what the view shows; None for a face without a performance.

        Args:
            face: The face.
            scene: Its scene.
        """
        entry = predictions.entry_or_none(face)
        if face is None or entry is None or not direct.can_direct(face):
            return None
        region = str(face.cstalk_direction.opened)
        settings = (face.cstalk_result.settings, direction.fingerprint(face))
        key = (face.session_uid, entry.identity, region, *settings)
        if self._curves is None or self._curves[0] != key:
            try:
                self._curves = (key, _curves_of(face, scene, region))
            except SessionError:  # shown by the panel; the keys play
                return None
        curves = self._curves[1]
        limits = tuple(range_of_or_none(face, name, curves) for name in (direction.OVERALL, region))
        return Content(region, curves, self._marks_of(face, entry.take), (limits[0], limits[1]))

    def _marks_of(self, face: bpy.types.Object, take: str) -> Marks:
        key, now = (face.session_uid, take), time.monotonic()
        known = self._marks
        if known is None or known[0] != key or now - known[1] > REST_S:
            self._marks = known = (key, now, _marks_of(face, take))
        return known[2]


def range_of_or_none(
    face: bpy.types.Object, region: str, curves: Curves
) -> tuple[float, float] | None:
    """Return the scene frames to which the layers of a region are limited; None without a range.

    Args:
        face: The face.
        region: A name of `direction.REGIONS`, or `direction.OVERALL`.
        curves: Played curves, with their start in seconds of the audio file.
    """
    part = getattr(face.cstalk_direction, region)
    if part.range_end_s <= part.range_start_s:
        return None
    ends = (part.range_start_s, part.range_end_s)
    first, last = (curves.start_frame + second * curves.frame_rate for second in ends)
    return first, last


def _curves_of(face: bpy.types.Object, scene: bpy.types.Scene, region: str) -> Curves:
    made = direct.directed(face, scene)
    channels, values = made.curves.channels, made.curves.values
    columns = regions.table_of(made.prediction.rig, channels).columns[region]
    closed = ranges.runs(layers.closed_lips(channels, values).tolist())
    return Curves(
        frames=made.frames,
        channels=tuple(channels[column] for column in columns),
        values=values[:, columns],
        closures=tuple((made.frames[first], made.frames[last]) for first, last in closed),
        start_frame=made.start_frame,
        frame_rate=made.frame_rate,
    )


def _marks_of(face: bpy.types.Object, take: str) -> Marks:
    held = face.cstalk_words
    found = tuple(
        Word(
            word.text,
            words.frame_at(held, word.start_s),
            words.frame_at(held, word.end_s),
            not word.is_corrected and word.confidence < DOUBTFUL,
        )
        for word in held.words
    )
    listed = hand_edits.hand_edits_of(face_takes.owners_of_face(face))
    edits = tuple(edit for edit in listed if not edit.is_adopted)
    index = takes.index_of(face, take)
    clip = take if index < 0 else str(face.cstalk_takes.items[index].clip)
    return Marks(found, edits, _peaks_or_none(Path(clip)))


def _peaks_or_none(path: Path) -> waveform.Peaks | None:
    # A clip of a curve file has a name instead of a path, which could be found by chance.
    if not path.is_absolute() or not path.is_file():
        return None
    peaks = waveform.peaks_or_none(path)
    if peaks is None and path.stat().st_size <= LARGEST_CODED:
        decoded = audio_decode.decoded_or_none(path, Path(bpy.app.tempdir))
        peaks = None if decoded is None else waveform.peaks_or_none(decoded)
    return peaks
