"""Align a text with phone posteriors: the best path through its pronunciations (Viterbi).

States are phones; each word may be said in any of its pronunciations, and silence may stand before,
between and after words. A posterior is divided by a power of the phone's prior, as hybrid
recognisers do, so that frequent phones do not swallow short neighbours.

Axes: T frames (50 Hz), P phones, S states, K predecessors of a state.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...arrays import FloatArray
from ...config import PHONES
from .forced import Alignment, AlignmentFailed, PhoneTime, words_of
from .lexicon import Lexicon

FRAME_RATE: Final = 50.0
PRIOR_POWER: Final = 0.5
FLOOR: Final = 1e-4
"""Least posterior: one frame that the teacher mistakes costs no more than two hundred good ones."""
IMPOSSIBLE: Final = -1e9


@dataclasses.dataclass
class _Graph:
    phones: list[int]
    words: list[str]
    before: list[list[int]]
    starts: list[int]
    ends: list[int]

    def add(self, phone: str, word: str, before: Sequence[int]) -> int:
        self.phones.append(PHONES.index(phone))
        self.words.append(word)
        self.before.append(list(before))
        return len(self.phones) - 1


def align_posteriors(
    posteriors: FloatArray, text: str, lexicon: Lexicon, prior: FloatArray
) -> Alignment:
    """Return the phones of ``text`` with their times.

    Args:
        posteriors: Probabilities of ``config.PHONES``, shape (T, P).
        text: What is said.
        lexicon: Of the language of ``text``.
        prior: Mean posterior of each phone over speech, shape (P,).

    Returns:
        Its ``score`` is the mean log posterior of the speech frames: about -0.6 where the text is
        right, below -3 where it is wrong.

    Raises:
        AlignmentFailed: No words, a word without pronunciation, or fewer frames than phones.
    """
    graph = _graph_of(text, lexicon)
    # The floor bounds what one wrong frame costs.
    logs = np.log(np.maximum(posteriors, FLOOR))
    # Likelihoods up to a constant by Bayes' rule; float32, as the table has T x S numbers.
    scores = (logs - PRIOR_POWER * np.log(np.maximum(prior, FLOOR))).astype(np.float32)
    path = _best_path(scores[:, graph.phones], graph)
    phones, spoken = [], []
    # A border is where the state changes: the same phone twice in a row has two states.
    border = np.flatnonzero(np.diff(path)) + 1
    for first, last in zip([0, *border], [*border, len(path)], strict=True):
        state = path[first]
        phone = graph.phones[state]
        # From the posteriors themselves: scores of clips with other priors must be comparable.
        score = float(logs[first:last, phone].mean())
        name, word = PHONES[phone], graph.words[state]
        start_s, end_s = float(first / FRAME_RATE), float(last / FRAME_RATE)
        phones.append(PhoneTime(name, start_s, end_s, word, score))
        # 0 is silence, which says nothing about the text.
        if phone:
            spoken.append((score, last - first))
    if not spoken:
        raise AlignmentFailed(f"No phone of {text!r} was found")
    # Weighted by frames.
    values, frames = zip(*spoken, strict=True)
    return Alignment(tuple(phones), float(np.average(values, weights=frames)))


def _graph_of(text: str, lexicon: Lexicon) -> _Graph:
    words = words_of(text)
    if not words:
        raise AlignmentFailed(f"No words in {text!r}")
    graph = _Graph([], [], [], [], [])
    silence = graph.add("sil", "", [])
    # Silence before the first word is one way to start, its first phone the other.
    graph.starts.append(silence)
    ends = [silence]
    for number, word in enumerate(words):
        variants = lexicon.variants(word)
        if not variants or not set().union(*variants) <= set(PHONES):
            # A dictionary symbol outside ARPABET cannot be aligned.
            raise AlignmentFailed(f"No pronunciation for {word!r}")
        finals = []
        for variant in variants:
            state = -1
            for place, phone in enumerate(variant):
                # A word may follow any pronunciation of the one before it, with silence or without.
                state = graph.add(phone, word, ends if place == 0 else [state])
                if number == 0 and place == 0:
                    graph.starts.append(state)
            finals.append(state)
        # Silence after a word may be skipped: both it and the word's ends lead on.
        ends = [*finals, graph.add("sil", "", finals)]
    graph.ends = ends
    return graph


def _best_path(scores: FloatArray, graph: _Graph) -> NDArray[np.int64]:
    """Return the state of each frame, shape (T,), for scores of the states (T, S)."""
    frames, states = scores.shape
    width = max(len(before) for before in graph.before)
    before = np.full((states, width), states)  # the last column of ``reached`` is impossible
    for state, known in enumerate(graph.before):
        before[state, : len(known)] = known
    rows = np.arange(states)
    # One extra cell for "no predecessor", so that all states have the same number of them.
    reached = np.full(states + 1, IMPOSSIBLE, np.float32)
    reached[graph.starts] = scores[0, graph.starts]
    came_from = np.empty((frames, states), np.int32)
    came_from[0] = rows
    for frame in range(1, frames):
        # All states at once: the loop is over frames alone, which numpy cannot avoid.
        candidates = reached[before]
        choice = candidates.argmax(axis=1)
        moved, stayed = candidates[rows, choice], reached[:-1]
        # Strictly greater: of equal paths the one that stays wins, so the result is unique.
        moves = moved > stayed
        came_from[frame] = np.where(moves, before[rows, choice], rows)
        reached[:-1] = np.where(moves, moved, stayed) + scores[frame]
    # The text must be complete: only its last states may be the end.
    state = max(graph.ends, key=lambda end: float(reached[end]))
    # Half: sums of real scores never come near it.
    if reached[state] < IMPOSSIBLE / 2:
        raise AlignmentFailed(f"{frames} frames are too few for the text")
    path = np.empty(frames, np.int64)
    for frame in range(frames - 1, -1, -1):
        path[frame] = state
        state = came_from[frame, state]
    return path
