"""Train the encoder and the phone head on speech: alignments and the teacher's posteriors.

The stage needs no labels of the face. Its encoder starts from the teacher's first layers where the
teacher is installed, and at random elsewhere, which takes several times as many steps.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from ...config import GeneratorConfig
from ...model.generator import Generator
from ..data.acoustic_batches import AcousticBatch, AcousticSource, DrawSettings
from ..data.cache import Cache
from ..preparation.items import UNKNOWN_PHONE
from ..teacher.encoder_start import start_encoder
from ..teacher.labels import TeacherLabels
from ..teacher.whisper import load_whisper
from .phone_measures import dev_entries, phone_measures
from .run import StageSettings, Step, TrainingRun

log = logging.getLogger(__name__)

PREFIXES: Final = ("stem_", "encoder", "phone_head")
"""Names of the tensors of the acoustic model begin with one of these."""
DOUBTED: Final = 1e-3
"""Least posterior that is compared with ``trusted_from``."""


@dataclasses.dataclass(frozen=True)
class AcousticSettings(StageSettings):
    """The table ``[acoustic]`` of the settings."""

    steps: int = 2400
    clips: int = 12
    learning_rate: float = 4e-4
    ema_decay: float = 0.995
    alignment: float = 0.5
    """Weight of the cross-entropy against the aligned phones."""
    teacher: float = 1.0
    """Weight of the Kullback-Leibler divergence from the teacher's posteriors."""
    silence: float = 0.5
    """Weight of silent frames in both."""
    trusted_from: float = 0.1
    """Aligned phones to which the teacher gives a smaller posterior count in proportion to it."""
    dev_seconds: float = 20.0
    """Speech of each development speaker that is evaluated."""
    start_clips: int = 40
    """Clips that the start from the teacher is fitted on."""


def train_acoustic(
    settings: AcousticSettings,
    config: GeneratorConfig,
    caches: Sequence[Cache],
    labels: dict[str, TeacherLabels],
    *,
    weights: dict[str, float],
    draw: DrawSettings,
    teacher: Path | None,
    start_on: Sequence[np.ndarray],
    folder: Path,
    identity: str,
    scalars: Any = lambda *_: None,
) -> dict[str, Tensor]:
    """Train to the end, continuing a killed run; return the tensors of the acoustic model.

    Args:
        settings: Schedule and weights of the loss.
        config: Of the generator.
        caches: Of speech and non-speech.
        labels: Of the teacher, by corpus.
        weights: Sampling weight by corpus.
        draw: How windows are drawn.
        teacher: Model file to start from; None starts at random.
        start_on: Levelled clips the start is fitted on.
        folder: Of the run.
        identity: See ``TrainingRun``.
        scalars: See ``TrainingRun.train``.
    """
    # The seed is set before the network is made: its first weights are part of what the seed
    # decides.
    torch.manual_seed(settings.seed)
    generator = Generator(config)
    # A saved state holds trained weights already: the start would be overwritten by `resume`, and
    # costs a pass of the teacher over all start clips.
    if teacher is not None and not (folder / "state.safetensors").is_file():
        start_encoder(generator, load_whisper(teacher), start_on)
    # Nothing but the acoustic model gets gradients or optimiser state; decoder and heads keep their
    # random weights and are not saved.
    for name, parameter in generator.named_parameters():
        parameter.requires_grad_(name.startswith(PREFIXES))
    source = AcousticSource(
        caches,
        labels,
        seed=settings.seed,
        clips=settings.clips,
        frames=settings.frames,
        weights=weights,
        draw=draw,
        features=config.features,
    )
    clips = dev_entries(caches, most_s=settings.dev_seconds)
    run = TrainingRun(generator, settings, folder, identity=identity)
    run.train(
        acoustic_step(generator, source, settings),
        evaluate=(lambda: phone_measures(generator, clips)) if clips else None,
        scalars=scalars,
    )
    # The last `train` may be worse than its best evaluation: the best on dev is what is kept.
    return {n: t for n, t in run.best_weights().items() if n.startswith(PREFIXES)}


def acoustic_step(generator: Generator, source: AcousticSource, settings: AcousticSettings) -> Step:
    """Return the training step.

    Args:
        generator: Whose encoder is trained.
        source: Of the batches.
        settings: Weights of the loss.
    """

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        batch = source.batch(number)
        _, logits = generator.encode(batch.features)
        terms = acoustic_loss(logits, batch, settings)
        loss = settings.alignment * terms["alignment"] + settings.teacher * terms["teacher"]
        # detach: a term that keeps its graph would hold the activations of the step in memory.
        return loss, {name: float(term.detach()) for name, term in terms.items()}

    return step


def acoustic_loss(
    logits: Tensor, batch: AcousticBatch, settings: AcousticSettings
) -> dict[str, Tensor]:
    """Return the terms ``alignment`` and ``teacher``, means over the frames they apply to.

    Args:
        logits: Of the phones, shape (B, T, P).
        batch: What is wanted.
        settings: Weights of frames.
    """
    logs = functional.log_softmax(logits, dim=2)
    # gather accepts no negative index, so unknown frames look up phone 0 and get weight 0 below.
    known = batch.phones != UNKNOWN_PHONE
    phones = torch.where(known, batch.phones, torch.zeros_like(batch.phones))
    # Rows are probabilities that sum to 1, or all 0 where the teacher has not seen the clip: .5
    # tells the two apart whatever the rounding of their 8-bit codes.
    labelled = batch.posteriors.sum(2) > 0.5
    # A label that the teacher all but excludes keeps 1 % of its weight (DOUBTED over trusted_from),
    # so that a frame counts even where the teacher is wrong.
    doubt = batch.posteriors.gather(2, phones[..., None])[..., 0].clamp(min=DOUBTED)
    trust = (doubt / settings.trusted_from).clamp(max=1)
    weight = known * torch.where(labelled, trust, torch.ones_like(trust))
    # Silence is the commonest label: at full weight it would dominate the mean.
    weight = weight * torch.where(phones == 0, settings.silence, 1.0)
    picked = -logs.gather(2, phones[..., None])[..., 0]
    # + 1 instead of an epsilon: a batch with hardly any aligned frame must not get a huge gradient.
    alignment = (weight * picked).sum() / (weight.sum() + 1)
    quiet = batch.posteriors[..., 0]
    # Posteriors are soft: a frame that is half silence loses half of the reduction.
    share = labelled * (1 - (1 - settings.silence) * quiet)
    # Kullback-Leibler divergence: cross-entropy less the entropy of the teacher.
    entropy = (batch.posteriors * batch.posteriors.clamp(min=1e-6).log()).sum(2)
    divergence = entropy - (batch.posteriors * logs).sum(2)
    teacher = (share * divergence).sum() / (share.sum() + 1)
    return {"alignment": alignment, "teacher": teacher}


def save_acoustic(tensors: dict[str, Tensor], path: Path) -> None:
    """Write the tensors of the acoustic model.

    Args:
        tensors: Tensors by name.
        path: A safetensors file, replaced when it exists.
    """
    save_file({name: value.contiguous() for name, value in tensors.items()}, path)


def load_acoustic(generator: Generator, path: Path) -> None:
    """Copy the tensors of an acoustic model into ``generator``, in place.

    Args:
        generator: Of the same shape of encoder.
        path: Written by ``save_acoustic``.
    """
    # strict=False allows the tensors of the decoder to be missing; the two asserts refuse
    # everything else.
    missing, unknown = generator.load_state_dict(load_file(path), strict=False)
    assert not unknown, unknown
    assert not [name for name in missing if name.startswith(PREFIXES)], missing
