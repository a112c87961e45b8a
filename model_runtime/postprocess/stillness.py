"""Hold the lips still in stretches without speech.

A frame of noise can resemble a consonant, but speech consists of syllables: a third of a second of
speech always contains frames that are clearly not silence. Stretches without such frames keep the
median pose around them, which preserves the posture of an emotion and its changes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..arrays import FloatArray, IntArray

SYLLABLE_S = 0.3
"""Averaging time of the evidence of speech: longer than a knock, shorter than a spoken "no"."""
REACH_S = 0.3
"""Speech is extended by this on both sides: lips move before the voice starts and after it ends."""
QUIET, SPEAKING = 0.5, 0.7
"""Averaged evidence below which there is no speech, and above which there certainly is.

Recorded knocks stay below the first, the quietest words of all evaluation corpora above the
second."""
FADE_S = 0.1
POSE_S = 3.0
"""The held pose is the median of the quiet frames in this window; single knocks do not move it."""
POSE_EVERY_S = 0.1
"""Poses are computed at this distance and interpolated linearly."""
BLOCK_POSES = 512
WHISTLE_S = 1.0
"""Averaging time of the share of whistles: about four syllables, so that one /s/ is no whistle."""
WHISTLED, WHISTLE_ONLY = 0.72, 0.88
"""Share of power in narrow peaks above the voice from which the lips calm down, and at which they
hold still. On the dev clips, as they are and whispered, shouted, sung, by telephone, in noise and
under music, 999 of 1000 speech frames stay under .69; nineteen in twenty of birdsong are over .89.
"""
FAINT = 1e-7
"""Power beside which a share means nothing: 10 dB under the floor of the features."""


def speech_presence(silence: FloatArray, frame_rate: float) -> FloatArray:
    """Return the certainty of speech around each frame.

    Args:
        silence: Probability of silence in each frame, shape (T,).
        frame_rate: Frames per second.

    Returns:
        Values in [0, 1], shape (T,); exactly 1 within speech and close to it.
    """
    if not len(silence):
        return np.zeros(0, np.float32)
    evidence = _mean_around(1 - silence.astype(np.float64), SYLLABLE_S * frame_rate)
    reach = round(REACH_S * frame_rate)
    # The maximum around each frame extends speech on both sides.
    near = sliding_window_view(np.pad(evidence, reach), 2 * reach + 1).max(axis=1)
    share = np.clip((near - QUIET) / (SPEAKING - QUIET), 0, 1)
    smooth = _mean_around(share * share * (3 - 2 * share), FADE_S * frame_rate)
    # Rounding of the mean must not touch frames of speech: these stay bit by bit.
    smooth[smooth > 1 - 1e-9] = 1
    presence: FloatArray = np.clip(smooth, 0, 1).astype(np.float32)
    return presence


def presence_of(silence: FloatArray, whistles: FloatArray | None, frame_rate: float) -> FloatArray:
    """Return the certainty of speech around each frame, whistles and birds left out.

    Args:
        silence: Probability of silence in each frame, shape (T,).
        whistles: From ``audio.whistles.whistle_powers``, shape (T, 2); None where it is not known.
        frame_rate: Frames per second.

    Returns:
        Values in [0, 1], shape (T,).
    """
    presence = speech_presence(silence, frame_rate)
    return presence if whistles is None else presence * without_whistles(whistles, frame_rate)


def without_whistles(powers: FloatArray, frame_rate: float) -> FloatArray:
    """Return how far the sound is more than birdsong, whistles or alarms.

    Args:
        powers: From ``audio.whistles.whistle_powers``, shape (T, 2).
        frame_rate: Frames per second.

    Returns:
        Values in [0, 1], shape (T,); exactly 1 wherever voices are a part of the sound.
    """
    if not len(powers):
        return np.zeros(0, np.float32)
    peak, total = (_mean_around(column, WHISTLE_S * frame_rate) for column in powers.T)
    share = np.clip((peak / (total + FAINT) - WHISTLED) / (WHISTLE_ONLY - WHISTLED), 0, 1)
    return np.asarray(1 - share * share * (3 - 2 * share), np.float32)


def hold_still(
    values: FloatArray, columns: Sequence[int], presence: FloatArray, frame_rate: float
) -> FloatArray:
    """Hold some columns still without speech.

    Args:
        values: Curves, shape (T, C).
        columns: Columns to hold.
        presence: From ``speech_presence``, shape (T,).
        frame_rate: Frames per second.

    Returns:
        Shape (T, C). Frames with presence 1 are bit-identical.
    """
    quiet = presence < 1
    if not quiet.any() or not len(columns):
        return values
    frames = np.flatnonzero(quiet)
    every = max(1, round(POSE_EVERY_S * frame_rate))
    # Two knots around each quiet frame, so that only poses in use are computed.
    knots = np.unique(np.concatenate([frames // every, frames // every + 1])) * every
    held, share = values.copy(), presence[frames]
    for column in columns:
        # NaN keeps frames of speech out of the medians.
        masked = np.where(quiet, values[:, column], np.nan)
        poses = np.interp(frames, knots, _poses(masked, knots, frame_rate))
        held[frames, column] = share * values[frames, column] + (1 - share) * poses
    return held


def _poses(values: FloatArray, knots: IntArray, frame_rate: float) -> FloatArray:
    """Return the median of the values (T,), ignoring NaN, around each of the frames ``knots``."""
    reach = round(POSE_S * frame_rate / 2)
    around = np.arange(-reach, reach + 1)
    medians = np.empty(len(knots), np.float32)
    # In blocks, as an hour in one window matrix would take gigabytes.
    for first in range(0, len(knots), BLOCK_POSES):
        at = knots[first : first + BLOCK_POSES, None] + around
        window = values[np.clip(at, 0, len(values) - 1)]
        window[(at < 0) | (at >= len(values))] = np.nan
        window.sort(axis=1)  # NaN last
        # The lower median: a value that occurred, not a mean of two.
        middle = np.maximum(np.isfinite(window).sum(axis=1) - 1, 0) // 2
        medians[first : first + BLOCK_POSES] = window[np.arange(len(window)), middle]
    return medians


def _mean_around(values: np.ndarray, frames: float) -> np.ndarray:
    """Return a centred moving average over about ``frames`` frames; end values are repeated."""
    reach = max(0, round((frames - 1) / 2))
    padded = np.pad(values, reach, mode="edge")
    averages: np.ndarray = sliding_window_view(padded, 2 * reach + 1).mean(axis=1)
    return averages
