"""Turn the top layers of the teacher into phone posteriors: a small network trained on alignments.

Axes: T frames (50 Hz), L layers used, D width of the teacher, P phones.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from ...arrays import FloatArray
from ...config import PHONES
from ..preparation.items import UNKNOWN_PHONE

log = logging.getLogger(__name__)

TOP_LAYERS: Final = 3
"""A network on the top three layers is right in .81 of the speech frames of the development
speakers, one on the last layer alone in .78."""


@dataclasses.dataclass(frozen=True)
class ProbeSettings:
    """Training of the probe: the table ``[teacher]`` of the settings."""

    hours: float = 1.0
    """Aligned speech that is drawn for it."""
    hidden: int = 512
    dropout: float = 0.3
    epochs: int = 5
    batch: int = 1024
    """Frames in a batch."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    seed: int = 1


class PhoneProbe(nn.Module):
    """A network of one hidden layer on the joined top layers."""

    mean: Tensor
    scale: Tensor
    prior: Tensor
    """Mean posterior of each phone over the training frames, shape (P,)."""

    def __init__(self, width: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        # A uniform prior until it is fitted: dividing by it changes nothing.
        self.register_buffer("prior", torch.full((len(PHONES),), 1 / len(PHONES)))
        self.first = nn.Linear(width, hidden)
        self.dropout = nn.Dropout(dropout)
        self.second = nn.Linear(hidden, len(PHONES))

    def forward(self, states: Tensor) -> Tensor:
        """Return phone logits (T, P) of joined states (T, L D)."""
        x = functional.relu(self.first((states - self.mean) * self.scale))
        out: Tensor = self.second(self.dropout(x))
        return out

    @torch.no_grad()
    # Dropout is off: `fit_probe` and `load_probe` return the probe in eval mode.
    def posteriors(self, states: Sequence[Tensor]) -> FloatArray:
        """Return probabilities (T, P) of the hidden states of all layers of the teacher."""
        out: FloatArray = self(joined_layers(states)).softmax(1).numpy()
        return out


def joined_layers(states: Sequence[Tensor]) -> Tensor:
    """Return the top layers side by side, shape (T, L D)."""
    return torch.cat(list(states[-TOP_LAYERS:]), dim=1)


def fit_probe(states: Tensor, labels: NDArray[np.uint8], settings: ProbeSettings) -> PhoneProbe:
    """Train a probe on frames of aligned speech.

    Args:
        states: See ``joined_layers``, float16, shape (T, L D).
        labels: Phone of each frame, shape (T,), ``UNKNOWN_PHONE`` where not known.
        settings: Schedule.
    """
    torch.manual_seed(settings.seed)
    probe = PhoneProbe(states.shape[1], settings.hidden, settings.dropout)
    probe.mean.copy_(states.float().mean(0))
    # 1e-3: a state that never varies is left near 0 instead of being divided by 0.
    probe.scale.copy_(1 / (states.float().std(0) + 1e-3))
    targets = torch.from_numpy(labels.astype(np.int64))
    # Unknown frames are left out here rather than by ignore_index, so that batches are full.
    known = torch.from_numpy(np.flatnonzero(labels != UNKNOWN_PHONE))
    optimiser = torch.optim.AdamW(
        probe.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    # Rounded up: the last batch of an epoch may be smaller.
    steps = settings.epochs * -(-len(known) // settings.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for epoch in range(settings.epochs):
        right = 0
        for rows in torch.split(known[torch.randperm(len(known))], settings.batch):
            # States are kept in float16 to halve the memory and computed in float32.
            logits = probe(states[rows].float())
            # Alignments are off by about a frame at borders: smoothing keeps the probe from
            # learning them with certainty.
            loss = functional.cross_entropy(
                logits, targets[rows], label_smoothing=settings.label_smoothing
            )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            right += int((logits.argmax(1) == targets[rows]).sum())
        log.info(
            "probe %d/%d: %.3f of frames right", epoch + 1, settings.epochs, right / len(known)
        )
    # The aligner divides posteriors by a power of the prior (alignment/posteriors.py).
    probe.prior.copy_(torch.bincount(targets[known], minlength=len(PHONES)) / len(known))
    return probe.requires_grad_(False).eval()


def save_probe(probe: PhoneProbe, path: Path) -> None:
    """Write the probe as safetensors.

    Args:
        probe: The probe.
        path: File to write.
    """
    save_file({name: value.contiguous() for name, value in probe.state_dict().items()}, path)


def load_probe(path: Path) -> PhoneProbe:
    """Read a probe that ``save_probe`` wrote."""
    state = load_file(path)
    probe = PhoneProbe(state["first.weight"].shape[1], state["first.weight"].shape[0])
    probe.load_state_dict(state)
    return probe.requires_grad_(False).eval()
