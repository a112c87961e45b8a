"""BEAT2: ``beat_<language>_v2.0.0/smplxflame_30/<stem>.npz``, sound in ``wave16k``, 30 fps.

Expression coefficients and the jaw of the SMPL-X pose; stems, and so emotions, are BEAT's.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...curves.rig import load_rig
from ...curves.track import CurveTrack
from ...errors import BadCurves
from .beat import parse_stem
from .catalogue import Corpus
from .clip import FaceClip, SkippedFile
from .emotion_labels import intensity_of
from .files import load_arrays, motion, sound_beside_or_none
from .textgrid import read_textgrid, words_of

POSES_FOLDER = "smplxflame_30"
POSE_COLUMNS = 165
"""55 joints of SMPL-X, axis-angle in radians."""
JAW_COLUMNS = slice(66, 69)
"""Joint 22, after the pelvis and 21 joints of the body."""
EXPRESSIONS = 100


def find_clips(folder: Path, corpus: Corpus) -> Iterator[FaceClip | SkippedFile]:
    """Every npz in a folder ``smplxflame_30`` at or under ``folder``."""
    for path in sorted(p for p in folder.rglob("*.npz") if p.parent.name == POSES_FOLDER):
        language = path.parent.parent
        try:
            said = parse_stem(path.stem)
        except BadCurves as fault:
            yield SkippedFile(path, str(fault))
            continue
        grid = language / "textgrid" / f"{path.stem}.TextGrid"
        text = ""
        try:
            text = words_of(read_textgrid(grid)) if grid.is_file() else ""
        except BadCurves as fault:
            yield SkippedFile(grid, f"{fault}; the clip is kept without its words")
        yield FaceClip(
            corpus=corpus.kind,
            clip_id=path.stem,
            file=path,
            audio=sound_beside_or_none(language / "wave16k" / path.stem),
            speaker=said.speaker,
            sentence=said.sentence,
            emotion=said.emotion,
            intensity=intensity_of(said.emotion),
            licence=corpus.licence,
            rig=corpus.rig,
            load=functools.partial(read_face, path, corpus),
            text=text,
        )


def read_face(path: Path, corpus: Corpus) -> CurveTrack:
    """Expressions and jaw as the channels of the corpus's rig. Raises BadCurves."""
    arrays = load_arrays(path, ("expressions", "poses"))
    expressions = motion(arrays["expressions"], EXPRESSIONS)
    jaw = motion(arrays["poses"], POSE_COLUMNS)[:, JAW_COLUMNS]
    return flame_track(expressions, jaw, corpus)


def flame_track(
    expressions: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    jaw: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    corpus: Corpus,
) -> CurveTrack:
    """Expressions (frames, 100) and jaw (frames, 3), which is the order of the rig's channels.

    Raises:
        BadCurves: Different numbers of frames.
    """
    if len(expressions) != len(jaw):
        raise BadCurves(f"{len(expressions)} frames of expression, {len(jaw)} of jaw")
    values = np.concatenate([expressions, jaw], axis=1)
    return CurveTrack(values, load_rig(corpus.rig).channel_names, corpus.fps)
