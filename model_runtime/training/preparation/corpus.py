"""Align the speech, then cache features, phones and speech curves of every corpus."""

from __future__ import annotations

import dataclasses
import logging
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...audio.store import load_speech
from ...config import FeatureConfig
from ..alignment.forced import PhoneTime
from ..corpora.held_out import TEST
from ..corpora.speech import SpeechClip, read_speech_corpus
from ..data.cache import Entry, read_cache, write_cache
from ..reference.articulation import CALIBRATED, FRAME_RATE, load_articulation
from .clip_task import Job
from .filmed import filmed_jobs
from .items import Item, at_speed, make_item
from .nonspeech import nonspeech_clips
from .phones import aligned_corpus
from .recorded_faces import face_curves
from .synthetic_voices import speak_again

log = logging.getLogger(__name__)

SPEED_RANGE = (0.85, 1.18)
"""Speeds of further variants of a clip: other voices, other tempo."""
NONSPEECH_CLIPS = 600
NONSPEECH_SEED = 7
FEW_TASKS = 24
"""Fewer items than this are made in this process: starting others would take longer."""
SAMPLE_RATE = FeatureConfig().sample_rate


SPEECH_CORPORA = (
    "librispeech_mini",
    "kathleen",
    "ljspeech",
    "an4",
    "picovoice_s2i",
    "picovoice_wakeword",
    "emodb",
    "nathalie",
    "commonvoice",
    "speechocean762",
)

SPOKEN_AGAIN = "kathleen"
"""Corpus whose sentences (the Arctic prompts, phonetically balanced) synthetic voices speak."""

Progress = Callable[[str, int, int], None]
Cached = Callable[[Path, Sequence[Job]], None]


def prepare_all(
    data: Path,
    work: Path,
    *,
    progress: Progress,
    sounds: int = NONSPEECH_CLIPS,
    weights: Mapping[str, float] | None = None,
    cached: Cached = lambda _folder, _jobs: None,
) -> dict[str, float]:
    """Align and cache every corpus under ``data``; finished caches stay.

    Args:
        data: Holds ``speech`` and ``capture``; what is missing is left out.
        work: For alignments and caches.
        progress: Called with a label, clips done and clips in all.
        sounds: Number of non-speech clips to synthesise.
        weights: Sampling weights by corpus; those with weight 0 are left out.
        cached: Called with every finished cache and the jobs it was made of.

    Returns:
        Hours of training items by corpus.
    """
    hours = prepare_speech(
        data, work, progress=progress, sounds=sounds, weights=weights, cached=cached
    )
    return hours | prepare_films(data, work, progress=progress, cached=cached)


def prepare_speech(
    data: Path,
    work: Path,
    *,
    progress: Progress,
    sounds: int = NONSPEECH_CLIPS,
    weights: Mapping[str, float] | None = None,
    cached: Cached = lambda _folder, _jobs: None,
) -> dict[str, float]:
    """Align and cache speech without film, and non-speech.

    Args:
        data: Folder of the corpora.
        work: Working folder of the training.
        progress: Called with a label, clips done and clips in all.
        sounds: Number of non-speech clips.
        weights: Weight of each corpus; one of weight 0 is left out.
        cached: Called with every finished cache and the jobs it was made of.

    Returns:
        Hours of training items by corpus.
    """
    hours: dict[str, float] = {}
    # A corpus of weight 0 is not even aligned.
    left_out = {name for name, weight in (weights or {}).items() if weight <= 0}
    names = [name for name in SPEECH_CORPORA if name not in left_out]
    for name in names if (data / "speech").is_dir() else ():
        if not (data / "speech" / name).is_dir():
            log.warning("no %s under %s: left out", name, data / "speech")
            continue
        # Test speakers are in no cache: no later mistake in a split can train on them.
        clips = [c for c in read_speech_corpus(data / "speech" / name) if c.split != TEST]
        jobs, dropped = speech_jobs(clips, work, progress=_labelled(progress, f"align {name}"))
        log.info("%s: %d clips aligned, %d dropped", name, len(jobs), len(dropped))
        if jobs:
            hours[name] = _cached(jobs, work / "cache" / name, progress, cached)
    spoken = _synthetic(data, work) if "flite" not in left_out else []
    if spoken:
        jobs, _ = speech_jobs(spoken, work, progress=_labelled(progress, "align flite"))
        hours["flite"] = _cached(jobs, work / "cache" / "flite", progress, cached)
    if sounds:
        folder = work / "cache" / "nonspeech"
        # The number of clips is part of the recipe; another number makes the cache again.
        if not _has_items(folder, sounds):
            prepare_nonspeech(folder, sounds)
        hours["nonspeech"] = _hours(folder)
        cached(folder, ())
    return hours


