"""Fit the emotion classifier by kernel ridge regression, and cross-validate it on voices left out.

The regression is scikit-learn's and solved exactly: no steps, no random start.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import LeaveOneGroupOut

from ...arrays import BoolArray, DoubleArray, IntArray
from ...choices import EMOTIONS
from ...emotion.classifier import EmotionModel, kernel, merged, standardised
from ...errors import BadArgument
from .voice_data import READ, Voices

KERNEL_WIDTH = 0.3
RIDGE = 0.5
"""These two, and the weight of read speech, were the best of a coarse grid on speakers left out."""
SHARPNESSES = tuple(np.geomspace(1, 12, 23).round(3).tolist())
UNFITTED_SHARPNESS = 4.0
SPREAD_FLOOR = 1e-3  # keeps a statistic that never varies from being divided by 0
IGNORED = 1e12  # spread of a statistic that must not count: every deviation becomes 0

Columns = slice | None
"""Statistics that the classifier may look at; None for all."""


@dataclasses.dataclass(frozen=True)
class CrossValidation:
    """Scores of clips by classifiers that never saw their speaker; n clips."""

    clips: IntArray
    """Index of each clip in ``Voices``, shape (n,)."""
    scores: DoubleArray
    """Mean over the clip's windows, shape (n, K)."""
    classes: tuple[str, ...]
    """Emotion of each class."""

    def probabilities(self, sharpness: float) -> DoubleArray:
        """Return the probability of each of ``emotions``, shape (n, E)."""
        return merged(self.scores, self.classes, self.emotions, sharpness)

    @property
    def emotions(self) -> tuple[str, ...]:
        """In the order of ``choices.EMOTIONS``, neutral first."""
        return tuple(name for name in EMOTIONS if name in self.classes)


def class_names(voices: Voices) -> dict[str, str]:
    """Return the emotion of each class, by label, in a fixed order."""
    pairs = set(zip(voices.labels, voices.emotions, strict=True))
    # Fixed order: sets have none, and the columns of the model follow it.
    return dict(sorted(pairs, key=lambda pair: (EMOTIONS.index(pair[1]), pair[0])))


def fit(voices: Voices, use: BoolArray, columns: Columns = None) -> EmotionModel:
    """Fit a classifier to the windows where ``use`` is set; every class has the same weight.

    Args:
        voices: All voices.
        use: Windows to learn from, shape (n,).
        columns: Statistics to look at.

    Raises:
        BadArgument: Fewer than two classes to learn from.
    """
    classes = class_names(voices)
    names = list(classes)
    label = np.array([names.index(name) for name in voices.labels])[voices.clip[use]]
    counts = np.bincount(label, minlength=len(names))
    if (counts > 0).sum() < 2:
        raise BadArgument("All voices have one emotion", hint="Give a corpus with several")
    # Every class weighs the same, however many windows it has.
    weight = 1 / counts[label]
    weight = weight / weight.mean()
    known = voices.statistics[use]
    centre, spread, width = known.mean(0), known.std(0) + SPREAD_FLOOR, KERNEL_WIDTH
    if columns is not None:
        width *= len(spread) / len(spread[columns])  # the kernel takes the mean over all
        # An infinite spread instead of a smaller matrix: inference stays the same for every
        # ablation.
        spread = np.where(np.isin(np.arange(len(spread)), np.r_[columns]), spread, IGNORED)
    support = standardised(known, centre, spread)
    # +1 for the class and -1 for the others, as for a least-squares classifier.
    target = 2 * np.eye(len(names))[label] - 1
    # The mean is taken off, since kernel ridge regression has no intercept.
    bias = (weight[:, None] * target).sum(0) / weight.sum()
    ridge = KernelRidge(alpha=RIDGE, kernel="precomputed")
    ridge.fit(kernel(support, support, width), target - bias, sample_weight=weight)
    return EmotionModel(
        tuple(classes.values()),
        width,
        UNFITTED_SHARPNESS,
        centre,
        spread,
        support,
        np.asarray(ridge.dual_coef_),
        bias,
    )


def cross_validate(
    voices: Voices,
    *,
    columns: Columns = None,
    with_read: bool = True,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> CrossValidation:
    """Score every clip by a classifier that never saw its speaker, or, if read, its corpus.

    Args:
        voices: All voices.
        columns: Statistics to look at.
        with_read: Learn from read speech too; False shows what it is there for.
        report: Called with the folds done and all folds.

    Raises:
        BadArgument: One speaker only, or fewer than two classes.
    """
    is_read = np.array(voices.labels) == READ
    groups = _groups(voices, is_read)
    if len(np.unique(groups)) < 2:
        raise BadArgument("All voices are of one speaker", hint="Give a corpus with several")
    scores: dict[int, DoubleArray] = {}
    classes: tuple[str, ...] = ()
    splitter = LeaveOneGroupOut()
    folds = splitter.get_n_splits(groups=groups)
    for fold, (_others, left_out) in enumerate(splitter.split(groups, groups=groups), 1):
        out = np.zeros(len(groups), bool)
        out[left_out] = True
        # With copies: they belong to the clip they are made of, so they leave with it.
        learnt = ~out & (with_read | ~is_read)
        model = fit(voices, learnt[voices.clip], columns)
        classes = model.classes
        # Copies are never scored: the question is how recordings are classified.
        held = out[voices.clip] & ~voices.copy
        found = model.scores(voices.statistics[held])
        for clip in np.unique(voices.clip[held]):
            # Windows of a clip are averaged as in inference.
            scores[int(clip)] = found[voices.clip[held] == clip].mean(0)
        report(fold, folds)
    order = sorted(scores)
    return CrossValidation(np.array(order), np.stack([scores[clip] for clip in order]), classes)


def fitted_sharpness(validation: CrossValidation, emotions: Sequence[str]) -> float:
    """Return the sharpness under which the true emotions are likeliest, all of equal weight.

    Args:
        validation: Scores of clips left out.
        emotions: The true emotion of each of them.
    """
    truth = np.array([validation.emotions.index(name) for name in emotions])
    # Emotions alike: EmoDB has 127 clips of anger and 46 of disgust.
    weight = 1 / np.bincount(truth, minlength=len(validation.emotions))[truth]

    def loss(sharpness: float) -> float:
        shares = validation.probabilities(sharpness)[np.arange(len(truth)), truth]
        return float(-(weight * np.log(shares + 1e-9)).sum())

    # A grid: 23 values are fine enough for a temperature.
    return float(min(SHARPNESSES, key=loss))


def _groups(voices: Voices, is_read: BoolArray) -> IntArray:
    """Return the fold that leaves each clip out: one actor and one read corpus at a time."""
    # Read speech leaves by corpus: its voices share a room and a microphone, which must not be
    # known.
    names = np.where(is_read, np.array(voices.corpora), np.array(voices.speakers))
    groups = np.zeros(len(names), np.int64)
    for chosen in (is_read, ~is_read):
        if chosen.any():
            # Numbers of actors and of read corpora run in parallel: a fold leaves out one of each.
            groups[chosen] = np.unique(names[chosen], return_inverse=True)[1]
    return groups
