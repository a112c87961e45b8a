"""Decode the phones of a clip from phone posteriors alone, without a script. numpy only.

Viterbi search under a phone bigram with a least duration for each phone. Time grows with the
recording (10 s for ten minutes on a busy core); pieces of at most a minute bound the memory.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray
from ..checkpoint.safetensors import read_tensors
from ..config import PHONES
from .track import SILENCE, Phone, PhoneTrack

BIGRAM = Path(__file__).resolve().parent / "data" / "phone_bigram.safetensors"
"""Written by ``python -m model_runtime.training.phone_bigram``."""
FLOOR = 1e-4
"""Least posterior of a frame, as in ``align``."""
BIGRAM_WEIGHT = 0.3
"""Exponent of the bigram: least phone errors (0.186) and .93 of m, b, p found on 39 dev clips; 0.6
finds fewer closures, none has a tenth more errors and a third more false ones."""
# Phones with a least duration of 60 ms would be swallowed or would push their neighbours.
SHORT = frozenset({"b", "d", "g", "p", "t", "k", "dh", "hh", "ah", "ih", "v", "l", "r", "n", "m"})
"""Phones that last 40 ms and less in fluent speech."""
PIECE_FRAMES = 3000
# Frames of 20 ms: 40, 60 and 80 ms.
SHORT_FRAMES, LEAST_FRAMES, SILENCE_FRAMES = 2, 3, 4


@dataclasses.dataclass(frozen=True)
class PhoneSegment:
    """A phone in the frames ``first`` to ``stop - 1``."""

    name: str
    first: int
    stop: int
    confidence: float
    """Mean posterior of the phone over its frames, 0 to 1."""


def decode_phones(posteriors: FloatArray) -> tuple[PhoneSegment, ...]:
    """Return the most probable sequence of phones, silences included.

    Args:
        posteriors: Probability of each of ``config.PHONES`` in each frame at 50 Hz, shape (T, P).

    Returns:
        Segments without gaps from frame 0 to T; neighbours have different phones.

    Raises:
        ValueError: P is not the number of ``config.PHONES``.
    """
    if posteriors.ndim != 2 or posteriors.shape[1] != len(PHONES):
        raise ValueError(f"Posteriors of shape {posteriors.shape}, not (T, {len(PHONES)})")
    if not len(posteriors):
        return ()
    scores = np.log(np.maximum(posteriors, FLOOR)).astype(np.float32)
    bounds, phones = _best_path(scores, _transitions(), _least_frames())
    return tuple(
        PhoneSegment(PHONES[phone], first, stop, float(posteriors[first:stop, phone].mean()))
        for phone, first, stop in zip(phones, bounds[:-1], bounds[1:], strict=True)
    )


def decoded_track(posteriors: FloatArray, frame_rate: float) -> PhoneTrack:
    """Return the phone track of a clip without a script: phones with times, no words.

    Args:
        posteriors: Probability of each phone in each frame, shape (T, P).
        frame_rate: Frames a second.
    """
    phones: list[Phone] = []
    for first, stop in _pieces(posteriors[:, 0]):
        for part in decode_phones(posteriors[first:stop]):
            start, end = (first + part.first) / frame_rate, (first + part.stop) / frame_rate
            if phones and phones[-1].name == part.name == SILENCE:
                start = phones.pop().start_s
            phones.append(Phone(part.name, start, end, part.confidence))
    return PhoneTrack(len(posteriors) / frame_rate, (), tuple(phones))


def _pieces(silence: FloatArray) -> list[tuple[int, int]]:
    """Stretches of at most a minute, cut where silence is most probable: memory stays bounded."""
    cuts = [0]
    while len(silence) - cuts[-1] > PIECE_FRAMES:
        low = cuts[-1] + PIECE_FRAMES // 2
        cuts.append(low + int(silence[low : cuts[-1] + PIECE_FRAMES].argmax()))
    return list(itertools.pairwise([*cuts, len(silence)]))


@functools.cache
def _transitions() -> FloatArray:
    """Log score of phone q after phone p, shape (P, P) with p in the rows."""
    logs = read_tensors(BIGRAM)["log_probability"]
    scores: FloatArray = np.float32(BIGRAM_WEIGHT) * logs
    np.fill_diagonal(scores, -np.inf)  # a phone goes on by itself, not by a transition
    return scores


@functools.cache
def _least_frames() -> NDArray[np.int64]:
    frames = [SHORT_FRAMES if name in SHORT else LEAST_FRAMES for name in PHONES]
    frames[0] = SILENCE_FRAMES
    return np.array(frames)


def _best_path(
    scores: FloatArray, transitions: FloatArray, least: NDArray[np.int64]
) -> tuple[list[int], list[int]]:
    """Bounds and phones of the best segments.

    ``left[t, p]`` is the best score of a segment of p that may end with frame t; it either goes on
    from ``left[t - 1, p]`` or has lasted exactly ``least[p]`` frames since it was entered.
    """
    total, phones = scores.shape
    # Sums in float64: differences of long sums lose digits in float32.
    sums = np.concatenate([np.zeros((1, phones)), np.cumsum(scores, 0, dtype=np.float64)])
    entered = np.full((total, phones), -np.inf, np.float32)
    # int8: there are 40 phones; the whole table is kept for the way back.
    sources = np.zeros((total, phones), np.int8)
    is_entry = np.zeros((total, phones), np.bool_)
    everyone = np.arange(phones)
    entered[0] = 0.0
    left = np.full(phones, -np.inf, np.float32)
    for frame in range(total):
        # A segment that ends with this frame after exactly its least duration began here.
        first = frame - least + 1
        has_lasted = first >= 0
        starts = np.maximum(first, 0)
        new = entered[starts, everyone] + (sums[frame + 1] - sums[starts, everyone])
        new = np.where(has_lasted, new, -np.inf)
        stayed = left + scores[frame]
        # Ties go on: an entry needs a better score.
        is_entry[frame] = new > stayed
        left = np.maximum(new, stayed)
        # The last frame enters nothing.
        if frame + 1 < total:
            arriving = left[:, None] + transitions
            sources[frame + 1] = arriving.argmax(0)
            entered[frame + 1] = arriving[sources[frame + 1], everyone]
    return _traced(left, sources, is_entry, least)


def _traced(
    final: FloatArray,
    sources: NDArray[np.int8],
    is_entry: NDArray[np.bool_],
    least: NDArray[np.int64],
) -> tuple[list[int], list[int]]:
    frame = len(sources) - 1
    bounds, phones = [frame + 1], []
    if not np.isfinite(final).any():  # shorter than any phone may be
        return [0, frame + 1], [0]
    phone = int(final.argmax())
    while frame >= 0:
        # Back to the frame in which the segment had lasted its least duration.
        while not is_entry[frame, phone]:
            frame -= 1
        frame -= int(least[phone]) - 1
        bounds.append(frame)
        phones.append(phone)
        phone = int(sources[frame, phone])
        frame -= 1
    return bounds[::-1], phones[::-1]
