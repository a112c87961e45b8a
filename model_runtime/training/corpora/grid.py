"""Read GRID corpus clips (Cooke et al. 2006): audio and words of the filmed speakers."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import soundfile

from ...errors import BadArgument
from .speech import SpeechClip

SILENT_WORDS = frozenset({"sil", "sp"})
SPOKEN = {"z": "zed"}
"""Letters said otherwise in Britain than in the aligner's American dictionary."""


def read_grid(folder: Path) -> list[SpeechClip]:
    """Return the clips of one speaker, sorted by name, with their words as text.

    Raises:
        BadArgument: Neither ``transcripts.tsv`` nor ``words.tsv`` is there.
    """
    texts = _texts(folder)
    clips = []
    for name in sorted(texts):
        path = folder / "audio" / f"{name}.opus"
        if path.is_file():
            clips.append(_clip(folder.name, name, path, texts[name]))
    return clips


def _texts(folder: Path) -> dict[str, str]:
    words: dict[str, list[str]] = defaultdict(list)
    for row in _rows(folder / "transcripts.tsv"):
        # The transcript has the whole sentence; timed words are the fallback.
        words[row["clip"]] = row["text"].split()
    if not words:
        for row in _rows(folder / "words.tsv"):
            if row["word"] not in SILENT_WORDS:
                words[row["clip"]].append(row["word"])
    if not words:
        raise BadArgument(f"No transcripts in {folder}", hint="Point --data at the data folder")
    # Said as the speakers say it.
    return {name: " ".join(SPOKEN.get(w, w) for w in said) for name, said in words.items()}


def _rows(table: Path) -> list[dict[str, str]]:
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def _clip(corpus: str, name: str, path: Path, text: str) -> SpeechClip:
    return SpeechClip(
        corpus=corpus,
        file=name,
        path=path,
        speaker=corpus,
        language="en",
        emotion="neutral",
        duration_s=soundfile.info(str(path)).duration,
        text=text,
    )
