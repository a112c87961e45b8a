"""Pretrained speech encoders (wav2vec 2.0, HuBERT, WavLM) as ears of the generator. Torch.

A transformer hears the whole sound at once, so the sound is cut into blocks on a fixed grid, each
heard with context on either side: what a frame sounds like depends on its block and on nothing
else, *windowed equals whole*, and memory is bounded.

        | context |        block k        | context |
                                | context |      block k + 1      | context |

Weights are read from a folder, safetensors only; nothing is fetched and nothing unpickled.
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
from ..config import EncoderConfig
from ..errors import BadWeights, EngineUnavailable
from .base import Read

KINDS = ("wav2vec2", "hubert", "wavlm")
WEIGHTS_NAME = "model.safetensors"
CONFIG_NAME = "config.json"
FRAME_SAMPLES = 320
"""Samples of a model frame: 50 Hz at 16 kHz, also the stride of all these encoders."""
FRAME_CENTRE = 80
"""Samples from a model frame's start to the middle of the log-mel frames it stands for."""
BLOCK_FRAMES = 500
CONTEXT_FRAMES = 100
"""2 s: beyond a few words nothing in the middle layers depends on the distance."""
KEPT_BLOCKS = 4
"""Blocks remembered: neighbouring windows share them."""


class SpeechEncoder:
    """Hidden states of one layer at 50 Hz."""

    def __init__(self, config: EncoderConfig, folder: Path, device: torch.device) -> None:
        """Load the encoder.

        Raises:
            EngineUnavailable: ``transformers`` is not installed.
            BadWeights: No such encoder in ``folder``, or not the one of ``config``.
        """
        found = describe_encoder(folder, config.layer)
        if found.sha256 != config.sha256:
            raise BadWeights(
                f"{folder} holds another {found.kind} than the checkpoint was trained with",
                hint="Put the encoder it names into its folder encoder",
            )
        self.config, self.device = config, device
        self._model = _load(folder, config.layer).to(device)
        convolutions = tuple(
            zip(self._model.config.conv_kernel, self._model.config.conv_stride, strict=True)
        )
        self._reach, self._stride = receptive_field(convolutions)
        self._normalises = _wants_normal_sound(folder)
        self._blocks: OrderedDict[bytes, FloatArray] = OrderedDict()

    def hear(self, read: Read, sample_count: int, *, first_frame: int, frames: int) -> FloatArray:
        """Features of some model frames of a sound, shape (frames, width); silence beyond it."""
        total = math.ceil(sample_count / FRAME_SAMPLES)
        out = np.zeros((frames, self.config.width), np.float32)
        last = min(first_frame + frames, total)
        for block in range(first_frame // BLOCK_FRAMES, math.ceil(last / BLOCK_FRAMES)):
            start = block * BLOCK_FRAMES
            heard = self._block(read, sample_count, start, min(start + BLOCK_FRAMES, total), total)
            low, high = max(start, first_frame), min(start + len(heard), last)
            out[low - first_frame : high - first_frame] = heard[low - start : high - start]
        return out

    def _block(
        self, read: Read, sample_count: int, start: int, stop: int, total: int
    ) -> FloatArray:
        """Frames ``start`` to ``stop``, heard with context."""
        low, high = max(0, start - CONTEXT_FRAMES), min(total, stop + CONTEXT_FRAMES)
        begin = low * FRAME_SAMPLES + FRAME_CENTRE - self._reach // 2
        length = (high - low + 1) * FRAME_SAMPLES + self._reach
        padded = np.zeros(length, np.float32)
        # A block hears nothing outside its context, so that it is the same in any cutting.
        end = min(sample_count, high * FRAME_SAMPLES)
        first = max(begin, low * FRAME_SAMPLES)
        padded[first - begin : end - begin] = read(first, end - first)
        key = hashlib.blake2b(padded.tobytes() + bytes(str(start - low), "ascii")).digest()
        if key not in self._blocks:
            self._blocks[key] = self._listen(padded, high - low)[start - low : stop - low]
            while len(self._blocks) > KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(key)
        return self._blocks[key]

    def _listen(self, samples: FloatArray, frames: int) -> FloatArray:
        """Features of ``frames`` model frames, the first centred half the reach into samples."""
        if self._normalises:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
        with torch.inference_mode():
            heard = self._model(torch.from_numpy(samples)[None].to(self.device)).last_hidden_state
        values: FloatArray = heard[0].float().cpu().numpy()
        if self._stride == FRAME_SAMPLES:
            return values[:frames]
        places = np.arange(frames) * FRAME_SAMPLES / self._stride
        below = np.minimum(places.astype(int), len(values) - 2)
        part = (places - below)[:, None].astype(np.float32)
        out: FloatArray = values[below] * (1 - part) + values[below + 1] * part
        return out


def encoder_folder(config: EncoderConfig, checkpoint: Path) -> Path:
    """Where the encoder of a checkpoint lies: its folder ``encoder``, else where training had it.

    Raises:
        BadWeights: Neither is there.
    """
    for folder in (checkpoint / "encoder", Path(config.folder)):
        if (folder / CONFIG_NAME).is_file():
            return folder
    raise BadWeights(
        f"{checkpoint.name} needs its speech encoder ({config.kind}), which is not at "
        f"{config.folder}",
        hint=f"Copy the encoder's folder to {checkpoint / 'encoder'}",
    )


def describe_encoder(folder: Path, layer: int) -> EncoderConfig:
    """The encoder in ``folder``, as a checkpoint names it.

    Raises:
        BadWeights: No encoder there, of another kind, without safetensors, or with fewer layers.
    """
    try:
        told: dict[str, Any] = json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))
        kind, width = str(told["model_type"]), int(told["hidden_size"])
        layers = int(told["num_hidden_layers"])
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
            f"{folder} has no {WEIGHTS_NAME}: pickled weights are never opened",
            hint="Get a revision with safetensors, or convert it in an environment of its own",
        )
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return EncoderConfig(kind, str(folder.resolve()), digest, layer, width)


def receptive_field(convolutions: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """Samples that one output sees, and samples between outputs, of (taps, stride) layers."""
    reach, stride = 1, 1
    for taps, step in convolutions:
        reach += (taps - 1) * stride
        stride *= step
    return reach, stride


def _load(folder: Path, layer: int) -> Any:
    """The encoder's first ``layer`` layers, frozen."""
    try:
        from transformers import AutoModel
        from transformers.utils import logging as transformers_logging
    except ImportError as error:
        raise EngineUnavailable(
            "This model hears through a pretrained encoder and needs transformers",
            hint="pip install transformers, or use a log-mel checkpoint",
        ) from error
    transformers_logging.disable_progress_bar()
    try:
        model = AutoModel.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise BadWeights(
            f"The encoder in {folder} does not load: {error}", hint="Get the encoder again"
        ) from error
    model.encoder.layers = model.encoder.layers[:layer]
    return model.eval().requires_grad_(False)


def _wants_normal_sound(folder: Path) -> bool:
    """Whether the encoder was trained on sound of mean 0 and variance 1."""
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return False
    return bool(json.loads(path.read_text(encoding="utf-8")).get("do_normalize", False))
