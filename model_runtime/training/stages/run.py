"""A resumable training run: optimiser, averaged weights, state that survives a kill. No pickle."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ...errors import BadArgument
from ..settings import StageSettings
from .machine import Machine
from .progress import ProgressLine

log = logging.getLogger(__name__)

Step = Callable[[int], tuple[Tensor, dict[str, float]]]
"""``step(number)`` gives the loss to descend and its terms by name."""
SCALARS_EVERY = 20
"""Steps between two points of a tensorboard curve."""


class Run:
    """Trains one module for ``settings.steps`` steps, saving itself in ``folder`` on the way.

    Of several processes each trains, the first one writes.

    Step n sees batch n and nothing random besides, so a run that was killed and resumed ends in the
    same weights, bit for bit on a CPU with the same number of threads.
    """

    def __init__(
        self,
        module: nn.Module,
        settings: StageSettings,
        folder: Path,
        *,
        machine: Machine | None = None,
        identity: str = "",
    ) -> None:
        """Prepare a run.

        Args:
            module: On the device it is trained on.
            settings: Steps, rates, how often to save.
            folder: Where the state is kept; made when missing.
            machine: This process among the others; None is alone on the CPU.
            identity: See ``provenance``; a state of another one is not taken up. Empty takes any.
        """
        self.module, self.settings, self.folder = module, settings, folder
        self.machine = machine or Machine(torch.device("cpu"))
        self.identity = identity
        self.parameters = {n: p for n, p in module.named_parameters() if p.requires_grad}
        decayed = [p for p in self.parameters.values() if p.ndim > 1]
        plain = [p for p in self.parameters.values() if p.ndim <= 1]
        groups: list[dict[str, Any]] = [
            {"params": decayed},
            {"params": plain, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(
            groups,
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            betas=(0.9, 0.98),
        )
        self.averaged = {n: p.detach().clone() for n, p in self.parameters.items()}
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)

    def train(self, step: Step, *, scalars: Callable[[int, dict[str, float]], None]) -> None:
        """Run to the last step, from where a saved state stands."""
        self.resume()
        self.machine.wait()
        saved, line = time.monotonic(), ProgressLine()
        smooth: dict[str, float] = {}
        while self.step < self.settings.steps:
            loss, terms = step(self.step)
            self._descend(loss)
            self.step += 1
            for name, value in {**terms, "total": float(loss.detach())}.items():
                smooth[name] = value if name not in smooth else 0.97 * smooth[name] + 0.03 * value
            if not self.machine.is_first:
                continue
            shown = "  ".join(f"{name} {value:.4f}" for name, value in smooth.items())
            line("step", self.step, self.settings.steps, shown)
            if self.step % SCALARS_EVERY == 0:
                scalars(self.step, dict(smooth))
            now = time.monotonic()
            if now - saved > self.settings.save_every_s:
                self.save()
                saved = time.monotonic()
        if self.machine.is_first:
            self.save()
        self.machine.wait()

    def rate(self, step: int) -> float:
        """Learning rate of a step: a linear warm-up, then a cosine down to ``final_rate``."""
        settings = self.settings
        if step < settings.warmup_steps:
            return settings.learning_rate * (step + 1) / settings.warmup_steps
        done = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
        share = settings.final_rate + (1 - settings.final_rate) * (
            0.5 + 0.5 * math.cos(math.pi * done)
        )
        return settings.learning_rate * share

    def save(self) -> None:
        """Write the whole state beside the old one, then put it in its place."""
        tensors: dict[str, Tensor] = {}
        for name, parameter in self.parameters.items():
            tensors[f"weight.{name}"] = parameter.detach()
            tensors[f"average.{name}"] = self.averaged[name]
            for key, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"{key}.{name}"] = value
        temporary = self.folder / "state.tmp"
        note = {"step": str(self.step), "identity": self.identity}
        save_file({n: t.contiguous() for n, t in tensors.items()}, temporary, note)
        os.replace(temporary, self.folder / "state.safetensors")

    def resume(self) -> bool:
        """Take up the saved state, if there is one.

        Raises:
            BadArgument: It is of a run with other settings or data.
        """
        path = self.folder / "state.safetensors"
        if not path.is_file():
            return False
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            note = file.metadata()
        if self.identity and note.get("identity", self.identity) != self.identity:
            raise BadArgument(
                f"{self.folder} holds a run with other settings or data",
                hint="Begin anew with --fresh, or give another --output",
            )
        self.step = int(note["step"])
        tensors = load_file(path)
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(tensors[f"weight.{name}"])
                self.averaged[name].copy_(tensors[f"average.{name}"])
                if f"exp_avg.{name}" in tensors:
                    self.optimiser.state[parameter] = {"step": tensors[f"step.{name}"]} | {
                        key: tensors[f"{key}.{name}"].to(parameter.device)
                        for key in ("exp_avg", "exp_avg_sq")
                    }
        log.info("resumed at step %d", self.step)
        return True

    def averaged_weights(self) -> dict[str, Tensor]:
        """The exponential moving average of the weights, on the CPU: what is shipped."""
        return {name: value.detach().cpu().clone() for name, value in self.averaged.items()}

    def _descend(self, loss: Tensor) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(self.step)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.parameters.values(), self.settings.clip_norm)
        self.optimiser.step()
        decay = min(self.settings.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                self.averaged[name].lerp_(parameter, 1 - decay)


def begin_anew(folder: Path) -> None:
    """Forget a run's state; its tensorboard scalars stay."""
    (folder / "state.safetensors").unlink(missing_ok=True)
