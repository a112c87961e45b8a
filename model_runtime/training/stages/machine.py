"""What a stage trains on: device, number format, compiled or not, one process or several."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import importlib.util
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

from ...engines.device import pick_device
from ...errors import BadArgument
from ..data.batches import Batch, BatchSource
from ..settings import StageSettings

log = logging.getLogger(__name__)

Thing = TypeVar("Thing")
Scores = tuple[Tensor, dict[str, float]]
"""A loss to descend and its terms by name."""
PRECISIONS = ("auto", "float32", "bfloat16")
SWITCHES = ("auto", "on", "off")


@dataclasses.dataclass(frozen=True)
class Machine:
    """One process of a training, and its place among the others."""

    device: torch.device
    precision: torch.dtype = torch.float32
    compiles: bool = False
    rank: int = 0
    processes: int = 1

    @property
    def is_first(self) -> bool:
        """True for the process that writes files and speaks."""
        return self.rank == 0

    def ready(self, module: nn.Module) -> Callable[..., Any]:
        """The module on its device, as it is to be called in training steps."""
        module.to(self.device)
        network: Any = module
        if self.compiles:
            # What cannot be compiled here runs as it is, with a warning.
            torch._dynamo.config.suppress_errors = True
            network = torch.compile(module)
        if self.processes > 1:
            return nn.parallel.DistributedDataParallel(network)
        called: Callable[..., Any] = network
        return called

    def call(self, network: Callable[..., Any], *inputs: Tensor) -> tuple[Tensor, ...]:
        """Outputs of the network in float32, computed in ``precision``."""
        is_half = self.precision != torch.float32
        with torch.autocast(self.device.type, self.precision, enabled=is_half):
            outputs = network(*inputs)
        tensors = outputs if isinstance(outputs, tuple) else (outputs,)
        return tuple(output.float() for output in tensors)

    def place(self, thing: Thing) -> Thing:
        """``thing`` with the tensors in its fields on the device; a dataclass is copied."""
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
            elif dataclasses.is_dataclass(value):
                setattr(thing, name, self.place(value))
        return thing

    def wait(self) -> None:
        """Until every process is here."""
        if self.processes > 1:
            distributed.barrier()

    def close(self) -> None:
        """Leave the other processes, the last of them done."""
        if self.processes > 1:
            distributed.barrier()
            distributed.destroy_process_group()


def open_machine(stage: StageSettings) -> Machine:
    """The machine a stage asks for; says in the log what was chosen, and why.

    Under ``torchrun`` each process takes the GPU of its local rank, or the CPU.

    Raises:
        BadArgument: An unknown word in the settings, or parts that cannot be dealt out evenly.
        EngineUnavailable: A device by name that is not here.
    """
    _check(stage)
    rank, processes = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if stage.parts % processes:
        raise BadArgument(
            f"{stage.parts} parts cannot be dealt out to {processes} processes",
            hint="Set parts to a multiple of the processes, or to 0",
        )
    choice = pick_device(stage.device)
    device = torch.device(choice.kind)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
        torch.set_float32_matmul_precision("high")
    if stage.threads:
        torch.set_num_threads(stage.threads)
    if processes > 1:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    precision, compiles = _precision(stage, device), _compiles(stage, device)
    if rank == 0:
        log.info(
            "training on %s (%s), networks in %s, %s, %d process%s",
            choice.title,
            choice.reason,
            str(precision).removeprefix("torch."),
            "compiled" if compiles else "not compiled",
            processes,
            "" if processes == 1 else "es",
        )
    return Machine(device, precision, compiles, rank, processes)


def _check(stage: StageSettings) -> None:
    for name, value, allowed in (
        ("precision", stage.precision, PRECISIONS),
        ("compile", stage.compile, SWITCHES),
    ):
        if value not in allowed:
            raise BadArgument(f"{name} = {value!r}", hint=f"Use one of: {', '.join(allowed)}")
    if stage.parts < 0:
        raise BadArgument(f"parts = {stage.parts}", hint="Use 0 or more")


def _precision(stage: StageSettings, device: torch.device) -> torch.dtype:
    if stage.precision == "auto":
        has_half = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if has_half else torch.float32
    return torch.bfloat16 if stage.precision == "bfloat16" else torch.float32


def _compiles(stage: StageSettings, device: torch.device) -> bool:
    if stage.compile == "auto":
        return device.type == "cuda" and importlib.util.find_spec("triton") is not None
    return stage.compile == "on"


class Feed:
    """The batches of this process's parts, step after step.

    Part p of P draws from every P-th item of the pool, so no two parts share a clip; its batch of
    step n is number ``n * P + p``. The same parts in one process or in P give the same gradient.
    """

    def __init__(self, source: BatchSource, stage: StageSettings, machine: Machine) -> None:
        self.count = stage.parts or machine.processes
        mine = range(machine.rank, self.count, machine.processes)
        self.sources = {part: source.shard(part, self.count) for part in mine}
        self.machine = machine
        # A GPU waits for no batch: the next is made while it works.
        is_ahead = machine.device.type == "cuda"
        self._thread = concurrent.futures.ThreadPoolExecutor(1) if is_ahead else None
        self._ahead: dict[int, concurrent.futures.Future[list[tuple[int, Batch]]]] = {}

    def parts(self, step: int) -> list[tuple[int, Batch]]:
        """Numbers and batches of the parts of a step, on the device."""
        if self._thread is None:
            made = self._make(step)
        else:
            future = self._ahead.pop(step, None) or self._thread.submit(self._make, step)
            self._ahead = {step + 1: self._thread.submit(self._make, step + 1)}
            made = future.result()
        return [(number, self.machine.place(batch)) for number, batch in made]

    def _make(self, step: int) -> list[tuple[int, Batch]]:
        numbers = {part: step * self.count + part for part in self.sources}
        return [
            (numbers[part], source.batch(numbers[part])) for part, source in self.sources.items()
        ]


def joined(tensors: Iterator[Tensor] | Sequence[Tensor]) -> Tensor:
    """The same tensor of several batches as one."""
    several = list(tensors)
    return several[0] if len(several) == 1 else torch.cat(several)


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """The mean loss of several parts and their mean terms."""
    if len(scores) == 1:
        return scores[0]
    loss = torch.stack([loss for loss, _ in scores]).mean()
    names = dict.fromkeys(name for _, terms in scores for name in terms)
    return loss, {
        name: sum(terms.get(name, 0.0) for _, terms in scores) / len(scores) for name in names
    }
