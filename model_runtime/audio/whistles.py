"""Measure whistling: sounds that are one narrow peak above the voice, such as birdsong. numpy only.

A voice has most of its power under 1.5 kHz, and its hiss above is broad. Birds, whistles and alarms
hold theirs in a narrow peak above: no phone classifier learns that, since it never hears them.
"""

from __future__ import annotations

import functools

import numpy as np

from ..arrays import FloatArray
from ..config import FeatureConfig
from .features import LOG_CENTRE, LOG_SCALE, mel_centres_hz

LOWEST_HZ = 1500.0
"""Whistles of birds lie above; the fundamentals of children's and sung voices far below."""
PEAK_BANDS = 5
"""Width of a peak in mel bands: about 1 kHz at 5 kHz. Half of an /s/ is wider."""


def whistle_powers(features: FloatArray, config: FeatureConfig) -> FloatArray:
    """Return the power of the strongest narrow peak above the voice, and all power.

    Args:
        features: Log-mel, two rows a model frame, shape (2 T, M).
        config: Feature settings.

    Returns:
        Shape (T, 2); the first is at most the second.
    """
    power = np.float32(10.0) ** (features * np.float32(LOG_SCALE) + np.float32(LOG_CENTRE))
    power = np.maximum(power - np.float32(config.floor), 0)
    sums = np.cumsum(np.pad(power, ((0, 0), (1, 0))), axis=1)
    peaks = sums[:, PEAK_BANDS:] - sums[:, :-PEAK_BANDS]
    highest = peaks[:, _first_band(config) :].max(axis=1)
    both = np.stack([highest, sums[:, -1]], axis=1)
    return np.asarray(both.reshape(-1, 2, 2).sum(axis=1), np.float32)


@functools.cache
def _first_band(config: FeatureConfig) -> int:
    return int(np.searchsorted(mel_centres_hz(config), LOWEST_HZ))
