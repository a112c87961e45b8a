"""Train the correlation module to fill in hidden regions, and let it supervise the generator."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...checkpoint.folder import read_folder, write_folder
from ...config import CorrelationConfig, GeneratorConfig
from ...errors import BadArgument
from ...model.correlation import CorrelationModule
from ..data.batches import Batch, BatchSource
from ..data.cache import Cache
from ..data.encoder_inputs import load_training_inputs
from ..data.loading import dev_split
from ..settings import Settings
from .loss_weights import CHANNEL_FLOOR
from .machine import open_machine
from .progress import scalar_writer
from .provenance import code_record, fingerprint, identity
from .run import Terms, TrainingRun

log = logging.getLogger(__name__)

KIND = "correlation"
MOST_HIDDEN = 3
"""Most regions hidden at once: four of seven stay visible."""
ALONE_SHARE = 0.5
"""Share of clips with one hidden region; the others have more."""
LINEAR_BATCHES = 24
"""Batches the linear model is fitted to."""
DEV_BATCHES = 12
TOGETHER_WEIGHT = 5.0
"""Weight of the regions' own correlations: 10 cost a twentieth of the motion."""
STILL_STD = 0.004
"""Standard deviation of a channel that counts as hardly any motion."""


def train_correlation(settings: Settings, output: Path) -> Path:
    """Train the module on reference motion, write it to ``output`` with its report, return that.

    Args:
        settings: Of the training.
        output: Folder to write.
    """
    stage = settings.correlation
    machine = open_machine(stage)
    torch.manual_seed(stage.seed)
    rig, caches = load_training_inputs(settings)
    # With one region, hiding it would leave nothing to predict it from.
    if len(rig.regions) < 2:
        raise BadArgument(
            f"Rig {rig.rig} has one region, which moves with no other",
            hint="Train the generator without --correlation",
        )
    config = CorrelationConfig(
        rig=rig.rig, channels=rig.channels, regions=rig.regions, region_of=rig.region_of
    )
    module = CorrelationModule(config)
    source = _source(settings, rig, caches, "train")
    weight = _channel_weight(source)
    # Batch numbers from 10**9: no training step ever draws them, so the statistics do not depend on
    # the number of steps.
    train_batches = [source.batch(10**9 + n) for n in range(LINEAR_BATCHES)]
    # On the CPU, before the module is placed: the moments are sums in float64, which MPS lacks.
    learn_moments(module, train_batches)
    machine.place(module)
    weight = weight.to(machine.device)

    def step(number: int) -> tuple[Tensor, Terms]:
        batch = machine.place(source.batch(number))
        hidden = random_regions(stage.clips, len(config.regions), stage.seed, number)
        hidden = hidden.to(machine.device)
        (filled,) = machine.call(module, batch.curves, batch.emotion, hidden)
        loss = hidden_error(filled, batch.wanted(filled), hidden, config, weight)
        return loss, {"hidden": float(loss.detach())}

    record = fingerprint(settings, "correlation", caches)
    folder = settings.results / output.name
    record["machine"] = machine.title
    run = TrainingRun(module, stage, folder, identity=identity(record))
    run.train(step, scalars=scalar_writer(run.folder))
    # Weights of a GPU run come back to the CPU: safetensors and the report read them there.
    tensors = {name: value.numpy() for name, value in run.best_weights().items()}
    module.cpu().load_state_dict({n: torch.from_numpy(t) for n, t in tensors.items()})
    report = score_regions(module, _source(settings, rig, caches, dev_split(caches)))
    for name, shares in report.items():
        log.info("%s hidden, variance explained: %s", name, shares)
    record |= {"code": code_record(), "steps": stage.steps, "seed": stage.seed, "report": report}
    # half=False: ridge maps are solved from the stored moments, which needs more than three digits.
    write_folder(output, KIND, dataclasses.asdict(config), tensors, record, half=False)
    return output


def load_correlation(folder: Path) -> CorrelationModule:
    """Return the frozen module of a checkpoint folder. Raises BadWeights."""
    values, tensors, _ = read_folder(folder, kind=KIND)
    # JSON has no tuples, and the frozen config compares and hashes by them.
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    config = CorrelationConfig(**fields)
    module = CorrelationModule(config)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
    # Frozen and without dropout: the module supervises and must not drift with the generator.
    return module.requires_grad_(False).eval()


