"""Fine-tuning that forgets no emotion: what an emotion changes stays as the first weights had it.

The takes of a studio are mostly neutral. Learning from them alone, a generator forgets how other
emotions look. So some windows are asked for under another emotion as well, and what that emotion
changes in the face must stay what it changed in the weights the training began with; how the face
speaks is free to become the actor's.
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

ASKED_SHARE = 4
"""One window in so many is asked for again: every clip comes by often enough, at little cost."""
SALT = 23
"""Sets the emotions that are asked for apart from the draws of batches and of hidden regions."""


class Keeper:
    """The weights that a fine-tuning began with, and the emotions they are asked about."""

    def __init__(self, first: Generator, seed: int) -> None:
        self.first, self.seed = first.requires_grad_(False).eval(), seed

    def asked(self, number: int, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs of the first clips of the batch (A of B) under one other emotion each.

        Fixed by seed and number.
        """
        rng = np.random.default_rng([self.seed, number, SALT])
        count = -(-len(batch.emotion) // ASKED_SHARE)
        emotion = torch.zeros_like(batch.emotion[:count])
        for row in emotion:
            row[:, int(rng.integers(1, row.shape[1]))] = float(rng.uniform(0.3, 1.0))
        return batch.features[:count], emotion, batch.style[:count]

    def lost(self, batch: Batch, number: int, plain: Tensor, felt: Tensor) -> Tensor:
        """Mean square of what the emotion changes otherwise than it did.

        Args:
            batch: What was heard.
            number: Of the batch.
            plain: Curves under the batch's own emotion, shape (B, T, C).
            felt: Curves of ``asked``, shape (A, T, C).
        """
        features, emotion, style = self.asked(number, batch)
        count = len(emotion)
        with torch.no_grad():
            was_plain, _ = self.first(features, batch.emotion[:count], style)
            was_felt, _ = self.first(features, emotion, style)
        changed: Tensor = (felt - plain[:count]) - (was_felt - was_plain)
        return changed.square().mean()


def open_keeper(settings: Settings, generator: Generator, machine: Machine) -> Keeper | None:
    """The keeper of a fine-tuning whose ``keep`` is above 0; None for other trainings."""
    if settings.start_from is None or settings.keep <= 0:
        return None
    checkpoint = load_checkpoint(settings.start_from, calibrated=False)
    if checkpoint.config.channels != generator.config.channels:
        log.warning("keep = 0: %s has other channels than %s", checkpoint.name, settings.rig)
        return None
    first = Generator(generator.config)
    start_from(first, checkpoint)
    return Keeper(first.to(machine.device), settings.generator.seed)
