"""Align a script with a recording: Viterbi search through phone posteriors. numpy only.

Time and memory grow with the recording alone: only states within a beam of the best are looked at,
a few hundred that move along the script.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray
from .graph import FILLER, StateGraph, build_graph
from .pronounce import PronouncedWord

FLOOR = 1e-4
"""Least posterior: an acoustic model that is sure of another phone still allows ours."""
PRIOR_SHARE = 0.3
"""Exponent of the phones' priors that posteriors are divided by; chosen on EmoDB's hand labels."""
FILLER_FRAME_COST = 0.9
"""Nats a frame that the filler pays against the best phone of the frame: a word that fits at all is
taken, speech that fits no word is not forced onto one."""
# A narrower beam loses the path over a wrong pronunciation; a wider one costs time alone.
BEAM = 90.0
"""States this many nats below the best are given up: some 25 frames of contrary evidence."""

# int8: a state has far fewer than 128 arcs, and an hour of frames is kept for the way back.
_Step = tuple[int, NDArray[np.int8]]
"""First active state of a frame, and for each active state the arc that was taken, -1 for none."""


@dataclasses.dataclass(frozen=True)
class AlignedPhone:
    """A phone in the recording."""

    phone: str
    start_s: float
    end_s: float
    confidence: float
    """Mean posterior of the phone over its frames, 0 to 1."""


@dataclasses.dataclass(frozen=True)
class AlignedWord:
    """A word of the script in the recording."""

    index: int
    """Position among the words that were given."""
    text: str
    start_s: float
    end_s: float
    confidence: float
    phones: tuple[AlignedPhone, ...]


@dataclasses.dataclass(frozen=True)
class Alignment:
    """Words of a script with their times."""

    words: tuple[AlignedWord, ...]
    """Words that were found, in order; skipped ones are absent."""
    skipped: tuple[int, ...]
    """Indices of words that the recording does not have."""
    unscripted_s: tuple[tuple[float, float], ...]
    """Stretches of speech that the script does not have."""


def align_script(
    words: Sequence[PronouncedWord],
    posteriors: FloatArray,
    *,
    phone_names: Sequence[str],
    frame_rate: float,
    priors: FloatArray | None = None,
) -> Alignment:
    """Find when each word and phone of a script is spoken.

    Args:
        words: In the order of the script.
        posteriors: Probability of each phone in each frame, shape (T, P).
        phone_names: Names of the P phones, silence first.
        frame_rate: Frames a second.
        priors: Share of each phone in speech, shape (P,); None takes the mean of ``posteriors``
            mixed with a uniform share.

    Returns:
        The words found, the words skipped and the speech that belongs to none.
    """
    if not words or not len(posteriors):
        return Alignment((), tuple(range(len(words))), ())
    graph = build_graph(words, phone_names)
    scores = _scores(posteriors, priors)
    path = _best_path(graph, scores)
    return _read(path, graph, words, posteriors, phone_names, frame_rate)


def _scores(posteriors: FloatArray, priors: FloatArray | None) -> FloatArray:
    """Log likelihoods up to a constant, with the filler as the last column."""
    if priors is None:
        # Half uniform: the clip may lack a phone altogether, whose prior would then be the floor.
        priors = 0.5 * posteriors.mean(0) + 0.5 / posteriors.shape[1]
    logs = np.log(np.maximum(posteriors, FLOOR)) - PRIOR_SHARE * np.log(np.maximum(priors, FLOOR))
    # The best phone but silence: a pause must not pay for the filler.
    filler = logs[:, 1:].max(1, keepdims=True) - FILLER_FRAME_COST
    return np.concatenate([logs, filler], 1).astype(np.float32)


def _best_path(graph: StateGraph, scores: FloatArray) -> NDArray[np.int64]:
    """Return the best state of each frame, shape (T,)."""
    states = len(graph.phones)
    columns = np.where(graph.phones == FILLER, scores.shape[1] - 1, graph.phones)
    is_arc = graph.sources >= 0
    # Arcs lead forward only, so that this bounds how far the search moves in a frame.
    reach = int((np.arange(states)[:, None] - graph.sources)[is_arc].max(initial=1))
    current = np.full(states, -np.inf, np.float32)
    # All other states begin impossible.
    current[graph.starts] = scores[0, columns[graph.starts]]
    steps: list[_Step] = []
    for row in scores[1:]:
        part = _active(current, reach)
        sources = graph.sources[part]
        arriving = np.where(is_arc[part], current[sources] - graph.costs[part], -np.inf)
        best_arc = arriving.argmax(1)
        moved = arriving[np.arange(len(sources)), best_arc]
        # Ties stay: fewer changes of state for equal scores.
        stayed = current[part]
        steps.append((part.start, np.where(moved > stayed, best_arc, -1).astype(np.int8)))
        scored = np.maximum(moved, stayed) + row[columns[part]]
        # Cleared on the left too, since arcs of a later frame may look back as far as ``reach``.
        current[max(0, part.start - reach) : part.stop] = -np.inf
        current[part] = scored
    return _traced(graph, current, steps)


def _active(current: FloatArray, reach: int) -> slice:
    """States that are within the beam of the best, and those that they can lead to."""
    alive = np.flatnonzero(current > current.max() - BEAM)
    low, high = int(alive[0]), int(alive[-1])
    current[:low] = -np.inf  # given up: a later state may not come from there
    current[high + 1 :] = -np.inf  # nor end there, when the beam has narrowed
    return slice(low, min(high + reach + 1, len(current)))


def _traced(graph: StateGraph, final: FloatArray, steps: Sequence[_Step]) -> NDArray[np.int64]:
    ends = graph.ends[np.isfinite(final[graph.ends])]
    # No end in the beam: the recording stops within the script, and the best state ends it.
    state = int(ends[final[ends].argmax()]) if len(ends) else int(final.argmax())
    path = np.empty(len(steps) + 1, np.int64)
    for frame in range(len(steps), 0, -1):
        path[frame] = state
        # The arcs were stored for active states alone, from ``low`` on.
        low, choices = steps[frame - 1]
        arc = int(choices[state - low])
        if arc >= 0:
            state = int(graph.sources[state, arc])
    path[0] = state
    return path


def _read(
    path: NDArray[np.int64],
    graph: StateGraph,
    words: Sequence[PronouncedWord],
    posteriors: FloatArray,
    phone_names: Sequence[str],
    frame_rate: float,
) -> Alignment:
    """Words, phones and unscripted stretches of a path of states."""
    # States, not phones: the same phone twice in a row is two states.
    edges = np.flatnonzero(np.diff(path)) + 1
    bounds = [0, *edges.tolist(), len(path)]
    phones: dict[int, list[AlignedPhone]] = {}
    unscripted: list[tuple[float, float]] = []
    for first, stop in itertools.pairwise(bounds):
        state = int(path[first])
        phone, word = int(graph.phones[state]), int(graph.words[state])
        span = (first / frame_rate, stop / frame_rate)
        if phone == FILLER:
            unscripted.append(span)
        elif word >= 0:
            sure = float(posteriors[first:stop, phone].mean())
            phones.setdefault(word, []).append(AlignedPhone(phone_names[phone], *span, sure))
    found = tuple(
        AlignedWord(
            index,
            words[index].word.spoken,
            parts[0].start_s,
            parts[-1].end_s,
            _mean_confidence(parts),
            tuple(parts),
        )
        for index, parts in sorted(phones.items())
    )
    skipped = tuple(i for i in range(len(words)) if i not in phones)
    return Alignment(found, skipped, tuple(unscripted))


def _mean_confidence(phones: Sequence[AlignedPhone]) -> float:
    # Weighted by length, as a mean over frames is: a phone of one frame must not decide.
    lengths = np.array([phone.end_s - phone.start_s for phone in phones])
    return float(np.average([phone.confidence for phone in phones], weights=lengths))
