"""Train a module step by step: optimiser, schedule, averaged weights, best weights, resumption.

Step n uses batch n and no other random numbers, so a run that was killed and resumed ends in the
same weights, bit for bit on a CPU with the same number of threads. No pickle.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from torch.optim.swa_utils import AveragedModel

from ...errors import BadArgument
from .progress import ProgressLine

log = logging.getLogger(__name__)

Terms = dict[str, float]
Step = Callable[[int], tuple[Tensor, Terms]]
"""``step(number)`` returns the loss to minimise and its terms by name."""
Evaluate = Callable[[], Terms]
"""Returns measures on the development clips; ``score`` is the one the best weights are kept by."""
SCORE: Final = "score"
STATE_NAME: Final = "state.safetensors"
BEST_NAME: Final = "best.safetensors"
LOG_NAME: Final = "evaluations.jsonl"
SMOOTHING: Final = 0.97
"""Share of a loss term's last shown value in the next one."""


@dataclasses.dataclass(frozen=True)
class ScheduleSettings:
    """Steps, rates and how often a run is evaluated and saved."""

    steps: int = 3000
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    # Adam's second moments are estimates over 1 / (1 - .98) = 50 steps: full rates before that
    # overshoot.
    final_rate: float = 0.02
    """Learning rate at the end, as a share of ``learning_rate``; a cosine leads there."""
    clip_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    ema_decay: float = 0.998
    """Of the averaged weights, which are evaluated and shipped."""
    evaluate_every: int = 200
    """Steps between two evaluations; 0 evaluates never and keeps the last weights."""
    save_every_s: float = 60.0


@dataclasses.dataclass(frozen=True)
class StageSettings(ScheduleSettings):
    """A schedule, the batches and the machine of one stage."""

    clips: int = 24
    """Windows in a batch."""
    frames: int = 200
    """Length of a window in model frames: 4 s."""
    seed: int = 1
    augment: bool = True
    threads: int = 0
    """Torch threads; 0 leaves torch's choice."""
    device: str = "auto"
    """``auto`` takes CUDA, then MPS, then the CPU; or one of them by name."""
    precision: str = "auto"
    """``float32``, or ``bfloat16`` for the networks; ``auto`` takes bfloat16 where CUDA has it."""


