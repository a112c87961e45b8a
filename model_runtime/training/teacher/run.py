"""Run the teacher over all corpora that a training names: ``train teacher``."""

from __future__ import annotations

import functools
import logging

from ..alignment.corpora import align_corpus
from ..corpora.grid import read_grid
from ..corpora.held_out import TEST
from ..corpora.speech import SpeechClip, read_speech_corpus
from ..preparation.corpus import SPEECH_CORPORA
from ..preparation.filmed import FILMED_CORPORA
from ..settings import Settings
from ..stages.progress import ProgressLine
from .stage import label_corpus, prepare_probe
from .whisper import PACKAGE, find_teacher

log = logging.getLogger(__name__)


def run_teacher(settings: Settings) -> bool:
    """Label every corpus of the data folder; False where the teacher is not installed.

    Raises:
        BadArgument: The teacher cannot be read.
    """
    model = find_teacher(settings.teacher.folder)
    if model is None:
        log.warning("%s is not installed: training without a teacher", PACKAGE)
        # Not an error: the acoustic stage can do without (docs/training.md).
        return False
    progress = ProgressLine()
    seeds = [
        clip
        for name in settings.teacher.aligned
        if (settings.data / "speech" / name).is_dir()
        for clip in read_speech_corpus(settings.data / "speech" / name)
        # Development speakers may be aligned, their clips only measure; test speakers are in no
        # cache.
        if clip.split != TEST
    ]
    for corpus in sorted({clip.corpus for clip in seeds}):
        of_corpus = [clip for clip in seeds if clip.corpus == corpus]
        show = functools.partial(progress, f"align {corpus}")
        align_corpus(of_corpus, settings.work, progress=show)
    probe = prepare_probe(model, seeds, settings.work, settings.teacher, progress=progress)
    for clips in _corpora(settings):
        label_corpus(
            model,
            probe,
            clips,
            settings.work,
            processes=settings.teacher.processes,
            progress=progress,
        )
    return True


def _corpora(settings: Settings) -> list[list[SpeechClip]]:
    """Return the clips of every corpus that exists and is not weighted 0."""
    found = []
    for name in SPEECH_CORPORA:
        folder = settings.data / "speech" / name
        if folder.is_dir() and settings.corpora.get(name, 1.0) > 0:
            found.append(read_speech_corpus(folder))
    for name in FILMED_CORPORA:
        folder = settings.data / "capture" / name
        # Filmed clips have texts too: they are aligned like read speech.
        if folder.is_dir() and settings.corpora.get(name, 1.0) > 0:
            found.append(read_grid(folder))
    return found
