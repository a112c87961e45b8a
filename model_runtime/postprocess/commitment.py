"""Commit the mouth to one phone where the network hesitates between several. numpy only.

A network trained on squared errors answers doubt between phones with the mean of their mouths: lips
half closed for "m or n", half open for "ah or ih". The mouth it hesitates over is the mean of the
phone targets under its own phone posteriors; the mouth to commit to is the same mean under
sharpened posteriors. Curves move by the difference: by nothing where the network is sure, and with
their own amplitude, timing and emotion everywhere. Both means pass through one symmetric filter, so
that the correction has no delay and no steps.

``phone_shapes.json`` holds the targets of the reference motion (``training/reference``).
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray
from ..text.track import Phone
from .articulation import certainty

SHAPES_FILE = Path(__file__).with_name("phone_shapes.json")
"""Written by ``python -m model_runtime.training.reference.phone_shapes``."""
FLOOR = 1e-4
"""Least posterior: less is noise of the network."""
SHARPNESS = 2.0
"""Exponent of the posteriors: 1 changes nothing, large values take the most probable phone alone.
Of 1.5, 2, 3, 4 and Viterbi segments on the dev selection 2 reads best; the harder, the more often
the mouth commits to the wrong phone."""
FILTER_FRAMES = 1.5
"""Standard deviation of the filter: 30 ms, about the time in which lips change half their shape."""
BLOCK_FRAMES = 3000
"""Frames corrected at once (60 s), so that an hour takes little memory."""


@dataclasses.dataclass(frozen=True)
class PhoneShapes:
    """Mouth targets of phones, in the order of a network's phones."""

    channels: tuple[int, ...]
    """Columns of the curves that the targets drive, shape (K,)."""
    targets: FloatArray
    """Values of those channels in each phone, shape (P, K)."""
    strengths: FloatArray
    """Dominance of each phone over each group of channels, shape (P, G)."""
    groups: NDArray[np.int64]
    """Group of each channel, shape (K,)."""
    bias: FloatArray
    """Added to log posteriors before they are sharpened, nats, shape (P,)."""


def committed_posteriors(
    posteriors: FloatArray, bias: FloatArray, sharpness: float = SHARPNESS
) -> FloatArray:
    """Return posteriors that decide: rare phones are raised, then the likelier ones win.

    Args:
        posteriors: Probabilities of the phones, shape (T, P).
        bias: Added to their logarithms, nats, shape (P,).
        sharpness: Exponent.

    Returns:
        Probabilities that sum to 1 in each frame, shape (T, P).
    """
    logs = np.float32(sharpness) * (np.log(np.maximum(posteriors, FLOOR)) + bias)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    committed: FloatArray = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return committed


def with_known_phones(
    committed: FloatArray, known: Sequence[Phone], phone_names: Sequence[str], frame_rate: float
) -> FloatArray:
    """Return posteriors that follow the phones of a script as far as these were found.

    Args:
        committed: From ``committed_posteriors``, shape (T, P).
        known: Aligned phones, in seconds of the clip; names that the network lacks are passed over.
        phone_names: Names of the P phones.
        frame_rate: Frames a second.

    Returns:
        Shape (T, P), rows sum to 1.
    """
    out = committed.copy()
    columns = {name: i for i, name in enumerate(phone_names)}
    for phone in known:
        if phone.name in columns:
            rows = slice(round(phone.start_s * frame_rate), round(phone.end_s * frame_rate))
            sure = np.float32(certainty(phone))
            out[rows] *= 1 - sure
            out[rows, columns[phone.name]] += sure
    return out


def silent_without_speech(
    committed: FloatArray, presence: FloatArray, silence_column: int
) -> FloatArray:
    """Return posteriors that decide for silence where nobody speaks.

    Args:
        committed: From ``committed_posteriors``, shape (T, P).
        presence: Certainty of speech, from ``stillness.presence_of``, shape (T,).
        silence_column: Number of the silence phone.

    Returns:
        Shape (T, P), rows sum to 1.
    """
    out = committed * presence[:, None]
    out[:, silence_column] += 1 - presence
    return out


