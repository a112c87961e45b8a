"""Fit curves to filmed landmarks: mouth, jaw and brows on a rig, eyes from lids and scores."""

from __future__ import annotations

import dataclasses

import numpy as np

from ...arrays import BoolArray, DoubleArray
from ..reference.rig import reference_rig
from .basis import Region, brow_region, mouth_region
from .fit import fit_curves
from .landmarks import MEASURES, Film, FilmedClip, measure
from .rig_mesh import RigMesh, find_lips

LEARNT_SCORES = (
    *(f"eyeLook{way}{side}" for way in ("Down", "In", "Out", "Up") for side in ("Left", "Right")),
    "eyeSquintLeft",
    "eyeSquintRight",
)
"""Channels taken over from MediaPipe's scores, after the speaker's resting value is taken off."""
BLINK_CLOSED = 0.2
"""Aperture of a closed eye over that of an open one: MediaPipe's lid points keep a distance. The
lowest film frame of short blinks has a median of 0.17 (grid_s1, 1361 blinks), 0.18 (grid_s31, 13)
and 0.30 (grid_s4, 15); 25 frames a second miss the bottom of many."""
OPEN_PERCENTILE = 80.0
"""Percentile of a clip's aperture that counts as an open eye."""


@dataclasses.dataclass(frozen=True)
class FittedClip:
    """Curves of one clip, and what the rig's mouth does with them against the film.

    Every array has one row a film frame; lengths are mouth widths, changes from rest.
    """

    curves: DoubleArray
    """Shape (frames, 52), 0..1."""
    mesh_gap: DoubleArray
    filmed_gap: DoubleArray
    mesh_width: DoubleArray
    filmed_width: DoubleArray
    error: float
    """Root mean square distance of the lip landmarks in the picture plane."""


def fit_film(
    film: Film, points: list[DoubleArray], resting: list[BoolArray], mesh: RigMesh
) -> list[FittedClip]:
    """Fit the channels of every clip of a film.

    Args:
        film: The landmarks as filmed.
        points: The same, stabilised, in eyes.
        resting: Which frames show the speaker at rest.
        mesh: The rig whose channels are wanted.
    """
    # Rest is the median of resting frames, so that single errors of the landmarks do not count.
    rest = np.median(joined(points, resting), axis=0)
    mouth = mouth_region(mesh, find_lips(mesh), film, rest)
    # All clips in one block: the solver's matrix products run over clips and frames at once.
    moved = _padded([clip - rest for clip in points])
    curves = np.zeros((*moved.shape[:2], len(reference_rig().channels)))
    fitted = _fit(mouth, film, moved)
    curves[..., list(mouth.columns)] = fitted[..., : len(mouth.columns)]
    brows = brow_region(mesh, film, rest)
    curves[..., list(brows.columns)] = _fit(brows, film, moved)[..., : len(brows.columns)]
    _set_eyes(curves, film, points, resting)
    return [
        _finish(clip, curves[i], fitted[i], mouth.rows(moved[i]), mouth)
        for i, clip in enumerate(film.clips)
    ]


def joined(values: list[DoubleArray], chosen: list[BoolArray]) -> DoubleArray:
    """Return the chosen frames of all clips, one after the other.

    Args:
        values: Of each clip, frames first.
        chosen: Which frames of each clip.
    """
    return np.concatenate([clip[flags] for clip, flags in zip(values, chosen, strict=True)])


def _padded(clips: list[DoubleArray]) -> DoubleArray:
    longest = max(len(clip) for clip in clips)
    block = np.zeros((len(clips), longest, *clips[0].shape[1:]))
    for index, clip in enumerate(clips):
        block[index, : len(clip)] = clip
    return block


def _fit(region: Region, film: Film, moved: DoubleArray) -> DoubleArray:
    present = np.zeros(moved.shape[:2])
    for index, clip in enumerate(film.clips):
        # Padding and lost frames weigh 0; the smoothness term carries the curve across them.
        present[index, : len(clip.points)] = ~clip.lost
    return fit_curves(region.problem, region.rows(moved), present)


def _set_eyes(
    curves: DoubleArray, film: Film, points: list[DoubleArray], resting: list[BoolArray]
) -> None:
    """Set blinks from the lids' distance, gaze and squint from MediaPipe's scores, in place."""
    names = reference_rig().channel_names
    neutral = np.median(joined([clip.scores for clip in film.clips], resting), axis=0)
    measures = [measure(film, clip) for clip in points]
    rest = np.median(joined(measures, resting), axis=0)
    for index, (clip, values) in enumerate(zip(film.clips, measures, strict=True)):
        for side in ("Left", "Right"):
            column = MEASURES.index(f"aperture_{side.lower()}")
            aperture = values[:, column]
            # Eyes that are half closed throughout would otherwise count as open; 0.7 of rest bounds
            # that.
            opened = max(float(np.percentile(aperture, OPEN_PERCENTILE)), 0.7 * rest[column])
            closing = (1.0 - aperture / opened) / (1.0 - BLINK_CLOSED)
            curves[index, : len(aperture), names.index(f"eyeBlink{side}")] = closing
        for name in LEARNT_SCORES:
            column = names.index(name)
            # The resting score is 0 and 1 stays 1.
            above = (clip.scores[:, column] - neutral[column]) / (1.0 - neutral[column])
            curves[index, : len(above), column] = above
    np.clip(curves, 0.0, 1.0, out=curves)


def _finish(
    clip: FilmedClip, curves: DoubleArray, fitted: DoubleArray, filmed: DoubleArray, mouth: Region
) -> FittedClip:
    """Cut the padding off and compare mesh and film."""
    frames = len(clip.points)
    model = (fitted @ mouth.problem.basis.T)[:frames]
    error = (model - filmed[:frames])[~clip.lost][:, list(mouth.plane_rows)]
    return FittedClip(
        curves=curves[:frames],
        mesh_gap=model[:, mouth.gap_row],
        filmed_gap=filmed[:frames, mouth.gap_row],
        mesh_width=model[:, mouth.width_row],
        filmed_width=filmed[:frames, mouth.width_row],
        # Twice the mean over coordinates is the mean squared distance in the plane.
        error=float(np.sqrt(2.0 * (error**2).mean())) if error.size else 0.0,
    )
