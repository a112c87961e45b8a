"""Read Live Link Face takes: a CSV, the film or a wav of the same name, and ``take.json``.

The format has no field for emotion: a word in the names of the take's folders or file gives it
(``anna/happy/MySlate_3``). The speaker is the first folder under the corpus.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

from ...curves.formats import livelink as format_livelink
from ...curves.track import CurveTrack
from .catalogue import Corpus, licence_of
from .clip import FaceClip, SkippedFile
from .emotion_labels import emotion_in, intensity_of
from .files import AUDIO_SUFFIXES, reading, sound_beside_or_none

CALIBRATED, RAW = "_cal", "_raw"
"""Endings of the two CSVs of a take recorded with a calibrated neutral face."""


def find_clips(folder: Path, corpus: Corpus) -> Iterator[FaceClip | SkippedFile]:
    """Yield every CSV under ``folder``; of a calibrated take only the calibrated one.

    Args:
        folder: Of the takes.
        corpus: Its entry in the catalogue.
    """
    licence = licence_of(folder, corpus)
    for path in sorted(folder.rglob("*.csv")):
        stem = path.stem
        # The calibrated CSV has the same take with the actor's neutral face taken off.
        if stem.endswith(RAW) and path.with_stem(stem.removesuffix(RAW) + CALIBRATED).is_file():
            yield SkippedFile(path, "The calibrated CSV beside it is read instead")
            continue
        place = path.relative_to(folder)
        # Folders count: takes of one emotion are often recorded into one folder.
        emotion = emotion_in(place.with_suffix("").as_posix())
        clip_id = place.with_suffix("").as_posix()
        yield FaceClip(
            corpus=corpus.kind,
            clip_id=clip_id,
            file=path,
            audio=sound_or_none(path),
            speaker=place.parts[0] if len(place.parts) > 1 else folder.name,
            sentence=clip_id,
            emotion=emotion,
            intensity=intensity_of(emotion),
            licence=licence,
            rig=corpus.rig,
            load=functools.partial(read_face, path),
        )


def sound_or_none(path: Path) -> Path | None:
    """Return the audio of a take: of the CSV's name, or the only file beside one CSV."""
    stem = path.stem.removesuffix(CALIBRATED).removesuffix(RAW)
    beside = sound_beside_or_none(path.with_name(stem))
    if beside is not None:
        return beside
    # A single film beside a single CSV belongs to it, whatever its name.
    others = [p for p in sorted(path.parent.iterdir()) if p.suffix.lower() in AUDIO_SUFFIXES]
    alone = len(list(path.parent.glob("*.csv"))) == 1
    return others[0] if alone and len(others) == 1 else None


def read_face(path: Path) -> CurveTrack:
    """Return the take on an even grid from its timecodes.

    Raises:
        BadCurves: The file is broken.
    """
    with reading(path):
        return format_livelink.read(path)
