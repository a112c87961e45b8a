"""A resumable training run: optimiser, averaged weights, state that survives a kill. No pickle."""

from __future__ import annotations

import json
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

from .settings import StageSettings

log = logging.getLogger(__name__)

Step = Callable[[int], tuple[Tensor, dict[str, float]]]
"""``step(number)`` gives the loss to descend and its terms by name."""


class Run:
    """Trains one module for ``settings.steps`` steps, saving itself in ``folder`` on the way.

    Step n sees batch n and nothing random besides, so a run that was killed and resumed ends in the
    same weights, bit for bit on a CPU with the same number of threads.
    """

    def __init__(self, module: nn.Module, settings: StageSettings, folder: Path) -> None:
        self.module, self.settings, self.folder = module, settings, folder
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
        started, first, saved = time.monotonic(), self.step, time.monotonic()
        smooth: dict[str, float] = {}
        while self.step < self.settings.steps:
            loss, terms = step(self.step)
            self._descend(loss)
            self.step += 1
            for name, value in {**terms, "total": float(loss.detach())}.items():
                smooth[name] = value if name not in smooth else 0.97 * smooth[name] + 0.03 * value
            now = time.monotonic()
            if self.step % 20 == 0:
                per_step = (now - started) / (self.step - first)
                left_s = per_step * (self.settings.steps - self.step)
                shown = "  ".join(f"{k} {v:.4f}" for k, v in smooth.items())
                log.info(
                    "step %d/%d  %.2f s/step  %s left  %s",
                    self.step,
                    self.settings.steps,
                    per_step,
                    _clock(left_s),
                    shown,
                )
                scalars(self.step, dict(smooth))
            if now - saved > self.settings.save_every_s:
                self.save()
                saved = time.monotonic()
        self.save()

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
        save_file(
            {n: t.contiguous() for n, t in tensors.items()}, temporary, {"step": str(self.step)}
        )
        os.replace(temporary, self.folder / "state.safetensors")
        (self.folder / "progress.json").write_text(json.dumps({"step": self.step}))

    def resume(self) -> bool:
        """Take up the saved state, if there is one."""
        path = self.folder / "state.safetensors"
        if not path.is_file():
            return False
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            self.step = int(file.metadata()["step"])
        tensors = load_file(path)
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(tensors[f"weight.{name}"])
                self.averaged[name].copy_(tensors[f"average.{name}"])
                if f"exp_avg.{name}" in tensors:
                    self.optimiser.state[parameter] = {
                        key: tensors[f"{key}.{name}"] for key in ("step", "exp_avg", "exp_avg_sq")
                    }
        log.info("resumed at step %d", self.step)
        return True

    def averaged_weights(self) -> dict[str, Tensor]:
        """The exponential moving average of the weights: what is shipped."""
        return {name: value.clone() for name, value in self.averaged.items()}

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


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"
