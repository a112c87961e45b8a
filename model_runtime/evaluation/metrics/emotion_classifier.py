"""Classify the emotion of a whole clip's curves. numpy only.

Linear discriminant analysis on statistics of each channel over the clip. A clip-level classifier is
the fair one: EMOTE reports 91 % for a video-level classifier against 58 % for a per-frame one
(``shared/docs/cstalk.md``, section 3).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from ...arrays import DoubleArray
from ...curves.track import CurveTrack
from ...errors import BadArgument

SHRINKAGE = 0.1  # of the covariance towards its mean diagonal; clips are fewer than statistics


@dataclasses.dataclass(frozen=True)
class EmotionClassifier:
    """Linear scores of clip statistics; made by :func:`train_classifier`."""

    emotions: tuple[str, ...]
    channels: tuple[str, ...]
    weights: DoubleArray
    """Shape (statistics, emotions)."""
    bias: DoubleArray
    """Shape (emotions,)."""

    def name(self, track: CurveTrack) -> str:
        """Return the likeliest emotion of the curves of a clip.

        Raises:
            KeyError: A channel the classifier was trained on is missing.
        """
        # The largest score, without a softmax: only the order counts.
        scores = clip_statistics(track, self.channels) @ self.weights + self.bias
        return self.emotions[int(scores.argmax())]

    def accuracy(self, examples: Iterable[tuple[CurveTrack, str]]) -> float:
        """Return the share of (curves, emotion) named rightly; NaN for no examples."""
        hits = [self.name(track) == emotion for track, emotion in examples]
        return float(np.mean(hits)) if hits else float("nan")


def clip_statistics(track: CurveTrack, channels: Sequence[str]) -> DoubleArray:
    """Return median and 90th percentile of each channel over a clip, shape (2 * channels,).

    Args:
        track: Curves of the clip.
        channels: Names of the channels.
    """
    values = np.stack([track.column(name) for name in channels], axis=1)
    # Median and 90th percentile: the pose an emotion holds, and what it reaches at its peak.
    return np.concatenate([np.median(values, axis=0), np.percentile(values, 90, axis=0)])


def train_classifier(examples: Iterable[tuple[CurveTrack, str]]) -> EmotionClassifier:
    """Learn from (curves, emotion) pairs, as reference motion or a capture gives them.

    Raises:
        BadArgument: Fewer than two emotions, or an emotion with fewer than two clips.
    """
    tracks, labels = [], []
    for track, emotion in examples:
        tracks.append(track)
        labels.append(emotion)
    emotions = tuple(sorted(set(labels)))
    # A class of one clip has no spread around its mean.
    if len(emotions) < 2 or min(labels.count(emotion) for emotion in emotions) < 2:
        raise BadArgument(
            "An emotion classifier needs two emotions of two clips each, at least",
            hint="Give more clips",
        )
    # Channels common to all: captures lack some.
    channels = tuple(
        name for name in tracks[0].channels if all(name in track.channels for track in tracks)
    )
    statistics = np.stack([clip_statistics(track, channels) for track in tracks])
    classes = np.array([emotions.index(label) for label in labels])
    means = np.stack([statistics[classes == i].mean(axis=0) for i in range(len(emotions))])
    # Pooled: a covariance for each emotion would need far more clips.
    spread = statistics - means[classes]
    covariance = spread.T @ spread / len(statistics)
    # 1e-9: curves that do not move at all would make the matrix singular.
    level = max(float(np.trace(covariance)) / len(covariance), 1e-9)
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * level * np.eye(len(covariance))
    # solve rather than inv: the inverse itself is not needed.
    weights = np.linalg.solve(covariance, means.T)
    bias = -0.5 * np.einsum("es,se->e", means, weights)
    return EmotionClassifier(emotions, channels, weights, bias)
