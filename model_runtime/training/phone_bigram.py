"""Build the phone bigram of ``model_runtime.text.decode``.

``python -m model_runtime.training.phone_bigram --data FOLDER`` counts which phone follows which:
once within every word of the dictionary, and in the texts of the English training clips under
``FOLDER/speech``, word ends included. The file has logarithms of probabilities, 3 KB.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..arrays import DoubleArray, FloatArray
from ..checkpoint.safetensors import write_tensors
from ..config import PHONES
from ..text.decode import BIGRAM
from ..text.dictionary import DICTIONARY, phones_of_code
from ..text.pronounce import pronounce_text
from .corpora.held_out import TRAIN
from .corpora.speech import read_speech_corpus

DICTIONARY_SHARE = 0.3
"""Share of the dictionary in the counts: its words count once each, texts as they are spoken."""
PAUSE_SHARE = 0.15
"""Share of word ends at which readers pause, from the alignments of librispeech_mini."""
SMOOTHING = 0.05
"""Share of a uniform distribution: names and other languages have what English does not."""
SILENCE = 0


def dictionary_words(path: Path = DICTIONARY) -> list[tuple[str, ...]]:
    """Return the first pronunciation of every word of the dictionary."""
    lines = path.read_text(encoding="ascii").splitlines()
    return [phones_of_code(line.partition("\t")[2].partition("|")[0]) for line in lines]


def training_sentences(data: Path) -> list[list[tuple[str, ...]]]:
    """Return the phones of the words of each English training text under ``data/speech``."""
    sentences = []
    for table in sorted((data / "speech").glob("*/metadata.tsv")):
        for clip in read_speech_corpus(table.parent):
            if clip.split == TRAIN and clip.language.startswith("en"):
                sentences.append([word.variants[0] for word in pronounce_text(clip.text)])
    return sentences


def count_pairs(sentences: Iterable[Sequence[tuple[str, ...]]]) -> DoubleArray:
    """Return how often each phone follows each, shape (P, P), the earlier phone in the rows.

    Args:
        sentences: Phones of their words in order; silence stands around a sentence and at a share
            of its word ends.
    """
    counts = np.zeros((len(PHONES), len(PHONES)))
    number = {name: index for index, name in enumerate(PHONES)}
    for words in sentences:
        coded = [[number[name] for name in word] for word in words if word]
        for word in coded:
            for pair in itertools.pairwise(word):
                counts[pair] += 1
        ends = [[SILENCE], *coded, [SILENCE]]
        for index, (before, after) in enumerate(itertools.pairwise(ends)):
            pause = 0.0 if index in (0, len(coded)) else PAUSE_SHARE
            counts[before[-1], after[0]] += 1 - pause
            counts[before[-1], SILENCE] += pause
            counts[SILENCE, after[0]] += pause
    return counts


def log_probabilities(dictionary: DoubleArray, texts: DoubleArray) -> FloatArray:
    """Return the smoothed logarithm of P(next phone | phone), shape (P, P).

    Args:
        dictionary: Counts within and around single words.
        texts: Counts in sentences; may be all zero.
    """
    shares = [counts / counts.sum() for counts in (dictionary, texts) if counts.sum() > 0]
    weights = [DICTIONARY_SHARE, 1 - DICTIONARY_SHARE] if len(shares) == 2 else [1.0]
    joint = sum(weight * share for weight, share in zip(weights, shares, strict=True))
    np.fill_diagonal(joint, 0.0)
    rows = joint / np.maximum(joint.sum(1, keepdims=True), 1e-12)
    rows = (1 - SMOOTHING) * rows + SMOOTHING / len(PHONES)
    logs: FloatArray = np.log(rows).astype(np.float32)
    return logs


def main() -> None:
    """Write the bigram."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="data folder with the texts of training clips")
    parser.add_argument("--output", type=Path, default=BIGRAM)
    options = parser.parse_args()
    words = count_pairs([word] for word in dictionary_words())
    sentences = training_sentences(options.data) if options.data else []
    logs = log_probabilities(words, count_pairs(sentences))
    write_tensors(options.output, {"log_probability": logs}, half=True)
    parser.exit(0, f"{len(sentences)} texts; {options.output.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
