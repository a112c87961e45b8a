"""Store what the teacher says about the clips of a corpus: posteriors and phone times.

``WORK/teacher/<corpus>.bin`` holds posteriors of all clips one after another, one byte each;
``<corpus>.jsonl`` holds a line for each clip with its place there and its phones. Both grow clip by
clip: killed at any moment, the next run continues.

Axes: T frames (50 Hz), P phones.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...arrays import FloatArray
from ...config import PHONES
from ..alignment.forced import Alignment, PhoneTime

LEAST_SCORE: Final = -2.5
"""Mean log posterior of the speech frames under which a text is taken to be wrong."""


@dataclasses.dataclass(frozen=True)
class TeacherLabels:
    """Labels of one corpus."""

    posteriors: NDArray[np.uint8]
    """Of all clips, shape (T, P), see ``decoded``."""
    places: dict[str, tuple[int, int]]
    """First frame and number of frames of each clip, by file name."""
    alignments: dict[str, Alignment]
    """Of the clips whose text fits."""
    dropped: dict[str, str]
    """Reasons for the other clips, by file name."""

    def of(self, file: str) -> NDArray[np.uint8] | None:
        """Return the coded posteriors (T, P) of a clip; None where the teacher has not seen it."""
        if file not in self.places:
            return None
        first, frames = self.places[file]
        return self.posteriors[first : first + frames]


def labels_path(work: Path, corpus: str) -> Path:
    """Return the path of a corpus's labels; the posteriors are next to it.

    Args:
        work: Working folder of the training.
        corpus: Name of the corpus.
    """
    return work / "teacher" / f"{corpus}.jsonl"


def encoded(posteriors: FloatArray) -> NDArray[np.uint8]:
    """Return probabilities in one byte each: 255 times the square root, which keeps small ones."""
    # The root gives probabilities of .01 a code of 25 rather than 3.
    out: NDArray[np.uint8] = np.round(255 * np.sqrt(posteriors)).astype(np.uint8)
    return out


def decoded(codes: NDArray[np.uint8]) -> FloatArray:
    """Return probabilities that sum to 1 along the last axis; zeros where all codes are 0."""
    squares = (codes.astype(np.float32) / 255) ** 2
    # Rounding of the codes leaves sums up to some per cent off; they are scaled to 1.
    out: FloatArray = squares / np.maximum(squares.sum(-1, keepdims=True), 1e-6)
    return out


class LabelWriter:
    """Appends the labels of clips to those of a corpus."""

    def __init__(self, path: Path) -> None:
        """Open the labels of ``labels_path`` and cut off what a killed run left half written."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._bin = path, path.with_suffix(".bin")
        # The list is the authority: a clip counts as done when its line is whole.
        lines = list(_lines(path))
        self.done = {line["file"] for line in lines}
        self._frames = lines[-1]["start"] + lines[-1]["frames"] if lines else 0
        # Written anew without the torn last line, so that appended lines follow a line break.
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        self._bin.touch()
        with self._bin.open("r+b") as file:
            # Posteriors are written before their line, so the file can only be too long.
            file.truncate(self._frames * len(PHONES))

    def add(self, file: str, codes: NDArray[np.uint8], aligned: Alignment | str) -> None:
        """Append one clip.

        Args:
            file: Its name in the corpus.
            codes: See ``encoded``, shape (T, P).
            aligned: Its phones, or why there are none.
        """
        line: dict[str, Any] = {"file": file, "start": self._frames, "frames": len(codes)}
        if isinstance(aligned, str):
            line["error"] = aligned
        else:
            line["score"] = round(aligned.score, 3)
            line["phones"] = [
                [p.phone, p.start_s, p.end_s, p.word, round(p.score, 2)] for p in aligned.phones
            ]
        # Order matters: see the constructor.
        with self._bin.open("ab") as data:
            data.write(codes.tobytes())
        with self._path.open("a", encoding="utf-8") as text:
            text.write(json.dumps(line) + "\n")
        self._frames += len(codes)


def read_labels(work: Path, corpus: str) -> TeacherLabels | None:
    """Return the labels of a corpus; None where the teacher was not run on it.

    Args:
        work: Working folder of the training.
        corpus: Name of the corpus.
    """
    path = labels_path(work, corpus)
    lines = list(_lines(path))
    if not lines:
        return None
    frames = lines[-1]["start"] + lines[-1]["frames"]
    # Mapped, not read: 7 MB an hour of speech, of which a window reads a few kilobytes.
    posteriors = np.memmap(path.with_suffix(".bin"), np.uint8, "r", shape=(frames, len(PHONES)))
    alignments, dropped = _alignments(lines)
    places = {line["file"]: (line["start"], line["frames"]) for line in lines}
    return TeacherLabels(posteriors, places, alignments, dropped)


def _alignments(lines: Iterable[dict[str, Any]]) -> tuple[dict[str, Alignment], dict[str, str]]:
    good: dict[str, Alignment] = {}
    dropped: dict[str, str] = {}
    for line in lines:
        if "error" in line:
            dropped[line["file"]] = line["error"]
        elif line["score"] < LEAST_SCORE:
            dropped[line["file"]] = f"score {line['score']:.2f} under {LEAST_SCORE}"
        else:
            phones = tuple(PhoneTime(*fields) for fields in line["phones"])
            good[line["file"]] = Alignment(phones, line["score"])
    return good, dropped


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole lines; one that a killed run tore is passed over."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            # Only the last line can be torn, as lines are appended; nothing after it is trusted.
            return
