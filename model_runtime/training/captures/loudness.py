"""Measure the loudness of a clip, where it is silent, and how far a face lags behind it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from ...arrays import DoubleArray

HOP_S = 0.01
WINDOW_S = 0.025
FLOOR_DB = 50.0
"""Loudness is cut off this far below the clip's loudest window."""
LAG_FLOOR_DB = 35.0
"""For the lag, loudness is cut off here: the noise between words says nothing about the face."""
SILENCE_SHARE = 0.35
"""Silence lies below this share of the way from the clip's 10th percentile to its loudest."""
SILENCE_MARGIN_S = 0.1
"""Distance that rest frames keep from sound, for the lips move before and after it."""
LARGEST_LAG_S = 0.15


@dataclasses.dataclass(frozen=True)
class Loudness:
    """Loudness above a floor, dB 0..FLOOR_DB, one value each HOP_S, value i at i * HOP_S."""

    decibels: DoubleArray
    duration_s: float

    def at(self, times_s: DoubleArray) -> DoubleArray:
        """Return the loudness at ``times_s``, held beyond the ends."""
        return np.interp(times_s, np.arange(len(self.decibels)) * HOP_S, self.decibels)

    def silent(self, times_s: DoubleArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Return whether nothing sounds within SILENCE_MARGIN_S of each time."""
        reach = round(SILENCE_MARGIN_S / HOP_S)
        # Relative to the clip: recordings differ in level and noise.
        quiet = float(np.percentile(self.decibels, 10.0))
        threshold = quiet + SILENCE_SHARE * (FLOOR_DB - quiet)
        loud = (self.decibels > threshold).astype(np.float64)
        # Widened by the margin on both sides.
        near = np.convolve(loud, np.ones(2 * reach + 1), mode="same") > 0.5
        index = np.clip(np.round(times_s / HOP_S).astype(int), 0, len(near) - 1)
        return np.asarray(~near[index], bool)


def read_loudness(path: Path) -> Loudness:
    """Return the loudness of an audio file. Raises what soundfile raises."""
    import soundfile

    samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    return measure_loudness(samples.mean(axis=1), rate)


def measure_loudness(samples: DoubleArray, rate: int) -> Loudness:
    """Return the loudness of mono samples; windows are centred on their times.

    Args:
        samples: Shape (n,).
        rate: Hz.
    """
    window, hop = round(WINDOW_S * rate), round(HOP_S * rate)
    # Padded by half a window, so that window i is centred on its time.
    padded = np.pad(samples.astype(np.float64), window // 2)
    # A running sum: windows overlap, and each sample is squared once.
    power = np.concatenate([[0.0], np.cumsum(padded**2)])
    starts = np.arange(0, len(samples), hop)
    energy = (power[starts + window // 2 * 2] - power[starts]) / window
    decibels = 10.0 * np.log10(np.maximum(energy, 1e-12))
    return Loudness(
        np.maximum(decibels - decibels.max() + FLOOR_DB, 0.0), float(len(samples) / rate)
    )


def lag_profile(curve: DoubleArray, fps: float, sound: Loudness) -> tuple[DoubleArray, DoubleArray]:
    """Return the correlation of a curve with loudness for each lag: (lags in s, correlations).

    At lag L frame k is compared with the loudness at ``k / fps - L``: a positive L that fits best
    means that the curve comes *later* than the sound.

    Args:
        curve: Shape (frames,).
        fps: Frames a second of the curve.
        sound: Loudness of the audio.
    """
    lags = np.arange(-LARGEST_LAG_S, LARGEST_LAG_S + 1e-9, 0.005)
    times = np.arange(len(curve)) / fps
    centred = curve - curve.mean()
    values = np.empty(len(lags))
    for i, lag in enumerate(lags):
        # Raised floor: noise between words would dominate the correlation of a quiet clip.
        loud = np.maximum(sound.at(times - lag), FLOOR_DB - LAG_FLOOR_DB)
        loud = loud - loud.mean()
        values[i] = (
            centred @ loud / max(float(np.linalg.norm(centred) * np.linalg.norm(loud)), 1e-9)
        )
    return lags, values


def best_lag(profiles: list[tuple[DoubleArray, DoubleArray]]) -> tuple[float, float]:
    """Return the lag in s of the best mean correlation of clips, and that correlation."""
    lags = profiles[0][0]
    # The mean over clips has a clearer peak than a single clip.
    mean = np.mean([values for _, values in profiles], axis=0)
    top = int(np.argmax(mean))
    return float(lags[top]), float(mean[top])