def commit_mouth(
    values: FloatArray, posteriors: FloatArray, committed: FloatArray, shapes: PhoneShapes
) -> FloatArray:
    """Return curves moved from the mouth of the posteriors to that of the committed ones.

    Args:
        values: Raw curves, shape (T, C).
        posteriors: Of the network, shape (T, P).
        committed: From ``committed_posteriors`` or ``with_known_phones``, shape (T, P).
        shapes: From ``phone_shapes``.

    Returns:
        A new array of the shape of ``values``; columns that ``shapes`` lacks are kept.
    """
    out = values.copy()
    columns = list(shapes.channels)
    reach = len(_filter()) // 2
    for first in range(0, len(values), BLOCK_FRAMES):
        stop = min(len(values), first + BLOCK_FRAMES)
        low, high = max(0, first - reach), min(len(values), stop + reach)
        before = _mouth(posteriors[low:high], shapes)
        after = _mouth(committed[low:high], shapes)
        out[first:stop, columns] += (after - before)[first - low : stop - low]
    return out


def phone_shapes(channels: Sequence[str], phone_names: Sequence[str]) -> PhoneShapes | None:
    """Return the targets of a network's phones on its channels; None where it has others.

    Args:
        channels: Names of the columns of the curves.
        phone_names: Names of the phones.
    """
    return _shapes(tuple(channels), tuple(phone_names))


@functools.cache
def _shapes(channels: tuple[str, ...], phone_names: tuple[str, ...]) -> PhoneShapes | None:
    table = json.loads(SHAPES_FILE.read_text(encoding="utf-8"))
    phones = table["phones"]
    driven = [
        (channels.index(side), place)
        for place, control in enumerate(table["controls"])
        for side in (control, control + "Left", control + "Right")
        if side in channels
    ]
    if not driven or any(name not in phones for name in phone_names):
        return None
    places = [place for _column, place in driven]
    rows = [phones[name] for name in phone_names]
    return PhoneShapes(
        channels=tuple(column for column, _place in driven),
        targets=np.array([row["target"] for row in rows], np.float32)[:, places],
        strengths=np.array([row["strength"] for row in rows], np.float32),
        groups=np.array(table["group_of"], np.int64)[places],
        bias=np.array([row["bias"] for row in rows], np.float32),
    )


def _mouth(posteriors: FloatArray, shapes: PhoneShapes) -> FloatArray:
    """Return the mean of the targets under posteriors, weighted by dominance, shape (T, K).

    After Cohen and Massaro (1993), with the posterior in place of the presence of a phone.
    """
    out = np.empty((len(posteriors), len(shapes.channels)), np.float32)
    for group in range(shapes.strengths.shape[1]):
        members = np.flatnonzero(shapes.groups == group)
        strength = shapes.strengths[:, group, None]
        weighted = np.concatenate([strength * shapes.targets[:, members], strength], axis=1)
        pulled = _filtered(posteriors @ weighted)
        out[:, members] = pulled[:, :-1] / np.maximum(pulled[:, -1:], 1e-6)
    return out


@functools.cache
def _filter() -> FloatArray:
    reach = round(3 * FILTER_FRAMES)
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / FILTER_FRAMES) ** 2)
    return np.asarray(taps / taps.sum(), np.float32)


def _filtered(rows: FloatArray) -> FloatArray:
    """Return rows (T, K) after the symmetric filter; the first and last row are repeated."""
    taps = _filter()
    padded = np.pad(rows, ((len(taps) // 2, len(taps) // 2), (0, 0)), mode="edge")
    out = np.zeros_like(rows)
    for start, tap in enumerate(taps):
        out += tap * padded[start : start + len(rows)]
    return out
