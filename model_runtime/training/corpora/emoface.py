"""Read EmoFace: MetaHuman controls, ``VALID_CTR/<clip>.txt`` with ``WAV/<clip>.wav``, 60 fps.

One frame a line, commas between, no header: the names stand in ``valid_attr_names.txt`` beside the
folders, and without it the columns are those of the rig. The first three letters of a clip's name
give the emotion (``angry_gd04_001_021``).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...curves.rig import load_rig
from ...curves.track import CurveTrack
from ...errors import BadCurves
from .catalogue import Corpus
from .clip import UNKNOWN_EMOTION, FaceClip, SkippedFile
from .emotion_labels import EMOFACE_PREFIXES, intensity_of
from .files import motion, reading, sound_beside_or_none

CONTROLS, SOUNDS = "VALID_CTR", "WAV"
NAMES_FILE = "valid_attr_names.txt"


def find_clips(folder: Path, corpus: Corpus) -> Iterator[FaceClip | SkippedFile]:
    """Yield every text file in a folder ``VALID_CTR`` at or under ``folder``.

    Args:
        folder: Of the corpus.
        corpus: Its entry in the catalogue.
    """
    for path in sorted(p for p in folder.rglob("*.txt") if p.parent.name == CONTROLS):
        # Three letters, as the corpus's authors read their names.
        emotion = EMOFACE_PREFIXES.get(path.stem[:3].lower(), UNKNOWN_EMOTION)
        words = path.stem.split("_")
        yield FaceClip(
            corpus=corpus.kind,
            clip_id=path.relative_to(folder).with_suffix("").as_posix(),
            file=path,
            audio=sound_beside_or_none(path.parent.parent / SOUNDS / path.stem),
            # Names such as angry_gd04_001_021 hold the speaker second.
            speaker=words[1] if len(words) > 2 else corpus.kind,
            sentence="_".join(words[1:]) or path.stem,
            emotion=emotion,
            intensity=intensity_of(emotion),
            licence=corpus.licence,
            rig=corpus.rig,
            load=functools.partial(read_face, path, folder, corpus),
        )


def read_face(path: Path, folder: Path, corpus: Corpus) -> CurveTrack:
    """Return the controls under the names of the corpus's own list, or else of the rig.

    Args:
        path: The text file.
        folder: Of the corpus.
        corpus: Its entry in the catalogue.

    Raises:
        BadCurves: Another number of columns than names, or a line that cannot be read.
    """
    names = _listed_names(path, folder) or load_rig(corpus.rig).channel_names
    with reading(path):
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        rows = [[float(cell) for cell in line.split(",")] for line in lines if line.strip()]
    # Checked by line: numpy's own message for ragged rows names none.
    odd = next((i for i, row in enumerate(rows) if len(row) != len(names)), None)
    if odd is not None:
        raise BadCurves(f"Frame {odd + 1} has {len(rows[odd])} values for {len(names)} names")
    values = np.array(rows, np.float64).reshape(len(rows), len(names))
    return CurveTrack(motion(values, len(names)), names, corpus.fps)


def _listed_names(path: Path, folder: Path) -> tuple[str, ...]:
    """Return names in the nearest ``valid_attr_names.txt`` up to ``folder``; empty for none."""
    # The list lies beside the folders, at a depth that depends on how the corpus was unpacked.
    for place in path.parents:
        listed = place / NAMES_FILE
        if listed.is_file():
            with reading(listed):
                names = tuple(listed.read_text(encoding="utf-8-sig").split())
            # Two columns of one name cannot be told apart.
            if len(set(names)) != len(names):
                raise BadCurves(f"{NAMES_FILE} has a name twice")
            return names
        if place == folder:
            break
    return ()
