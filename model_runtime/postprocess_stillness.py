"""Lips hold still where nobody speaks: a dropped pan is no word.

A frame of noise can sound like a consonant, but speech comes in syllables: a third of a second of
it always holds frames that are surely no silence. Where a sound has none of that, the lips keep the
pose they have around that moment, which leaves an emotion's posture and its changes alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .curves.track import FloatArray

SYLLABLE_S = 0.3
"""Evidence of speech is averaged over so much: clatter is shorter, a spoken "no" is not."""
REACH_S = 0.3
"""Speech counts so long before and after itself: lips set out before the sound and settle later."""
QUIET, SPEAKING = 0.5, 0.7
"""Averaged evidence up to which nobody speaks, and from which somebody surely does.

Clatter stays under the first; the quietest words of every corpus here lie beyond the second."""
FADE_S = 0.1
POSE_S = 1.0
"""The held pose is the median over so much."""
BLOCK_FRAMES = 2048


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
    quiet = np.flatnonzero(presence < 1)
    if not len(quiet) or not len(columns):
        return values
    held = values.copy()
    reach = round(POSE_S * frame_rate / 2)
    around = np.arange(-reach, reach + 1)
    for first in range(0, len(quiet), BLOCK_FRAMES):
        frames = quiet[first : first + BLOCK_FRAMES]
        window = np.clip(frames[:, None] + around, 0, len(values) - 1)
        share = presence[frames]
        for column in columns:
            pose = np.median(values[:, column][window], axis=1)
            held[frames, column] = share * values[frames, column] + (1 - share) * pose
    return held


def _mean_around(values: np.ndarray, frames: float) -> np.ndarray:
    """Centred moving average over an odd number of frames near ``frames``; the ends hold."""
    reach = max(0, round((frames - 1) / 2))
    padded = np.pad(values, reach, mode="edge")
    averages: np.ndarray = sliding_window_view(padded, 2 * reach + 1).mean(axis=1)
    return averages
