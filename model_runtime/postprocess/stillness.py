"""Lips hold still where nobody speaks: a dropped pan is no word.

A frame of noise can sound like a consonant, but speech comes in syllables: a third of a second of
it always holds frames that are surely no silence. Where a sound has none of that, the lips keep the
pose they have around that moment, which leaves an emotion's posture and its changes alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..arrays import FloatArray, IntArray

SYLLABLE_S = 0.3
"""Evidence of speech is averaged over so much: clatter is shorter, a spoken "no" is not."""
REACH_S = 0.3
"""Speech counts so long before and after itself: lips set out before the sound and settle later."""
QUIET, SPEAKING = 0.5, 0.7
"""Averaged evidence up to which nobody speaks, and from which somebody surely does.

Clatter stays under the first; the quietest words of every corpus here lie beyond the second."""
FADE_S = 0.1
POSE_S = 3.0
"""The held pose is the median of the quiet frames within so much: several knocks do not move it."""
POSE_EVERY_S = 0.1
"""Poses are found so far apart, with straight lines between them."""
BLOCK_POSES = 512


def speech_presence(silence: FloatArray, frame_rate: float) -> FloatArray:
    """How surely somebody speaks about each frame, 0 to 1.

    Args:
        silence: Probability of silence in each frame, shape (T,).
        frame_rate: Frames per second.

    Returns:
        Shape (T,); exactly 1 within speech and near it.
    """
    if not len(silence):
        return np.zeros(0, np.float32)
    evidence = _mean_around(1 - silence.astype(np.float64), SYLLABLE_S * frame_rate)
    reach = round(REACH_S * frame_rate)
    near = sliding_window_view(np.pad(evidence, reach), 2 * reach + 1).max(axis=1)
    share = np.clip((near - QUIET) / (SPEAKING - QUIET), 0, 1)
    smooth = _mean_around(share * share * (3 - 2 * share), FADE_S * frame_rate)
    smooth[smooth > 1 - 1e-9] = 1
    presence: FloatArray = np.clip(smooth, 0, 1).astype(np.float32)
    return presence


def hold_still(
    values: FloatArray, columns: Sequence[int], presence: FloatArray, frame_rate: float
) -> FloatArray:
    """Curves (T, C) whose ``columns`` rest where ``presence`` (T,) says that nobody speaks.

    Frames with presence 1 stay as they are, bit by bit.
    """
    quiet = presence < 1
    if not quiet.any() or not len(columns):
        return values
    frames = np.flatnonzero(quiet)
    every = max(1, round(POSE_EVERY_S * frame_rate))
    knots = np.unique(np.concatenate([frames // every, frames // every + 1])) * every
    held, share = values.copy(), presence[frames]
    for column in columns:
        masked = np.where(quiet, values[:, column], np.nan)
        poses = np.interp(frames, knots, _poses(masked, knots, frame_rate))
        held[frames, column] = share * values[frames, column] + (1 - share) * poses
    return held


def _poses(values: FloatArray, knots: IntArray, frame_rate: float) -> FloatArray:
    """Median of the values, shape (T,), NaN left out, around each of the frames ``knots``."""
    reach = round(POSE_S * frame_rate / 2)
    around = np.arange(-reach, reach + 1)
    medians = np.empty(len(knots), np.float32)
    for first in range(0, len(knots), BLOCK_POSES):
        at = knots[first : first + BLOCK_POSES, None] + around
        window = values[np.clip(at, 0, len(values) - 1)]
        window[(at < 0) | (at >= len(values))] = np.nan
        window.sort(axis=1)  # NaN last
        middle = np.maximum(np.isfinite(window).sum(axis=1) - 1, 0) // 2
        medians[first : first + BLOCK_POSES] = window[np.arange(len(window)), middle]
    return medians


def _mean_around(values: np.ndarray, frames: float) -> np.ndarray:
    """Centred moving average over an odd number of frames near ``frames``; the ends hold."""
    reach = max(0, round((frames - 1) / 2))
    padded = np.pad(values, reach, mode="edge")
    averages: np.ndarray = sliding_window_view(padded, 2 * reach + 1).mean(axis=1)
    return averages
