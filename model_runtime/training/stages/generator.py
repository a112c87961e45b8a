"""Train the generator on the caches, supervised by the frozen correlation module.

With an acoustic model (``train acoustic``) the encoder and the phone head are taken from it and are
frozen; the decoder and the heads learn. Without one the whole network learns, as in fine-tuning.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from ...checkpoint.folder import load_checkpoint, save_checkpoint
from ...config import GeneratorConfig
from ...model.generator import Generator
from ..data.batches import Batch, BatchSource
from ..data.cache import Cache
from ..data.encoder_inputs import load_training_inputs
from ..settings import Settings
from .acoustic import PREFIXES, load_acoustic
from .distillation import open_retention
from .final_evaluation import dev_scorer
from .losses import GeneratorLoss
from .machine import Machine, open_machine
from .progress import scalar_writer
from .provenance import code_record, file_digest, fingerprint, identity
from .run import SCORE, Terms, TrainingRun
from .start_from import start_from

log = logging.getLogger(__name__)

SPREAD_BATCHES: Final = 8
"""Batches whose channel spread scales the errors of the loss."""
SPREAD_NUMBER: Final = 10**9
"""Number of the first of them, beyond those of any training."""
DEV_BATCHES: Final = 6
"""Batches of development clips that the score is the negative mean loss of, where the data folder
has no evaluation clips."""

Supervisor = Callable[[Tensor, Batch, int], tuple[Tensor, Terms]]
"""The correlation term: curves, batch and step number to a loss and its terms."""
Scores = tuple[Tensor, Terms]


def train_generator(
    settings: Settings,
    output: Path,
    *,
    correlation: Path | None = None,
    acoustic: Path | None = None,
) -> Path:
    """Train to the end, continuing a killed run in ``WORK/runs/<output name>``; return ``output``.

    Args:
        settings: Data, shape and schedule.
        output: Checkpoint folder to write.
        correlation: Checkpoint of the frozen module that supervises; None trains without.
        acoustic: File of the acoustic model; None trains the whole network.

    Raises:
        BadArgument: No caches under ``settings.work``.
    """
    stage = settings.generator
    machine = open_machine(stage)
    torch.manual_seed(stage.seed)
    config, caches = load_training_inputs(settings)
    generator = _generator(settings, config, acoustic)
    source = _source(settings, config, caches, "train")
    loss = machine.place(GeneratorLoss(config, _spread(source), settings.loss))
    supervisor = _supervisor(correlation, stage.seed, machine)
    retention = open_retention(settings, generator, machine)
    machine.place(generator)

    def judged(number: int, batch: Batch) -> Scores:
        given = [(batch.features, batch.emotion, batch.style)]
        given += [retention.augment_batch(number, batch)] if retention else []
        features, emotion, style = (torch.cat(column) for column in zip(*given, strict=True))
        curves, phones = machine.call(generator, features, emotion, style)
        count = len(batch.style)
        # Channels that a clip does not observe are given the generated value as target, so that
        # their error and gradient are 0.
        wanted = dataclasses.replace(batch, curves=batch.wanted(curves[:count]))
        total, terms = loss(curves[:count], phones[:count], wanted)
        if retention is not None:
            lost = retention.loss(wanted, number, curves[:count], curves[count:])
            total, terms = total + settings.keep * lost, {**terms, "lost": float(lost.detach())}
        if supervisor is not None:
            extra, extra_terms = supervisor(curves[:count], wanted, number)
            total, terms = total + settings.loss.correlation * extra, {**terms, **extra_terms}
        return total, terms

    record = fingerprint(settings, "generator", caches, supervisor=correlation)
    record |= {"acoustic": file_digest(acoustic), "machine": machine.title}
    run = TrainingRun(generator, stage, settings.results / output.name, identity=identity(record))
    scorer = dev_scorer(generator, settings.data) if stage.evaluate_every else None
    dev = _dev_batches(settings, config, caches, machine) if scorer is None else []
    run.train(
        lambda number: judged(number, machine.place(source.batch(number))),
        evaluate=scorer or ((lambda: _dev_score(judged, dev)) if dev else None),
        scalars=scalar_writer(run.folder),
    )
    tensors = {name: value.numpy() for name, value in run.best_weights().items()}
    save_checkpoint(output, config, tensors, _record(settings, record, run))
    return output


def _generator(settings: Settings, config: GeneratorConfig, acoustic: Path | None) -> Generator:
    generator = Generator(config)
    if settings.start_from is not None:
        start_from(generator, load_checkpoint(settings.start_from, calibrated=False))
    if acoustic is not None:
        # After start_from: the acoustic model of this training wins over the encoder of the
        # checkpoint.
        load_acoustic(generator, acoustic)
        for name, parameter in generator.named_parameters():
            # The encoder is frozen: face losses from a few hours of few speakers must not undo what
            # it learnt from many.
            parameter.requires_grad_(not name.startswith(PREFIXES))
    return generator


def _source(
    settings: Settings, config: GeneratorConfig, caches: Sequence[Cache], split: str
) -> BatchSource:
    stage = settings.generator
    return BatchSource(
        caches,
        config,
        split=split,
        seed=stage.seed,
        clips=stage.clips,
        frames=stage.frames,
        weights=settings.corpora,
        # Development windows are not distorted: the score must compare weights, not draws.
        augment=stage.augment and split == "train",
    )


def _dev_batches(
    settings: Settings, config: GeneratorConfig, caches: Sequence[Cache], machine: Machine
) -> list[Batch]:
    if not any(entry.split == "dev" for cache in caches for entry in cache.entries):
        return []
    source = _source(settings, config, caches, "dev")
    return [machine.place(source.batch(number)) for number in range(DEV_BATCHES)]


@torch.no_grad()
def _dev_score(judged: Callable[[int, Batch], Scores], batches: Sequence[Batch]) -> Terms:
    """Return the mean terms of the loss, and its negative as the score."""
    scores = [judged(number, batch) for number, batch in enumerate(batches)]
    names = scores[0][1]
    means = {name: sum(terms[name] for _, terms in scores) / len(scores) for name in names}
    total = sum(float(loss) for loss, _ in scores) / len(scores)
    # Negative, because the run keeps the weights with the largest score.
    return {SCORE: round(-total, 5), **{name: round(value, 6) for name, value in means.items()}}


def _supervisor(folder: Path | None, seed: int, machine: Machine) -> Supervisor | None:
    if folder is None:
        return None
    # Loaded here: without supervision the module and its checkpoint code are not needed.
    from .correlation import CorrelationSupervisor, load_correlation

    return CorrelationSupervisor(load_correlation(folder).to(machine.device), seed)


def _spread(source: BatchSource) -> Tensor:
    # Means over several batches: one batch holds too few films for the channels only films have.
    curves = [source.batch(SPREAD_NUMBER + n).curves.flatten(0, 1) for n in range(SPREAD_BATCHES)]
    return torch.cat(curves).std(0)


def _record(settings: Settings, record: dict[str, Any], run: TrainingRun) -> dict[str, object]:
    # The record of the acoustic stage travels with the checkpoint: the encoder is part of its
    # weights.
    acoustic = settings.results / "acoustic.json"
    made_with = json.loads(acoustic.read_text(encoding="utf-8")) if acoustic.is_file() else None
    return {
        **record,
        "acoustic_model": made_with if record["acoustic"] else None,
        "code": code_record(),
        "steps": settings.generator.steps,
        "seed": settings.generator.seed,
        "frames_a_step": settings.generator.clips * settings.generator.frames,
        "best_on_dev": run.best,
    }
