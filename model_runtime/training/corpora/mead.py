"""Read MEAD as FLAME, 25 fps: EMOTE's tree of hdf5 files, and ProbTalk3D's npy files.

``<subject>/front/<emotion>/level_<1..3>/<sentence>/shape_pose_cam.hdf5`` with ``exp`` and ``jaw``;
``<subject>_<sentence>_<emotion>_<intensity>.npy`` (1, frames, 403): shape 300, exp 100, jaw 3.
MEAD numbers its sentences within an emotion and some are said in several, so a number counts as
one sentence whatever the emotion.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from ...curves.track import CurveTrack
from ...errors import BadCurves
from .beat2 import EXPRESSIONS, flame_track
from .catalogue import Corpus
from .clip import UNKNOWN_EMOTION, FaceClip, SkippedFile
from .emotion_labels import MEAD_CODES, MEAD_LEVELS, emotion_of, intensity_of
from .files import load_array, motion, reading, sound_beside_or_none, sounds_by_stem

MOTION_FILE = "shape_pose_cam.hdf5"
LEVEL = re.compile(r"level_(\d)")
PROBTALK_STEM = re.compile(r"([A-Za-z]+\d+)_(\d+)_(\d)_(\d)")
SHAPE = 300
JAW = 3


def find_clips(folder: Path, corpus: Corpus) -> Iterator[FaceClip | SkippedFile]:
    """Yield every ``shape_pose_cam.hdf5`` under ``folder``.

    Args:
        folder: Of the corpus.
        corpus: Its entry in the catalogue.
    """
    for path in sorted(folder.rglob(MOTION_FILE)):
        parts = path.relative_to(folder).parts
        # From the end: how many folders lie above depends on the unpacking.
        level = LEVEL.fullmatch(parts[-3]) if len(parts) >= 6 else None
        if level is None:
            place = "<subject>/<view>/<emotion>/level_<n>/<sentence>"
            yield SkippedFile(path, f"Does not lie in {place}")
            continue
        subject, view, word, _, sentence = parts[-6:-1]
        yield _clip(
            corpus,
            file=path,
            # The view is part of the id: MEAD films each sentence from several sides.
            clip_id=f"{subject}_{view}_{word}_{level[1]}_{sentence}",
            audio=_sound_or_none(folder, path),
            speaker=subject,
            sentence=sentence,
            emotion=emotion_of(word),
            level=int(level[1]),
            load=functools.partial(read_hdf5, path, corpus),
        )


def find_probtalk_clips(folder: Path, corpus: Corpus) -> Iterator[FaceClip | SkippedFile]:
    """Yield every npy under ``folder``; audio of the same name lies anywhere under it.

    Args:
        folder: Of the corpus.
        corpus: Its entry in the catalogue.
    """
    sounds = sounds_by_stem(folder)
    for path in sorted(folder.rglob("*.npy")):
        match = PROBTALK_STEM.fullmatch(path.stem)
        if match is None:
            yield SkippedFile(path, "Name is not <subject>_<sentence>_<emotion>_<intensity>")
            continue
        subject, sentence, code, strength = match.groups()
        # A code outside the table names no known emotion.
        known = int(code) < len(MEAD_CODES)
        yield _clip(
            corpus,
            file=path,
            clip_id=path.stem,
            audio=sounds.get(path.stem),
            speaker=subject,
            sentence=sentence,
            emotion=MEAD_CODES[int(code)] if known else UNKNOWN_EMOTION,
            level=int(strength) + 1,
            load=functools.partial(read_npy, path, corpus),
        )


def _clip(
    corpus: Corpus,
    *,
    file: Path,
    clip_id: str,
    audio: Path | None,
    speaker: str,
    sentence: str,
    emotion: str,
    level: int,
    load: functools.partial[CurveTrack],
) -> FaceClip:
    """Return the clip; ``level`` 1, 2, 3 become a third, two thirds and all of full strength."""
    return FaceClip(
        corpus=corpus.kind,
        clip_id=clip_id,
        file=file,
        audio=audio,
        speaker=speaker,
        sentence=sentence,
        emotion=emotion,
        intensity=intensity_of(emotion, min(level, MEAD_LEVELS) / MEAD_LEVELS),
        licence=corpus.licence,
        rig=corpus.rig,
        load=load,
    )


def _sound_or_none(folder: Path, path: Path) -> Path | None:
    """Return the audio of a motion file: beside the sentence, or in a tree ``audio``."""
    subject, _, word, level, sentence = path.relative_to(folder).parts[-6:-1]
    places = (
        path.parent.with_name(sentence),
        folder / subject / "audio" / word / level / sentence,
        folder / "audio" / subject / word / level / sentence,
    )
    found = (sound_beside_or_none(place) for place in places)
    return next((sound for sound in found if sound is not None), None)


def read_hdf5(path: Path, corpus: Corpus) -> CurveTrack:
    """Return ``exp`` and ``jaw`` of EMOTE's file. Raises BadCurves, also without h5py.

    Args:
        path: The hdf5 file.
        corpus: Its entry in the catalogue.
    """
    try:
        # h5py is a large dependency of this one corpus.
        import h5py
    except ImportError as error:
        raise BadCurves("Needs h5py: pip install h5py") from error
    with reading(path), h5py.File(path, "r") as file:
        expressions, jaw = file["exp"][()], file["jaw"][()]
    return flame_track(motion(expressions, EXPRESSIONS), motion(jaw, JAW), corpus)


def read_npy(path: Path, corpus: Corpus) -> CurveTrack:
    """Return expression and jaw columns of ProbTalk3D's array. Raises BadCurves.

    Args:
        path: The npy file.
        corpus: Its entry in the catalogue.
    """
    values = motion(load_array(path), SHAPE + EXPRESSIONS + JAW)
    # Shape is who speaks, not what is said: it is left out.
    return flame_track(values[:, SHAPE : SHAPE + EXPRESSIONS], values[:, -JAW:], corpus)
