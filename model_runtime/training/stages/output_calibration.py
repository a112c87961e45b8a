"""Fit the output calibration of a generator on the dev split, the network frozen.

Gain, bias, mixing within a region and a short symmetric filter are fitted with the generator's own
losses and a pull towards identity; left and right are tied. Gains beyond the allowed range would be
the sign of a wrong loss, so the range is narrow and the fitted values are logged.

Axes: B clips, T frames (50 Hz), C channels.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ...checkpoint.calibration import MOST_SMOOTHING, PREFIX
from ...checkpoint.folder import load_checkpoint, save_checkpoint
from ...config import GeneratorConfig
from ...model.generator import Generator
from ..data.batches import Batch, BatchSource
from ..data.encoder_inputs import load_training_inputs
from ..data.loading import dev_split
from ..settings import CalibrationSettings, Settings
from .losses import GeneratorLoss

log = logging.getLogger(__name__)

LOGGED_CHANGE = 0.05
"""Gains this far from 1 are logged."""


class OutputCalibration(nn.Module):
    """Scale, mix, shift and smooth curves, left and right alike; the identity when new."""

    mirror: Tensor
    within: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        """Begin as the identity.

        Args:
            config: Channels and regions of the generator.
        """
        super().__init__()
        channels = len(config.channels)
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.smoothing = nn.Parameter(torch.zeros(channels))
        # A full matrix, masked to blocks by `constrain`: one product, whatever the number of
        # regions.
        self.mixing = nn.Parameter(torch.eye(channels))
        region = torch.tensor(config.region_of)
        # Not persistent: both follow from the config.
        self.register_buffer("mirror", torch.tensor(_mirrored(config.channels)), persistent=False)
        self.register_buffer("within", (region[:, None] == region).float(), persistent=False)
        self.config = config

    def forward(self, curves: Tensor) -> Tensor:
        """Return calibrated curves (B, T, C)."""
        out = curves @ self.mixing.T * self.gain + self.bias
        # The ends are repeated: zeros beyond the clip would pull the first and last frame towards
        # rest.
        padded = torch.cat([out[:, :1], out, out[:, -1:]], 1)
        beside = (padded[:, :-2] + padded[:, 2:]) / 2
        return out + self.smoothing * (beside - out)

    # Projected after each step rather than by penalties: the result is inside the range exactly.
    @torch.no_grad()
    def constrain(self, settings: CalibrationSettings) -> None:
        """Tie left and right, keep mixing within regions, and bound gain, mixing and filter."""
        for name in ("gain", "bias", "smoothing"):
            value = getattr(self, name)
            # The mean of both sides is the nearest symmetric value.
            value.copy_((value + value[self.mirror]) / 2)
        self.gain.clamp_(*settings.gain_range)
        self.bias.clamp_(-settings.most_bias, settings.most_bias)
        self.smoothing.clamp_(0, MOST_SMOOTHING)
        # Rows and columns are swapped together: left from left becomes right from right.
        mixing = (self.mixing + self.mixing[self.mirror][:, self.mirror]) / 2
        identity = torch.eye(len(mixing), device=mixing.device)
        others = ((mixing - identity) * self.within).clamp(
            -settings.most_mixing, settings.most_mixing
        )
        others.fill_diagonal_(0)  # a channel's own share is its gain
        self.mixing.copy_(identity + others)

    def distance(self) -> Tensor:
        """Return the squared distance from the identity, a scalar."""
        identity = torch.eye(len(self.mixing), device=self.mixing.device)
        return (
            (self.gain - 1).square().sum()
            + (self.mixing - identity).square().sum()
            # A bias of .1 costs as much as a gain of 1.3: it also moves the face at rest. Smoothing
            # is bounded anyway.
            + 10 * self.bias.square().sum()
            + 0.1 * self.smoothing.square().sum()
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors as a checkpoint names them."""
        named = {
            f"{PREFIX}{name}": getattr(self, name).detach()
            for name in ("gain", "bias", "smoothing")
        }
        for index, region in enumerate(self.config.regions):
            columns = [c for c, r in enumerate(self.config.region_of) if r == index]
            # Only the blocks of the regions are stored: outside them the matrix is 0 by constraint.
            named[f"{PREFIX}mixing.{region}"] = self.mixing.detach()[columns][:, columns]
        return named


