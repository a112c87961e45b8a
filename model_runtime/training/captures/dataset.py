"""Put captures on the model's clock: curves at 50 Hz, what is known of each clip, files.

``<corpus>.npz`` holds ``channels`` (52,), ``observed`` (52,) bool, ``fps`` and ``lag_s`` of the
source, and for each clip ``curves_<clip>`` (frames, 52) float16: row k is the face at k / 50 s of
the sound, the lag taken off. Filmed corpora add ``gap_<clip>`` and ``width_<clip>`` float32 (change
from the speaker's closed rest over the distance of the outer eye corners), ``lost_<clip>`` bool and
``measures_<clip>`` (columns ``measure_names``) at the source's rate: their row k belongs to
``k / fps - lag_s`` s of the sound.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from ...arrays import BoolArray, DoubleArray
from ..reference.rig import reference_rig

MODEL_FPS = 50.0
"""Frame rate of the model (``docs/architecture.md``)."""


@dataclasses.dataclass(frozen=True)
class CapturedClip:
    """One clip of a corpus, on the model's clock."""

    name: str
    curves: DoubleArray
    """Shape (frames, 52) at 50 Hz, row k at k / 50 s of the sound."""
    audio: str | None
    """Path from the data folder; None where there is no sound."""
    speaker: str
    duration_s: float
    held_out: bool
    """For evaluation only."""
    speech: BoolArray
    """Frames in which something sounds, shape (frames,); all of them where there is no sound."""
    words: tuple[tuple[float, float, str], ...] = ()
    extra: dict[str, NDArray[Any]] = dataclasses.field(default_factory=dict)
    """More arrays of the clip by prefix (``gap``, ``width``, ``measures``, ``lost``)."""
    figures: dict[str, float] = dataclasses.field(default_factory=dict)
    """Fit error and the like, for the index."""


@dataclasses.dataclass(frozen=True)
class CapturedCorpus:
    """The clips of one folder of ``data/capture``."""

    name: str
    clips: tuple[CapturedClip, ...]
    observed: BoolArray
    """Channels that the capture really tells about, shape (52,)."""
    fps: float
    lag_s: float
    figures: dict[str, float]
    measure_names: tuple[str, ...] = ()


def on_model_clock(values: DoubleArray, times_s: DoubleArray, duration_s: float) -> DoubleArray:
    """Sample values of rising times at k / 50 s of the audio.

    Shape-preserving cubics: nothing leaves the range of its neighbours. The first and last value
    hold beyond the ends. ``ceil(duration * 50)`` frames.

    Args:
        values: Shape (frames, channels).
        times_s: Rising times of the frames.
        duration_s: Of the audio.
    """
    # - 1e-6: a duration that is a whole number of frames must not gain one by rounding.
    frames = max(1, math.ceil(duration_s * MODEL_FPS - 1e-6))
    wanted = np.clip(np.arange(frames) / MODEL_FPS, times_s[0], times_s[-1])
    if len(values) == 1:
        return np.repeat(values, frames, axis=0)
    # Cubic splines overshoot: closed lips would open before a closure.
    return np.asarray(PchipInterpolator(times_s, values, axis=0)(wanted), np.float64)


def observed_mask(channels: tuple[str, ...]) -> BoolArray:
    """Return which of the 52 columns are named in ``channels``."""
    return np.array([name in channels for name in reference_rig().channel_names])


def write_corpus(corpus: CapturedCorpus, folder: Path) -> dict[str, Any]:
    """Write ``<corpus>.npz`` and return its entry for the index.

    Args:
        corpus: All clips of a corpus.
        folder: Folder to write to.
    """
    names = reference_rig().channel_names
    arrays: dict[str, NDArray[Any]] = {
        "channels": np.array(names),
        "observed": corpus.observed,
        "fps": np.array([corpus.fps]),
        "lag_s": np.array([corpus.lag_s]),
        "measure_names": np.array(corpus.measure_names),
    }
    for clip in corpus.clips:
        # float16 keeps three digits, far below the error of a fit.
        arrays[f"curves_{clip.name}"] = clip.curves.astype(np.float16)
        for prefix, values in clip.extra.items():
            arrays[f"{prefix}_{clip.name}"] = values
    path = folder / f"{corpus.name}.npz"
    # Compressed: most of 52 channels are near 0 most of the time.
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "fps": corpus.fps,
        "lag_s": corpus.lag_s,
        "observed": [name for name, seen in zip(names, corpus.observed, strict=True) if seen],
        "figures": corpus.figures,
        "clips": [_entry(clip) for clip in corpus.clips],
    }


def _entry(clip: CapturedClip) -> dict[str, Any]:
    return {
        "clip": clip.name,
        "audio": clip.audio,
        "speaker": clip.speaker,
        # Captures without sound are range-of-motion takes, whose expressions have no name.
        "emotion": "neutral" if clip.audio else None,
        "duration_s": round(clip.duration_s, 4),
        "frames": len(clip.curves),
        "held_out": clip.held_out,
        "words": [list(word) for word in clip.words],
        **{name: round(value, 5) for name, value in clip.figures.items()},
    }


def statistics(corpus: CapturedCorpus) -> dict[str, Any]:
    """Return mean, deviation and 95th percentile of each observed channel in speech."""
    names = reference_rig().channel_names
    speech = np.concatenate([clip.curves[clip.speech] for clip in corpus.clips])
    return {
        "frames": len(speech),
        "channels": {
            name: {
                "mean": round(float(speech[:, column].mean()), 4),
                "std": round(float(speech[:, column].std()), 4),
                "p95": round(float(np.percentile(speech[:, column], 95.0)), 4),
            }
            for column, name in enumerate(names)
            if corpus.observed[column]
        },
    }


def co_movement(corpus: CapturedCorpus) -> dict[str, Any]:
    """Return correlations of the channels (52 x 52, 0 where one is still) and of the regions.

    Two regions' figure is the mean absolute correlation over their pairs of moving channels.
    """
    rig = reference_rig()
    curves = np.concatenate([clip.curves for clip in corpus.clips])
    spread = curves.std(axis=0)
    # A channel at rest has a correlation of rounding errors.
    moving = spread > 1e-3
    scaled = np.where(moving, (curves - curves.mean(axis=0)) / np.maximum(spread, 1e-3), 0.0)
    correlation = scaled.T @ scaled / len(curves)
    regions = {}
    for first in rig.regions:
        regions[first] = {
            second: _region_pair(
                correlation, moving, rig.region_columns(first), rig.region_columns(second)
            )
            for second in rig.regions
        }
    return {
        "regions": regions,
        "channels": list(rig.channel_names),
        "correlation": np.round(correlation, 3).tolist(),
    }


def _region_pair(
    correlation: DoubleArray, moving: BoolArray, first: tuple[int, ...], second: tuple[int, ...]
) -> float:
    pairs = [
        abs(float(correlation[a, b]))
        for a in first
        for b in second
        if a != b and moving[a] and moving[b]
    ]
    return round(float(np.mean(pairs)), 3) if pairs else 0.0


def write_json(document: dict[str, Any], path: Path) -> None:
    """Write a document by way of a temporary name.

    Args:
        document: JSON.
        path: File to write.
    """
    temporary = path.with_suffix(".partial")
    # Written under another name: a killed run leaves no half index.
    temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
