"""Smooth curves without delay and keep single poses, such as closed lips. numpy only."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray

KERNEL_SIGMAS = 3
"""The Gaussian is truncated where it has fallen to 1 %."""


def smoothed(values: FloatArray, sigma: float) -> FloatArray:
    """Smooth with a Gaussian; the end poses continue beyond the ends.

    Args:
        values: Shape (frames, channels).
        sigma: Standard deviation in frames, not negative.
    """
    reach = math.ceil(KERNEL_SIGMAS * sigma)
    if not reach or len(values) < 2:
        return values
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    out = np.zeros(values.shape, np.float64)
    # A tap at a time: each step works on all channels at once, where numpy.convolve takes one.
    for first, weight in enumerate(kernel):
        out += weight * padded[first : first + len(values)]
    return out.astype(np.float32)


def keeping_weights(kept: NDArray[np.intp], count: int, sigma: float) -> NDArray[np.float64]:
    """Return how much of the unsmoothed curve each frame keeps.

    Args:
        kept: Frames that stay as they are, ascending.
        count: Frames of the curve.
        sigma: Standard deviation of the smoothing in frames.

    Returns:
        1 at the kept frames, falling to 0 within two standard deviations, shape (count,).
    """
    if not len(kept):
        return np.zeros(count)
    frames = np.arange(count)
    after = np.searchsorted(kept, frames)
    right = kept[np.minimum(after, len(kept) - 1)]
    left = kept[np.maximum(after - 1, 0)]
    distance = np.minimum(np.abs(frames - left), np.abs(frames - right))
    near = np.clip(1 - distance / (2 * sigma), 0, 1)
    weights: NDArray[np.float64] = np.where(distance == 0, 1.0, 0.5 - 0.5 * np.cos(np.pi * near))
    return weights
