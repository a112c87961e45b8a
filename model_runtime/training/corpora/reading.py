"""Read any corpus in a folder as clips of one form; broken files are named and left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ...errors import BadArgument, BadCurves
from . import beat, beat2, blendvoca, claire, emoface, etf, livelink, mead, own
from .catalogue import Corpus, catalogue, corpus_named
from .clip import CorpusReading, FaceClip, SkippedFile
from .splits import assign_splits

log = logging.getLogger(__name__)

Finder = Callable[[Path, Corpus], Iterator[FaceClip | SkippedFile]]

FINDERS: Final[dict[str, Finder]] = {
    "beat": beat.find_clips,
    "beat2": beat2.find_clips,
    "etf": etf.find_clips,
    "mead": mead.find_clips,
    "probtalk": mead.find_probtalk_clips,
    "blendvoca": blendvoca.find_clips,
    "livelink": livelink.find_clips,
    "emoface": emoface.find_clips,
    "claire": claire.find_clips,
    "speech": own.find_speech,
    "captures": own.find_captures,
}


def corpus_kinds() -> tuple[str, ...]:
    """Return the names of the corpora that ``read_corpus`` reads."""
    return tuple(catalogue())


def read_corpus(kind: str, folder: Path, *, by_speaker: bool = True) -> CorpusReading:
    """Return every clip of a corpus, each opened once to see that it is whole.

    A file that is broken, misnamed or of another kind never raises: it stands in ``skipped`` with
    its reason. Nothing is unpickled.

    Args:
        kind: One of ``corpus_kinds()``.
        folder: Root of the corpus as it is downloaded, or any folder above it.
        by_speaker: False keeps only sentences apart in the splits, see ``splits``.

    Raises:
        BadArgument: Unknown kind, or no such folder.
    """
    corpus = corpus_named(kind)
    if not folder.is_dir():
        raise BadArgument(f"No folder {folder}", hint=f"Give the folder that {corpus.title} is in")
    clips: list[FaceClip] = []
    skipped: list[SkippedFile] = []
    seen: set[str] = set()
    for found in FINDERS[kind](folder, corpus):
        if isinstance(found, SkippedFile):
            skipped.append(found)
            continue
        try:
            clip = _checked(found, seen)
        # Broken files are common in large downloads: one must not end the reading.
        except BadCurves as fault:
            skipped.append(SkippedFile(found.file, str(fault)))
            continue
        seen.add(clip.clip_id)
        clips.append(clip)
    # Sorted by id: the result does not depend on the file system's order.
    clips.sort(key=lambda clip: clip.clip_id)
    result = CorpusReading(kind, tuple(assign_splits(clips, by_speaker=by_speaker)), tuple(skipped))
    log.info("%s", result.summary())
    return result


def _checked(clip: FaceClip, seen: set[str]) -> FaceClip:
    if clip.clip_id in seen:
        raise BadCurves(f"A clip {clip.clip_id!r} was read already")
    # A sound of 0 bytes is what an interrupted copy leaves.
    if clip.audio is not None and clip.audio.is_file() and clip.audio.stat().st_size == 0:
        raise BadCurves(f"Its sound {clip.audio.name} is empty")
    return clip.checked()
