"""Several windows through the generator at once, in torch. Importing this module imports torch.

Windows of a batch are padded to the longest. The generator pads every convolution with zeros where
a window ends, so the shorter ones get zeros there too, before every convolution that looks around:
each window then comes out as if it had run alone, within float rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..checkpoint import Checkpoint
from ..engines.base import EngineOutput
from ..engines.torch_engine import TorchEngine
from .shared_engine import OutOfGpuMemory, Window


class TorchBatches(TorchEngine):
    """A torch engine that also runs batches."""

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        self._inside: dict[int, Tensor] = {}
        """1 within the windows of the running batch and 0 beyond, (B, 1, frames), by frames."""
        for module in self._model.modules():
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
            self._inside = {}

    def _run_padded(self, windows: Sequence[Window]) -> list[EngineOutput]:
        lengths = [len(emotion) for _, emotion, _ in windows]
        frames, rows = max(lengths), self.config.rows_per_frame
        features = self._stacked([window[0] for window in windows], rows * frames)
        emotion = self._stacked([window[1] for window in windows], frames)
        style = self._stacked([window[2] for window in windows], frames)
        ends = torch.tensor(lengths, device=self._device)[:, None, None]
        positions = torch.arange(rows * frames, device=self._device)
        self._inside = {
            rows * frames: (positions < rows * ends).to(features.dtype),
            frames: (positions[:frames] < ends).to(features.dtype),
        }
        with torch.inference_mode():
            curves, phones = self._model(features, emotion, style)
            phones = torch.softmax(phones, dim=2)
            all_curves, all_phones = curves.float().cpu().numpy(), phones.float().cpu().numpy()
        return [
            EngineOutput(all_curves[i, :length].copy(), all_phones[i, :length].copy())
            for i, length in enumerate(lengths)
        ]

    def _stacked(self, parts: Sequence[np.ndarray], frames: int) -> Tensor:
        """Arrays of (frames or fewer, columns) as one (B, frames, columns), zeros beyond."""
        table = np.zeros((len(parts), frames, parts[0].shape[1]), np.float32)
        for row, part in zip(table, parts, strict=True):
            row[: len(part)] = part
        return torch.from_numpy(table).to(self._device)

    def _cut(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        """Zeros beyond the end of each window before a convolution; nothing outside a batch."""
        inside = self._inside.get(inputs[0].shape[2])
        return None if inside is None else (inputs[0] * inside,)
