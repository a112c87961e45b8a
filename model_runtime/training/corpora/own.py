"""Read data of one's own: folders with ``metadata.tsv``, and captures fitted to a rig."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...curves.rig import rig_names
from ...curves.track import CurveTrack
from ...errors import BadCurves
from .catalogue import Corpus, licence_of
from .clip import UNKNOWN_EMOTION, FaceClip, SkippedFile
from .emotion_labels import emotion_of, intensity_of
from .files import load_arrays, load_json, motion, reading
from .held_out import TRAIN, Splits, splits_above

METADATA = "metadata.tsv"
COLUMNS = ("file", "speaker", "language", "emotion", "duration_s", "text")
INDEX = "index.json"


def find_speech(folder: Path, corpus: Corpus) -> Iterator[FaceClip | SkippedFile]:
    """Yield every row of every ``metadata.tsv`` at or under ``folder``: voices without faces.

    Args:
        folder: Of the corpora.
        corpus: Entry in the catalogue.
    """
    tables = sorted(folder.rglob(METADATA))
    if not tables:
        yield SkippedFile(folder / METADATA, "Is not there")
    for table in tables:
        try:
            rows = _rows(table)
        except BadCurves as fault:
            yield SkippedFile(table, str(fault))
            continue
        licence = licence_of(table.parent, corpus)
        splits = splits_above(table.parent)
        for number, row in enumerate(rows, start=2):
            yield _spoken(table, number, row, corpus, licence, splits)


def _rows(table: Path) -> list[dict[str, str]]:
    with reading(table), table.open(encoding="utf-8", newline="") as lines:
        # Texts contain quotation marks that quote nothing.
        reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = set(COLUMNS) - set(reader.fieldnames or ())
        if missing:
            raise BadCurves(f"Lacks the columns {', '.join(sorted(missing))}")
        return list(reader)


def _spoken(
    table: Path,
    number: int,
    row: dict[str, str],
    corpus: Corpus,
    licence: str,
    splits: Splits,
) -> FaceClip | SkippedFile:
    if None in row or any(row[name] is None for name in COLUMNS) or not row["file"]:
        return SkippedFile(table, f"Line {number} has another number of columns than the first")
    path = table.parent / row["file"]
    emotion = emotion_of(row["emotion"])
    if not path.is_file():
        return SkippedFile(path, f"Is not there; line {number} of {METADATA} names it")
    if emotion == UNKNOWN_EMOTION:
        return SkippedFile(path, f"Emotion {row['emotion']!r} has no counterpart")
    return FaceClip(
        corpus=corpus.kind,
        clip_id=f"{table.parent.name}/{row['file']}",
        file=path,
        audio=path,
        speaker=row["speaker"],
        # Case and spacing do not make another sentence.
        sentence=" ".join(row["text"].lower().split()) or row["file"],
        emotion=emotion,
        intensity=intensity_of(emotion),
        licence=licence,
        text=row["text"],
        # A held-out speaker of splits.tsv stays held out in any split of this reading.
        held_out=splits.of(table.parent.name, row["speaker"]) != TRAIN,
    )


def find_captures(folder: Path, corpus: Corpus) -> Iterator[FaceClip | SkippedFile]:
    """Yield every clip of an ``index.json`` that ``training.captures`` wrote.

    The sound's path is from the data folder, which is not known here: ``audio`` is relative.

    Args:
        folder: Of the captures.
        corpus: Entry in the catalogue.
    """
    index_path = folder / INDEX
    try:
        index = load_json(index_path)
        with reading(index_path):
            rig, corpora = str(index.get("rig", corpus.rig)), dict(index["corpora"])
        if rig not in rig_names():
            raise BadCurves(f"Made for a rig {rig!r} that is not here")
    except BadCurves as fault:
        yield SkippedFile(index_path, str(fault))
        return
    for name, entry in sorted(corpora.items()):
        try:
            with reading(index_path):
                archive = folder / entry["file"]
                clips = [_captured(archive, name, clip, rig, corpus) for clip in entry["clips"]]
        except BadCurves as fault:
            yield SkippedFile(index_path, f"{name}: {fault}")
            continue
        yield from clips


def _captured(
    archive: Path, source: str, entry: dict[str, Any], rig: str, corpus: Corpus
) -> FaceClip:
    emotion = emotion_of(entry["emotion"] or "")
    # Captured words come with times, which alignment replaces.
    words = " ".join(word for _, _, word in entry["words"])
    return FaceClip(
        corpus=corpus.kind,
        clip_id=f"{source}/{entry['clip']}",
        file=archive,
        audio=Path(entry["audio"]) if entry["audio"] else None,
        speaker=entry["speaker"],
        sentence=words.lower() or f"{source}/{entry['clip']}",
        emotion=emotion,
        intensity=intensity_of(emotion),
        licence=corpus.licence,
        rig=rig,
        load=functools.partial(read_capture, archive, entry["clip"], corpus.fps),
        text=words,
        held_out=bool(entry["held_out"]),
    )


def read_capture(archive: Path, clip: str, fps: float) -> CurveTrack:
    """Return the curves of one clip, only the channels that the capture tells about.

    Args:
        archive: The npz file.
        clip: Name of the clip.
        fps: Of the archive.

    Raises:
        BadCurves: The archive is broken, or lacks the clip.
    """
    arrays = load_arrays(archive, ("channels", "observed", f"curves_{clip}"))
    names = arrays["channels"].tolist()
    values = motion(arrays[f"curves_{clip}"], len(names))
    # Channels that the capture does not tell about are left out, so they count as unobserved.
    observed = np.flatnonzero(arrays["observed"])
    with reading(archive):
        seen = tuple(str(names[column]) for column in observed)
        return CurveTrack(values[:, observed], seen, fps)
