"""Read filmed mouths (``captures``) as clips with phones, for calibration and training."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...arrays import FloatArray
from ...audio.features import log_mel
from ...audio.level import level_gain
from ...audio.store import load_speech
from ...config import FeatureConfig
from ...errors import BadArgument
from ..alignment.forced import PhoneTime
from ..captures.__main__ import prepare as fit_captures
from ..corpora.grid import read_grid
from ..corpora.speech import SpeechClip
from ..reference.articulation import Unit, units_of
from ..reference.lips import arkit_lips
from ..reference.prosody import loudness_of
from ..reference.rig import reference_rig
from .clip_task import Job
from .phones import aligned_corpus, known_alignments

FILMED_CORPORA = ("grid_s1", "grid_s4")
TARGET_GAP = 0.36
"""Lip gap (of jawOpen 1) that the 90th percentile of a filmed speaker is scaled to. GRID's speakers
mumble one sentence form a thousand times (0.25 and 0.29); the facegood curves have 0.38."""
LOWER_FACE = ("jaw", "mouth", "tongue")


@dataclasses.dataclass(frozen=True)
class FilmedClip:
    """One filmed clip at 50 Hz."""

    corpus: str
    name: str
    phones: tuple[PhoneTime, ...]
    units: tuple[Unit, ...]
    curves: Tensor
    """Shape (T, 52): the lower face as fitted, scaled to ``TARGET_GAP``; the upper face is 0."""
    loudness: Tensor
    """Shape (T,), see ``prosody``."""
    held_out: bool


def filmed_curves(work: Path, corpus: str) -> dict[str, FloatArray]:
    """Return curves (T, 52) at 50 Hz by clip, scaled to ``TARGET_GAP``.

    Args:
        work: Work folder.
        corpus: Captured corpus.

    Raises:
        BadArgument: The captures were not fitted yet.
    """
    path = work / "captures" / f"{corpus}.npz"
    if not path.is_file():
        raise BadArgument(f"No {path}", hint="Run train prepare first")
    with np.load(path, allow_pickle=False) as file:
        curves = {n.removeprefix("curves_"): file[n] for n in file.files if n.startswith("curves_")}
    lower = _lower_face()
    # By the lip model of the reference rig: jaw and lip channels both part the lips.
    gaps = [
        arkit_lips().gaps(torch.from_numpy(c.astype(np.float32)))[:, 0] for c in curves.values()
    ]
    # Every tenth frame is enough for a quantile; the maximum would be one error of the landmarks.
    reach = float(torch.quantile(torch.cat(gaps)[::10], 0.9))
    # .05: a speaker whose lips never part would otherwise be scaled without limit.
    scale = TARGET_GAP / max(reach, 0.05)
    # The upper face is set to 0: GRID's speakers hold it still, and expressions are added later.
    return {n: np.clip(c.astype(np.float32) * lower * scale, 0, 1) for n, c in curves.items()}


def held_out_clips(work: Path, corpus: str) -> frozenset[str]:
    """Return the names of the clips of a corpus that are for evaluation only.

    Args:
        work: Work folder.
        corpus: Captured corpus.
    """
    index = json.loads((work / "captures" / "index.json").read_text(encoding="utf-8"))
    # The index of the captures holds the split: clips of a film are split once, where they are
    # fitted.
    return frozenset(c["clip"] for c in index["corpora"][corpus]["clips"] if c["held_out"])


def filmed_grid(data: Path, work: Path) -> list[FilmedClip]:
    """Return all aligned clips of the filmed GRID speakers.

    Args:
        data: Data folder.
        work: Work folder.
    """
    clips = []
    for corpus in FILMED_CORPORA:
        aligned = known_alignments(work, corpus)
        held_out = held_out_clips(work, corpus)
        for name, curves in filmed_curves(work, corpus).items():
            # A clip whose text fits badly has no phones to calibrate by.
            if name not in aligned:
                continue
            phones = aligned[name].phones
            # Film and sound end some frames apart: both are cut to the shorter.
            loudness = _loudness(data / "capture" / corpus / "audio" / f"{name}.opus")[
                : len(curves)
            ]
            clips.append(
                FilmedClip(
                    corpus,
                    name,
                    phones,
                    tuple(units_of(phones)),
                    torch.from_numpy(curves[: len(loudness)]),
                    torch.from_numpy(loudness),
                    name in held_out,
                )
            )
    return clips


def unfilmed_clip(clip: SpeechClip, phones: tuple[PhoneTime, ...]) -> FilmedClip:
    """Return a clip without film in the same form, with curves of zeros.

    Args:
        clip: Speech.
        phones: Its phones.
    """
    loudness = torch.from_numpy(_loudness(clip.path))
    still = torch.zeros(len(loudness), len(_lower_face()))
    units = tuple(units_of(phones))
    return FilmedClip(clip.corpus, clip.file, phones, units, still, loudness, False)


def _loudness(path: Path) -> FloatArray:
    samples = load_speech(path).samples
    return loudness_of(log_mel(samples * level_gain(samples), FeatureConfig()))


def filmed_jobs(
    data: Path, work: Path, show: Callable[[str], Callable[[int, int], None]]
) -> dict[str, list[Job]]:
    """Return training jobs of the filmed corpora: GRID with phones, facegood without.

    Held-out clips are left out. Captures are fitted and GRID is aligned where that is not done.

    Args:
        data: Data folder.
        work: Work folder.
        show: Returns a progress callback for a label.
    """
    if not (work / "captures" / "index.json").is_file():
        # All films are fitted at once; the index is there when that is done.
        fit_captures(data, work / "captures")
    jobs: dict[str, list[Job]] = {}
    for corpus in FILMED_CORPORA:
        clips = read_grid(data / "capture" / corpus)
        aligned, _ = aligned_corpus(clips, work, progress=show(f"align {corpus}"))
        curves, held_out = filmed_curves(work, corpus), held_out_clips(work, corpus)
        jobs[corpus] = [
            Job(clip, aligned[clip.file].phones, curves[clip.file], "train")
            for clip in clips
            # Held-out clips measure the lips against film (evaluation, measure b): they are in no
            # cache.
            if clip.file in aligned and clip.file in curves and clip.file not in held_out
        ]
    # facegood is Chinese speech without a text: its phones are unknown, its mouth is not.
    jobs["facegood"] = _facegood_jobs(data, work)
    return jobs


def _facegood_jobs(data: Path, work: Path) -> list[Job]:
    jobs = []
    for name, curves in filmed_curves(work, "facegood").items():
        path = data / "capture" / "facegood" / f"{name}.opus"
        # 50 curves a second.
        clip = SpeechClip("facegood", name, path, "facegood", "zh", "neutral", len(curves) / 50, "")
        jobs.append(Job(clip, (), curves, "train"))
    return jobs


def _lower_face() -> FloatArray:
    channels = reference_rig().channels
    return np.array([float(channel.region in LOWER_FACE) for channel in channels], np.float32)
