"""Keep the effect of emotions in fine-tuning.

The takes of a studio are mostly neutral, and a generator trained on them alone forgets how other
emotions look. Some windows of a batch are therefore generated under another emotion as well. The
change that this emotion makes must stay that of the first weights; speech itself is free to adapt.
"""

from __future__ import annotations

import logging

import numpy as np
import torch
from torch import Tensor

from ...checkpoint.folder import load_checkpoint
from ...model.generator import Generator
from ..data.batches import Batch
from ..settings import Settings
from .machine import Machine
from .start_from import start_from

log = logging.getLogger(__name__)

AUGMENTED_SHARE = 4
"""One window in so many is generated again: every clip is drawn often enough, at little cost."""
SALT = 23
"""Separates these draws from those of batches and of hidden regions."""


class EmotionRetention:
    """Compares emotions of a generator in training with those of its first weights."""

    def __init__(self, first: Generator, seed: int) -> None:
        self.first, self.seed = first.requires_grad_(False).eval(), seed

    def augment_batch(self, number: int, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return features, emotion and style of the first A clips under other emotions.

        Args:
            number: Of the batch; with the seed it decides the emotions.
            batch: Of B clips.
        """
        # The batch's own number and seed decide, so that a resumed run draws the same emotions.
        rng = np.random.default_rng([self.seed, number, SALT])
        # Rounded up: a batch of fewer than four clips still has one window.
        count = -(-len(batch.emotion) // AUGMENTED_SHARE)
        emotion = torch.zeros_like(batch.emotion[:count])
        for row in emotion:
            # From 1: emotion 0 is neutral. One emotion a window, from .3 on, so that every window
            # has an effect to keep.
            row[:, int(rng.integers(1, row.shape[1]))] = float(rng.uniform(0.3, 1.0))
        return batch.features[:count], emotion, batch.style[:count]

    def loss(self, batch: Batch, number: int, plain: Tensor, felt: Tensor) -> Tensor:
        """Return the mean squared difference of the emotions' effects, now and at the start.

        Args:
            batch: Inputs.
            number: Of the batch.
            plain: Curves under the batch's own emotion, shape (B, T, C).
            felt: Curves of ``augment_batch``, shape (A, T, C).
        """
        features, emotion, style = self.augment_batch(number, batch)
        count = len(emotion)
        with torch.no_grad():
            was_plain, _ = self.first(features, batch.emotion[:count], style)
            was_felt, _ = self.first(features, emotion, style)
        # Differences of differences: a shift that fine-tuning gives to both is free.
        changed: Tensor = (felt - plain[:count]) - (was_felt - was_plain)
        return changed.square().mean()


def open_retention(
    settings: Settings, generator: Generator, machine: Machine
) -> EmotionRetention | None:
    """Return the retention of a fine-tuning whose ``keep`` is above 0; None for other trainings.

    Args:
        settings: Of the training.
        generator: In training.
        machine: It is trained on.
    """
    if settings.start_from is None or settings.keep <= 0:
        return None
    # Uncalibrated: training compares what the networks put out, before the output calibration.
    checkpoint = load_checkpoint(settings.start_from, calibrated=False)
    if checkpoint.config.channels != generator.config.channels:
        # The effect is compared channel by channel; with other channels there is nothing to
        # compare.
        log.warning("keep = 0: %s has other channels than %s", checkpoint.name, settings.rig)
        return None
    first = Generator(generator.config)
    start_from(first, checkpoint)
    return EmotionRetention(first.to(machine.device), settings.generator.seed)
