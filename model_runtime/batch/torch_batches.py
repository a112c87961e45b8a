"""Run several windows through the generator at once, in torch. Imports torch.

Windows of a batch are padded to the longest. The generator pads every convolution where a window
ends, with zeros or, in a head, with the last frame: so the shorter ones get the same there, before
every convolution that looks around, and each window comes out as if it had run alone, within float
rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..checkpoint.folder import Checkpoint
from ..engines.base import EngineOutput
from ..engines.torch_engine import TorchEngine
from .shared_engine import OutOfGpuMemory, Window


class TorchBatches(TorchEngine):
    """A torch engine that also runs batches."""

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        self._last: dict[int, Tensor] = {}
        """Index of each window's last row in the running batch, (B, 1, 1), by rows of the batch."""
        for module in self._model.modules():
            # Layers of one tap look at no neighbours.
            if isinstance(module, nn.Conv1d) and module.kernel_size[0] > 1:
                module.register_forward_pre_hook(self._cut)

    def run_many(self, windows: Sequence[Window]) -> list[EngineOutput]:
        """See ``BatchEngine.run_many``; as ``run`` for each window, within 1e-4."""
        try:
            return self._run_padded(windows)
        except torch.OutOfMemoryError as error:
            raise OutOfGpuMemory(str(error)) from error
        except RuntimeError as error:
            if "out of memory" not in str(error).lower():  # MPS says it in a plain RuntimeError
                raise
            raise OutOfGpuMemory(str(error)) from error
        finally:
            # Cleared: single windows afterwards must not be cut.
            self._last = {}

    def _run_padded(self, windows: Sequence[Window]) -> list[EngineOutput]:
        lengths = [len(emotion) for _, emotion, _ in windows]
        frames, rows = max(lengths), self.config.rows_per_frame
        features = self._stacked([window[0] for window in windows], rows * frames)
        emotion = self._stacked([window[1] for window in windows], frames)
        style = self._stacked([window[2] for window in windows], frames)
        ends = torch.tensor(lengths, device=self._device)[:, None, None]
        # Two stages: feature rows before the stem, model frames after it.
        self._last = {rows * frames: rows * ends - 1, frames: ends - 1}
        with torch.inference_mode():
            curves, phones = self._model(features, emotion, style)
            phones = torch.softmax(phones, dim=2)
            all_curves, all_phones = curves.float().cpu().numpy(), phones.float().cpu().numpy()
        return [
            EngineOutput(all_curves[i, :length].copy(), all_phones[i, :length].copy())
            for i, length in enumerate(lengths)
        ]

    def _stacked(self, parts: Sequence[np.ndarray], frames: int) -> Tensor:
        """Stack arrays of at most ``frames`` rows as (B, frames, columns), padded with zeros."""
        table = np.zeros((len(parts), frames, parts[0].shape[1]), np.float32)
        for row, part in zip(table, parts, strict=True):
            row[: len(part)] = part
        return torch.from_numpy(table).to(self._device)

    def _cut(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        """Pad the input of a convolution, (B, rows, D), after the end of each window of a batch."""
        x = inputs[0]
        last = self._last.get(x.shape[1])
        if last is None:
            return None
        rows = torch.arange(x.shape[1], device=x.device)[None, :, None]
        if getattr(module, "padding_mode", "") == "replicate":
            # The last valid row repeats, as "replicate" would have done there.
            return (x.gather(1, torch.minimum(rows, last).expand(x.shape)),)
        # Zeros beyond the end, as zero padding would have been.
        return (x * (rows <= last),)
