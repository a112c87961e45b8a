"""Stage 0: align the speech, then cache features and scripts of every corpus."""

from __future__ import annotations

import dataclasses
import logging
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from ..audio import load_speech
from ..config import FeatureConfig
from .align_corpora import align_corpus, read_alignments
from .alignment import PhoneTime
from .articulation import CALIBRATED, FRAME_RATE, load_articulation
from .cache import Entry, read_cache, write_cache
from .corpora.speech import DEV_SPEAKERS, EVALUATION_CORPORA, SpeechClip, read_speech_corpus
from .filmed import filmed_jobs
from .jobs import Job
from .nonspeech import nonspeech_clips
from .scripts import Item, at_speed, make_item
from .voices import speak_again

log = logging.getLogger(__name__)

SPEED_RANGE = (0.85, 1.18)
"""A second copy of each clip is played this much slower or faster: other voices, other tempo."""
NONSPEECH_CLIPS = 600
NONSPEECH_SEED = 7


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


def prepare_all(data: Path, work: Path, *, progress: Progress) -> dict[str, float]:
    """Align and cache every corpus under ``data``; what is done already stays.

    Returns:
        Hours of training items by corpus, speed variants counted.
    """
    hours: dict[str, float] = {}

    def show(label: str) -> Callable[[int, int], None]:
        return lambda done, total: progress(label, done, total)

    for name in SPEECH_CORPORA:
        if not (data / "speech" / name).is_dir():
            log.warning("no %s under %s: left out", name, data / "speech")
            continue
        clips = read_speech_corpus(data / "speech" / name)
        align_corpus(clips, work, progress=show(f"align {name}"))
        jobs, dropped = speech_jobs(clips, work)
        log.info("%s: %d clips aligned, %d dropped", name, len(jobs), len(dropped))
        if jobs and jobs[0].split != "test":
            hours[name] = _cached(jobs, work / "cache" / name, show(f"cache {name}"))
    spoken = _synthetic(data, work)
    if spoken:
        align_corpus(spoken, work, progress=show("align synthetic voices"))
        jobs, _ = speech_jobs(spoken, work)
        hours["flite"] = _cached(jobs, work / "cache" / "flite", show("cache synthetic voices"))
    for name, jobs in filmed_jobs(data, work, show).items():
        hours[name] = _cached(jobs, work / "cache" / name, show(f"cache {name}"))
    hours["nonspeech"] = prepare_nonspeech(work / "cache" / "nonspeech") / FRAME_RATE / 3600
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
) -> int:
    """Cache the items of ``jobs`` in ``folder``; returns the number of model frames."""

    def items() -> Iterator[tuple[Entry, Item]]:
        tasks = [(job, variant) for job in jobs for variant in range(variants)]
        context = multiprocessing.get_context("spawn")
        with context.Pool(processes, initializer=_one_thread) as pool:
            for done, pair in enumerate(pool.imap(_make, tasks, chunksize=8), 1):
                if progress is not None:
                    progress(done, len(tasks))
                yield pair

    return write_cache(
        folder, items(), {"variants": variants, "articulation": CALIBRATED.is_file()}
    )


def speech_jobs(clips: Sequence[SpeechClip], work: Path) -> tuple[list[Job], dict[str, str]]:
    """Jobs for the well aligned clips of one corpus, and why the others were dropped."""
    aligned, dropped = read_alignments(work / "alignments" / f"{clips[0].corpus}.jsonl")
    jobs = [
        Job(clip, aligned[clip.file].phones, None, split_of(clip))
        for clip in clips
        if clip.file in aligned
    ]
    return jobs, dropped


def split_of(clip: SpeechClip) -> str:
    """``test`` for evaluation corpora, ``dev`` for the held-out speakers, else ``train``."""
    if clip.corpus in EVALUATION_CORPORA:
        return "test"
    return "dev" if clip.speaker in DEV_SPEAKERS else "train"


def prepare_nonspeech(folder: Path) -> int:
    """Cache synthesised sounds without speech, labelled as silence with a still mouth."""
    articulation = load_articulation()
    features = FeatureConfig()

    def items() -> Iterator[tuple[Entry, Item]]:
        for name, samples in nonspeech_clips(NONSPEECH_SEED, NONSPEECH_CLIPS):
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
    speed = 1.0
    if variant:
        speed = float(np.random.default_rng([clip.seed, variant]).uniform(*SPEED_RANGE))
    samples, phones = at_speed(load_speech(clip.path).samples, job.phones, speed)
    filmed = job.filmed
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
    return entry, item
