"""Run the acoustic stage on the caches of a work folder: ``train acoustic``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from ...arrays import FloatArray
from ..corpora.held_out import TRAIN
from ..corpora.speech import read_speech_corpus
from ..data.cache import Cache
from ..data.loading import load_caches
from ..settings import Settings, generator_config
from ..teacher.labels import TeacherLabels, read_labels
from ..teacher.stage import levelled_samples
from ..teacher.whisper import find_teacher
from .acoustic import save_acoustic, train_acoustic
from .progress import scalar_writer
from .provenance import DIGITS, digest, identity

SPEECH: Final = ("phones", "still")
"""Supervision of the items that the stage learns from: no faces are needed."""
FILE_NAME: Final = "acoustic.safetensors"


def run_acoustic(settings: Settings) -> Path:
    """Train the acoustic model and return its file, ``WORK/runs/acoustic.safetensors``.

    Raises:
        BadArgument: There are no caches.
    """
    stage = settings.acoustic
    # Before any tensor is computed: torch sizes its thread pool at first use.
    if stage.threads:
        torch.set_num_threads(stage.threads)
    config = generator_config(settings)
    caches = speech_caches(load_caches(settings))
    labels = _labels(settings.work, caches)
    teacher = find_teacher(settings.teacher.folder) if settings.teacher.start else None
    # The start clips are decoded only where they are needed.
    record = acoustic_record(settings, caches, labels, starts=teacher is not None)
    folder = settings.results / "acoustic"
    tensors = train_acoustic(
        stage,
        config,
        caches,
        labels,
        weights=settings.corpora,
        draw=settings.draw,
        teacher=teacher,
        start_on=_start_clips(settings) if teacher is not None else [],
        folder=folder,
        identity=identity(record),
        scalars=scalar_writer(folder),
    )
    path = settings.results / FILE_NAME
    save_acoustic(tensors, path)
    # Beside the weights, not in them: the generator stage reads it into the checkpoint's record.
    path.with_suffix(".json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    return path


def speech_caches(caches: Sequence[Cache]) -> list[Cache]:
    """Return the caches that hold speech without film, or non-speech, and nothing else."""
    return [c for c in caches if c.entries and all(e.supervision in SPEECH for e in c.entries)]


def acoustic_record(
    settings: Settings,
    caches: Sequence[Cache],
    labels: dict[str, TeacherLabels],
    *,
    starts: bool,
) -> dict[str, Any]:
    """Return what decides the weights of the acoustic model; JSON.

    Args:
        settings: Of the run.
        caches: See ``speech_caches``.
        labels: Of the teacher, by corpus.
        starts: Whether the encoder starts from the teacher.
    """
    sections = {
        "acoustic": dataclasses.asdict(settings.acoustic),
        "draw": dataclasses.asdict(settings.draw),
        "teacher": dataclasses.asdict(settings.teacher),
        "model": settings.model,
        "corpora": settings.corpora,
    }
    # Places and speed change no weight beyond rounding (provenance.NOT_OF_THE_RESULT).
    for name in ("save_every_s", "threads", "device"):
        del sections["acoustic"][name]
    for name in ("folder", "processes"):
        del sections["teacher"][name]
    return {
        "stage": "acoustic",
        "settings": sections,
        "settings_sha256": digest(sections),
        # The inputs alone, not the curves: `train relabel` must not start the acoustic stage anew.
        "data": {cache.name: cache.input_fingerprint[:DIGITS] for cache in caches},
        "teacher": {name: len(known.places) for name, known in sorted(labels.items())},
        "starts": starts,
    }


def _labels(work: Path, caches: Sequence[Cache]) -> dict[str, TeacherLabels]:
    found = {cache.name: read_labels(work, cache.name) for cache in caches}
    return {name: labels for name, labels in found.items() if labels is not None}


def _start_clips(settings: Settings) -> list[FloatArray]:
    """Return levelled training clips, the same number of each corpus that has any."""
    folders = [settings.data / "speech" / name for name in settings.teacher.aligned]
    clips = [
        clip
        for folder in folders
        if folder.is_dir()
        for clip in read_speech_corpus(folder)
        if clip.split == TRAIN
    ]
    # Evenly spaced over the joined list: every corpus is met, and no random draw is needed.
    picked = np.linspace(0, len(clips) - 1, settings.acoustic.start_clips).astype(int)
    return [levelled_samples(clips[index].path) for index in sorted(set(picked.tolist()))]
