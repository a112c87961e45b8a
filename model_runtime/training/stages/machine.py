"""Choose where a stage is trained and in which number format.

One process trains. Several GPUs in one run are not supported: the shipped generator trains within
hours on a CPU and within minutes on one card.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, nn

from ...engines.device import pick_device
from ...errors import BadArgument
from .run import StageSettings

log = logging.getLogger(__name__)

Thing = TypeVar("Thing")
PRECISIONS: Final = ("auto", "float32", "bfloat16")


@dataclasses.dataclass(frozen=True)
class Machine:
    """Device and number format of a stage."""

    device: torch.device
    precision: torch.dtype = torch.float32

    @property
    def title(self) -> str:
        """For the record of a checkpoint: ``cpu, float32, 1 process``."""
        return f"{self.device.type}, {str(self.precision).removeprefix('torch.')}, 1 process"

    def call(self, network: Callable[..., Any], *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs of a network in float32.

        Args:
            network: Computed in ``precision``.
            inputs: Of the network, on the device.
        """
        is_half = self.precision != torch.float32
        # Only the network is computed in bfloat16: its 8 bits of mantissa cannot hold squared
        # errors of curves near 1e-4, so outputs are float32 before any loss.
        with torch.autocast(self.device.type, self.precision, enabled=is_half):
            outputs = network(*inputs)
        tensors = outputs if isinstance(outputs, tuple) else (outputs,)
        return tuple(output.float() for output in tensors)

    def place(self, thing: Thing) -> Thing:
        """Return ``thing`` with the tensors in its fields on the device; a dataclass is copied."""
        if isinstance(thing, nn.Module):
            return thing.to(self.device)
        if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            tensors = {
                field.name: value.to(self.device)
                for field in dataclasses.fields(thing)
                if isinstance(value := getattr(thing, field.name), Tensor)
            }
            return dataclasses.replace(thing, **tensors) if tensors else thing
        for name, value in list(vars(thing).items()):
            if isinstance(value, Tensor):
                setattr(thing, name, value.to(self.device))
            # Losses hold their lip model as a dataclass with tensors of its own.
            elif dataclasses.is_dataclass(value):
                setattr(thing, name, self.place(value))
        return thing


def open_machine(stage: StageSettings) -> Machine:
    """Return the machine that a stage asks for, and log what was chosen and why.

    Raises:
        BadArgument: An unknown word in the settings.
        EngineUnavailable: A device by name that is not here.
    """
    if stage.precision not in PRECISIONS:
        raise BadArgument(
            f"precision = {stage.precision!r}", hint=f"Use one of: {', '.join(PRECISIONS)}"
        )
    choice = pick_device(stage.device)
    device = torch.device(choice.kind)
    if device.type == "cuda":
        # TF32 products on tensor cores: ten bits of mantissa are more than bfloat16 has.
        torch.set_float32_matmul_precision("high")
    # The count is part of reproducibility: sums are split by threads, and their order changes the
    # last bits.
    if stage.threads:
        torch.set_num_threads(stage.threads)
    machine = Machine(device, _precision(stage, device))
    log.info("training on %s (%s): %s", choice.title, choice.reason, machine.title)
    return machine


def _precision(stage: StageSettings, device: torch.device) -> torch.dtype:
    if stage.precision == "auto":
        # float16 is not offered: its range needs loss scaling, bfloat16 has the range of float32.
        has_half = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if has_half else torch.float32
    return torch.bfloat16 if stage.precision == "bfloat16" else torch.float32
