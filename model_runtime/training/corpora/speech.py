"""Read speech without a face: folders with a ``metadata.tsv``.

Its columns: file, speaker, language, emotion, duration_s, text.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
from pathlib import Path

from ...errors import BadArgument
from .held_out import TRAIN, Splits, splits_above

# Emotion words of the corpora here, in the names of choices.EMOTIONS. Boredom has no counterpart.
EMOTION_NAMES = {
    "neutral": "neutral", "happiness": "happy", "joy": "happy", "sadness": "sad", "anger": "angry",
    "fear": "fearful", "disgust": "disgusted", "surprise": "surprised", "contempt": "contemptuous",
    "boredom": "neutral", "anxiety": "fearful",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class SpeechClip:
    """One sound file with its text."""

    corpus: str
    file: str
    path: Path
    speaker: str
    language: str
    emotion: str
    """A name of ``choices.EMOTIONS``."""
    duration_s: float
    text: str
    split: str = TRAIN
    """``train``, ``dev`` or ``test``, by ``splits.tsv`` of the data folder."""

    @property
    def key(self) -> str:
        """Corpus and file: unique over all corpora."""
        return f"{self.corpus}/{self.file}"

    @property
    def seed(self) -> int:
        """A number of its own, the same on every machine."""
        # A hash, not `hash()`, which Python salts for each process.
        return int.from_bytes(hashlib.sha256(self.key.encode()).digest()[:4], "little")


def read_speech_corpus(folder: Path) -> list[SpeechClip]:
    """Return the clips that ``folder/metadata.tsv`` lists and that exist, in file order.

    Raises:
        BadArgument: No metadata, or a column is missing.
    """
    table = folder / "metadata.tsv"
    if not table.is_file():
        raise BadArgument(f"No metadata.tsv in {folder}", hint="Point --data at the data folder")
    splits = splits_above(folder)
    clips = []
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            try:
                clip = _clip(folder, row, splits)
            except (KeyError, ValueError, TypeError) as error:
                raise BadArgument(f"{table}: bad row {row}: {error}") from error
            # A partial download is usable: missing files are left out.
            if clip.path.is_file():
                clips.append(clip)
    return clips


def _clip(folder: Path, row: dict[str, str], splits: Splits) -> SpeechClip:
    return SpeechClip(
        corpus=folder.name,
        file=row["file"],
        path=folder / row["file"],
        speaker=row["speaker"],
        language=row["language"],
        emotion=EMOTION_NAMES[row["emotion"]],
        duration_s=float(row["duration_s"]),
        text=row["text"],
        split=splits.of(folder.name, row["speaker"]),
    )
