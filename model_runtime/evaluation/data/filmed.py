"""Read lip gap and mouth width of filmed talkers, and compare generated lips with them.

The films are 25 fps landmarks of MediaPipe; a clip's curves are compared by correlation, so that
neither the camera's distance nor the size of a mouth counts.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

import numpy as np

from ...arrays import BoolArray, DoubleArray
from ...training.corpora.held_out import DEV, read_splits
from ..metrics.speech import LipCurves, correlation

FILM_FPS = 25.0
FILM_SHIFT_S = 0.0
"""How much earlier the film is taken to be. data.md reports a lag of about one frame (40 ms), found
with MediaPipe's *scores*; the *landmarks* show none: over shifts of -60 to +80 ms the sound's
energy follows the filmed lip gap best at 0 to 20 ms (grid_s1, grid_s31), reference motion at 0.
Found on held-out clips (30 of grid_s1, all of grid_s31)."""
LANDMARK_SCALE = 10.0  # landmarks are stored in 0.1 px
UPPER_LIP, LOWER_LIP = 13, 14  # MediaPipe face mesh: middles of the inner lips
CORNER_RIGHT, CORNER_LEFT = 61, 291
# Eye corners do not move in speech: their distance is the scale of a face.
EYE_RIGHT, EYE_LEFT = 33, 263  # outer corners of the eyes
MINIMUM_FRAMES = 25  # a clip with less than a second of seen face says nothing

TALKERS: Final = {
    "grid_s1": "grid_s1",
    "grid_s4": "grid_s4",
    "grid_s31": "unseen",
    "film_eval": "unseen",
}
"""Name of a filmed corpus in the table; talkers that nothing was trained on are pooled."""
QUICK_CLIPS = {"grid_s1": 10, "grid_s4": 4, "grid_s31": 4}


@dataclasses.dataclass(frozen=True)
class FilmedClip:
    """The lips of one clip as the camera saw them."""

    name: str
    path: Path
    """Its sound."""
    times_s: DoubleArray
    """Times of the frames with a face, shape (frames,)."""
    gap: DoubleArray
    """Lip gap over the distance of the outer eye corners, shape (frames,)."""
    width: DoubleArray
    """Mouth width over the distance of the outer eye corners, shape (frames,)."""


@dataclasses.dataclass(frozen=True)
class FilmAgreement:
    """Agreement of generated lips with filmed lips in one clip."""

    gap: float
    """Correlation of the lip gaps."""
    width: float
    """Correlation of the mouth widths."""
    coupling: float
    """Correlation of the generated gap with the generated width."""
    filmed_coupling: float
    width_range: float
    """5-95 % range of the generated width over its median."""
    filmed_width_range: float


def filmed_clips(
    data: Path, corpus: str, *, split: str = DEV, quick: bool = False
) -> list[FilmedClip]:
    """Return the clips of a filmed corpus that are in a split; empty where the corpus is absent.

    Args:
        data: The shared data folder.
        corpus: Folder under ``capture``, one of ``TALKERS``.
        split: ``dev`` or ``test``.
        quick: Only the first few.
    """
    folder = data / "capture" / corpus
    film = folder / "face_25fps.npz"
    if not film.is_file():
        return []
    clips = []
    with np.load(film, allow_pickle=False) as arrays:
        # lm_NAME is one film's landmarks.
        listed = [key[3:] for key in arrays.files if key.startswith("lm_")]
        splits = read_splits(data).of_films(corpus, listed)
        names = sorted(name for name in listed if splits[name] == split)
        column = {int(number): i for i, number in enumerate(arrays["landmark_ids"])}
        for name in names[: QUICK_CLIPS.get(corpus)] if quick else names:
            # Differences along time, as the file stores them.
            points = np.cumsum(arrays[f"lm_{name}"], axis=0, dtype=np.int32) / LANDMARK_SCALE
            seen = np.ones(len(points), bool)
            if f"lost_{name}" in arrays.files:
                seen &= ~arrays[f"lost_{name}"].astype(bool)
            clip = _measured(name, folder / "audio" / f"{name}.opus", points, seen, column)
            if len(clip.times_s) >= MINIMUM_FRAMES:
                # Correlations over less than a second of film are noise.
                clips.append(clip)
    return clips


def agreement(clip: FilmedClip, lips: LipCurves, *, shift_s: float = FILM_SHIFT_S) -> FilmAgreement:
    """Compare generated lips with filmed lips of the same audio file.

    Args:
        clip: The film.
        lips: Generated lips.
        shift_s: How much earlier the film is taken to be, in seconds.
    """
    times, inside = _film_times(clip, shift_s, len(lips.gap) / lips.fps)
    grid = np.arange(len(lips.gap)) / lips.fps
    # Film times, not curve times: 25 fps film has no values in between.
    gap, width = np.interp(times, grid, lips.gap), np.interp(times, grid, lips.width)
    filmed_gap, filmed_width = clip.gap[inside], clip.width[inside]
    return FilmAgreement(
        gap=correlation(gap, filmed_gap),
        width=correlation(width, filmed_width),
        coupling=correlation(gap, width),
        filmed_coupling=correlation(filmed_gap, filmed_width),
        width_range=_relative_range(width),
        filmed_width_range=_relative_range(filmed_width),
    )


def _relative_range(values: DoubleArray) -> float:
    """Return the 5-95 % range over the median."""
    low, middle, high = np.percentile(values, [5, 50, 95])
    # Over the median: a mouth near the camera is wider.
    return float((high - low) / middle)


def _film_times(
    clip: FilmedClip, shift_s: float, duration_s: float
) -> tuple[DoubleArray, BoolArray]:
    times = clip.times_s - shift_s
    inside = (times >= 0) & (times < duration_s)
    return times[inside], inside


def _measured(
    name: str, path: Path, points: DoubleArray, seen: BoolArray, column: dict[int, int]
) -> FilmedClip:
    def distance(a: int, b: int) -> DoubleArray:
        length = np.linalg.norm(points[seen, column[a], :2] - points[seen, column[b], :2], axis=1)
        return np.asarray(length)

    eyes = distance(EYE_RIGHT, EYE_LEFT)
    height = points[seen, column[LOWER_LIP], 1] - points[seen, column[UPPER_LIP], 1]
    return FilmedClip(
        name=name,
        path=path,
        # Lost frames are left out instead of bridged: a comparison must not invent film.
        times_s=np.flatnonzero(seen) / FILM_FPS,
        gap=height / eyes,
        width=distance(CORNER_RIGHT, CORNER_LEFT) / eyes,
    )
