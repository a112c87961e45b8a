"""Measure the phone posteriors of an encoder on development clips.

The score that the best weights are kept by is the mean of the share of speech frames that are right
and of the F1 of four kinds of phones that the lips show: m b p, f v, w and uw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from ...config import PHONES
from ...model.generator import Generator
from ..data.cache import Cache, Entry, cut
from ..preparation.items import UNKNOWN_PHONE

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "mbp": ("m", "b", "p"),
    "fv": ("f", "v"),
    "w": ("w",),
    "uw": ("uw",),
}
FRAMES_SHARE: Final = 0.5
"""Share of the frames that are right in the score; the kinds share the rest."""


def dev_entries(caches: Sequence[Cache], *, most_s: float) -> list[tuple[Cache, Entry]]:
    """Return development clips with phones, the same number of seconds of every speaker.

    Args:
        caches: To look through.
        most_s: Seconds of one speaker.
    """
    chosen: list[tuple[Cache, Entry]] = []
    seconds: dict[str, float] = {}
    for cache in caches:
        for entry in cache.entries:
            # Seconds of every speaker alike: long books of single readers would decide the score.
            used = seconds.get(entry.speaker, 0.0)
            if entry.split == "dev" and entry.supervision == "phones" and used < most_s:
                chosen.append((cache, entry))
                # 50 model frames a second.
                seconds[entry.speaker] = used + entry.frames / 50
    return chosen


@torch.no_grad()
def phone_measures(generator: Generator, clips: Sequence[tuple[Cache, Entry]]) -> dict[str, float]:
    """Return ``score``, ``frames`` (share of speech frames right), F1 by kind, ``worst_speaker``.

    Args:
        generator: With the weights to be measured.
        clips: See ``dev_entries``.
    """
    wanted: dict[str, list[NDArray[np.int64]]] = {}
    found: dict[str, list[NDArray[np.int64]]] = {}
    device = next(generator.parameters()).device
    for cache, entry in clips:
        # Whole clips, undistorted: posteriors of windows would lack context at their ends.
        item = cut(cache, entry, 0, entry.frames)
        features = torch.from_numpy(np.asarray(item.features)).float().to(device)
        _, logits = generator.encode(features[None])
        best = logits[0].argmax(1).cpu().numpy()
        known = np.asarray(item.phones) != UNKNOWN_PHONE
        wanted.setdefault(entry.speaker, []).append(np.asarray(item.phones, np.int64)[known])
        found.setdefault(entry.speaker, []).append(best[known])
    shares = {
        speaker: _right(np.concatenate(wanted[speaker]), np.concatenate(found[speaker]))
        for speaker in wanted
    }
    truth = np.concatenate([row for rows in wanted.values() for row in rows])
    guess = np.concatenate([row for rows in found.values() for row in rows])
    frames = _right(truth, guess)
    kinds = {f"f1_{name}": f1(truth, guess, phones) for name, phones in KINDS.items()}
    score = FRAMES_SHARE * frames + (1 - FRAMES_SHARE) * float(np.mean(list(kinds.values())))
    measures = {"score": score, "frames": frames, **kinds, "worst_speaker": min(shares.values())}
    return {name: round(value, 4) for name, value in measures.items()}


def f1(truth: NDArray[np.int64], guess: NDArray[np.int64], phones: Sequence[str]) -> float:
    """Return the F1 of frames of ``phones`` taken as one class.

    Args:
        truth: Phone of each frame, shape (T,).
        guess: Shape (T,).
        phones: Names.
    """
    numbers = [PHONES.index(phone) for phone in phones]
    is_true, is_guess = np.isin(truth, numbers), np.isin(guess, numbers)
    both = int((is_true & is_guess).sum())
    return 2 * both / max(1, int(is_true.sum()) + int(is_guess.sum()))


def _right(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> float:
    """Return the share of speech frames whose phone is right."""
    # Silence (phone 0) is common and easy: counted, it would hide errors in speech.
    speech = truth != 0
    return float((guess[speech] == truth[speech]).mean()) if speech.any() else 0.0
