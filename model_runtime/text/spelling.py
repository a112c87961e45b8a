"""Predict the phones of a word from its letters, for words that no dictionary has. numpy only.

A small network reads five letters on either side of each letter and what it predicted for the two
letters before; ``training.pronunciation`` made it from CMUdict.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray
from ..checkpoint.safetensors import read_tensors

SPELLING_MODEL = Path(__file__).resolve().parent / "data" / "english_spelling.safetensors"
SPELLING_CLASSES = SPELLING_MODEL.with_suffix(".json")
"""Phones of each class as a JSON list of lists; an empty one is a silent letter."""
LETTERS = "abcdefghijklmnopqrstuvwxyz'"
REACH = 5
"""Letters read on either side."""


MEMORY = 2
"""Earlier predictions that are read: "sh" is one sound, whichever letter stands for it."""
LETTER_ROWS = (2 * REACH + 1) * (len(LETTERS) + 1)
"""Rows of the first layer for letters; those for earlier predictions follow."""


def window_indices(word: str) -> NDArray[np.int64]:
    """Return the rows of the first layer that each letter of a word adds up.

    Args:
        word: Letters of ``LETTERS``.

    Returns:
        Shape (letters, 2 REACH + 1); beyond the word stands the padding symbol.
    """
    pad = len(LETTERS)
    # Padding is a symbol of its own, so that the network sees the ends of a word.
    symbols = [pad] * REACH + [LETTERS.index(letter) for letter in word] + [pad] * REACH
    windows = np.lib.stride_tricks.sliding_window_view(np.array(symbols), 2 * REACH + 1)
    # Each position has its own rows, so that the first layer is a sum of rows and no product.
    rows: NDArray[np.int64] = windows + np.arange(2 * REACH + 1) * (len(LETTERS) + 1)
    return rows


def phones_of_spelling(word: str) -> tuple[str, ...]:
    """Predict the phones of a word.

    Args:
        word: In any case; characters that are no English letters are passed over.

    Returns:
        Names of ``config.PHONES``; empty when nothing of the word is a letter.
    """
    letters = "".join(letter for letter in word.lower() if letter in LETTERS)
    if not letters:
        return ()
    tensors, chunks = _model()
    found = [phone for choice in predict_classes(letters, tensors) for phone in chunks[choice]]
    # Doubled letters may each claim the sound: no English word has the same consonant twice over.
    return tuple(p for i, p in enumerate(found) if i == 0 or p != found[i - 1])


# One letter after the other, since each reads what the ones before gave.
def predict_classes(letters: str, tensors: Mapping[str, FloatArray]) -> list[int]:
    """Return the class of each letter, each knowing the two before it.

    Args:
        letters: Letters of ``LETTERS``.
        tensors: ``first`` (rows, hidden), ``last`` (hidden, classes) and both biases.
    """
    classes = tensors["last_bias"].shape[0]
    read = tensors["first"][window_indices(letters)].sum(1) + tensors["first_bias"]
    found: list[int] = []
    for row in read:
        hidden = row.copy()
        for back in range(MEMORY):
            # Before the word, the class beyond the last stands for "nothing".
            earlier = found[-1 - back] if back < len(found) else classes
            hidden += tensors["first"][LETTER_ROWS + back * (classes + 1) + earlier]
        scores = np.maximum(hidden, 0) @ tensors["last"] + tensors["last_bias"]
        found.append(int(scores.argmax()))
    return found


@functools.cache
def _model() -> tuple[dict[str, FloatArray], tuple[tuple[str, ...], ...]]:
    chunks = json.loads(SPELLING_CLASSES.read_text(encoding="ascii"))
    return read_tensors(SPELLING_MODEL), tuple(tuple(chunk) for chunk in chunks)
