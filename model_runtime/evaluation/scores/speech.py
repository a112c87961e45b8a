"""Score the lips of many clips taken together, and by speaker or language."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...arrays import DoubleArray
from ..data.clips import SpokenClip
from ..metrics import speech as metrics
from ..metrics.speech import LipCurves

MeasuredClip: TypeAlias = tuple[SpokenClip, LipCurves]
Value = TypeVar("Value", bound=np.generic)


@dataclasses.dataclass(frozen=True)
class SpeechScores:
    """Phones of all clips pooled; correlation is the mean and lag the median over clips."""

    clips: int
    bilabials: int
    closure: float
    mistakes: float
    auc: float
    openness_correlation: float
    lag_s: float
    width_auc: float
    linguals: int = 0
    correlations: tuple[float, ...] = ()
    """With the expected openness, one a clip."""


def score_speech(measured: Sequence[MeasuredClip]) -> SpeechScores:
    """Return the lip metrics over clips; NaN in a figure for which the clips hold no phone."""
    # Phones of all clips pooled: clips with few m, b, p would otherwise count as much as long ones.
    minima = _pooled(measured, metrics.bilabial_minima)
    maxima = _pooled(measured, metrics.open_vowel_maxima)
    linguals = _pooled(measured, metrics.lingual_maxima)
    correlations, lags = zip(*(_follow(clip, lips) for clip, lips in measured), strict=True)
    return SpeechScores(
        clips=len(measured),
        bilabials=len(minima),
        closure=metrics.closure_rate(minima),
        mistakes=metrics.mistake_rate(linguals),
        auc=metrics.auc(maxima, minima),
        openness_correlation=float(np.mean(correlations)),
        # The median: a clip whose lag is found at the wrong peak does not shift it.
        lag_s=float(np.median(lags)),
        width_auc=metrics.auc(
            _widths(measured, metrics.SPREAD), _widths(measured, metrics.ROUNDED)
        ),
        linguals=len(linguals),
        correlations=tuple(correlations),
    )


def score_groups(
    measured: Sequence[MeasuredClip], group: Callable[[SpokenClip], str]
) -> dict[str, SpeechScores]:
    """Return the scores of each group of clips, by its name, sorted.

    Args:
        measured: Clips and their lips.
        group: Name of the group of a clip, for example its speaker.
    """
    groups: dict[str, list[MeasuredClip]] = {}
    for clip, lips in measured:
        groups.setdefault(group(clip), []).append((clip, lips))
    # Sorted: the table's rows do not depend on the order of clips.
    return {name: score_speech(groups[name]) for name in sorted(groups)}


def _pooled(
    measured: Sequence[MeasuredClip],
    metric: Callable[[LipCurves, Sequence[metrics.TimedPhone]], NDArray[Value]],
) -> NDArray[Value]:
    return np.concatenate([metric(lips, clip.phones) for clip, lips in measured])


def _widths(measured: Sequence[MeasuredClip], which: frozenset[str]) -> DoubleArray:
    return _pooled(measured, lambda lips, phones: metrics.phone_widths(lips, phones, which))


def _follow(clip: SpokenClip, lips: LipCurves) -> tuple[float, float]:
    expected = metrics.expected_openness(clip.phones, fps=lips.fps, frames=len(lips.gap))
    return (
        metrics.correlation(lips.gap, expected),
        metrics.lag_s(lips.gap, expected, fps=lips.fps),
    )
