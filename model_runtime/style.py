"""Compute seeded style noise, which varies a performance from seed to seed. numpy only.

Value noise: an independent normal number at each knot, half a second apart, interpolated smoothly.
A knot depends on (seed, channel, knot) alone, through a counter-based hash, so any range of frames
can be computed by itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .arrays import DoubleArray, FloatArray, IntArray

KNOT_SPACING_S = 0.5
"""Half a second, the usual distance of stressed syllables."""
MAX_SIGMA = 3.0
"""Noise is clipped here, so that inference stays within the range seen in training."""

# SplitMix64 (Steele, Lea and Flood 2014).
_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def style_noise(
    seed: int, *, channels: int, frame_rate: float, first_frame: int, frames: int
) -> FloatArray:
    """Return the noise of some model frames; any range gives the same values.

    Args:
        seed: Any integer.
        channels: Width of the model's style input.
        frame_rate: Model frames per second.
        first_frame: First frame, 0 or later.
        frames: Number of frames.

    Returns:
        Shape (frames, channels), of mean 0 and variance 1 at every frame, within [-3, 3].
    """
    # Positions from the absolute frame number, so that windows agree bit by bit.
    position = (first_frame + np.arange(frames)) / (frame_rate * KNOT_SPACING_S)
    knots = np.floor(position).astype(np.int64)
    fraction = (position - knots)[:, None]
    # Smoothstep: no kink at the knots.
    blend = fraction * fraction * (3 - 2 * fraction)
    left = _normals(seed, knots, channels)
    right = _normals(seed, knots + 1, channels)
    # The divisor keeps the variance of a blend of two independent numbers at 1.
    noise = (left * (1 - blend) + right * blend) / np.sqrt((1 - blend) ** 2 + blend**2)
    return np.clip(noise, -MAX_SIGMA, MAX_SIGMA).astype(np.float32)


def _normals(seed: int, knots: IntArray, channels: int) -> DoubleArray:
    """Return a normal number for each (seed, channel, knot), shape (knots, channels)."""
    # Python's modulo makes negative seeds valid.
    start = np.uint64(seed % 2**64)
    lanes = np.arange(channels, dtype=np.uint64)
    keys = _hash(_hash(np.full(channels, start)) + lanes)
    counters = _hash(keys + knots.astype(np.uint64)[:, None])
    # 53 bits, the digits of a float64.
    first = (counters >> np.uint64(11)) * 2.0**-53
    second = (_hash(counters) >> np.uint64(11)) * 2.0**-53
    # Box-Muller transform; 1 - first is never 0.
    normals: DoubleArray = np.sqrt(-2 * np.log(1 - first)) * np.cos(2 * np.pi * second)
    return normals


def _hash(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return SplitMix64 of each element; arithmetic modulo 2**64."""
    z = values + _INCREMENT
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))
