"""Stage 2: train the generator on the caches, supervised by the frozen correlation module."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...checkpoint.folder import load_checkpoint, save_checkpoint
from ...config import GeneratorConfig
from ...model.generator import Generator
from ..data.batches import Batch, BatchSource
from ..data.cache import Cache
from ..data.encoder_inputs import heard
from ..settings import Settings
from .distillation import open_keeper
from .losses import GeneratorLoss
from .machine import Feed, Machine, Scores, joined, mean_scores, open_machine
from .provenance import code_record, fingerprint, identity
from .run import Run
from .start_from import start_from

log = logging.getLogger(__name__)

SPREAD_BATCHES = 8
"""Batches whose channel spread scales the errors of the loss."""

Supervisor = Callable[[Tensor, Batch, int], tuple[Tensor, dict[str, float]]]
"""The correlation term: curves, batch and step number to a loss and its terms."""


def train_generator(settings: Settings, output: Path, *, correlation: Path | None = None) -> Path:
    """Train to the end, resuming what stands in ``WORK/runs/<output name>``; returns ``output``.

    Args:
        settings: Data, shape and schedule.
        output: Checkpoint folder to write.
        correlation: Checkpoint of the frozen module that supervises; None trains without.

    Raises:
        BadArgument: No caches under ``settings.work``.
    """
    stage = settings.generator
    machine = open_machine(stage)
    torch.manual_seed(stage.seed)
    config, caches = heard(settings)
    generator = Generator(config)
    if settings.start_from is not None:
        start_from(generator, load_checkpoint(settings.start_from, calibrated=False))
    source = _source(settings, config, caches)
    loss = machine.place(GeneratorLoss(config, _spread(source), settings.loss))
    supervisor = _supervisor(correlation, stage.seed, machine)
    keeper = open_keeper(settings, generator, machine)
    network, feed = machine.ready(generator), Feed(source, stage, machine)

    def step(number: int) -> Scores:
        parts = feed.parts(number)
        given = [(b.features, b.emotion, b.style) for _, b in parts]
        given += [keeper.asked(n, b) for n, b in parts] if keeper else []
        outputs = machine.call(network, *(joined(column) for column in zip(*given, strict=True)))
        curves, phones = (torch.split(o, [len(style) for *_, style in given]) for o in outputs)
        felt = curves[len(parts) :] if keeper else [None] * len(parts)
        rows = zip(parts, curves, phones, felt, strict=False)
        return mean_scores([judged(*row) for row in rows])

    def judged(
        part: tuple[int, Batch], curves: Tensor, phones: Tensor, felt: Tensor | None
    ) -> Scores:
        number, batch = part[0], dataclasses.replace(part[1], curves=part[1].wanted(curves))
        total, terms = loss(curves, phones, batch)
        if keeper is not None and felt is not None:
            lost = keeper.lost(batch, number, curves, felt)
            total, terms = total + settings.keep * lost, {**terms, "lost": float(lost.detach())}
        if supervisor is not None:
            extra, extra_terms = supervisor(curves, batch, number)
            total, terms = total + settings.loss.correlation * extra, {**terms, **extra_terms}
        return total, terms

    record = fingerprint(settings, "generator", caches, supervisor=correlation)
    folder = settings.work / "runs" / output.name
    run = Run(generator, stage, folder, machine=machine, identity=identity(record))
    run.train(step, scalars=scalar_writer(run.folder, machine))
    if machine.is_first:
        tensors = {name: value.numpy() for name, value in run.averaged_weights().items()}
        save_checkpoint(output, config, tensors, _record(settings, record))
    machine.close()
    return output


def _source(settings: Settings, config: GeneratorConfig, caches: Sequence[Cache]) -> BatchSource:
    stage = settings.generator
    return BatchSource(
        caches,
        config,
        split="train",
        seed=stage.seed,
        clips=stage.clips,
        frames=stage.frames,
        weights=settings.corpora,
        augment=stage.augment,
    )


def _supervisor(folder: Path | None, seed: int, machine: Machine) -> Supervisor | None:
    if folder is None:
        return None
    from .correlation import CorrelationSupervisor, load_correlation

    return CorrelationSupervisor(load_correlation(folder).to(machine.device), seed)


def _spread(source: BatchSource) -> Tensor:
    seen = torch.cat([source.batch(10**9 + n).curves.flatten(0, 1) for n in range(SPREAD_BATCHES)])
    return seen.std(0)


def _record(settings: Settings, record: dict[str, Any]) -> dict[str, object]:
    return {
        **record,
        "code": code_record(),
        "steps": settings.generator.steps,
        "seed": settings.generator.seed,
        "frames_a_step": settings.generator.clips * settings.generator.frames,
        "correlation_weight": settings.loss.correlation,
    }


def scalar_writer(folder: Path, machine: Machine) -> Callable[[int, dict[str, float]], None]:
    """Writes tensorboard scalars into ``folder`` where tensorboard is installed, else nothing."""
    if not machine.is_first:
        return lambda *_: None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return lambda *_: None
    writer = SummaryWriter(str(folder / "tensorboard"))

    def write(step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    return write
