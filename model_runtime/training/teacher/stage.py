"""Run the teacher on the speech of the training: phone posteriors, and phone times by them.

``train teacher`` fits the probe on clips that pocketsphinx aligned, then labels every clip of every
corpus. Test speakers are left out.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import multiprocessing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from ...arrays import FloatArray
from ...audio.level import level_gain
from ...audio.store import load_speech
from ...errors import BadAudio
from ..alignment.corpora import read_alignments, voice_of
from ..alignment.forced import Alignment, AlignmentFailed
from ..alignment.lexicon import Lexicon
from ..alignment.posteriors import align_posteriors
from ..corpora.held_out import TEST, TRAIN
from ..corpora.speech import SpeechClip
from ..preparation.items import phone_labels
from .labels import LabelWriter, encoded, labels_path
from .probe import PhoneProbe, ProbeSettings, fit_probe, joined_layers, load_probe, save_probe
from .whisper import FRAME_SAMPLES, WhisperEncoder, load_whisper

log = logging.getLogger(__name__)

DRAW_SEED: Final = 11

Progress = Callable[[str, int, int], None]


def levelled_samples(path: Path) -> FloatArray:
    """Return the samples of a clip at the level that the features are computed at."""
    samples = load_speech(path).samples
    out: FloatArray = samples * level_gain(samples)
    return out


def prepare_probe(
    model: Path,
    clips: Sequence[SpeechClip],
    work: Path,
    settings: ProbeSettings,
    *,
    progress: Progress,
) -> Path:
    """Fit the probe where there is none for these settings yet; return its file.

    Args:
        model: Of the teacher, see ``whisper.find_teacher``.
        clips: Speech that pocketsphinx aligned (``WORK/alignments``), of one or more corpora.
        work: Work folder.
        settings: Of the probe.
        progress: Called with a label, clips done and clips in all.
    """
    path = work / "teacher" / "probe.safetensors"
    fields = [field.name for field in dataclasses.fields(ProbeSettings)]
    # Settings of places are not among these fields: another folder must not fit the probe again.
    note = json.dumps({name: getattr(settings, name) for name in fields}, sort_keys=True)
    # The note is written after the weights, so a killed fit leaves no note that matches.
    if path.is_file() and path.with_suffix(".json").read_text(encoding="utf-8") == note:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    encoder = load_whisper(model)
    states, labels = _probe_frames(encoder, clips, work, settings, progress)
    save_probe(fit_probe(states, labels, settings), path)
    path.with_suffix(".json").write_text(note, encoding="utf-8")
    return path


def _probe_frames(
    encoder: WhisperEncoder,
    clips: Sequence[SpeechClip],
    work: Path,
    settings: ProbeSettings,
    progress: Progress,
) -> tuple[torch.Tensor, NDArray[np.uint8]]:
    aligned = {
        (corpus, name): alignment
        for corpus in {clip.corpus for clip in clips}
        for name, alignment in read_alignments(work / "alignments" / f"{corpus}.jsonl")[0].items()
    }
    # The probe is fitted on training speakers alone, so that its figures on development speakers
    # hold.
    usable = [c for c in clips if (c.corpus, c.file) in aligned and c.split == TRAIN]
    # Drawn by clip: the list is ordered by corpus, and its head would be one corpus.
    order = np.random.default_rng(DRAW_SEED).permutation(len(usable))
    picked: list[SpeechClip] = []
    seconds = 0.0
    for index in order:
        if seconds < settings.hours * 3600:
            picked.append(usable[index])
            seconds += usable[index].duration_s
    states, labels = [], []
    for done, clip in enumerate(picked, 1):
        found = joined_layers(encoder(levelled_samples(clip.path)))
        # Half the memory: an hour has 180,000 frames of 3 D numbers.
        states.append(found.half())
        labels.append(phone_labels(aligned[clip.corpus, clip.file].phones, len(found)))
        progress("teacher probe", done, len(picked))
    return torch.cat(states), np.concatenate(labels)


def label_corpus(
    model: Path,
    probe: Path,
    clips: Sequence[SpeechClip],
    work: Path,
    *,
    processes: int = 2,
    progress: Progress,
) -> None:
    """Write the labels of one corpus, continuing where a killed run stopped.

    Args:
        model: Of the teacher.
        probe: File of ``prepare_probe``.
        clips: Of one corpus; those of test speakers are left out.
        work: Work folder.
        processes: Worker processes, one thread each.
        progress: Called with a label, clips done and clips in all.
    """
    corpus = clips[0].corpus
    writer = LabelWriter(labels_path(work, corpus))
    wanted = [clip for clip in clips if clip.split != TEST]
    todo = [clip for clip in wanted if clip.file not in writer.done]
    if not todo:
        return
    # spawn: torch's thread pool does not survive a fork.
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, _open_worker, (model, probe)) as pool:
        # Ordered results: the files of posteriors are then the same in every run.
        results = pool.imap(_label_clip, todo, chunksize=4)
        # Counted from the clips that earlier runs did, so the progress line does not start again.
        for done, (file, codes, aligned) in enumerate(results, 1 + len(wanted) - len(todo)):
            writer.add(file, codes, aligned)
            progress(f"teacher {corpus}", done, len(wanted))


@dataclasses.dataclass
class _Worker:
    encoder: WhisperEncoder
    probe: PhoneProbe
    prior: FloatArray
    lexicons: dict[str, Lexicon]


_worker: list[_Worker] = []
"""The models of this worker process."""


def _open_worker(model: Path, probe: Path) -> None:
    # One thread a process: processes over clips scale better than threads within one.
    torch.set_num_threads(1)
    loaded = load_probe(probe)
    _worker[:] = [_Worker(load_whisper(model), loaded, loaded.prior.numpy(), {})]


def _label_clip(clip: SpeechClip) -> tuple[str, NDArray[np.uint8], Alignment | str]:
    worker = _worker[0]
    try:
        samples = levelled_samples(clip.path)
    except (BadAudio, OSError) as error:
        # An unreadable clip is recorded with its reason: a second run does not try it again.
        return clip.file, np.zeros((0, len(worker.prior)), np.uint8), f"{error}"
    posteriors = worker.probe.posteriors(worker.encoder(samples))
    # Features of the training have as many frames; an offset would shift every label.
    assert len(posteriors) == -(-len(samples) // FRAME_SAMPLES)
    voice = voice_of(clip.language)
    # The dictionary of a language is read once a process.
    lexicon = worker.lexicons.setdefault(voice, Lexicon(voice))
    aligned: Alignment | str
    try:
        if not clip.text:
            raise AlignmentFailed("no text")
        aligned = align_posteriors(posteriors, clip.text, lexicon, worker.prior)
    except AlignmentFailed as error:
        aligned = str(error)
    return clip.file, encoded(posteriors), aligned