def prepare_films(
    data: Path,
    work: Path,
    *,
    progress: Progress,
    cached: Cached = lambda _folder, _jobs: None,
) -> dict[str, float]:
    """Fit, align and cache filmed faces.

    Args:
        data: Folder of the corpora.
        work: Working folder of the training.
        progress: Called with a label, clips done and clips in all.
        cached: Called with every finished cache and the jobs it was made of.

    Returns:
        Hours of training items by corpus; empty without films.
    """
    if not (data / "capture").is_dir():
        return {}
    # show is a factory: a label per corpus, whose counts start anew.
    filmed = filmed_jobs(data, work, lambda label: _labelled(progress, label))
    return {
        name: _cached(jobs, work / "cache" / name, progress, cached)
        for name, jobs in filmed.items()
    }


def _labelled(progress: Progress, label: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(label, done, total)


def _synthetic(data: Path, work: Path) -> list[SpeechClip]:
    folder = data / "speech" / SPOKEN_AGAIN
    return speak_again(read_speech_corpus(folder), work / "flite") if folder.is_dir() else []


def _cached(jobs: Sequence[Job], folder: Path, progress: Progress, cached: Cached) -> float:
    """Make the cache where there is none; return its hours."""
    # The index is written last, so its presence means a finished cache.
    if not (folder / "index.json").is_file():
        prepare_corpus(jobs, folder, progress=_labelled(progress, f"cache {folder.name}"))
    cached(folder, jobs)
    return _hours(folder)


def _hours(folder: Path) -> float:
    return sum(entry.frames for entry in read_cache(folder).entries) / FRAME_RATE / 3600


def _has_items(folder: Path, count: int) -> bool:
    """Return whether a finished cache of so many items is there."""
    return (folder / "index.json").is_file() and len(read_cache(folder).entries) == count


def prepare_corpus(
    jobs: Sequence[Job],
    folder: Path,
    *,
    processes: int = 2,
    variants: int = 1,
    progress: Callable[[int, int], None] | None = None,
    note: dict[str, Any] | None = None,
) -> int:
    """Cache the items of ``jobs`` in ``folder`` and return the number of model frames.

    Args:
        jobs: Clips.
        folder: Of the cache; replaced when done.
        processes: Worker processes.
        variants: Copies of each clip; those after the first have another speed.
        progress: Called with items done and items in all.
        note: Stored with the cache.
    """

    def items() -> Iterator[tuple[Entry, Item]]:
        # Variants of a clip follow it: the order of a cache decides what random numbers pick.
        tasks = [(job, variant) for job in jobs for variant in range(variants)]
        for done, pair in enumerate(_made(tasks, processes), 1):
            if progress is not None:
                progress(done, len(tasks))
            yield pair

    return write_cache(
        folder,
        items(),
        # The cache records whether its curves are those of the calibrated articulation.
        {"variants": variants, "articulation": CALIBRATED.is_file(), **(note or {})},
    )


def _made(tasks: Sequence[tuple[Job, int]], processes: int) -> Iterator[tuple[Entry, Item]]:
    if len(tasks) < FEW_TASKS:
        yield from map(_make, tasks)
        return
    # spawn: torch's thread pool does not survive a fork.
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, initializer=_one_thread) as pool:
        # imap keeps the order: the same corpus gives the same cache, bit for bit.
        yield from pool.imap(_make, tasks, chunksize=8)


