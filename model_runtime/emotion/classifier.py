"""The classifier that hears emotion in statistics of a voice. numpy only.

Kernel ridge regression with a Gaussian kernel (a least-squares support vector machine) on
standardised statistics: one score for each class, made into probabilities by a softmax whose
sharpness was fitted on voices left out. A voice unlike every one it knows gets scores near the
mean, and so no confident emotion. Several classes may speak for one emotion (a bored and a reading
voice both count as neutral).
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
from ..errors import BadWeights
from ..protocol import EMOTIONS
from .voice_statistics import STATISTICS

KIND: Final = "emotion"
DEFAULT_NAME: Final = "cstalk-emotion"
LARGEST_DEVIATION = 4.0
"""Standard deviations at which a statistic is cut: a freak value must not decide alone."""
TENSORS: Final = ("bias", "centre", "coefficients", "spread", "support")
GET_HINT = "Get the folder weights/cstalk-emotion again, or choose an emotion by name"


@dataclasses.dataclass(frozen=True)
class EmotionModel:
    """N known voices, D statistics, K classes."""

    classes: tuple[str, ...]
    """Emotion of each class, a name of ``protocol.EMOTIONS``; names may stand more than once."""
    width: float
    """Of the kernel: ``exp(-width * mean squared difference)``."""
    sharpness: float
    """Factor of the scores within the softmax."""
    centre: DoubleArray
    """Mean of each statistic, shape (D,)."""
    spread: DoubleArray
    """Standard deviation of each statistic, shape (D,), above 0."""
    support: DoubleArray
    """Standardised statistics of the known voices, shape (N, D)."""
    coefficients: DoubleArray
    """Shape (N, K)."""
    bias: DoubleArray
    """Shape (K,)."""

    @property
    def emotions(self) -> tuple[str, ...]:
        """Emotions it can name, in the order of ``protocol.EMOTIONS``: neutral first."""
        return tuple(name for name in EMOTIONS if name in self.classes)

    def scores(self, statistics: DoubleArray) -> DoubleArray:
        """One score for each class, about 1 for the right one and -1 for others.

        Args:
            statistics: Shape (n, D), of ``voice_statistics.statistics``.

        Returns:
            Shape (n, K).
        """
        standard = standardised(statistics, self.centre, self.spread)
        return kernel(standard, self.support, self.width) @ self.coefficients + self.bias

    def probabilities(self, statistics: DoubleArray) -> DoubleArray:
        """Probability of each of ``emotions``, shape (n, E); rows sum to 1."""
        return merged(self.scores(statistics), self.classes, self.emotions, self.sharpness)


def standardised(statistics: DoubleArray, centre: DoubleArray, spread: DoubleArray) -> DoubleArray:
    """Deviations from the mean, in standard deviations, cut at four; shape (n, D)."""
    deviations: DoubleArray = np.clip(
        (statistics - centre) / spread, -LARGEST_DEVIATION, LARGEST_DEVIATION
    )
    return deviations


def kernel(left: DoubleArray, right: DoubleArray, width: float) -> DoubleArray:
    """Likeness of each row to each other row, 0 to 1; shape (len(left), len(right))."""
    squares = (left**2).sum(1)[:, None] + (right**2).sum(1) - 2 * left @ right.T
    likeness: DoubleArray = np.exp(-width * np.maximum(squares, 0) / left.shape[1])
    return likeness


def merged(
    scores: DoubleArray, classes: Sequence[str], emotions: Sequence[str], sharpness: float
) -> DoubleArray:
    """Scores of classes to probabilities of emotions, shape (n, E)."""
    powers = np.exp(sharpness * (scores - scores.max(1, keepdims=True)))
    shares = powers / powers.sum(1, keepdims=True)
    belongs = np.array([[name == emotion for emotion in emotions] for name in classes], float)
    together: DoubleArray = shares @ belongs
    return together


def default_emotion_model() -> Path:
    """Folder of the shipped classifier, whether or not it is there."""
    return WEIGHTS_FOLDER / DEFAULT_NAME


@functools.lru_cache(maxsize=2)
def shipped_emotion_model() -> EmotionModel:
    """The shipped classifier, read once. Raises BadWeights."""
    return load_emotion_model(default_emotion_model())


def load_emotion_model(folder: Path) -> EmotionModel:
    """Read and check a classifier.

    Raises:
        BadWeights: No such folder, another kind, corrupt, or made for other statistics.
    """
    values, tensors, _ = read_folder(folder, kind=KIND)
    try:
        classes = tuple(str(name) for name in values["classes"])
        width, sharpness = float(values["width"]), float(values["sharpness"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadWeights(f"{folder} has a wrong config: {error}", hint=GET_HINT) from error
    unknown = sorted(set(classes) - set(EMOTIONS))
    if unknown or EMOTIONS[0] not in classes:
        raise BadWeights(f"{folder} names no neutral, or an unknown emotion", hint=GET_HINT)
    _check_shapes(tensors, len(classes), folder)
    return EmotionModel(
        classes, width, sharpness, **{name: tensors[name].astype(np.float64) for name in TENSORS}
    )


def save_emotion_model(folder: Path, model: EmotionModel, training: dict[str, Any]) -> None:
    """Write a classifier as float16. Raises BadOutput, BadWeights.

    Args:
        folder: Made when missing; its parent must exist.
        model: What to write.
        training: How it was made; JSON.
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
    if not (tensors["spread"] > 0).all():
        raise BadWeights(f"{folder} has a spread that is not above 0", hint=GET_HINT)
