"""Stage 0: align the speech, then cache features and scripts of every corpus."""

from __future__ import annotations

import dataclasses
import logging
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...audio.store import load_speech
from ...config import FeatureConfig
from ..alignment.corpora import align_corpus, read_alignments
from ..alignment.forced import PhoneTime
from ..corpora.held_out import TEST
from ..corpora.speech import SpeechClip, read_speech_corpus
from ..data.cache import Entry, read_cache, write_cache
from ..reference.articulation import CALIBRATED, FRAME_RATE, load_articulation
from .clip_task import Job
from .filmed import filmed_jobs
from .items import Item, at_speed, make_item
from .nonspeech import nonspeech_clips
from .recorded_faces import face_curves
from .synthetic_voices import speak_again

log = logging.getLogger(__name__)

SPEED_RANGE = (0.85, 1.18)
"""A second copy of each clip is played this much slower or faster: other voices, other tempo."""
NONSPEECH_CLIPS = 600
NONSPEECH_SEED = 7
FEW_TASKS = 24
"""Items made sooner here than it takes to start processes for them."""
SAMPLE_RATE = FeatureConfig().sample_rate


SPEECH_CORPORA = (
    "librispeech_testother6",
    "librispeech_mini",
    "kathleen",
    "ljspeech",
    "an4",
    "picovoice_s2i",
    "picovoice_wakeword",
    "emodb",
    "nathalie",
    "commonvoice",
)

SPOKEN_AGAIN = "kathleen"
"""Corpus whose sentences (the Arctic prompts, phonetically balanced) synthetic voices say."""

Progress = Callable[[str, int, int], None]


def prepare_all(
    data: Path,
    work: Path,
    *,
    progress: Progress,
    sounds: int = NONSPEECH_CLIPS,
    cached: Callable[[Path, Sequence[Job]], None] = lambda _folder, _jobs: None,
) -> dict[str, float]:
    """Align and cache every corpus under ``data``; what is done already stays.

    Args:
        data: Holds ``speech`` and ``capture``; what is not there is left out.
        work: For alignments and caches.
        progress: Told what is done, how much of it, and of how much.
        sounds: How many sounds that are no speech to synthesise.
        cached: Told of every finished cache and the jobs it was made of.

    Returns:
        Hours of training items by corpus, speed variants counted.
    """
    hours: dict[str, float] = {}

    def show(label: str) -> Callable[[int, int], None]:
        return lambda done, total: progress(label, done, total)

    def keep(name: str, jobs: Sequence[Job], label: str) -> None:
        hours[name] = _cached(jobs, work / "cache" / name, show(label))
        cached(work / "cache" / name, jobs)

    for name in SPEECH_CORPORA if (data / "speech").is_dir() else ():
        if not (data / "speech" / name).is_dir():
            log.warning("no %s under %s: left out", name, data / "speech")
            continue
        clips = [c for c in read_speech_corpus(data / "speech" / name) if c.split != TEST]
        align_corpus(clips, work, progress=show(f"align {name}"))
        jobs, dropped = speech_jobs(clips, work)
        log.info("%s: %d clips aligned, %d dropped", name, len(jobs), len(dropped))
        if jobs:
            keep(name, jobs, f"cache {name}")
    spoken = _synthetic(data, work)
    if spoken:
        align_corpus(spoken, work, progress=show("align synthetic voices"))
        jobs, _ = speech_jobs(spoken, work)
        keep("flite", jobs, "cache synthetic voices")
    filmed = filmed_jobs(data, work, show) if (data / "capture").is_dir() else {}
    for name, jobs in filmed.items():
        keep(name, jobs, f"cache {name}")
    if sounds:
        folder = work / "cache" / "nonspeech"
        hours["nonspeech"] = prepare_nonspeech(folder, sounds) / FRAME_RATE / 3600
        cached(folder, ())
    return hours


def _synthetic(data: Path, work: Path) -> list[SpeechClip]:
    folder = data / "speech" / SPOKEN_AGAIN
    return speak_again(read_speech_corpus(folder), work / "flite") if folder.is_dir() else []


def _cached(jobs: Sequence[Job], folder: Path, progress: Callable[[int, int], None]) -> float:
    if not (folder / "index.json").is_file():
        prepare_corpus(jobs, folder, progress=progress)
    return sum(entry.frames for entry in read_cache(folder).entries) / FRAME_RATE / 3600


def prepare_corpus(
    jobs: Sequence[Job],
    folder: Path,
    *,
    processes: int = 2,
    variants: int = 2,
    progress: Callable[[int, int], None] | None = None,
    note: dict[str, Any] | None = None,
) -> int:
    """Cache the items of ``jobs`` in ``folder``; returns the number of model frames."""

    def items() -> Iterator[tuple[Entry, Item]]:
        tasks = [(job, variant) for job in jobs for variant in range(variants)]
        for done, pair in enumerate(_made(tasks, processes), 1):
            if progress is not None:
                progress(done, len(tasks))
            yield pair

    return write_cache(
        folder,
        items(),
        {"variants": variants, "articulation": CALIBRATED.is_file(), **(note or {})},
    )


def _made(tasks: Sequence[tuple[Job, int]], processes: int) -> Iterator[tuple[Entry, Item]]:
    if len(tasks) < FEW_TASKS:
        yield from map(_make, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, initializer=_one_thread) as pool:
        yield from pool.imap(_make, tasks, chunksize=8)


def speech_jobs(clips: Sequence[SpeechClip], work: Path) -> tuple[list[Job], dict[str, str]]:
    """Jobs for the well aligned clips of one corpus, and why the others were dropped."""
    aligned, dropped = read_alignments(work / "alignments" / f"{clips[0].corpus}.jsonl")
    jobs = [
        Job(clip, aligned[clip.file].phones, None, clip.split)
        for clip in clips
        if clip.file in aligned
    ]
    return jobs, dropped


def prepare_nonspeech(folder: Path, count: int = NONSPEECH_CLIPS) -> int:
    """Cache synthesised sounds without speech, labelled as silence with a still mouth."""
    articulation = load_articulation()
    features = FeatureConfig()

    def items() -> Iterator[tuple[Entry, Item]]:
        for name, samples in nonspeech_clips(NONSPEECH_SEED, count):
            whole = PhoneTime("sil", 0.0, len(samples) / 16_000, "", 0.0)
            item = make_item(samples, [whole], articulation, features)
            still = dataclasses.replace(
                item, mouth=np.zeros_like(item.mouth), aux=np.zeros_like(item.aux)
            )
            entry = Entry(
                f"nonspeech/{name}", "none", "none", "neutral", "train", "still", 1.0, 0, 0
            )
            yield entry, still

    return write_cache(folder, items(), {"seed": NONSPEECH_SEED})


def _one_thread() -> None:
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
        sound = sound[: round(len(filmed) / FRAME_RATE * SAMPLE_RATE)]
    samples, phones = at_speed(sound, job.phones, speed)
    if filmed is not None and speed != 1.0:
        rows = np.arange(0, len(filmed) - 1, speed)
        filmed = np.stack(
            [np.interp(rows, np.arange(len(filmed)), filmed[:, c]) for c in range(filmed.shape[1])],
            1,
        ).astype(np.float32)
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
    """Speed of a clip's ``variant``: the first is as recorded."""
    if not variant:
        return 1.0
    return float(np.random.default_rng([clip.seed, variant]).uniform(*SPEED_RANGE))
