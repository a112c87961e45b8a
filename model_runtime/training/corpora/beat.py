"""Read BEAT v1: ``<speaker>/<stem>.json`` (60 fps), ``.wav``, ``.TextGrid``.

A stem is ``<speaker>_<name>_<type>_<first>_<last>``. Types 0, 2, 4, 6 are read speech in English,
Chinese, Spanish, Japanese; 1, 3, 5, 7 conversations, which BEAT labels neutral.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np

from ...curves.track import CurveTrack
from ...errors import BadCurves
from .catalogue import Corpus
from .clip import FaceClip, SkippedFile
from .emotion_labels import beat_emotion, intensity_of
from .files import evenly_spaced, finite, load_json, reading, sound_beside_or_none
from .textgrid import read_textgrid, words_of

Load: TypeAlias = Callable[[], CurveTrack]
STEM = re.compile(r"(\d+)_([^_]+)_([0-7])_(\d+)_(\d+)")


@dataclasses.dataclass(frozen=True)
class BeatName:
    """The fields of a BEAT file name."""

    speaker: str
    sentence: str
    emotion: str


def parse_stem(stem: str) -> BeatName:
    """Read a BEAT stem such as ``2_scott_0_103_103``.

    The text of read speech is the same for all who read it in that language; a conversation is
    its own.

    Raises:
        BadCurves: Another form of name.
    """
    match = STEM.fullmatch(stem)
    if match is None:
        raise BadCurves("Name is not <speaker>_<name>_<type>_<first>_<last>")
    number, name, kind, first, last = match.groups()
    # Even types are read speech; conversations have no sentence numbers in common.
    is_read = int(kind) % 2 == 0
    return BeatName(
        speaker=f"{int(number)}_{name}",
        sentence=f"{kind}_{int(first)}_{int(last)}" if is_read else stem,
        emotion=beat_emotion(int(first), int(last)) if is_read else "neutral",
    )


def find_clips(folder: Path, corpus: Corpus) -> Iterator[FaceClip | SkippedFile]:
    """Yield a clip for every face file under ``folder``.

    Args:
        folder: Of the corpus.
        corpus: Its entry in the catalogue.
    """
    for path in sorted(folder.rglob("*.json")):
        yield from named_clip(
            path,
            corpus,
            sound=path.with_suffix(""),
            grid=path.with_suffix(".TextGrid"),
            load=functools.partial(read_face, path, corpus.fps),
        )


def named_clip(
    path: Path, corpus: Corpus, *, sound: Path, grid: Path, load: Load
) -> Iterator[FaceClip | SkippedFile]:
    """Yield the clip of a face file with a BEAT name, and what of it had to be skipped.

    Args:
        path: The face file.
        corpus: Its entry in the catalogue.
        sound: Audio file without its ending.
        grid: TextGrid with the words; the clip has none where it is absent.
        load: Reads the face.
    """
    try:
        said = parse_stem(path.stem)
    except BadCurves as fault:
        yield SkippedFile(path, str(fault))
        return
    text = ""
    try:
        text = words_of(read_textgrid(grid)) if grid.is_file() else ""
    except BadCurves as fault:
        # The face is worth keeping without its words: alignment is left out for it.
        yield SkippedFile(grid, f"{fault}; the clip is kept without its words")
    yield FaceClip(
        corpus=corpus.kind,
        clip_id=path.stem,
        file=path,
        audio=sound_beside_or_none(sound),
        speaker=said.speaker,
        sentence=said.sentence,
        emotion=said.emotion,
        intensity=intensity_of(said.emotion),
        licence=corpus.licence,
        rig=corpus.rig,
        load=load,
        text=text,
    )


def read_face(path: Path, fps: float) -> CurveTrack:
    """Return the weights by the file's own names, on an even grid from its own time stamps.

    Args:
        path: The JSON file.
        fps: Frame rate of the grid.

    Raises:
        BadCurves: Not BEAT's JSON, rows of different length, times that do not rise.
    """
    document = load_json(path)
    with reading(path):
        names = tuple(str(name) for name in document["names"])
        # float64 while reading: time stamps of long takes lose frames in float32.
        weights = np.array([frame["weights"] for frame in document["frames"]], np.float64)
        times_s = np.array([frame["time"] for frame in document["frames"]], np.float64)
    if weights.ndim != 2 or weights.shape[1] != len(names):
        raise BadCurves(f"Weights of shape {weights.shape} for {len(names)} names")
    return CurveTrack(evenly_spaced(times_s, finite(weights), fps), names, fps)
