"""Fitting the judge of emotion, and how well it does on speakers and corpora left out. numpy only.

Weighted kernel ridge regression, solved exactly: no steps, no random start.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from ...arrays import BoolArray, DoubleArray, IntArray
from ...emotion.classifier import EmotionModel, kernel, merged, standardised
from ...errors import BadArgument
from ...protocol import EMOTIONS
from .voice_data import READ, Voices

KERNEL_WIDTH = 0.3
RIDGE = 0.5
"""These two, and the weight of read speech, were the best of a coarse grid on speakers left out."""
SHARPNESSES = tuple(np.geomspace(1, 12, 23).round(3).tolist())

Columns = slice | None
"""Statistics that are looked at; None for all."""


@dataclasses.dataclass(frozen=True)
class Judgements:
    """What a judge that never heard the speaker says of clips; n of them."""

    clips: IntArray
    """Index of each clip in ``Voices``, shape (n,)."""
    scores: DoubleArray
    """Mean over the clip's windows, shape (n, K)."""
    classes: tuple[str, ...]
    """Emotion of each class."""

    def probabilities(self, sharpness: float) -> DoubleArray:
        """Of each emotion the judge can name, neutral first; shape (n, E)."""
        return merged(self.scores, self.classes, self.emotions, sharpness)

    @property
    def emotions(self) -> tuple[str, ...]:
        """In the order of ``protocol.EMOTIONS``."""
        return tuple(name for name in EMOTIONS if name in self.classes)


def class_names(voices: Voices) -> dict[str, str]:
    """Emotion of each class, by label, in a fixed order."""
    pairs = set(zip(voices.labels, voices.emotions, strict=True))
    return dict(sorted(pairs, key=lambda pair: (EMOTIONS.index(pair[1]), pair[0])))


def fit(voices: Voices, use: BoolArray, columns: Columns = None) -> EmotionModel:
    """Learn from the windows where ``use``; every class weighs the same.

    Args:
        voices: All voices.
        use: Which windows, shape (n,).
        columns: Statistics to look at; the others are made to say nothing.

    Raises:
        BadArgument: Fewer than two classes to learn from.
    """
    classes = class_names(voices)
    names = list(classes)
    label = np.array([names.index(name) for name in voices.labels])[voices.clip[use]]
    counts = np.bincount(label, minlength=len(names))
    if (counts > 0).sum() < 2:
        raise BadArgument("All voices have one emotion", hint="Give a corpus with several")
    weight = 1 / counts[label]
    weight = weight / weight.mean()
    known = voices.statistics[use]
    centre, spread, width = known.mean(0), known.std(0) + 1e-3, KERNEL_WIDTH
    if columns is not None:
        # An endless spread makes every deviation 0; the kernel takes the mean over all.
        width *= len(spread) / len(spread[columns])
        spread = np.where(np.isin(np.arange(len(spread)), np.r_[columns]), spread, 1e12)
    support = standardised(known, centre, spread)
    target = 2 * np.eye(len(names))[label] - 1
    bias = (weight[:, None] * target).sum(0) / weight.sum()
    matrix = kernel(support, support, width)
    matrix[np.diag_indices(len(matrix))] += RIDGE / weight
    coefficients = np.linalg.solve(matrix, target - bias)
    return EmotionModel(
        tuple(classes.values()), width, 4.0, centre, spread, support, coefficients, bias
    )


def judge_left_out(
    voices: Voices,
    *,
    columns: Columns = None,
    with_read: bool = True,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> Judgements:
    """Every clip judged without its speaker; read clips also without their whole corpus.

    Args:
        voices: All voices.
        columns: Statistics the judge may look at.
        with_read: Learn from read speech too; False shows what it is there for.
        report: Told folds done and folds in all.
    """
    labels, speakers = np.array(voices.labels), np.array(voices.speakers)
    corpora = np.array(voices.corpora)
    is_read = labels == READ
    actors = sorted(set(speakers[~is_read].tolist()))
    read = sorted(set(corpora[is_read].tolist()))
    scores: dict[int, DoubleArray] = {}
    classes: tuple[str, ...] = ()
    folds = max(len(actors), len(read))
    for fold in range(folds):
        out = np.zeros(len(labels), bool)
        out |= ~is_read & (speakers == actors[fold % len(actors)])
        if read:
            out |= is_read & (corpora == read[fold % len(read)])
        learnt = ~out & (with_read | ~is_read)
        model = fit(voices, learnt[voices.clip], columns)
        classes = model.classes
        held = out[voices.clip] & ~voices.copy
        said = model.scores(voices.statistics[held])
        for clip in np.unique(voices.clip[held]):
            scores.setdefault(int(clip), said[voices.clip[held] == clip].mean(0))
        report(fold + 1, folds)
    order = sorted(scores)
    return Judgements(np.array(order), np.stack([scores[clip] for clip in order]), classes)


def fitted_sharpness(judgements: Judgements, emotions: Sequence[str]) -> float:
    """The sharpness under which the truth is likeliest, every emotion weighing the same.

    Args:
        judgements: Of clips left out.
        emotions: The true emotion of each judged clip.
    """
    truth = np.array([judgements.emotions.index(name) for name in emotions])
    weight = 1 / np.bincount(truth, minlength=len(judgements.emotions))[truth]

    def loss(sharpness: float) -> float:
        shares = judgements.probabilities(sharpness)[np.arange(len(truth)), truth]
        return float(-(weight * np.log(shares + 1e-9)).sum())

    return float(min(SHARPNESSES, key=loss))