def speech_jobs(
    clips: Sequence[SpeechClip],
    work: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Job], dict[str, str]]:
    """Return jobs for the well aligned clips of one corpus, and why the others were dropped.

    Args:
        clips: Of one corpus.
        work: Work folder.
        progress: Called with clips aligned and clips in all.
    """
    aligned, dropped = aligned_corpus(clips, work, progress=progress)
    # The text's alignment decides: a clip that does not fit it would teach wrong phones.
    jobs = [
        Job(clip, aligned[clip.file].phones, None, clip.split)
        for clip in clips
        if clip.file in aligned
    ]
    return jobs, dropped


def prepare_nonspeech(folder: Path, count: int = NONSPEECH_CLIPS) -> int:
    """Cache synthesised non-speech, labelled as silence, and return the number of frames.

    Args:
        folder: Of the cache.
        count: Number of clips.
    """
    articulation = load_articulation()
    features = FeatureConfig()

    def items() -> Iterator[tuple[Entry, Item]]:
        for name, samples in nonspeech_clips(NONSPEECH_SEED, count):
            # One phone over the whole clip: the encoder learns that none of it is speech.
            whole = PhoneTime("sil", 0.0, len(samples) / 16_000, "", 0.0)
            item = make_item(samples, [whole], articulation, features)
            # Rest in every channel: the articulation of silence is not asked, so a change of its
            # labels leaves this cache as it is.
            still = dataclasses.replace(
                item, mouth=np.zeros_like(item.mouth), aux=np.zeros_like(item.aux)
            )
            entry = Entry(
                f"nonspeech/{name}", "none", "none", "neutral", "train", "still", 1.0, 0, 0
            )
            yield entry, still

    return write_cache(folder, items(), {"seed": NONSPEECH_SEED})


def _one_thread() -> None:
    # Two processes with torch's default threads would compete for the same cores.
    torch.set_num_threads(1)


def _make(task: tuple[Job, int]) -> tuple[Entry, Item]:
    job, variant = task
    clip = job.clip
    speed = speed_of(clip, variant)
    sound = load_speech(clip.path).samples
    filmed = job.filmed
    unobserved: tuple[str, ...] = ()
    if job.face is not None:
        filmed, unobserved = face_curves(job.face, job.rig)
        # Audio may go on after the face: without a target for it, it is cut.
        sound = sound[: round(len(filmed) / FRAME_RATE * SAMPLE_RATE)]
    samples, phones = at_speed(sound, job.phones, speed)
    # Film follows the speed of the variant, like sound and phones.
    if filmed is not None and speed != 1.0:
        rows = np.arange(0, len(filmed) - 1, speed)
        filmed = np.stack(
            [np.interp(rows, np.arange(len(filmed)), filmed[:, c]) for c in range(filmed.shape[1])],
            1,
        ).astype(np.float32)
    # Articulation and settings are read in the process that uses them: spawn copies none.
    item = make_item(samples, phones, load_articulation(CALIBRATED), FeatureConfig(), filmed=filmed)
    supervision = "phones" if job.filmed is None else "filmed"
    entry = Entry(
        clip.key, clip.speaker, clip.language, clip.emotion, job.split, supervision, speed, 0, 0
    )
    if job.face is not None:
        entry = dataclasses.replace(
            entry, supervision="face", intensity=job.face.intensity, unobserved=unobserved
        )
    return entry, item


def speed_of(clip: SpeechClip, variant: int) -> float:
    """Return the speed of a variant of a clip; the first is as recorded.

    Args:
        clip: The clip.
        variant: Its number, from 0.
    """
    if not variant:
        return 1.0
    # The clip's own seed: its variants stay the same when other clips come or go.
    return float(np.random.default_rng([clip.seed, variant]).uniform(*SPEED_RANGE))
