"""Build the network of phone states that an aligner walks through for a script. numpy only.

Between words stand an optional silence and an optional filler, which takes speech that the script
does not have; a word can be skipped, which costs. A word's pronunciations stand side by side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .pronounce import PronouncedWord

SILENCE, FILLER = 0, -1
"""Phones of the states between words; silence is the first of ``config.PHONES``."""
SKIP_COST = 9.0
"""Nats for leaving a word out: a word of four phones that the recording has none of costs more."""
FILLER_COST = 1.5
"""Nats for entering the filler, on top of its cost in each frame."""
# Rare pronunciations cost time and fit noise.
MOST_VARIANTS = 4


@dataclasses.dataclass(frozen=True)
class StateGraph:
    """States in an order in which every arc but the self-loops leads forward."""

    phones: NDArray[np.int64]
    """Phone of each state, ``SILENCE`` or ``FILLER`` between words; shape (S,)."""
    words: NDArray[np.int64]
    """Index of the word of each state, -1 between words; shape (S,)."""
    sources: NDArray[np.int64]
    """States that lead to each state, -1 where there are fewer; shape (S, A)."""
    costs: NDArray[np.float32]
    """Cost of each of these arcs in nats; shape (S, A)."""
    starts: NDArray[np.int64]
    """States in which an alignment may begin."""
    ends: NDArray[np.int64]
    """States in which it may end."""


@dataclasses.dataclass
class _Builder:
    phones: list[int] = dataclasses.field(default_factory=list)
    words: list[int] = dataclasses.field(default_factory=list)
    arcs: list[list[tuple[int, float]]] = dataclasses.field(default_factory=list)

    def add(self, phone: int, word: int, arcs: Sequence[tuple[int, float]]) -> int:
        """Append a state; returns its number."""
        self.phones.append(phone)
        self.words.append(word)
        self.arcs.append(list(arcs))
        return len(self.phones) - 1


START = -2
"""Source of arcs from before the first frame."""


def build_graph(words: Sequence[PronouncedWord], phone_names: Sequence[str]) -> StateGraph:
    """Return the network of a script.

    Args:
        words: In the order of the script.
        phone_names: Names of the columns of the posteriors that will be aligned.

    Returns:
        States of all words and of what may stand between them.
    """
    number = {name: i for i, name in enumerate(phone_names)}
    builder = _Builder()
    exits: list[tuple[int, float]] = [(START, 0.0)]
    exits = _between(builder, exits)
    for index, word in enumerate(words):
        entries = exits
        # Two words in a row at most: each further one would add arcs to every state behind it.
        exits = [(state, cost + SKIP_COST) for state, cost in entries if cost < 2 * SKIP_COST]
        for variant in word.variants[:MOST_VARIANTS]:
            arcs: Sequence[tuple[int, float]] = entries
            for phone in variant:
                arcs = [(builder.add(number[phone], index, arcs), 0.0)]
            exits.append(arcs[0])
        exits = _between(builder, exits)
    return _finished(builder, exits)


def _between(builder: _Builder, exits: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Add optional silence, filler and silence again after whatever ended."""
    silence = builder.add(SILENCE, -1, exits)
    filler = builder.add(FILLER, -1, [(s, c + FILLER_COST) for s, c in (*exits, (silence, 0.0))])
    after = builder.add(SILENCE, -1, [(filler, 0.0)])
    return [*exits, (silence, 0.0), (filler, 0.0), (after, 0.0)]


def _finished(builder: _Builder, exits: Sequence[tuple[int, float]]) -> StateGraph:
    cheapest: list[dict[int, float]] = []
    for arcs in builder.arcs:
        best: dict[int, float] = {}
        for source, cost in arcs:
            # A word that is skipped and one that is not may reach the same state.
            best[source] = min(cost, best.get(source, np.inf))
        cheapest.append(best)
    # A rectangle with -1, so that all states of a frame are one array operation.
    width = max(1, *(len([s for s in arcs if s != START]) for arcs in cheapest))
    sources = np.full((len(cheapest), width), -1, np.int64)
    costs = np.zeros((len(cheapest), width), np.float32)
    starts = []
    for state, reached in enumerate(cheapest):
        if START in reached:
            starts.append(state)
        inner = [(source, cost) for source, cost in reached.items() if source != START]
        for column, (source, cost) in enumerate(inner):
            sources[state, column], costs[state, column] = source, cost
    ends = sorted({state for state, _ in exits if state != START})
    return StateGraph(
        np.array(builder.phones),
        np.array(builder.words),
        sources,
        costs,
        np.array(starts),
        np.array(ends),
    )
