"""Keep what the encoder made of the last features, within bounds. numpy only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ..arrays import FloatArray

Encoding: TypeAlias = tuple[FloatArray, FloatArray]
"""Hidden speech, shape (T, D), and phone probabilities, shape (T, P)."""


class Encodings:
    """Encodings of the latest windows, by the bytes of their features."""

    def __init__(self, limit_bytes: int) -> None:
        """Keep nothing yet.

        Args:
            limit_bytes: Size of all encodings that are kept; 0 keeps none.
        """
        self._limit = limit_bytes
        self._size = 0
        self._kept: dict[bytes, Encoding] = {}

    def of(self, features: FloatArray, encode: Callable[[], Encoding]) -> Encoding:
        """Return the encoding of features, computed if it is not kept.

        Args:
            features: Features of a window, shape (2 T, M).
            encode: Computes the encoding.

        Returns:
            Arrays of the caller's own.
        """
        if self._limit <= 0:
            return encode()
        key = hashlib.blake2b(np.ascontiguousarray(features).data).digest()
        if key not in self._kept:
            self._keep(key, encode())
        speech, phones = self._kept[key]
        return speech.copy(), phones.copy()

    def _keep(self, key: bytes, made: Encoding) -> None:
        self._kept[key] = made
        self._size += _bytes(made)
        # Oldest first; the newest stays, whatever its size.
        while self._size > self._limit and len(self._kept) > 1:
            oldest = next(iter(self._kept))
            self._size -= _bytes(self._kept.pop(oldest))


def _bytes(made: Encoding) -> int:
    return sum(array.nbytes for array in made)
