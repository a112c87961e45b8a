"""GRID corpus clips (Cooke et al. 2006): sound and words of the filmed speakers in ``data/capture``."""

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

# Held out of all training (docs/data.md): every tenth of s1, every fourth of s4, all of s31.
HOLD_OUT_EVERY = {"grid_s1": 10, "grid_s4": 4, "grid_s31": 1}


def read_grid(folder: Path) -> list[SpeechClip]:
    """The clips of one speaker, sorted by name, with their words as text.

    Raises:
        BadArgument: No ``words.tsv`` there.
    """
    table = folder / "words.tsv"
    if not table.is_file():
        raise BadArgument(f"No words.tsv in {folder}", hint="Point --data at the data folder")
    words: dict[str, list[str]] = defaultdict(list)
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            if row["word"] not in SILENT_WORDS:
                words[row["clip"]].append(SPOKEN.get(row["word"], row["word"]))
    clips = []
    for name in sorted(words):
        path = folder / "audio" / f"{name}.opus"
        if path.is_file():
            clips.append(_clip(folder.name, name, path, " ".join(words[name])))
    return clips


def is_held_out(corpus: str, index: int) -> bool:
    """Whether clip number ``index`` of the sorted list is for evaluation only."""
    return index % HOLD_OUT_EVERY[corpus] == 0


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
