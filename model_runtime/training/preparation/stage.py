"""Cache speech, filmed mouths, recorded faces and features of a pretrained encoder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from ...config import EncoderConfig
from ..data.cache import caches_in, read_cache
from ..settings import Settings
from .clip_task import Job
from .corpus import prepare_all, prepare_corpus
from .recorded_faces import face_jobs, face_note

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]


def prepare(settings: Settings, *, progress: Progress) -> None:
    """Make every cache that ``settings`` name; finished caches that still fit stay.

    Args:
        settings: Of the training.
        progress: Called with a label, clips done and clips in all.

    Raises:
        BadArgument: A corpus or an encoder is missing.
    """
    encoder = None
    if settings.encoder is not None:
        # Loaded only with an encoder: it needs transformers.
        from ..data.encoder_inputs import fetched_encoder

        encoder = fetched_encoder(settings.encoder)

    def cached(folder: Path, jobs: Sequence[Job]) -> None:
        if encoder is not None:
            _cache_encoder_features(folder, jobs, encoder, progress)

    hours = prepare_all(
        settings.data,
        settings.work,
        progress=progress,
        sounds=settings.nonspeech,
        weights=settings.corpora,
        cached=cached,
    )
    for corpus in settings.faces:

        def show(done: int, total: int, title: str = corpus.title) -> None:
            progress(f"faces {title}", done, total)

        folder = settings.work / "cache" / corpus.title
        # Corpora of the user are checked each time, also when their cache is current: errors are
        # shown then.
        jobs = face_jobs(corpus, settings, progress=show)
        note = face_note(corpus, settings)
        # A note that differs means other settings of the corpus or another rig.
        if not _is_current(folder, note):
            prepare_corpus(jobs, folder, progress=show, note=note)
        cached(folder, jobs)
    # Hours of every cache there is: what is trained on, not what was just made.
    for folder in caches_in(settings.work):
        cache = read_cache(folder)
        hours[cache.name] = sum(entry.frames for entry in cache.entries) / 50 / 3600
    log.info("hours: %s", ", ".join(f"{name} {value:.2f}" for name, value in hours.items()))


def _is_current(folder: Path, note: dict[str, object]) -> bool:
    """Return whether the cache was made of the same corpus for the same rig."""
    if not (folder / "index.json").is_file():
        return False
    found = read_cache(folder).note
    return all(found.get(name) == value for name, value in note.items())


def _cache_encoder_features(
    folder: Path, jobs: Sequence[Job], encoder: EncoderConfig, progress: Progress
) -> None:
    from ..data.encoder_inputs import encoder_key, write_encoder_features

    def show(done: int, total: int) -> None:
        progress(f"features of {encoder_key(encoder)} for {folder.name}", done, total)

    write_encoder_features(folder, jobs, encoder, progress=show)
