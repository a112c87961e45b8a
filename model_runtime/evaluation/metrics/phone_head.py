"""Score the phones that the network detects, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...arrays import BoolArray, DoubleArray
from .speech import TimedPhone

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "mbp": ("m", "b", "p"),
    "fv": ("f", "v"),
    "w": ("w",),
    "uw": ("uw",),
}
SILENCE: Final = "sil"
UNKNOWN: Final = ""


# Groups that lips show; other confusions of phones are invisible.
def frame_labels(
    phones: Sequence[TimedPhone], *, frames: int, frame_rate: float
) -> NDArray[np.str_]:
    """Return the phone at the middle of each frame, empty where none is known, shape (frames,).

    Args:
        phones: In order.
        frames: How many.
        frame_rate: Frames a second.
    """
    labels = np.full(frames, UNKNOWN, dtype="<U4")
    # The middle of a frame: its start may belong to the phone before.
    times = (np.arange(frames) + 0.5) / frame_rate
    # <U4 holds the longest phone and the empty string.
    for phone in phones:
        labels[(times >= phone.start_s) & (times < phone.end_s)] = phone.phone
    return labels


def right_in_speech(labels: NDArray[np.str_], detected: NDArray[np.str_]) -> BoolArray:
    """Return, for each frame of speech, whether the likeliest phone is the spoken one.

    Args:
        labels: From :func:`frame_labels`.
        detected: The likeliest phone of each frame.
    """
    # Silence is left out: it is common and easy.
    speech = (labels != UNKNOWN) & (labels != SILENCE)
    return np.asarray(labels[speech] == detected[speech])


def f1(labels: NDArray[np.str_], detected: NDArray[np.str_], group: Sequence[str]) -> float:
    """Return the F1 score of a group of phones over the labelled frames; NaN without any.

    Args:
        labels: From :func:`frame_labels`.
        detected: The likeliest phone of each frame.
        group: Phones that count as one.
    """
    known = labels != UNKNOWN
    spoken, found = np.isin(labels[known], group), np.isin(detected[known], group)
    total = int(spoken.sum() + found.sum())
    return 2 * int((spoken & found).sum()) / total if total else float("nan")


def group_probability(
    posteriors: DoubleArray, phones: Sequence[str], group: Sequence[str]
) -> DoubleArray:
    """Return the summed probability of a group of phones, shape (frames,).

    Args:
        posteriors: Shape (frames, phones).
        phones: Name of each column.
        group: Phones to sum over.
    """
    columns = [i for i, name in enumerate(phones) if name in group]
    return np.asarray(posteriors[:, columns].sum(axis=1))
