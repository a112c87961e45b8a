"""Run the generator in torch on CUDA, ROCm, MPS or the CPU. Imports torch."""

from __future__ import annotations

import dataclasses
import logging

import numpy as np
import torch

from ..arrays import FloatArray
from ..audio.features import ReadSamples
from ..checkpoint.folder import Checkpoint
from ..model.generator import Generator
from .base import EngineOutput, log_mel_frames
from .device import pick_device

log = logging.getLogger(__name__)

CPU_WINDOW_FRAMES = 1500
GPU_WINDOW_FRAMES = 12_000
"""4 minutes: less than 500 MB of activations."""
MIN_WINDOW_FRAMES = 500
"""If not even 10 s fit into GPU memory, the CPU takes over."""


class TorchEngine:
    """Runs a checkpoint on the device that ``pick_device`` selects."""

    name = "torch"

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        """Load the weights onto the device.

        Args:
            checkpoint: A generator.
            device: One of ``engines.factory.DEVICE_NAMES``.

        Raises:
            EngineUnavailable: The device, or the package for a pretrained encoder, is missing.
            BadWeights: The pretrained encoder is missing or is another one.
        """
        choice = pick_device(device)
        self.config = checkpoint.config
        self.device = choice.title
        self.note = ""
        self._device = torch.device(choice.kind)
        self.window_frames = CPU_WINDOW_FRAMES if choice.kind == "cpu" else GPU_WINDOW_FRAMES
        self._encoder = None
        if checkpoint.config.encoder is not None:
            from .torch_encoder import SpeechEncoder, encoder_folder

            folder = encoder_folder(checkpoint.config.encoder, checkpoint.folder)
            self._encoder = SpeechEncoder(checkpoint.config.encoder, folder, self._device)
        self._model = Generator(checkpoint.config)
        state = {name: torch.from_numpy(value) for name, value in checkpoint.tensors.items()}
        self._model.load_state_dict(state)
        # eval: no dropout; no gradients are kept.
        self._model.eval().requires_grad_(False)
        self._model.to(self._device)
        log.info("torch %s on %s: %s", torch.__version__, choice.title, choice.reason)

    def extract_features(
        self, read: ReadSamples, sample_count: int, *, first_frame: int, frames: int
    ) -> FloatArray:
        """See ``base.extract_features``."""
        if self._encoder is None:
            return log_mel_frames(read, sample_count, first_frame, frames, self.config)
        return self._encoder.extract_features(
            read, sample_count, first_frame=first_frame, frames=frames
        )

    def run(self, features: FloatArray, emotion: FloatArray, style: FloatArray) -> EngineOutput:
        """See ``Engine.run``. If GPU memory runs out, use smaller windows, then the CPU."""
        while True:
            try:
                return self._run_whole(features, emotion, style)
            except torch.OutOfMemoryError:
                if self._device.type == "cpu":
                    raise
            except RuntimeError as error:
                # MPS reports it as a plain RuntimeError.
                # Errors of another kind must not be taken for a lack of memory.
                if self._device.type == "cpu" or "out of memory" not in str(error).lower():
                    raise
            # Windows smaller than this are mostly context.
            if len(emotion) > MIN_WINDOW_FRAMES + 2 * self.config.context_frames:
                return self._run_halves(features, emotion, style)
            self._move_to_cpu()

    def run_layered(
        self, features: FloatArray, emotion: FloatArray, style: FloatArray
    ) -> EngineOutput:
        """See ``base.run_layered``. If GPU memory runs out, run twice as ``run`` does."""
        try:
            return self._run_layers(features, emotion, style)
        except RuntimeError as error:  # also torch.OutOfMemoryError
            if self._device.type == "cpu" or "out of memory" not in str(error).lower():
                raise
        neutral = self.run(features, np.zeros_like(emotion), style).curves
        return dataclasses.replace(self.run(features, emotion, style), speech=neutral)

    def _run_layers(
        self, features: FloatArray, emotion: FloatArray, style: FloatArray
    ) -> EngineOutput:
        with torch.inference_mode():
            inputs = (torch.from_numpy(np.ascontiguousarray(x)) for x in (features, emotion, style))
            heard, weights, noise = (x.to(self._device)[None] for x in inputs)
            model = self._model
            speech, phones = model.encode(heard)
            curves, neutral = (
                model.decode(speech, phones, model.condition(w, noise))[0].float().cpu().numpy()
                for w in (weights, torch.zeros_like(weights))
            )
            phones = torch.softmax(phones, dim=2)
            return EngineOutput(curves, phones[0].float().cpu().numpy(), neutral)

    def _run_whole(
        self, features: FloatArray, emotion: FloatArray, style: FloatArray
    ) -> EngineOutput:
        with torch.inference_mode():
            # numpy views may have negative or odd strides, which torch refuses.
            inputs = (torch.from_numpy(np.ascontiguousarray(x)) for x in (features, emotion, style))
            curves, phones = self._model(*(x.to(self._device)[None] for x in inputs))
            phones = torch.softmax(phones, dim=2)
            # float(): outputs are float32 whatever the network ran in.
            return EngineOutput(curves[0].float().cpu().numpy(), phones[0].float().cpu().numpy())

    def _run_halves(
        self, features: FloatArray, emotion: FloatArray, style: FloatArray
    ) -> EngineOutput:
        """Return the same output, computed in two windows that overlap by the context."""
        # Kept for all windows to come: the next one would not fit either.
        self.window_frames = max(MIN_WINDOW_FRAMES, self.window_frames // 2)
        log.warning("out of GPU memory: windows of %d frames from here on", self.window_frames)
        if self._device.type == "cuda":
            # Cached blocks would keep the memory that the halves need.
            torch.cuda.empty_cache()
        frames, context = len(emotion), self.config.context_frames
        middle, rows = frames // 2, self.config.rows_per_frame
        # Both halves overlap by the context on either side, so the result is that of the whole.
        left, right = slice(0, middle + context), slice(middle - context, frames)
        first, second = (
            self.run(features[rows * s.start : rows * s.stop], emotion[s], style[s])
            for s in (left, right)
        )
        return EngineOutput(
            np.concatenate([first.curves[:middle], second.curves[context:]]),
            np.concatenate([first.phones[:middle], second.phones[context:]]),
        )

    def _move_to_cpu(self) -> None:
        card = self.device
        log.warning("not enough GPU memory on %s: using the CPU", card)
        self._device = torch.device("cpu")
        self.device = "cpu (the GPU ran out of memory)"
        self.note = f"The graphics card ran out of memory ({card}): the processor took over"
        self.window_frames = CPU_WINDOW_FRAMES
        # The device and the note say so: results name the device that was used.
        self._model.to(self._device)
