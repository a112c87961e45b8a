"""The GRID speakers: films of landmarks made into lip measures and ARKit curves."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np

from ...curves.rig import load_rig
from .basis import Region, brow_region, mouth_region
from .fit import fit_curves
from .landmarks import MEASURES, Film, Flags, measure, read_film, stabilise
from .loudness import Loudness, best_lag, lag_profile, read_loudness
from .rig_mesh import Floats, RigMesh, find_lips

CLOSED_MARGIN = 0.012
"""Lips are closed when their gap is below the speaker's 5th percentile plus this, eyes."""
ENOUGH_REST_FRAMES = 20
LEARNT_SCORES = (
    *(f"eyeLook{way}{side}" for way in ("Down", "In", "Out", "Up") for side in ("Left", "Right")),
    "eyeSquintLeft",
    "eyeSquintRight",
)
"""Channels taken over from MediaPipe's scores, after the speaker's resting value is taken off."""
BLINK_CLOSED = 0.25
"""Aperture of a closed eye over that of an open one: MediaPipe's lid points keep the thickness of
the lids (grid_s1 blinks reach 0.2 to 0.3)."""


@dataclasses.dataclass(frozen=True)
class GridClip:
    """One clip, measured and fitted; every array has one row a film frame."""

    name: str
    curves: Floats
    """Shape (frames, 52)."""
    measures: Floats
    """Shape (frames, len(MEASURES)): change from the speaker's rest, eyes."""
    lost: Flags
    mesh_gap: Floats
    """Gap of the fitted mesh, mouth widths, to compare with ``filmed_gap``, shape (frames,)."""
    filmed_gap: Floats
    mesh_width: Floats
    """Change of the fitted mouth's width, mouth widths, to compare with ``filmed_width``."""
    filmed_width: Floats
    error: float
    """Root mean square distance of the lip landmarks in the picture plane, mouth widths."""
    sound: Loudness


@dataclasses.dataclass(frozen=True)
class GridSpeaker:
    """All clips of a GRID speaker."""

    clips: tuple[GridClip, ...]
    fps: float
    lag_s: float
    """How much later than the sound the film is, s; frame k shows the sound of k/fps - lag."""
    lag_correlation: float
    rest_frames: int
    mouth_width_px: float
    """Median width of the resting mouth in the picture, pixels."""


def fit_speaker(folder: Path, mesh: RigMesh) -> GridSpeaker:
    """Measure and fit every clip of ``folder`` (``face_25fps.npz``, ``audio/``).

    Args:
        folder: ``data/capture/grid_*``.
        mesh: The rig whose channels are wanted.
    """
    film = read_film(folder / "face_25fps.npz")
    sounds = [read_loudness(folder / "audio" / f"{clip.name}.opus") for clip in film.clips]
    points = stabilise(film)
    raw = [measure(film, clip) for clip in points]
    resting = _resting(film, raw, sounds)
    chosen = np.concatenate([p[r] for p, r in zip(points, resting, strict=True)])
    rest = np.median(chosen, axis=0)
    rest_measures = np.median(np.concatenate([m[r] for m, r in zip(raw, resting, strict=True)]), 0)
    measures = [clip - rest_measures for clip in raw]
    lag_s, correlation = _lag(film, points, measures, sounds)
    curves = np.zeros((*_padded(points).shape[:2], len(load_rig("arkit52").channels)))
    regions = mouth_region(mesh, find_lips(mesh), film, rest), brow_region(mesh, film, rest)
    shifted = _padded([clip - rest for clip in points])
    for region in regions:
        curves[..., list(region.columns)] = _fit(region, film, shifted)
    _set_eyes(curves, film, raw, rest_measures, resting)
    clips = tuple(
        _finish(
            film, index, curves[index], shifted[index], measures[index], sounds[index], regions[0]
        )
        for index in range(len(film.clips))
    )
    return GridSpeaker(
        clips, film.clips[0].fps, lag_s, correlation, len(chosen), _mouth_width_px(film, resting)
    )


def held_out(corpus: str, clips: list[str]) -> set[str]:
    """Clips that serve evaluation only, by their place in the sorted list of names."""
    every = {"grid_s1": 10, "grid_s4": 4, "grid_s31": 1}[corpus]
    return {name for index, name in enumerate(sorted(clips)) if index % every == 0}


