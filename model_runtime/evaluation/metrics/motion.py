"""Measure motion against a reference, over regions and against the audio. numpy only.

Definitions follow ``shared/docs/cstalk.md`` section 3, which names the paper or code of each.
Numbers of different papers are not comparable; the docstrings say which variant is computed here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...arrays import DoubleArray
from .speech import correlation

# As in SAiD's code; another width gives figures that no paper has.
BEAT_SIGMA_S = 0.1  # width of a beat match (SAiD)
STILL_STD = 1e-3  # of a channel's unit range: less is no motion, and has no correlation


def acceleration_energy(values: DoubleArray, *, fps: float) -> float:
    """Return the mean squared second difference of curves, in units / s^2 squared.

    The figure of jitter: compare it with that of reference motion. 0 for under three frames.

    Args:
        values: Curves, shape (frames, channels).
        fps: Frames a second.
    """
    # Two differences need three frames.
    if len(values) < 3:
        return 0.0
    # In seconds: the figure must not depend on the frame rate.
    return float(np.mean((np.diff(values, n=2, axis=0) * fps**2) ** 2))


def motion_range(values: DoubleArray) -> DoubleArray:
    """Return the 95th minus the 5th percentile of each channel of (frames, channels)."""
    # Percentiles: one outlier frame is not the range of a channel.
    low, high = np.percentile(values, [5, 95], axis=0)
    return np.asarray(high - low)


def mouth_opening_difference(predicted: DoubleArray, reference: DoubleArray) -> float:
    """Return the MOD: mean absolute difference of two mouth openings.

    Args:
        predicted: Mouth opening, shape (frames,).
        reference: The same for the reference motion.
    """
    return float(np.mean(np.abs(predicted - reference)))


def lip_vertex_error(predicted: DoubleArray, reference: DoubleArray) -> float:
    """Return the LVE: largest *squared* distance over lip vertices, mean over frames.

    Args:
        predicted: Positions of the lip vertices, shape (frames, vertices, 3).
        reference: The same for the reference motion.
    """
    # Squared, as in CodeTalker's code; papers that take the root have other numbers.
    return float(np.mean(np.sum((predicted - reference) ** 2, axis=2).max(axis=1)))


def eye_vertex_error(predicted: DoubleArray, reference: DoubleArray) -> float:
    """Return the EVE (EmoTalk): as LVE, over the vertices of eyes and forehead.

    Args:
        predicted: Positions, shape (frames, vertices, 3).
        reference: The same for the reference motion.
    """
    return lip_vertex_error(predicted, reference)


def mean_vertex_error(predicted: DoubleArray, reference: DoubleArray) -> float:
    """Return the MVE: mean distance over vertices and frames.

    Args:
        predicted: Positions, shape (frames, vertices, 3).
        reference: The same for the reference motion.
    """
    return float(np.mean(np.linalg.norm(predicted - reference, axis=2)))


def upper_face_dynamics_deviation(predicted: DoubleArray, reference: DoubleArray) -> float:
    """Return the FDD (CodeTalker), *signed*: positive where less moves than in the reference.

    Args:
        predicted: Displacement from neutral of upper-face vertices, shape (frames, vertices, 3).
        reference: The same for the reference motion; the number of frames may differ.

    Returns:
        Mean over vertices of the difference of the standard deviation over time of the squared
        displacement, reference minus prediction. Report its absolute value beside it.
    """
    return float(np.mean(_dynamics(reference) - _dynamics(predicted)))


def speech_lip_correlation(loudness: DoubleArray, lip_displacement: DoubleArray) -> float:
    """Return the SLCC (arXiv 2503.20308): correlation of speech and lip intensity.

    Both are z-normalised by the correlation itself. The paper compares |r_model - r_data|.

    Args:
        loudness: Log energy of the audio, shape (frames,).
        lip_displacement: Lip intensity, shape (frames,).
    """
    return correlation(loudness, lip_displacement)


def sound_beats_s(loudness: DoubleArray, *, fps: float) -> DoubleArray:
    """Return times of the beats of speech: the steepest rises of loudness, about one a syllable.

    Local maxima of the first difference of ``loudness`` (decades, shape (frames,)) that exceed the
    standard deviation of that difference.

    Args:
        loudness: Decades, shape (frames,).
        fps: Frames a second.
    """
    # prepend keeps the length, so that an index is a time.
    rise = np.diff(loudness, prepend=loudness[:1])
    return _peaks(rise, threshold=float(rise.std())) / fps


def motion_beats_s(values: DoubleArray, *, fps: float) -> DoubleArray:
    """Return times of kinematic beats (SAiD): local minima of the speed.

    Args:
        values: Curves, shape (frames, channels).
        fps: Frames a second.
    """
    speed = np.linalg.norm(np.diff(values, axis=0), axis=1)
    # + 0.5: a difference lies between two frames.
    return (_peaks(-speed, threshold=-np.inf) + 0.5) / fps


def beat_consistency(sound_s: DoubleArray, motion_s: DoubleArray) -> float:
    """Return the beat consistency (SAiD): how near kinematic beats are to those of the audio.

    The mean over beats of speech of exp(-d^2 / (2 * 0.1^2)), d seconds to the nearest kinematic
    beat: 1 where every beat meets one, 0 without motion; NaN without speech.

    Args:
        sound_s: Times of the beats of speech.
        motion_s: Times of kinematic beats.
    """
    if not len(sound_s):
        return float("nan")
    if not len(motion_s):
        return 0.0
    distance = np.abs(sound_s[:, None] - motion_s[None, :]).min(axis=1)
    return float(np.mean(np.exp(-(distance**2) / (2 * BEAT_SIGMA_S**2))))


def channel_correlations(values: DoubleArray) -> DoubleArray:
    """Return the correlation matrix of channels; 0 for a channel that stands still.

    Args:
        values: Curves of one or many clips one after another, shape (frames, channels).
    """
    centred = values - values.mean(axis=0)
    # Channels at rest are set to 0 rather than left out: both matrices must have the same shape.
    scale = centred.std(axis=0)
    moving = scale > STILL_STD
    unit = np.where(moving, centred / np.where(moving, scale, 1.0), 0.0)
    return unit.T @ unit / len(values)


def region_correlation_distance(
    generated: DoubleArray, reference: DoubleArray, region_of: Sequence[int]
) -> float:
    """Return how differently regions move together, as a distance of correlations.

    For every pair of regions the RMS difference of the correlations between their channels, then
    the mean over pairs; 0 for equal co-movement, at most 2. Channels of one region are not compared
    with each other. Report the motion range beside it: without motion nothing is correlated.

    Args:
        generated: Curves, shape (frames, channels).
        reference: Curves with the same channels; the number of frames may differ.
        region_of: Region index of each channel.
    """
    difference = channel_correlations(generated) - channel_correlations(reference)
    regions = np.asarray(region_of)
    pairs = []
    for a in np.unique(regions):
        for b in np.unique(regions):
            # Each pair of regions once.
            if a < b:
                block = difference[np.ix_(regions == a, regions == b)]
                pairs.append(float(np.sqrt(np.mean(block**2))))
    return float(np.mean(pairs)) if pairs else float("nan")


def _dynamics(displacement: DoubleArray) -> DoubleArray:
    squared = np.sum(displacement**2, axis=2)
    return np.asarray(squared.std(axis=0))


def _peaks(values: DoubleArray, *, threshold: float) -> DoubleArray:
    inner = values[1:-1]
    # >= on one side: a flat top counts once.
    is_peak = (inner > values[:-2]) & (inner >= values[2:]) & (inner > threshold)
    return np.flatnonzero(is_peak).astype(float) + 1
