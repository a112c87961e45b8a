"""Classify emotion from statistics of a voice, and read and write the classifier. numpy only.

Kernel ridge regression with a Gaussian kernel (a least-squares support vector machine) on
standardised statistics yields one score per class; a softmax, whose sharpness was fitted on
held-out voices, turns scores into probabilities. A voice unlike all training voices gets scores
near the mean, hence no confident emotion. Several classes may belong to one emotion: bored and
reading voices both count as neutral.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..arrays import DoubleArray, FloatArray
from ..checkpoint.folder import WEIGHTS_FOLDER, read_folder, write_folder
from ..choices import EMOTIONS
from ..errors import BadWeights
from .voice_statistics import STATISTICS

KIND: Final = "emotion"
DEFAULT_NAME: Final = "cstalk-emotion"
MAX_DEVIATION = 4.0
"""Statistics are clipped to this many standard deviations, so that one outlier cannot decide."""
COORDINATES: Final = {
    "neutral": (0.0, 0.0),
    "happy": (0.8, 0.5),
    "sad": (-0.6, -0.3),
    "angry": (-0.5, 0.6),
    "surprised": (0.4, 0.7),
    "fearful": (-0.6, 0.6),
    "disgusted": (-0.6, 0.4),
    "contemptuous": (-0.2, 0.3),
}
"""Valence and arousal of each emotion, -1 to 1: Russell and Mehrabian (1977), rounded."""
TENSORS: Final = ("bias", "centre", "coefficients", "spread", "support")
GET_HINT = "Install the extension again, or choose an emotion by name"


@dataclasses.dataclass(frozen=True)
class EmotionModel:
    """Parameters of a classifier of N training clips, D statistics and K classes."""

    classes: tuple[str, ...]
    """Emotion of each class, a name of ``choices.EMOTIONS``; names may repeat."""
    width: float
    """Width of the kernel: ``exp(-width * mean squared difference)``."""
    sharpness: float
    """Factor of the scores in the softmax."""
    centre: DoubleArray
    """Mean of each statistic, shape (D,)."""
    spread: DoubleArray
    """Standard deviation of each statistic, shape (D,), above 0."""
    support: DoubleArray
    """Standardised statistics of the training clips, shape (N, D)."""
    coefficients: DoubleArray
    """Shape (N, K)."""
    bias: DoubleArray
    """Shape (K,)."""

    @property
    def emotions(self) -> tuple[str, ...]:
        """Emotions of the classes, in the order of ``choices.EMOTIONS``: neutral first."""
        return tuple(name for name in EMOTIONS if name in self.classes)

    # About 1 and -1: targets of the regression, see training/emotion/fit.py.
    def scores(self, statistics: DoubleArray) -> DoubleArray:
        """Return one score per class, about 1 for the correct class and -1 for others.

        Args:
            statistics: Shape (n, D), of ``voice_statistics.statistics``.

        Returns:
            Shape (n, K).
        """
        standard = standardised(statistics, self.centre, self.spread)
        return kernel(standard, self.support, self.width) @ self.coefficients + self.bias

    def dimensions(self, statistics: DoubleArray) -> DoubleArray:
        """Return valence and arousal, about -1 to 1, shape (n, 2).

        Kernel ridge regression is linear in its targets, so that the scores, weighted by the
        coordinates of the classes, are those of a regression onto the coordinates.

        Args:
            statistics: Shape (n, D).
        """
        coordinates = np.array([COORDINATES[name] for name in self.classes])
        found: DoubleArray = (self.scores(statistics) + 1) / 2 @ coordinates
        return np.clip(found, -1, 1)

    def probabilities(self, statistics: DoubleArray) -> DoubleArray:
        """Return the probability of each of ``emotions``, shape (n, E); rows sum to 1."""
        return merged(self.scores(statistics), self.classes, self.emotions, self.sharpness)


def standardised(statistics: DoubleArray, centre: DoubleArray, spread: DoubleArray) -> DoubleArray:
    """Return deviations from the mean in standard deviations, clipped at 4.

    Args:
        statistics: Shape (n, D).
        centre: Mean of each statistic, shape (D,).
        spread: Standard deviation of each statistic, shape (D,).

    Returns:
        Shape (n, D).
    """
    # One outlying statistic must not decide the distance.
    deviations: DoubleArray = np.clip((statistics - centre) / spread, -MAX_DEVIATION, MAX_DEVIATION)
    return deviations


def kernel(left: DoubleArray, right: DoubleArray, width: float) -> DoubleArray:
    """Return the Gaussian kernel of each pair of rows.

    Args:
        left: Shape (n, D).
        right: Shape (m, D).
        width: Factor of the mean squared difference in the exponent.

    Returns:
        Values in (0, 1], shape (n, m).
    """
    # The binomial formula: one matrix product instead of n times m differences.
    squares = (left**2).sum(1)[:, None] + (right**2).sum(1) - 2 * left @ right.T
    # Rounding may make a distance of 0 negative.
    values: DoubleArray = np.exp(-width * np.maximum(squares, 0) / left.shape[1])
    return values


def merged(
    scores: DoubleArray, classes: Sequence[str], emotions: Sequence[str], sharpness: float
) -> DoubleArray:
    """Convert scores of classes to probabilities of emotions.

    Args:
        scores: Shape (n, K).
        classes: Emotion of each class.
        emotions: Names of the columns of the result.
        sharpness: Factor of the scores in the softmax.

    Returns:
        Shape (n, E); rows sum to 1.
    """
    # The maximum is taken off, so that exp cannot overflow.
    powers = np.exp(sharpness * (scores - scores.max(1, keepdims=True)))
    shares = powers / powers.sum(1, keepdims=True)
    # Several classes may be one emotion: their probabilities add.
    membership = np.array([[name == emotion for emotion in emotions] for name in classes], float)
    probabilities: DoubleArray = shares @ membership
    return probabilities


def default_emotion_model() -> Path:
    """Return the folder of the shipped classifier, whether or not it exists."""
    return WEIGHTS_FOLDER / DEFAULT_NAME


@functools.lru_cache(maxsize=2)
def shipped_emotion_model() -> EmotionModel:
    """Load the shipped classifier, once per process. Raises BadWeights."""
    return load_emotion_model(default_emotion_model())


def load_emotion_model(folder: Path) -> EmotionModel:
    """Read and check a classifier.

    Raises:
        BadWeights: The folder is missing, of another kind, corrupt, or for other statistics.
    """
    values, tensors, _ = read_folder(folder, kind=KIND)
    try:
        classes = tuple(str(name) for name in values["classes"])
        width, sharpness = float(values["width"]), float(values["sharpness"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadWeights(f"{folder} has a wrong config: {error}", hint=GET_HINT) from error
    unknown = sorted(set(classes) - set(EMOTIONS))
    # Neutral must be there: it is the answer in doubt.
    if unknown or EMOTIONS[0] not in classes:
        raise BadWeights(
            f"{folder} has no class for neutral, or one for an unknown emotion", hint=GET_HINT
        )
    _check_shapes(tensors, len(classes), folder)
    # float64: distances over 339 statistics are differences of large numbers.
    return EmotionModel(
        classes, width, sharpness, **{name: tensors[name].astype(np.float64) for name in TENSORS}
    )


def save_emotion_model(folder: Path, model: EmotionModel, training: dict[str, Any]) -> None:
    """Write a classifier as float16.

    Args:
        folder: Created if missing; its parent must exist.
        model: The classifier.
        training: Record of the training run; JSON.

    Raises:
        BadOutput: The folder cannot be written.
        BadWeights: A value is not finite.
    """
    tensors = {name: getattr(model, name).astype(np.float32) for name in TENSORS}
    config = {"classes": model.classes, "width": model.width, "sharpness": model.sharpness}
    write_folder(folder, KIND, config, tensors, training, half=True)


def _check_shapes(tensors: Mapping[str, FloatArray], classes: int, folder: Path) -> None:
    missing = sorted(set(TENSORS) - set(tensors))
    if missing:
        raise BadWeights(f"{folder} lacks the tensor {missing[0]!r}", hint=GET_HINT)
    known = len(tensors["support"])
    shapes = {
        "bias": (classes,),
        "centre": (STATISTICS,),
        "coefficients": (known, classes),
        "spread": (STATISTICS,),
        "support": (known, STATISTICS),
    }
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise BadWeights(
                f"Tensor {name!r} of {folder} has shape {tensors[name].shape}, not {shape}",
                hint=GET_HINT,
            )
    # A spread of 0 would divide by 0.
    if not (tensors["spread"] > 0).all():
        raise BadWeights(f"{folder} has a spread that is not above 0", hint=GET_HINT)
