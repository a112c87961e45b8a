"""Compute features with a pretrained speech encoder (wav2vec 2.0, HuBERT, WavLM). Imports torch.

A transformer attends to its whole input, so the clip is cut into blocks on a fixed grid and each
block is encoded with context on either side. A frame then depends on its block only, windowed
inference equals the whole, and memory is bounded.

        | context |        block k        | context |
                                | context |      block k + 1      | context |

Weights are read from a folder of safetensors; nothing is downloaded and nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..arrays import FloatArray
from ..audio.features import ReadSamples
from ..config import EncoderConfig
from ..errors import BadWeights, EngineUnavailable

KINDS = ("wav2vec2", "hubert", "wavlm")
WEIGHTS_NAME = "model.safetensors"
CONFIG_NAME = "config.json"
FRAME_SAMPLES = 320
"""Samples of a model frame: 50 Hz at 16 kHz, also the stride of all these encoders."""
FRAME_CENTRE = 80
"""Samples from the start of a model frame to the middle of the log-mel frames it replaces."""
BLOCK_FRAMES = 500
CONTEXT_FRAMES = 100
"""2 s: the middle layers attend to a few words, no further."""
CACHED_BLOCKS = 4
"""Neighbouring windows share blocks."""


class SpeechEncoder:
    """Returns the hidden states of one layer at 50 Hz."""

    def __init__(self, config: EncoderConfig, folder: Path, device: torch.device) -> None:
        """Load the encoder.

        Args:
            config: The encoder that the checkpoint was trained with.
            folder: Folder with its ``config.json`` and ``model.safetensors``.
            device: Device to run on.

        Raises:
            EngineUnavailable: ``transformers`` is not installed.
            BadWeights: ``folder`` holds no encoder, or another one.
        """
        # The checksum is compared before anything is loaded: wrong features would give plausible
        # curves.
        found = describe_encoder(folder, config.layer)
        if found.sha256 != config.sha256:
            raise BadWeights(
                f"{folder} holds another {found.kind} than the checkpoint was trained with",
                hint="Copy the encoder that config.json names into the folder encoder",
            )
        self.config, self.device = config, device
        self._model = _load(folder, config.layer).to(device)
        convolutions = tuple(
            zip(self._model.config.conv_kernel, self._model.config.conv_stride, strict=True)
        )
        self._reach, self._stride = receptive_field(convolutions)
        self._normalises = _expects_normalised_input(folder)
        self._blocks: OrderedDict[bytes, FloatArray] = OrderedDict()

    def extract_features(
        self, read: ReadSamples, sample_count: int, *, first_frame: int, frames: int
    ) -> FloatArray:
        """Return features of some model frames of a clip.

        Args:
            read: Levelled samples at 16 kHz.
            sample_count: Number of samples in the whole clip.
            first_frame: First model frame.
            frames: Number of model frames; the rows of frames beyond the clip are zero.

        Returns:
            Shape (frames, width).
        """
        total = math.ceil(sample_count / FRAME_SAMPLES)
        out = np.zeros((frames, self.config.width), np.float32)
        last = min(first_frame + frames, total)
        for block in range(first_frame // BLOCK_FRAMES, math.ceil(last / BLOCK_FRAMES)):
            start = block * BLOCK_FRAMES
            encoded = self._block(
                read, sample_count, start, min(start + BLOCK_FRAMES, total), total
            )
            low, high = max(start, first_frame), min(start + len(encoded), last)
            out[low - first_frame : high - first_frame] = encoded[low - start : high - start]
        return out

    def _block(
        self, read: ReadSamples, sample_count: int, start: int, stop: int, total: int
    ) -> FloatArray:
        """Return the frames ``start`` to ``stop``, encoded with context."""
        low, high = max(0, start - CONTEXT_FRAMES), min(total, stop + CONTEXT_FRAMES)
        # Aligned on the encoder's own receptive field, so that frame k is centred on k / 50 s.
        begin = low * FRAME_SAMPLES + FRAME_CENTRE - self._reach // 2
        length = (high - low + 1) * FRAME_SAMPLES + self._reach
        padded = np.zeros(length, np.float32)
        # Samples outside the context stay zero, so that a block is the same in any cutting.
        end = min(sample_count, high * FRAME_SAMPLES)
        first = max(begin, low * FRAME_SAMPLES)
        padded[first - begin : end - begin] = read(first, end - first)
        # Samples as the key: the same block may come with another `read`.
        key = hashlib.blake2b(padded.tobytes() + bytes(str(start - low), "ascii")).digest()
        if key not in self._blocks:
            self._blocks[key] = self._encode(padded, high - low)[start - low : stop - low]
            while len(self._blocks) > CACHED_BLOCKS:
                self._blocks.popitem(last=False)
        # Least recently used blocks are dropped first.
        self._blocks.move_to_end(key)
        return self._blocks[key]

    def _encode(self, samples: FloatArray, frames: int) -> FloatArray:
        """Return ``frames`` model frames; the first is centred half the reach into the samples."""
        if self._normalises:
            # As the encoder's own preprocessor: zero mean, unit variance.
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
        with torch.inference_mode():
            states = self._model(torch.from_numpy(samples)[None].to(self.device)).last_hidden_state
        values: FloatArray = states[0].float().cpu().numpy()
        if self._stride == FRAME_SAMPLES:
            return values[:frames]
        # Encoders with another stride are interpolated to 50 Hz.
        places = np.arange(frames) * FRAME_SAMPLES / self._stride
        below = np.minimum(places.astype(int), len(values) - 2)
        part = (places - below)[:, None].astype(np.float32)
        out: FloatArray = values[below] * (1 - part) + values[below + 1] * part
        return out


def encoder_folder(config: EncoderConfig, checkpoint: Path) -> Path:
    """Return the folder of a checkpoint's encoder.

    Args:
        config: The encoder that the checkpoint names.
        checkpoint: Folder of the checkpoint; its subfolder ``encoder`` is tried first, then the
            folder that training used.

    Raises:
        BadWeights: Neither folder exists.
    """
    # The checkpoint's own folder first: the path of training exists on one machine only.
    for folder in (checkpoint / "encoder", Path(config.folder)):
        if (folder / CONFIG_NAME).is_file():
            return folder
    raise BadWeights(
        f"{checkpoint.name} needs its speech encoder ({config.kind}), which is not at "
        f"{config.folder}",
        hint=f"Copy the encoder's folder to {checkpoint / 'encoder'}",
    )


def describe_encoder(folder: Path, layer: int) -> EncoderConfig:
    """Return the description of the encoder in ``folder`` that checkpoints store.

    Args:
        folder: Folder with ``config.json`` and ``model.safetensors``.
        layer: Transformer layer whose output is used; 0 is the input of the first.

    Raises:
        BadWeights: No encoder in the folder, another kind, no safetensors, or too few layers.
    """
    try:
        values: dict[str, Any] = json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))
        kind, width = str(values["model_type"]), int(values["hidden_size"])
        layers = int(values["num_hidden_layers"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadWeights(
            f"No speech encoder in {folder}: {error}", hint="It needs config.json and weights"
        ) from error
    if kind not in KINDS:
        raise BadWeights(f"{folder} holds {kind!r}", hint=f"Use one of: {', '.join(KINDS)}")
    if not 0 <= layer <= layers:
        raise BadWeights(f"{folder} has {layers} layers, not {layer}", hint="Change layer")
    weights = folder / WEIGHTS_NAME
    if not weights.is_file():
        raise BadWeights(
            f"{folder} has no {WEIGHTS_NAME}, and pickled weights are never opened",
            hint="Download a revision with safetensors, or convert it in a separate environment",
        )
    with weights.open("rb") as file:
        # file_digest reads in blocks: weights may be larger than memory allows.
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return EncoderConfig(kind, str(folder.resolve()), digest, layer, width)


def receptive_field(convolutions: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """Return receptive field and stride in samples of a stack of (taps, stride) layers."""
    reach, stride = 1, 1
    for taps, step in convolutions:
        # Each layer sees (taps - 1) more of what the layers below stride over.
        reach += (taps - 1) * stride
        stride *= step
    return reach, stride


def _load(folder: Path, layer: int) -> Any:
    """Load the first ``layer`` layers of the encoder, frozen."""
    try:
        from transformers import AutoModel
        from transformers.utils import logging as transformers_logging
    except ImportError as error:
        raise EngineUnavailable(
            "This model uses a pretrained encoder, which needs transformers",
            hint="pip install transformers, or use a log-mel checkpoint",
        ) from error
    # Its bars would write into the worker's log.
    transformers_logging.disable_progress_bar()
    try:
        # local_files_only: nothing is downloaded while curves are generated.
        model = AutoModel.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise BadWeights(
            f"The encoder in {folder} does not load: {error}", hint="Download the encoder again"
        ) from error
    # Layers above the wanted one are never run.
    model.encoder.layers = model.encoder.layers[:layer]
    return model.eval().requires_grad_(False)


def _expects_normalised_input(folder: Path) -> bool:
    """Return whether the encoder was trained on input of mean 0 and variance 1."""
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return False
    return bool(json.loads(path.read_text(encoding="utf-8")).get("do_normalize", False))