def calibrate_output(settings: Settings, folder: Path, output: Path) -> Path:
    """Fit the calibration of the generator in ``folder`` and write both to ``output``.

    Args:
        settings: Where the caches are; loss weights and ``[calibration]``.
        folder: Checkpoint of the trained generator; a calibration it has is fitted anew.
        output: Checkpoint folder to write; may be ``folder``.

    Returns:
        ``output``.
    """
    # Without its own calibration: a second fit on top of the first would let gains creep out of
    # range.
    checkpoint = load_checkpoint(folder, calibrated=False)
    generator = Generator(checkpoint.config)
    generator.load_state_dict({n: torch.from_numpy(t) for n, t in checkpoint.tensors.items()})
    generator.eval().requires_grad_(False)
    batches = _dev_batches(settings, checkpoint.config)
    # The network is frozen, so its outputs are computed once for all steps.
    with torch.no_grad():
        outputs = [generator(b.features, b.emotion, b.style) for b in batches]
    calibration = OutputCalibration(checkpoint.config)
    before, after = fit_calibration(calibration, settings, batches, outputs)
    log.info("output calibration: dev loss %.4f without, %.4f with", before, after)
    _log_gains(calibration)
    fitted = {name: value.numpy() for name, value in calibration.tensors().items()}
    record = {
        **checkpoint.training,
        "calibration": {
            **dataclasses.asdict(settings.calibration),
            "loss_without": before,
            "loss_with": after,
        },
    }
    save_checkpoint(output, checkpoint.config, {**checkpoint.tensors, **fitted}, record)
    return output


def fit_calibration(
    calibration: OutputCalibration,
    settings: Settings,
    batches: Sequence[Batch],
    outputs: Sequence[tuple[Tensor, Tensor]],
) -> tuple[float, float]:
    """Fit ``calibration`` in place.

    Args:
        calibration: Layer to fit.
        settings: Loss weights and ``[calibration]``.
        batches: Batches of the dev split.
        outputs: Curves and phone logits of the frozen generator on them.

    Returns:
        Mean loss without and with the calibration, pull excluded.
    """
    rules = settings.calibration
    spread = torch.cat([batch.curves.flatten(0, 1) for batch in batches]).std(0)
    # Phones do not pass through the calibration: the term would be a constant that hides changes.
    weights = dataclasses.replace(settings.loss, phones=0.0)
    loss = GeneratorLoss(calibration.config, spread, weights)

    def loss_of(index: int) -> Tensor:
        curves = calibration(outputs[index][0])
        # As in training: unobserved channels follow the output.
        batch = dataclasses.replace(batches[index], curves=batches[index].wanted(curves))
        return loss(curves, outputs[index][1], batch)[0]

    def mean_loss() -> float:
        with torch.no_grad():
            return float(torch.stack([loss_of(i) for i in range(len(batches))]).mean())

    before = mean_loss()
    optimiser = torch.optim.Adam(calibration.parameters(), lr=rules.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, rules.steps)
    # All batches in turn, the same number of times, in the same order.
    for step in range(rules.steps):
        total = loss_of(step % len(batches)) + rules.pull * calibration.distance()
        # Adam rather than a solver: the terms have clamps, so no closed form exists.
        optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        calibration.constrain(rules)
    return before, mean_loss()


def _dev_batches(settings: Settings, config: GeneratorConfig) -> list[Batch]:
    stage, rules = settings.generator, settings.calibration
    _, caches = load_training_inputs(settings)
    source = BatchSource(
        caches,
        config,
        split=dev_split(caches),
        seed=rules.seed,
        clips=stage.clips,
        frames=stage.frames,
        weights=settings.corpora,
        augment=False,
    )
    return [source.batch(number) for number in range(rules.batches)]


def _log_gains(calibration: OutputCalibration) -> None:
    gains = dict(zip(calibration.config.channels, calibration.gain.tolist(), strict=True))
    changed = {n: round(g, 2) for n, g in gains.items() if abs(g - 1) > LOGGED_CHANGE}
    log.info("gains beyond 1 +- %.2f: %s", LOGGED_CHANGE, changed or "none")


def _mirrored(channels: Sequence[str]) -> list[int]:
    """Return the column of each channel's other side; its own for channels without one."""
    places = {name: index for index, name in enumerate(channels)}
    swapped = []
    for name in channels:
        other = name
        if name.endswith("Left"):
            # endswith is enough: ARKit names end in their side.
            other = name.removesuffix("Left") + "Right"
        elif name.endswith("Right"):
            other = name.removesuffix("Right") + "Left"
        swapped.append(places.get(other, places[name]))
    return swapped