def read_words(folder: Path) -> dict[str, list[tuple[float, float, str]]]:
    """Words of each clip as (start s, end s, word); only sentences known: one word, times 0, 0."""
    words: dict[str, list[tuple[float, float, str]]] = {}
    with (folder / "words.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            entry = (float(row["start_s"]), float(row["end_s"]), row["word"])
            words.setdefault(row["clip"], []).append(entry)
    transcripts = folder / "transcripts.tsv"
    if transcripts.exists():
        with transcripts.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                words.setdefault(row["clip"], [(0.0, 0.0, row["text"])])
    return words


def _resting(film: Film, raw: list[Floats], sounds: list[Loudness]) -> list[Flags]:
    """Frames of each clip with closed lips in silence; in case of few, all with closed lips."""
    lowest = float(np.percentile(np.concatenate([clip[:, 0] for clip in raw]), 5.0))
    closed, silent = [], []
    for clip, measures, sound in zip(film.clips, raw, sounds, strict=True):
        shut = (measures[:, 0] < lowest + CLOSED_MARGIN) & ~clip.lost
        closed.append(shut)
        silent.append(shut & sound.silent(np.arange(len(shut)) / clip.fps))
    return silent if sum(int(s.sum()) for s in silent) >= ENOUGH_REST_FRAMES else closed


def _lag(
    film: Film, points: list[Floats], measures: list[Floats], sounds: list[Loudness]
) -> tuple[float, float]:
    """Lag of the film behind the sound: gap and chin drop against loudness, over all clips."""
    chin = film.rows((152,))[0]
    profiles = []
    for clip, place, values, sound in zip(film.clips, points, measures, sounds, strict=True):
        lags, by_gap = lag_profile(values[:, 0], clip.fps, sound)
        _, by_chin = lag_profile(-place[:, chin, 1], clip.fps, sound)
        profiles.append((lags, 0.5 * (by_gap + by_chin)))
    return best_lag(profiles)


def _padded(clips: list[Floats]) -> Floats:
    longest = max(len(clip) for clip in clips)
    block = np.zeros((len(clips), longest, *clips[0].shape[1:]))
    for index, clip in enumerate(clips):
        block[index, : len(clip)] = clip
    return block


def _fit(region: Region, film: Film, shifted: Floats) -> Floats:
    present = np.zeros(shifted.shape[:2])
    for index, clip in enumerate(film.clips):
        present[index, : len(clip.points)] = ~clip.lost
    return fit_curves(region.problem, region.rows(shifted), present)


def _set_eyes(
    curves: Floats, film: Film, raw: list[Floats], rest: Floats, resting: list[Flags]
) -> None:
    """Blinks from the lids' distance, gaze and squint from MediaPipe's scores, in place."""
    names = load_rig("arkit52").channel_names
    scores = np.concatenate([c.scores[r] for c, r in zip(film.clips, resting, strict=True)])
    neutral = np.median(scores, axis=0)
    for index, (clip, measures) in enumerate(zip(film.clips, raw, strict=True)):
        for side in ("Left", "Right"):
            aperture = measures[:, MEASURES.index(f"aperture_{side.lower()}")]
            opened = max(float(np.percentile(aperture, 80.0)), 0.7 * _rest(rest, side))
            closing = (1.0 - aperture / opened) / (1.0 - BLINK_CLOSED)
            curves[index, : len(aperture), names.index(f"eyeBlink{side}")] = closing
        for name in LEARNT_SCORES:
            column = names.index(name)
            value = (clip.scores[:, column] - neutral[column]) / (1.0 - neutral[column])
            curves[index, : len(value), column] = value
    np.clip(curves, 0.0, 1.0, out=curves)


def _rest(rest: Floats, side: str) -> float:
    return float(rest[MEASURES.index(f"aperture_{side.lower()}")])


def _finish(
    film: Film,
    index: int,
    curves: Floats,
    shifted: Floats,
    measures: Floats,
    sound: Loudness,
    mouth: Region,
) -> GridClip:
    """Cut the padding off and compare mesh and film."""
    clip = film.clips[index]
    frames = len(measures)
    kept = curves[:frames]
    model = kept[:, list(mouth.columns)] @ mouth.problem.basis.T
    filmed = mouth.rows(shifted[:frames])
    lips = model.shape[1] - 4
    plane = [row for row in range(lips - 21) if row % 3 != 2]
    error = (model - filmed)[~clip.lost][:, plane]
    return GridClip(
        name=clip.name,
        curves=kept,
        measures=measures,
        lost=clip.lost,
        mesh_gap=model[:, lips],
        filmed_gap=filmed[:, lips],
        mesh_width=model[:, lips + 3],
        filmed_width=filmed[:, lips + 3],
        error=float(np.sqrt(2.0 * (error**2).mean())) if error.size else 0.0,
        sound=sound,
    )


def _mouth_width_px(film: Film, resting: list[Flags]) -> float:
    right, left = film.rows((61, 291))
    widths = [
        np.linalg.norm((clip.points[:, left] - clip.points[:, right])[rest, :2], axis=-1)
        for clip, rest in zip(film.clips, resting, strict=True)
    ]
    return float(np.median(np.concatenate(widths)))
