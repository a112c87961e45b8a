"""Compute the layers of the generator in numpy: activations, norm and bounded attention.

Axes: T frames, D width, H heads, d width of a head, N blocks, R reach.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from ..arrays import FloatArray

NORM_EPSILON: Final = 1e-5
"""torch.nn.LayerNorm's default."""
BLOCK_ROWS: Final = 64
"""Rows in a block of an activation: 64 KB at 256 channels, so that its passes stay in the cache."""
MASKED: Final = np.float32(-1e4)
"""Score of a frame that is out of reach, as in ``model.attention``."""

# Abramowitz and Stegun 7.1.26: erf within 1.5e-7 for x >= 0.
_ERF_P = np.float32(0.3275911)
_ERF_A = [
    np.float32(a) for a in (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
]


def gelu(x: FloatArray) -> FloatArray:
    """Return ``x * (1 + erf(x / sqrt(2))) / 2`` within 1e-6, in place; x of shape (T, D)."""
    for start in range(0, len(x), BLOCK_ROWS):
        block = x[start : start + BLOCK_ROWS]
        # erf by a polynomial: numpy has none, and math.erf is scalar.
        magnitude = np.abs(block) * np.float32(np.sqrt(0.5))
        t = 1 / (1 + _ERF_P * magnitude)
        series = _ERF_A[4] * t
        for coefficient in reversed(_ERF_A[:4]):
            series += coefficient
            series *= t
        magnitude *= -magnitude
        series *= np.exp(magnitude, out=magnitude)
        # The order of these lines saves three temporaries of the block's size.
        # series is erfc(|x| / sqrt 2); half of it times x is what gelu lacks to x, or is.
        series *= block
        series *= np.float32(0.5)
        # erfc is that of |x|: for negative x it is the share that is kept.
        np.copyto(block, np.where(block >= 0, block - series, series))
    return x


def hard_swish(x: FloatArray) -> FloatArray:
    """Return ``x * clip(x / 6 + 1 / 2, 0, 1)`` in place; x of shape (T, D)."""
    sixth, half = np.float32(1 / 6), np.float32(0.5)
    # One buffer for all blocks.
    gate = np.empty((min(BLOCK_ROWS, len(x)), x.shape[1]), np.float32)
    for start in range(0, len(x), BLOCK_ROWS):
        block = x[start : start + BLOCK_ROWS]
        part = gate[: len(block)]
        np.multiply(block, sixth, out=part)
        part += half
        np.clip(part, 0, 1, out=part)
        block *= part
    return x


ACTIVATIONS: Final[dict[str, Callable[[FloatArray], FloatArray]]] = {
    "gelu": gelu,
    "hard_swish": hard_swish,
}
"""By the name in ``GeneratorConfig.activation``."""


def layer_norm(x: FloatArray, gain: FloatArray, bias: FloatArray) -> FloatArray:
    """Return each row of x normalised over its channels.

    Args:
        x: Shape (T, D).
        gain: Shape (D,).
        bias: Shape (D,).
    """
    # Two passes: the one-pass variance loses digits for large means.
    centred = x - x.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", centred, centred) / np.float32(x.shape[1])
    centred *= (1 / np.sqrt(variance + np.float32(NORM_EPSILON)))[:, None]
    centred *= gain
    centred += bias
    out: FloatArray = centred
    return out


def softmax(x: FloatArray) -> FloatArray:
    """Return probabilities along the rows of (T, P)."""
    # The maximum is taken off: exp of a large logit overflows.
    shifted = np.exp(x - x.max(axis=1, keepdims=True))
    out: FloatArray = shifted / shifted.sum(axis=1, keepdims=True)
    return out


def distance_bias(distance: FloatArray) -> FloatArray:
    """Return the bias (H, R, 3 R) of a block's queries against three blocks of keys.

    Args:
        distance: Bias by distance from -R to R, shape (H, 2 R + 1). Keys beyond are masked.
    """
    reach = distance.shape[1] // 2
    # Distance of key column j from query row i, block of keys before included.
    offsets = np.arange(3 * reach)[None] - reach - np.arange(reach)[:, None]
    bias = distance[:, np.clip(offsets, -reach, reach) + reach]
    # Masked by a finite score, as in torch: -inf minus -inf is NaN.
    out: FloatArray = np.where(np.abs(offsets) <= reach, bias, MASKED)
    return out


def bounded_attention(mixed: FloatArray, bias: FloatArray) -> FloatArray:
    """Return the attended values (T, D).

    Args:
        mixed: Queries, keys and values side by side, shape (T, 3 D).
        bias: See ``distance_bias``, shape (H, R, 3 R).
    """
    heads, reach = bias.shape[0], bias.shape[1]
    frames, width = len(mixed), mixed.shape[1] // 3
    size = width // heads
    blocks = -(-frames // reach)
    # A block of zeros on either side, so that the first and last block need no special case.
    padded = np.zeros(((blocks + 2) * reach, 3, heads, size), np.float32)
    padded[reach : reach + frames] = mixed.reshape(frames, 3, heads, size)
    # Queries are scaled once instead of the larger scores.
    padded[:, 0] *= np.float32(size**-0.5)
    out = np.empty((blocks * reach, heads, size), np.float32)
    place = np.arange(3 * reach) - reach
    for block in range(blocks):
        start = block * reach
        rows = padded[start : start + 3 * reach].transpose(1, 2, 0, 3)  # (3, H, 3 R, d)
        scores = rows[0][:, reach : 2 * reach] @ rows[1].transpose(0, 2, 1)
        scores += bias
        # Only blocks at the ends have keys outside the clip.
        if block == 0 or start + 2 * reach > frames:
            outside = (place + start < 0) | (place + start >= frames)
            scores[:, :, outside] = MASKED
        # In place from here: the scores are the largest array.
        scores -= scores.max(axis=2, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=2, keepdims=True)
        out[start : start + reach] = (scores @ rows[2]).transpose(1, 0, 2)
    return np.ascontiguousarray(out[:frames].reshape(frames, width))