class CorrelationSupervisor:
    """Computes the correlation term of the generator's loss.

    Some regions of the *generated* face are hidden from the frozen module. Three parts are added:

    - agree: its prediction correlates with the generated region as well as its prediction on the
      reference correlates with the reference;
    - match: its prediction from the generated face correlates with the reference as well;
    - together: channels of different regions correlate over the window as in the reference.

    Correlations over time are used so that no face gains by moving less. Each is asked for only up
    to the reference: with more, the generator tied brow to lip twice as tightly as it should.
    """

    def __init__(self, module: CorrelationModule, seed: int) -> None:
        self.module, self.seed = module, seed

    def __call__(
        self, curves: Tensor, batch: Batch, number: int
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of generated curves and its three parts.

        Args:
            curves: Shape (B, T, C).
            batch: Targets.
            number: Of the step; decides the hidden regions.
        """
        config = self.module.config
        hidden = random_regions(len(curves), len(config.regions), self.seed, number)
        hidden = hidden.to(curves.device)
        # The reference side is a constant of the loss: no graph is kept for it.
        with torch.no_grad():
            usual = curve_correlation(
                batch.curves, self.module(batch.curves, batch.emotion, hidden)
            )
        filled = self.module(curves, batch.emotion, hidden)
        moved = batch.curves.std(1)
        # A channel that hardly moves in the reference has a correlation made of noise: its weight
        # goes to 0 with its deviation, smoothly, so that no threshold makes the loss jump.
        weight = hidden[:, list(config.region_of)] * moved / (moved + STILL_STD)
        # Two-sided: agreeing more than the reference does is an error too.
        agree = (curve_correlation(curves, filled) - usual).square()
        # One-sided: a prediction that fits the reference better than usual is no fault.
        match = (usual - curve_correlation(filled, batch.curves)).clamp(min=0)
        parts = {
            name: (part * weight).sum() / (weight.sum() + 1e-6)
            for name, part in (("agree", agree), ("match", match))
        }
        parts["together"] = TOGETHER_WEIGHT * self._together(curves, batch.curves)
        total = torch.stack(list(parts.values())).sum()
        return total, {name: float(part.detach()) for name, part in parts.items()}

    def _together(self, curves: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean squared difference of correlations across regions, a scalar."""
        region = torch.tensor(self.module.config.region_of, device=curves.device)
        apart = region[:, None] != region
        difference = correlations(curves) - correlations(wanted)
        return difference.square()[:, apart].mean()


def correlations(curves: Tensor) -> Tensor:
    """Return the correlation over time of all pairs of channels of (B, T, C), shape (B, C, C)."""
    centred = curves - curves.mean(1, keepdim=True)
    # The floor keeps the derivative finite for a channel at rest, whose deviation is 0.
    unit = centred / (centred.square().mean(1, keepdim=True) + STILL_STD**2).sqrt()
    return unit.transpose(1, 2) @ unit / curves.shape[1]


def curve_correlation(a: Tensor, b: Tensor) -> Tensor:
    """Return the correlation over time of two sets of curves by channel, (B, C); 0 at rest.

    Args:
        a: Shape (B, T, C).
        b: Shape (B, T, C).
    """
    a, b = (curves - curves.mean(1, keepdim=True) for curves in (a, b))
    spread_a, spread_b = ((x.square().mean(1) + STILL_STD**2).sqrt() for x in (a, b))
    return (a * b).mean(1) / (spread_a * spread_b)


def random_regions(clips: int, regions: int, seed: int, number: int) -> Tensor:
    """Return one to three hidden regions for each clip, (B, R).

    Args:
        clips: B.
        regions: R.
        seed: Of the training.
        number: Of the step.
    """
    # 17 separates these draws from those of the batches, which have the same seed and number.
    rng = np.random.default_rng([seed, number, 17])
    hidden = np.zeros((clips, regions), bool)
    for row in hidden:
        alone = rng.random() < ALONE_SHARE
        count = 1 if alone else int(rng.integers(2, MOST_HIDDEN + 1))
        # At least one region stays visible on rigs with two or three regions.
        count = min(count, max(1, regions - 1))
        row[rng.choice(regions, size=count, replace=False)] = True
    return torch.from_numpy(hidden)


def hidden_error(
    filled: Tensor, wanted: Tensor, hidden: Tensor, config: CorrelationConfig, weight: Tensor
) -> Tensor:
    """Return the weighted squared error over the hidden regions' channels.

    Args:
        filled: Predicted curves, shape (B, T, C).
        wanted: Targets, shape (B, T, C).
        hidden: Shape (B, R).
        config: Of the module.
        weight: Of each channel, shape (C,).
    """
    shown = hidden[:, list(config.region_of)].float()[:, None]
    error = (filled - wanted).square() * weight * shown
    # Divided by what is hidden, so that batches with more hidden regions do not weigh more.
    return error.sum() / (shown.sum() * filled.shape[1] + 1e-6)


def score_regions(module: CorrelationModule, dev: BatchSource) -> dict[str, dict[str, float]]:
    """Return the share of each hidden region's variance that module and linear map explain.

    Args:
        module: To be measured.
        dev: Source of development batches.

    The mean pose explains 0 by definition. The linear model maps the other regions' channels and
    the emotion of the same frame to the region by ridge regression; the module adds to it.
    """
    config = module.config
    batches = [dev.batch(n) for n in range(DEV_BATCHES)]
    report = {}
    for region, name in enumerate(config.regions):
        columns = [c for c, r in enumerate(config.region_of) if r == region]
        hidden = torch.zeros(len(batches[0].curves), len(config.regions), dtype=torch.bool)
        hidden[:, region] = True
        truth = torch.cat([b.curves[..., columns].flatten(0, 1) for b in batches])
        report[name] = {
            how: _explained(_filled(fill, batches, hidden)[:, columns], truth)
            for how, fill in (("module", module), ("linear", module.linear))
        }
    return report


def _filled(
    fill: Callable[[Tensor, Tensor, Tensor], Tensor], batches: Sequence[Batch], hidden: Tensor
) -> Tensor:
    """Return all frames of the batches with hidden regions filled in, (frames, C)."""
    with torch.no_grad():
        # Frames of all batches together: the mean pose that explains 0 is that of the whole set.
        return torch.cat([fill(b.curves, b.emotion, hidden).flatten(0, 1) for b in batches])


def learn_moments(module: CorrelationModule, batches: Sequence[Batch]) -> None:
    """Set the statistics that the module's linear maps are solved from.

    Args:
        module: To be changed.
        batches: Of reference motion.
    """
    frames = torch.cat([b.curves.flatten(0, 1) for b in batches])
    # CHANNEL_FLOOR: a channel that never moves would otherwise be scaled to noise.
    module.set_statistics(frames.mean(0), frames.std(0) + CHANNEL_FLOOR, module.moments)
    inputs = torch.cat([module.inputs(b.curves, b.emotion).flatten(0, 1) for b in batches])
    # In float64: 10^5 frames are summed, and the ridge solution inverts the result.
    moments = (inputs.double().T @ inputs.double() / len(inputs)).float()
    module.set_statistics(module.mean.clone(), module.scale.clone(), moments)


def _explained(predicted: Tensor, truth: Tensor) -> float:
    left, spread = (predicted - truth).square().sum(), (truth - truth.mean(0)).square().sum()
    return float(1 - left / spread) if spread > 0 else 0.0


def _source(
    settings: Settings, config: GeneratorConfig, caches: Sequence[Cache], split: str
) -> BatchSource:
    stage = settings.correlation
    return BatchSource(
        caches,
        config,
        split=split,
        seed=stage.seed,
        clips=stage.clips,
        frames=stage.frames,
        weights=settings.corpora,
        augment=False,
    )


def _channel_weight(source: BatchSource) -> Tensor:
    """Return one over the mean variance of the channel's region, scaled to mean 1.

    Within a region errors count as they are seen: it is its variance that is to be explained.
    """
    # Four batches are enough for a variance by region; 10**9 as above.
    seen = torch.cat([source.batch(10**9 + n).curves.flatten(0, 1) for n in range(4)])
    regions = torch.tensor(source.config.region_of)
    # The square of half the floor: regions at rest get a large weight, but not an infinite one.
    variance = seen.var(0) + CHANNEL_FLOOR**2 / 4
    sums = torch.zeros(len(source.config.regions)).index_add(0, regions, variance)
    weight = (regions.bincount() / sums)[regions]
    return weight / weight.mean()
