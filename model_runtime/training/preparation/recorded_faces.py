"""Read recorded faces with audio (``[[faces]]``) as training items, from any corpus of ``corpora``.

Curves are matched by name to the rig that is trained. Channels that a recording lacks are
unobserved.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ...arrays import FloatArray
from ...choices import EMOTIONS
from ...curves.resample import resample
from ...curves.rig import load_rig
from ...errors import BadArgument, BadCurves
from ..alignment.corpora import align_corpus, read_alignments
from ..alignment.forced import PhoneTime
from ..corpora.clip import FaceClip
from ..corpora.matching import on_rig
from ..corpora.reading import read_corpus
from ..corpora.speech import SpeechClip
from ..reference.articulation import FRAME_RATE
from ..settings import FaceCorpus, Settings
from .clip_task import Job

log = logging.getLogger(__name__)

SPLITS = {"train": "train", "val": "dev", "test": "test"}
"""Names of the splits of ``corpora`` in caches; ``unused`` clips are left out."""


def face_jobs(
    corpus: FaceCorpus, settings: Settings, *, progress: Callable[[int, int], None] | None = None
) -> list[Job]:
    """Return training jobs of one corpus; clips that are left out are counted in the log.

    Args:
        corpus: From the settings.
        settings: Of the training.
        progress: Called with clips aligned and clips in all.

    Raises:
        BadArgument: Unknown kind or emotion, no such folder, or no usable clip.
    """
    if corpus.unknown_emotion not in ("", *EMOTIONS):
        raise BadArgument(
            f"unknown_emotion = {corpus.unknown_emotion!r}", hint=f"One of: {', '.join(EMOTIONS)}"
        )
    reading = read_corpus(corpus.kind, corpus.folder, by_speaker=corpus.by_speaker)
    for skipped in reading.skipped:
        # Clips are left out one by one with a reason; only an empty rest is an error.
        log.warning("%s: %s left out: %s", corpus.title, skipped.file.name, skipped.reason)
    usable, reasons = [], dict[str, int]()
    for clip in reading.clips:
        reason = _objection(clip, corpus, settings.rig)
        if reason:
            reasons[reason] = reasons.get(reason, 0) + 1
        else:
            usable.append(clip)
    for reason, count in reasons.items():
        log.warning("%s: %d clips left out: %s", corpus.title, count, reason)
    # Before anything is aligned.
    if not usable:
        raise BadArgument(
            f"No usable clip of kind {corpus.kind} under {corpus.folder}",
            hint=f"Each needs audio, and channels of rig {settings.rig}",
        )
    spoken = [_spoken(clip, corpus) for clip in usable]
    phones = _phones(spoken, corpus, settings.work, progress)
    return [
        Job(
            clip=words,
            # Without alignment the phone loss is left out for the clip; its face is still learnt.
            phones=phones.get(words.file, ()),
            filmed=None,
            split=SPLITS[clip.split],
            face=clip,
            rig=settings.rig,
        )
        for clip, words in zip(usable, spoken, strict=True)
    ]


def face_note(corpus: FaceCorpus, settings: Settings) -> dict[str, object]:
    """Return the note of a corpus's cache: another note makes the cache again.

    Args:
        corpus: From the settings.
        settings: Of the training.
    """
    # As strings: paths are not JSON.
    fields = {name: str(value) for name, value in dataclasses.asdict(corpus).items()}
    return {"rig": settings.rig, "faces": fields}


def face_curves(clip: FaceClip, rig: str) -> tuple[FloatArray, tuple[str, ...]]:
    """Return curves (T, C) of all channels of a rig at 50 Hz, and the unobserved channels.

    Args:
        clip: With a face.
        rig: Name of a rig definition.

    Raises:
        BadCurves: The file cannot be read, or shares no channel with the rig.
    """
    if clip.load is None:
        raise BadCurves(f"{clip.clip_id} has no face")
    track, observed = on_rig(clip.load(), load_rig(rig))
    names = tuple(n for n, seen in zip(track.channels, observed, strict=True) if not seen)
    # Resampled after matching, so that only channels of the rig are resampled.
    return resample(track, FRAME_RATE).values.astype(np.float32), names


def _objection(clip: FaceClip, corpus: FaceCorpus, rig: str) -> str:
    """Return why a clip cannot be used; empty where it can."""
    if clip.audio is None or not clip.audio.is_file():
        return "no audio"
    if clip.split not in SPLITS:
        return "its speaker and its sentence fall into different splits"
    if clip.emotion not in EMOTIONS and not corpus.unknown_emotion:
        return "emotion unknown"
    # A recording of the same rig needs no reading to know that it fits.
    if clip.rig != rig:
        try:
            face_curves(clip, rig)
        except BadCurves as fault:
            return str(fault)
    return "" if clip.load is not None else "no face"


def _spoken(clip: FaceClip, corpus: FaceCorpus) -> SpeechClip:
    """Return the clip's audio in the form that alignment and caches take."""
    assert clip.audio is not None
    known = clip.emotion in EMOTIONS
    return SpeechClip(
        corpus=corpus.title,
        file=clip.clip_id,
        path=Path(clip.audio),
        speaker=clip.speaker,
        # "none" asks for no alignment (see `_phones`).
        language=corpus.language or "none",
        emotion=clip.emotion if known else corpus.unknown_emotion,
        duration_s=clip.duration_s,
        text=clip.text,
    )


def _phones(
    clips: Sequence[SpeechClip],
    corpus: FaceCorpus,
    work: Path,
    progress: Callable[[int, int], None] | None,
) -> dict[str, tuple[PhoneTime, ...]]:
    """Return the phones of well aligned clips; empty where no language is given."""
    worded = [clip for clip in clips if clip.text]
    # A wrong language would align to wrong phones without an error.
    if not corpus.language or not worded:
        return {}
    aligned, dropped = read_alignments(align_corpus(worded, work, progress=progress))
    log.info("%s: %d clips aligned, %d dropped", corpus.title, len(aligned), len(dropped))
    return {name: alignment.phones for name, alignment in aligned.items()}
