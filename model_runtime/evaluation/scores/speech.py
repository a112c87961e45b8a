"""The lip metrics of many clips taken together, and by speaker or language."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...arrays import BoolArray, DoubleArray
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
    tucked: float
    """Share of f/v; NaN where there is none."""
    rolled: float
    """Share of open vowels and linguals in which the lower lip is rolled by mistake."""


def score_speech(measured: Sequence[MeasuredClip]) -> SpeechScores:
    """The lip metrics over clips; NaN in a figure for which the clips hold no phone."""
    minima = _pooled(measured, metrics.bilabial_minima)
    maxima = _pooled(measured, metrics.open_vowel_maxima)
    correlations, lags = zip(*(_follow(clip, lips) for clip, lips in measured), strict=True)
    return SpeechScores(
        clips=len(measured),
        bilabials=len(minima),
        closure=metrics.closure_rate(minima),
        mistakes=metrics.mistake_rate(_pooled(measured, metrics.lingual_maxima)),
        auc=metrics.auc(maxima, minima),
        openness_correlation=float(np.mean(correlations)),
        lag_s=float(np.median(lags)),
        width_auc=metrics.auc(
            _widths(measured, metrics.SPREAD), _widths(measured, metrics.ROUNDED)
        ),
        tucked=_share(_pooled(measured, metrics.tucked)),
        rolled=_share(_pooled(measured, metrics.rolled_by_mistake)),
    )


def score_groups(
    measured: Sequence[MeasuredClip], group: Callable[[SpokenClip], str]
) -> dict[str, SpeechScores]:
    """Scores of each group of clips (a speaker, a language), by its name, sorted."""
    groups: dict[str, list[MeasuredClip]] = {}
    for clip, lips in measured:
        groups.setdefault(group(clip), []).append((clip, lips))
    return {name: score_speech(groups[name]) for name in sorted(groups)}


def _pooled(
    measured: Sequence[MeasuredClip],
    metric: Callable[[LipCurves, Sequence[metrics.TimedPhone]], NDArray[Value]],
) -> NDArray[Value]:
    return np.concatenate([metric(lips, clip.phones) for clip, lips in measured])


def _share(answers: BoolArray) -> float:
    return float(answers.mean()) if len(answers) else float("nan")


def _widths(measured: Sequence[MeasuredClip], which: frozenset[str]) -> DoubleArray:
    return _pooled(measured, lambda lips, phones: metrics.phone_widths(lips, phones, which))


def _follow(clip: SpokenClip, lips: LipCurves) -> tuple[float, float]:
    expected = metrics.expected_openness(clip.phones, fps=lips.fps, frames=len(lips.gap))
    return (
        metrics.correlation(lips.gap, expected),
        metrics.lag_s(lips.gap, expected, fps=lips.fps),
    )
