"""Read 3D-ETF (EmoTalk): RAVDESS and HDTF as npy (frames, 52), 30 fps, channels by alphabet.

RAVDESS stems are ``MM-VV-EE-II-SS-RR-AA``: mode, voice, emotion, intensity, sentence, repetition,
actor. HDTF stems are a person and a number.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from ...curves.rig import load_rig
from ...curves.track import CurveTrack
from .catalogue import Corpus
from .clip import UNKNOWN_EMOTION, FaceClip, SkippedFile
from .emotion_labels import RAVDESS_CODES, RAVDESS_INTENSITIES, intensity_of
from .files import load_array, motion, sounds_by_stem

RAVDESS_STEM = re.compile(r"\d\d-\d\d-(\d\d)-(\d\d)-(\d\d)-\d\d-(\d\d)")
TAKE_NUMBER = re.compile(r"[_-]\d+$")


def find_clips(folder: Path, corpus: Corpus) -> Iterator[FaceClip | SkippedFile]:
    """Yield every npy under ``folder``; audio of the same name may lie anywhere under it.

    Args:
        folder: Of the corpus.
        corpus: Its entry in the catalogue.
    """
    sounds = sounds_by_stem(folder)
    for path in sorted(folder.rglob("*.npy")):
        speaker, sentence, emotion, intensity = parse_stem(path.stem)
        yield FaceClip(
            corpus=corpus.kind,
            clip_id=path.relative_to(folder).with_suffix("").as_posix(),
            file=path,
            audio=sounds.get(path.stem),
            speaker=speaker,
            sentence=sentence,
            emotion=emotion,
            intensity=intensity,
            licence=corpus.licence,
            rig=corpus.rig,
            load=functools.partial(read_face, path, corpus),
        )


def parse_stem(stem: str) -> tuple[str, str, str, float]:
    """Return speaker, sentence, emotion and intensity of a file name.

    An HDTF name tells the person only; so does a RAVDESS name with a code outside its table.
    """
    match = RAVDESS_STEM.fullmatch(stem)
    if match is None:
        # The number is a take of the same person.
        return TAKE_NUMBER.sub("", stem), stem, UNKNOWN_EMOTION, 0.0
    code, strength, sentence, actor = match.groups()
    emotion = RAVDESS_CODES.get(int(code), UNKNOWN_EMOTION)
    share = RAVDESS_INTENSITIES.get(int(strength), 0.0)
    return f"actor_{actor}", f"ravdess_{sentence}", emotion, intensity_of(emotion, share)


def read_face(path: Path, corpus: Corpus) -> CurveTrack:
    """Return weights under the rig's names in alphabetical order.

    Args:
        path: The npy file.
        corpus: Its entry in the catalogue.

    Raises:
        BadCurves: The file is broken, or has another shape.
    """
    # Alphabetical order is EmoTalk's, not Apple's.
    names = tuple(sorted(load_rig(corpus.rig).channel_names))
    return CurveTrack(motion(load_array(path), len(names)), names, corpus.fps)
