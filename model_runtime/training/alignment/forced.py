"""Align a clip with its text by pocketsphinx' English model: phone times and score."""

from __future__ import annotations

import dataclasses
import functools
import re
import unicodedata
from typing import Any

import numpy as np

from ...arrays import FloatArray
from .pronounce import pronounce

FRAME_S = 0.01  # pocketsphinx counts in frames of 10 ms
SILENCES = frozenset({"SIL", "+SPN+", "+NSN+", "+BREATH+"})


class AlignmentFailed(ValueError):
    """The text does not fit the audio, or has a word without pronunciation."""


@dataclasses.dataclass(frozen=True)
class PhoneTime:
    """One phone of a clip, in seconds."""

    phone: str
    """Lower-case ARPABET without stress; ``sil`` for silence."""
    start_s: float
    end_s: float
    word: str
    """The word it belongs to; empty for silence."""
    score: float
    """Acoustic log probability a frame, 0 is best."""


@dataclasses.dataclass(frozen=True)
class Alignment:
    """Phones of one clip in order, without gaps."""

    phones: tuple[PhoneTime, ...]
    score: float
    """Mean acoustic log probability a frame over the speech phones; low means a bad text."""


def words_of(text: str) -> list[str]:
    """Return words as the dictionary spells them: lower case, inner apostrophes kept."""
    # NFKC joins letters and their accents; the dictionary has the straight apostrophe.
    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    # [^\W_] are letters and digits of any script.
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", plain)


class Aligner:
    """A pocketsphinx decoder for one language's spelling; not thread safe.

    Args:
        voice: espeak-ng voice that pronounces words missing from the dictionary. With a voice other
            than English it pronounces every word.
    """

    def __init__(self, voice: str = "en-us") -> None:
        self.voice = voice
        self._decoder = _new_decoder()
        self._spoken: dict[str, str] = {}

    def align(self, samples: FloatArray, text: str) -> Alignment:
        """Return the phone times of a text.

        Args:
            samples: 16 kHz mono, within [-1, 1].
            text: What is said.

        Raises:
            AlignmentFailed: No words, an unpronounceable word, or the sound does not fit them.
        """
        words = [self._known(word) for word in words_of(text)]
        if not words:
            raise AlignmentFailed(f"No words in {text!r}")
        # 16-bit PCM is what pocketsphinx reads. Clipped first: 1.0001 would wrap to -32768.
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        decoder = self._decoder
        try:
            decoder.set_align_text(" ".join(words))
            # The first pass finds words, the second their phones: set_alignment needs a hypothesis.
            _decode(decoder, pcm)
            # No path through the words survived the beams.
            if decoder.hyp() is None:
                raise AlignmentFailed(f"The audio does not fit {text!r}")
            decoder.set_alignment()
            _decode(decoder, pcm)
            phones = _read_phones(decoder)
        except RuntimeError as error:
            raise AlignmentFailed(f"pocketsphinx could not align {text!r}: {error}") from error
        spoken = [p for p in phones if p.phone != "sil"]
        if not spoken:
            raise AlignmentFailed(f"No phone of {text!r} was found")
        # Weighted by length: many short phones of a fast speaker would otherwise lower the score.
        frames = np.array([p.end_s - p.start_s for p in spoken])
        score = float(np.average([p.score for p in spoken], weights=frames))
        return Alignment(tuple(phones), score)

    def _known(self, word: str) -> str:
        """Return the name of ``word`` in the decoder's dictionary; add it where it is missing."""
        if self.voice.startswith("en") and self._decoder.lookup_word(word) is not None:
            return word
        # The voice is part of the name: "die" is another word in German.
        name = word if self.voice.startswith("en") else f"{word}@{self.voice}"
        if name not in self._spoken:
            spoken = pronounce([word], voice=self.voice)
            if word not in spoken:
                raise AlignmentFailed(f"No pronunciation for {word!r}")
            self._spoken[name] = spoken[word]
            # True rebuilds the decoder's word lookup at once; the next align text needs it.
            self._decoder.add_word(name, spoken[word], True)
        return name


@functools.cache
def shared_aligner(voice: str = "en-us") -> Aligner:
    """Return one aligner per process and voice: loading the acoustic model takes half a second."""
    return Aligner(voice)


def align_words(samples: FloatArray, text: str, *, voice: str = "en-us") -> Alignment:
    """Return the phone times of a text; see :meth:`Aligner.align`.

    Args:
        samples: 16 kHz mono.
        text: What is said.
        voice: See :class:`Aligner`.
    """
    return shared_aligner(voice).align(samples, text)


def _new_decoder() -> Any:
    from pocketsphinx import Decoder

    # No language model: the text is known.
    return Decoder(samprate=16000, loglevel="FATAL", lm=None, bestpath=False)


def _decode(decoder: Any, pcm: bytes) -> None:
    decoder.start_utt()
    # full_utt: features are normalised over the whole clip rather than with a running estimate.
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()


def _read_phones(decoder: Any) -> list[PhoneTime]:
    phones: list[PhoneTime] = []
    # The entries point into the iterator: they must be read before it moves on.
    for word in decoder.get_alignment():
        # Variants are named "word(2)", foreign words "word@de".
        name = re.sub(r"\(\d+\)$|@.*$", "", word.name)
        for phone in word:
            # Words in angle brackets are <s>, </s> and <sil>.
            silent = phone.name in SILENCES or name.startswith("<")
            phones.append(
                PhoneTime(
                    phone="sil" if silent else phone.name.lower(),
                    start_s=phone.start * FRAME_S,
                    end_s=(phone.start + phone.duration) * FRAME_S,
                    word="" if silent else name,
                    # The decoder's score is a sum over frames.
                    score=float(phone.score) / max(1, phone.duration),
                )
            )
    return phones
