"""Stage 2: train the generator on the caches, supervised by the frozen correlation module."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..checkpoint import load_checkpoint, save_checkpoint
from ..model.generator import Generator
from .batches import Batch, BatchSource
from .cache import Cache, caches_in, read_cache
from .losses import GeneratorLoss
from .run import Run
from .settings import Settings, generator_config

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
    if stage.threads:
        torch.set_num_threads(stage.threads)
    torch.manual_seed(stage.seed)
    caches = [read_cache(folder) for folder in caches_in(settings.work)]
    config = generator_config(settings)
    generator = Generator(config)
    if settings.start_from is not None:
        _start_from(generator, settings.start_from)
    source = BatchSource(
        caches,
        config,
        split="train",
        seed=stage.seed,
        clips=stage.clips,
        frames=stage.frames,
        weights=settings.corpora,
        augment=stage.augment,
    )
    loss = GeneratorLoss(config, _spread(source), settings.loss)
    supervisor = _supervisor(correlation, source, stage.seed)

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        batch = source.batch(number)
        curves, phones = generator(batch.features, batch.emotion, batch.style)
        total, terms = loss(curves, phones, batch)
        if supervisor is not None:
            extra, extra_terms = supervisor(curves, batch, number)
            total, terms = total + settings.loss.correlation * extra, {**terms, **extra_terms}
        return total, terms

    run = Run(generator, stage, settings.work / "runs" / output.name)
    run.train(step, scalars=scalar_writer(run.folder))
    tensors = {name: value.numpy() for name, value in run.averaged_weights().items()}
    save_checkpoint(output, config, tensors, _record(settings, caches))
    return output


def _supervisor(folder: Path | None, source: BatchSource, seed: int) -> Supervisor | None:
    if folder is None:
        return None
    from .correlation_stage import CorrelationSupervisor, load_correlation

    return CorrelationSupervisor(load_correlation(folder), source, seed)


def _start_from(generator: Generator, folder: Path) -> None:
    checkpoint = load_checkpoint(folder)
    state = {name: torch.from_numpy(value) for name, value in checkpoint.tensors.items()}
    generator.load_state_dict(state)


def _spread(source: BatchSource) -> Tensor:
    seen = torch.cat([source.batch(10**9 + n).curves.flatten(0, 1) for n in range(SPREAD_BATCHES)])
    return seen.std(0)


def _record(settings: Settings, caches: Sequence[Cache]) -> dict[str, object]:
    return {
        "steps": settings.generator.steps,
        "seed": settings.generator.seed,
        "frames_a_step": settings.generator.clips * settings.generator.frames,
        "correlation_weight": settings.loss.correlation,
        "data": {cache.name: cache.fingerprint[:16] for cache in caches},
    }


def scalar_writer(folder: Path) -> Callable[[int, dict[str, float]], None]:
    """Writes tensorboard scalars into ``folder`` where tensorboard is installed, else nothing."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return lambda *_: None
    writer = SummaryWriter(str(folder / "tensorboard"))

    def write(step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    return write
