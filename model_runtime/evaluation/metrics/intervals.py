"""Compute 95 % confidence intervals of shares and means. numpy only."""

from __future__ import annotations

import math

import numpy as np

from ...arrays import DoubleArray

NORMAL_95 = 1.959964  # two-sided 95 % quantile of the normal distribution
RESAMPLES = 1000
SEED = 95


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share; NaN for no cases.

    Args:
        hits: Cases that count.
        total: All cases.
    """
    if total <= 0:
        return math.nan, math.nan
    z2 = NORMAL_95**2
    share = hits / total
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    spread = share * (1 - share) / total + z2 / (4 * total**2)
    # Unlike share +- 1.96 s, it stays within [0, 1] and is not empty at 0 or all hits.
    half = NORMAL_95 / (1 + z2 / total) * math.sqrt(spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap_mean(values: DoubleArray) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of the mean over resampled values.

    Args:
        values: One value a clip, shape (n,); NaN for fewer than two.
    """
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return math.nan, math.nan
    # A fixed seed: the same figures give the same interval.
    random = np.random.default_rng(SEED)
    # Clips are resampled, not frames: frames of one clip are not independent.
    picks = random.integers(0, len(known), size=(RESAMPLES, len(known)))
    low, high = np.percentile(known[picks].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
