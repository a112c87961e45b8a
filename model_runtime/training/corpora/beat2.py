"""Read BEAT2: ``beat_<language>_v2.0.0/smplxflame_30/<stem>.npz``, 30 fps, audio in ``wave16k``.

Expression coefficients and the jaw of the SMPL-X pose; stems, and so emotions, are BEAT's.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...arrays import FloatArray
from ...curves.rig import load_rig
from ...curves.track import CurveTrack
from ...errors import BadCurves
from .beat import named_clip
from .catalogue import Corpus
from .clip import FaceClip, SkippedFile
from .files import load_arrays, motion

POSES_FOLDER = "smplxflame_30"
POSE_COLUMNS = 165
"""55 joints of SMPL-X, axis-angle in radians."""
JAW_COLUMNS = slice(66, 69)
"""Joint 22, after the pelvis and 21 joints of the body."""
EXPRESSIONS = 100


def find_clips(folder: Path, corpus: Corpus) -> Iterator[FaceClip | SkippedFile]:
    """Yield a clip for every npz in a folder ``smplxflame_30`` at or under ``folder``.

    Args:
        folder: Of the corpus.
        corpus: Its entry in the catalogue.
    """
    for path in sorted(p for p in folder.rglob("*.npz") if p.parent.name == POSES_FOLDER):
        language = path.parent.parent
        yield from named_clip(
            path,
            corpus,
            sound=language / "wave16k" / path.stem,
            grid=language / "textgrid" / f"{path.stem}.TextGrid",
            load=functools.partial(read_face, path, corpus),
        )


def read_face(path: Path, corpus: Corpus) -> CurveTrack:
    """Return expressions and jaw as the channels of the corpus's rig.

    Args:
        path: The npz file.
        corpus: Its entry in the catalogue.

    Raises:
        BadCurves: The file is broken, or has another shape.
    """
    arrays = load_arrays(path, ("expressions", "poses"))
    expressions = motion(arrays["expressions"], EXPRESSIONS)
    # Neck, eyes and body of the pose are not part of the rig.
    jaw = motion(arrays["poses"], POSE_COLUMNS)[:, JAW_COLUMNS]
    return flame_track(expressions, jaw, corpus)


def flame_track(
    expressions: FloatArray,
    jaw: FloatArray,
    corpus: Corpus,
) -> CurveTrack:
    """Return expressions and jaw side by side, which is the order of the rig's channels.

    Args:
        expressions: Shape (frames, 100).
        jaw: Axis-angle in radians, shape (frames, 3).
        corpus: Its entry in the catalogue.

    Raises:
        BadCurves: Different numbers of frames.
    """
    if len(expressions) != len(jaw):
        raise BadCurves(f"{len(expressions)} frames of expression, {len(jaw)} of jaw")
    values = np.concatenate([expressions, jaw], axis=1)
    return CurveTrack(values, load_rig(corpus.rig).channel_names, corpus.fps)
