"""Read VOCASET through BlendVOCA (SAiD): ``blendshape_coeffs/<subject>/sentenceNN.csv``, 60 fps.

The CSV's header names 32 ARKit shapes of jaw, mouth, cheek and nose. The sound is VOCASET's, which
ships it as a pickle: it is refused here and must be converted to wav files once, by its owner.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from ...curves.track import CurveTrack
from .catalogue import Corpus
from .clip import FaceClip, SkippedFile
from .files import PICKLE_SUFFIXES, read_table, sound_beside_or_none

COEFFICIENTS = "blendshape_coeffs"
SENTENCE = re.compile(r"(sentence\d+)(-.+)?")
"""A second fit of a sentence has a suffix: ``sentence01-1.csv``."""
PICKLE_REASON = (
    "A pickle can run any code when it is opened, so it never is. In an environment of its own, "
    "where nothing else lies, load it with VOCASET's script and write each clip's sound to "
    "audio/<subject>/<sentence>.wav"
)
VERTICES = "data_verts.npy"
VERTICES_REASON = "Vertices, not channels: BlendVOCA's coefficients are read instead"


def find_clips(folder: Path, corpus: Corpus) -> Iterator[FaceClip | SkippedFile]:
    """Yield every sentence of every subject, and each refused file of VOCASET's with its reason.

    Args:
        folder: Of the corpus.
        corpus: Its entry in the catalogue.
    """
    for path in sorted(folder.rglob("*")):
        # Pickles are named so that the user learns why sound is missing.
        if path.suffix.lower() in PICKLE_SUFFIXES:
            yield SkippedFile(path, PICKLE_REASON)
        elif path.name == VERTICES:
            yield SkippedFile(path, VERTICES_REASON)
    for path in sorted(folder.rglob(f"{COEFFICIENTS}/*/*.csv")):
        match = SENTENCE.fullmatch(path.stem)
        if match is None:
            yield SkippedFile(path, "Name is not sentence<number>")
            continue
        subject, root = path.parent.name, path.parent.parent.parent
        yield FaceClip(
            corpus=corpus.kind,
            clip_id=f"{subject}/{path.stem}",
            file=path,
            # Fits of one sentence share its sound and its sentence: they must not fall into two
            # splits.
            audio=sound_beside_or_none(root / "audio" / subject / match[1]),
            speaker=subject,
            sentence=match[1],
            emotion="neutral",
            intensity=0.0,
            licence=corpus.licence,
            rig=corpus.rig,
            load=functools.partial(read_face, path, corpus.fps),
        )


def read_face(path: Path, fps: float) -> CurveTrack:
    """Return the columns of the CSV under its own names.

    Args:
        path: The CSV file.
        fps: Frame rate of the corpus.

    Raises:
        BadCurves: The file is broken.
    """
    names, values = read_table(path)
    return CurveTrack(values, names, fps)
