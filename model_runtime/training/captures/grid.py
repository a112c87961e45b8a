"""Fit the GRID speakers: lip measures, curves, lag, words, and how good the fit is."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np

from ...arrays import BoolArray, DoubleArray
from .basis import BROW_CHANNELS, MOUTH_CHANNELS
from .film_fit import LEARNT_SCORES, FittedClip, fit_film, joined
from .landmarks import MEASURES, Film, measure, read_film, stabilise
from .loudness import Loudness, best_lag, lag_profile, read_loudness
from .rig_mesh import RigMesh

CLOSED_MARGIN = 0.012
"""Lips are closed when their gap is below the speaker's 5th percentile plus this, eyes."""
SHUT = 0.01
"""A filmed gap below this many mouth widths over the closed rest counts as shut in the figures."""
ENOUGH_REST_FRAMES = 20
UNSEEN = (
    "jawForward",
    "mouthLeft",
    "mouthRight",
    *(f"mouth{shape}{side}" for shape in ("Dimple", "Press") for side in ("Left", "Right")),
    *(f"mouth{shape}{lip}" for shape in ("Roll", "Shrug") for lip in ("Lower", "Upper")),
    "eyeSquintLeft",
    "eyeSquintRight",
)
"""Channels that one frontal camera of 288 lines does not tell about: their values help the fit, but
their zeros mean nothing (a lip rolled in for f or m looks like a thin one)."""


@dataclasses.dataclass(frozen=True)
class GridClip:
    """One clip, measured and fitted."""

    name: str
    fit: FittedClip
    measures: DoubleArray
    """Shape (frames, len(MEASURES)): change from the speaker's closed rest, eyes."""
    lost: BoolArray
    """Film frames without a face, shape (frames,)."""
    sound: Loudness

    def figures(self) -> dict[str, float]:
        """Return fit error (share of the mouth width), correlations where seen, lost share."""
        seen = ~self.lost
        return {
            "fit_error": self.fit.error,
            "gap_correlation": _correlation(self.fit.mesh_gap[seen], self.fit.filmed_gap[seen]),
            "width_correlation": _correlation(
                self.fit.mesh_width[seen], self.fit.filmed_width[seen]
            ),
            "lost_share": float(self.lost.mean()),
        }


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

    def figures(self) -> dict[str, float]:
        """Return means, medians and worst clips of the fit, and whether the mesh shuts."""
        clips = [clip.figures() for clip in self.clips]
        seen = [~clip.lost for clip in self.clips]
        mesh = joined([clip.fit.mesh_gap for clip in self.clips], seen)
        shut = joined([clip.fit.filmed_gap for clip in self.clips], seen) < SHUT
        error = float(np.mean([clip["fit_error"] for clip in clips]))
        figures = {
            "lag_correlation": self.lag_correlation,
            "rest_frames": float(self.rest_frames),
            "mouth_width_px": self.mouth_width_px,
            "fit_error": error,
            "fit_error_px": error * self.mouth_width_px,
            "shut_frames": float(shut.mean()),
            "mesh_gap_when_shut_p95": float(np.percentile(mesh[shut], 95.0)) if shut.any() else 0.0,
        }
        for name in ("gap_correlation", "width_correlation"):
            figures[name] = float(np.median([clip[name] for clip in clips]))
            figures[f"{name}_worst"] = min(clip[name] for clip in clips)
        return figures


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
    # Rest is looked for in raw measures: it defines the zero of all others.
    resting = _resting(film, raw, sounds)
    rest = np.median(joined(raw, resting), axis=0)
    fits = fit_film(film, points, resting, mesh)
    clips = tuple(
        GridClip(clip.name, fit, measures - rest, clip.lost, sound)
        for clip, fit, measures, sound in zip(film.clips, fits, raw, sounds, strict=True)
    )
    lag_s, correlation = _lag(film, points, raw, sounds)
    rest_frames = sum(int(flags.sum()) for flags in resting)
    width_px = _mouth_width_px(film, resting)
    return GridSpeaker(clips, film.clips[0].fps, lag_s, correlation, rest_frames, width_px)


def observed_channels() -> tuple[str, ...]:
    """Return the channels that a GRID film really tells about."""
    blinks = ("eyeBlinkLeft", "eyeBlinkRight")
    given = (*MOUTH_CHANNELS, *BROW_CHANNELS, *blinks, *LEARNT_SCORES)
    return tuple(name for name in given if name not in UNSEEN)


def read_words(folder: Path) -> dict[str, list[tuple[float, float, str]]]:
    """Return words of each clip as (start s, end s, word); untimed sentences as one, 0 to 0."""
    words: dict[str, list[tuple[float, float, str]]] = {}
    for row in _rows(folder / "words.tsv"):
        entry = (float(row["start_s"]), float(row["end_s"]), row["word"])
        words.setdefault(row["clip"], []).append(entry)
    for row in _rows(folder / "transcripts.tsv"):
        # Timed words win: setdefault keeps what words.tsv gave.
        words.setdefault(row["clip"], [(0.0, 0.0, row["text"])])
    return words


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _resting(film: Film, raw: list[DoubleArray], sounds: list[Loudness]) -> list[BoolArray]:
    """Return frames of each clip with closed lips in silence; all closed ones where few."""
    gaps = joined([clip[:, MEASURES.index("gap")] for clip in raw], [~c.lost for c in film.clips])
    # The 5th percentile, not the minimum: landmarks jump.
    limit = float(np.percentile(gaps, 5.0)) + CLOSED_MARGIN
    closed, silent = [], []
    for clip, measures, sound in zip(film.clips, raw, sounds, strict=True):
        shut = (measures[:, MEASURES.index("gap")] < limit) & ~clip.lost
        closed.append(shut)
        silent.append(shut & sound.silent(np.arange(len(shut)) / clip.fps))
    # Clips cut close to speech have too little silence; closed lips must do.
    return silent if sum(int(flags.sum()) for flags in silent) >= ENOUGH_REST_FRAMES else closed


def _lag(
    film: Film, points: list[DoubleArray], raw: list[DoubleArray], sounds: list[Loudness]
) -> tuple[float, float]:
    """Return the lag of the film behind the audio: gap and chin drop against loudness."""
    chin = film.rows((152,))[0]
    profiles = []
    for clip, place, values, sound in zip(film.clips, points, raw, sounds, strict=True):
        lags, by_gap = lag_profile(values[:, MEASURES.index("gap")], clip.fps, sound)
        # The chin drops where the lips hide: both vote for the lag.
        _, by_chin = lag_profile(-place[:, chin, 1], clip.fps, sound)
        profiles.append((lags, 0.5 * (by_gap + by_chin)))
    return best_lag(profiles)


def _correlation(first: DoubleArray, second: DoubleArray) -> float:
    # A constant has no correlation; numpy would give NaN and a warning.
    if len(first) < 2 or min(first.std(), second.std()) < 1e-9:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _mouth_width_px(film: Film, resting: list[BoolArray]) -> float:
    right, left = film.rows((61, 291))
    widths = [
        np.linalg.norm((clip.points[:, left] - clip.points[:, right])[flags, :2], axis=-1)
        for clip, flags in zip(film.clips, resting, strict=True)
    ]
    return float(np.median(np.concatenate(widths)))