class TrainingRun:
    """Minimises a loss over the trainable parameters of one module."""

    def __init__(
        self, module: nn.Module, settings: ScheduleSettings, folder: Path, *, identity: str
    ) -> None:
        """Prepare a run.

        Args:
            module: On the device it is trained on.
            settings: Schedule.
            folder: Where the state is kept; created when missing.
            identity: Of settings, data and code of the run (``provenance``). A saved state with
                another identity is refused.
        """
        self.module, self.settings, self.folder = module, settings, folder
        self.identity = identity
        # Frozen parameters are neither saved nor averaged: they are in the file they came from.
        self.parameters = {n: p for n, p in module.named_parameters() if p.requires_grad}
        self.optimiser = _optimiser(list(self.parameters.values()), settings)
        self.schedule = _schedule(self.optimiser, settings)
        # The average smooths out the noise of single steps without a slower schedule.
        self.averaged = AveragedModel(module, multi_avg_fn=_averaging(settings.ema_decay))
        self.step = 0
        self.seconds = 0.0
        """Time of all sessions of the run up to the last saved state."""
        self.best: Terms = {}
        self._counted = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)

    def train(
        self,
        step: Step,
        *,
        evaluate: Evaluate | None = None,
        scalars: Callable[[int, Terms], None] = lambda *_: None,
    ) -> None:
        """Run to the last step, from the saved state if there is one.

        Args:
            step: One training step.
            evaluate: Called with the averaged weights in the module.
            scalars: Called with the step number and loss terms or measures, for plots.
        """
        self.resume()
        self._counted = time.monotonic()
        # monotonic: the wall clock of a laptop jumps when it wakes or is set.
        saved, line, smooth = time.monotonic(), ProgressLine(), Terms()
        while self.step < self.settings.steps:
            # The number of the step is the only source of randomness of the batch: see the module
            # docstring.
            loss, terms = step(self.step)
            self.descend(loss)
            for name, value in {**terms, "total": float(loss.detach())}.items():
                smooth[name] = SMOOTHING * smooth.get(name, value) + (1 - SMOOTHING) * value
            shown = "  ".join(f"{name} {value:.4f}" for name, value in smooth.items())
            line("step", self.step, self.settings.steps, shown)
            # Plots do not need every step.
            if self.step % 20 == 0:
                scalars(self.step, dict(smooth))
            if evaluate is not None and self._is_evaluated():
                scalars(self.step, self.evaluate(evaluate))
            # By time rather than steps: a kill costs a minute whatever the machine.
            if time.monotonic() - saved > self.settings.save_every_s:
                self.save()
                saved = time.monotonic()
        self.save()

    def descend(self, loss: Tensor) -> None:
        """Take one optimiser step down the gradient of ``loss``."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        # Bounds the step that one unusual batch can take.
        nn.utils.clip_grad_norm_(self.parameters.values(), self.settings.clip_norm)
        self.optimiser.step()
        self.schedule.step()
        # After the optimiser: the average must include the step that was just taken.
        self.averaged.update_parameters(self.module)
        self.step += 1

    def evaluate(self, evaluate: Evaluate) -> Terms:
        """Measure the averaged weights, and keep them if their score is the best so far."""
        with self.averaged_in_place():
            measures = evaluate()
            # Strictly better: of equal scores the earlier is kept, so a resumed run keeps the same.
            if not self.best or measures[SCORE] > self.best[SCORE]:
                self.best = measures
                self._write_best()
        text = json.dumps({"step": self.step, **measures})
        # Appended and closed at once: after a kill the file holds every finished evaluation.
        with (self.folder / LOG_NAME).open("a", encoding="utf-8") as file:
            file.write(text + "\n")
        log.info("step %d on dev: %s", self.step, text)
        return measures

    @contextlib.contextmanager
    def averaged_in_place(self) -> Iterator[None]:
        """Put the averaged weights into the module for the time of a ``with`` block."""
        # Clones: `copy_` below writes into the same memory.
        kept = {name: value.detach().clone() for name, value in self.parameters.items()}
        averaged = dict(self.averaged.module.named_parameters())
        # No dropout in measures.
        self.module.eval()
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(averaged[name])
            try:
                yield
            # Also after an error: a resumed session must not continue from averaged weights by
            # mistake.
            finally:
                for name, parameter in self.parameters.items():
                    parameter.copy_(kept[name])
        self.module.train()

    def best_weights(self) -> dict[str, Tensor]:
        """Return the weights to ship: the best on dev, or the last averaged ones."""
        path = self.folder / BEST_NAME
        state = {name: value.detach().cpu() for name, value in self.module.state_dict().items()}
        if self.best and path.is_file():
            # The best file holds trained parameters alone; buffers and frozen weights come from the
            # module.
            return state | load_file(path)
        averaged = self.averaged.module.named_parameters()
        return state | {n: p.detach().cpu().clone() for n, p in averaged if n in self.parameters}

    def save(self) -> None:
        """Write the whole state to a temporary file, then replace the old one."""
        averaged = dict(self.averaged.module.named_parameters())
        tensors: dict[str, Tensor] = {}
        for name, parameter in self.parameters.items():
            tensors[f"weight.{name}"] = parameter.detach()
            tensors[f"average.{name}"] = averaged[name].detach()
            # Adam's moments and step count: without them the first steps after a resume would jump.
            for key, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"{key}.{name}"] = value
        now = time.monotonic()
        self.seconds += now - self._counted
        self._counted = now
        note = {
            "step": str(self.step),
            "seconds": f"{self.seconds:.1f}",
            "identity": self.identity,
            "schedule": json.dumps(self.schedule.state_dict()),
            # Metadata of safetensors are strings; JSON instead of pickle runs no code when read.
            "best": json.dumps(self.best),
        }
        _write(self.folder / STATE_NAME, tensors, note)

    def resume(self) -> bool:
        """Load the saved state, if there is one.

        Raises:
            BadArgument: It belongs to a run with other settings, data or code.
        """
        path = self.folder / STATE_NAME
        if not path.is_file():
            return False
        with safe_open(path, "pt") as file:
            note = file.metadata()
        # Compared before any tensor is read: a state of another shape would fail without a reason.
        if note["identity"] != self.identity:
            raise BadArgument(
                f"{self.folder} holds a run with other settings or data",
                hint="Start again with --fresh, or give another work folder",
            )
        self.step = int(note["step"])
        self.best = json.loads(note["best"])
        self.seconds = float(note.get("seconds", 0))
        self.schedule.load_state_dict(json.loads(note["schedule"]))
        tensors = load_file(path)
        averaged = dict(self.averaged.module.named_parameters())
        # The count decides how quickly the average forgets (`_averaging`).
        self.averaged.n_averaged.fill_(self.step)
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(tensors[f"weight.{name}"])
                averaged[name].copy_(tensors[f"average.{name}"])
                if f"exp_avg.{name}" in tensors:
                    # `step` stays on the CPU, where AdamW expects it unless it is capturable.
                    self.optimiser.state[parameter] = {"step": tensors[f"step.{name}"]} | {
                        key: tensors[f"{key}.{name}"].to(parameter.device)
                        for key in ("exp_avg", "exp_avg_sq")
                    }
        # Loading a schedule sets no rate: the optimiser was made with that of step 0.
        for group, rate in zip(
            self.optimiser.param_groups, self.schedule.get_last_lr(), strict=True
        ):
            group["lr"] = rate
        log.info("resumed at step %d", self.step)
        return True

    def _is_evaluated(self) -> bool:
        every = self.settings.evaluate_every
        return bool(every) and (self.step % every == 0 or self.step == self.settings.steps)

    def _write_best(self) -> None:
        tensors = {name: parameter.detach() for name, parameter in self.parameters.items()}
        _write(self.folder / BEST_NAME, tensors, {"best": json.dumps(self.best)})


def seconds_of(folder: Path) -> float:
    """Return the time that a run took in all its sessions; 0 where there is none."""
    path = folder / STATE_NAME
    if not path.is_file():
        return 0.0
    with safe_open(path, "pt") as file:
        return float(file.metadata().get("seconds", 0))


def forget(folder: Path) -> None:
    """Delete the saved state of a run; its plots stay."""
    # Plots are kept: a fresh run is compared with the one before.
    for name in (STATE_NAME, BEST_NAME, LOG_NAME):
        (folder / name).unlink(missing_ok=True)


def _averaging(decay: float) -> Callable[..., None]:
    """Return the update of an exponential moving average that forgets the first steps quickly."""

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        # (1 + n) / (10 + n): the average of the first steps is a short one, or random first weights
        # would stay in it for hundreds of steps.
        kept = min(decay, (1 + int(count)) / (10 + int(count)))
        # One fused kernel over all tensors; a private name of torch, called by AveragedModel's own
        # helpers too.
        torch._foreach_lerp_(averaged, current, 1 - kept)

    return update


def _optimiser(parameters: list[nn.Parameter], settings: ScheduleSettings) -> torch.optim.AdamW:
    """Decay matrices, not biases and gains."""
    # Decay of a gain or bias would pull outputs towards 0 without making the map simpler.
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    # .98 instead of .999: with 1500 steps an average over 1000 gradients would never settle.
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98))


def _schedule(optimiser: torch.optim.AdamW, settings: ScheduleSettings) -> SequentialLR:
    # Runs of a few steps, as in tests, keep at least one step of either part.
    warmup = max(1, min(settings.warmup_steps, settings.steps - 1))
    rise = LinearLR(optimiser, 1 / warmup, total_iters=warmup)
    fall = CosineAnnealingLR(
        optimiser,
        max(1, settings.steps - warmup),
        # Not to 0: the last steps should still move the average.
        eta_min=settings.final_rate * settings.learning_rate,
    )
    return SequentialLR(optimiser, [rise, fall], [warmup])


def _write(path: Path, tensors: dict[str, Tensor], note: dict[str, str]) -> None:
    temporary = path.with_suffix(".tmp")
    # contiguous: safetensors refuses views.
    save_file({name: value.contiguous() for name, value in tensors.items()}, temporary, note)
    # Atomic within a folder: a kill leaves the old or the new state, never half of one.
    os.replace(temporary, path)
