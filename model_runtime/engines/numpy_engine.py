"""The generator in numpy alone: what runs where nothing is installed. Equal to torch within 1e-4.

Time runs down the rows here, (T, D), so that a convolution of k taps is k matrix products of
shifted rows. ``model/generator.py`` says what each step is for.
"""

from __future__ import annotations

import numpy as np

from ..arrays import FloatArray
from ..checkpoint.folder import Checkpoint
from .base import EngineOutput

WINDOW_FRAMES = 1000
"""20 s: one activation is 1 MB and stays in the cache; context costs 7 %."""
NORM_EPSILON = 1e-5
"""torch.nn.LayerNorm's default."""
GELU_ROWS = 64
"""Rows of a block in ``gelu``: 64 KB at 256 channels, so that its passes stay in the cache."""

# Abramowitz and Stegun 7.1.26: erf within 1.5e-7 for x >= 0.
_ERF_P = np.float32(0.3275911)
_ERF_A = [
    np.float32(a) for a in (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
]


class NumpyEngine:
    """Runs a checkpoint on the CPU through numpy's matrix products."""

    name = "numpy"
    device = "cpu"
    window_frames = WINDOW_FRAMES

    def __init__(self, checkpoint: Checkpoint, note: str = "") -> None:
        self.note = note
        self.config = checkpoint.config
        tensors = checkpoint.tensors
        self._tensors = {
            # (outputs, inputs, taps) to (taps, inputs, outputs): rows times matrix.
            name: np.ascontiguousarray(value.transpose(2, 1, 0)) if value.ndim == 3 else value
            for name, value in tensors.items()
        }
        regions = range(len(self.config.regions))
        self._columns = [
            [c for c, r in enumerate(self.config.region_of) if r == region] for region in regions
        ]

    def run(self, features: FloatArray, emotion: FloatArray, style: FloatArray) -> EngineOutput:
        """See ``Engine.run``."""
        speech = self._encode(features)
        phones = softmax(self._pointwise("phone_head", speech))
        condition = self._condition(emotion, style)
        return EngineOutput(self._decode(speech, phones, condition), phones)

    def _encode(self, features: FloatArray) -> FloatArray:
        """Features (2 T, M) to hidden speech (T, D)."""
        x = gelu(self._convolution("stem_wide", features, 1))
        x = gelu(self._halve("stem_down", x))
        for i, dilation in enumerate(self.config.encoder_dilations):
            y = self._convolution(f"encoder.{i}.conv", self._norm(f"encoder.{i}.norm", x), dilation)
            x += self._pointwise(f"encoder.{i}.mix", gelu(y))
        return self._norm("encoder_norm", x)

    def _condition(self, emotion: FloatArray, style: FloatArray) -> FloatArray:
        """Emotion weights (T, E) and style (T, S) to the FiLM condition (T, K)."""
        # The first row is neutral, the absence of emotion.
        embedded = emotion[:, 1:] @ self._tensors["emotion_table"][1:]
        return np.concatenate([embedded, style], axis=1).astype(np.float32, copy=False)

    def _decode(self, speech: FloatArray, phones: FloatArray, condition: FloatArray) -> FloatArray:
        """Hidden speech (T, D), phones (T, P) and condition (T, K) to curves (T, C)."""
        x = self._pointwise("to_latents", np.concatenate([speech, phones], axis=1))
        latents = x.shape[1]
        for i, dilation in enumerate(self.config.decoder_dilations):
            film = condition @ self._tensors[f"decoder.{i}.film.weight"][0]
            y = self._convolution(f"decoder.{i}.conv", self._norm(f"decoder.{i}.norm", x), dilation)
            y *= 1 + film[:, :latents]
            y += film[:, latents:]
            x += self._pointwise(f"decoder.{i}.mix", gelu(y))
        x = self._norm("decoder_norm", x)
        curves = np.empty((len(x), len(self.config.channels)), np.float32)
        width = self.config.latent
        for i, columns in enumerate(self._columns):
            part = np.ascontiguousarray(x[:, i * width : (i + 1) * width])
            curves[:, columns] = self._head(f"heads.{i}", part)
        return curves

    def _head(self, name: str, x: FloatArray) -> FloatArray:
        """Centred convolution over (T, inputs); beyond the ends the first and last row go on."""
        taps = self._tensors[f"{name}.weight"]
        out: FloatArray = x @ taps[len(taps) // 2]
        for k, tap in enumerate(taps):
            if (shift := k - len(taps) // 2) != 0:
                out += x[np.clip(np.arange(len(x)) + shift, 0, len(x) - 1)] @ tap
        out += self._tensors[f"{name}.bias"]
        return out

    def _convolution(self, name: str, x: FloatArray, dilation: int) -> FloatArray:
        """Centred convolution of an odd number of taps over (T, inputs), zeros beyond the ends."""
        taps = self._tensors[f"{name}.weight"]
        half, rows = len(taps) // 2, len(x)
        out: FloatArray = x @ taps[half]
        out += self._tensors[f"{name}.bias"]
        for k, tap in enumerate(taps):
            shift = (k - half) * dilation
            if 0 < shift < rows:
                out[:-shift] += x[shift:] @ tap
            elif 0 < -shift < rows:
                out[-shift:] += x[:shift] @ tap
        return out

    def _halve(self, name: str, x: FloatArray) -> FloatArray:
        """The stride-2 convolution of 4 taps, padding 1: (2 T, inputs) to (T, outputs)."""
        taps = self._tensors[f"{name}.weight"]
        even, odd = np.ascontiguousarray(x[0::2]), np.ascontiguousarray(x[1::2])
        out: FloatArray = even @ taps[1]
        out += odd @ taps[2]
        out[1:] += odd[:-1] @ taps[0]
        out[:-1] += even[1:] @ taps[3]
        out += self._tensors[f"{name}.bias"]
        return out

    def _pointwise(self, name: str, x: FloatArray) -> FloatArray:
        out: FloatArray = x @ self._tensors[f"{name}.weight"][0]
        out += self._tensors[f"{name}.bias"]
        return out

    def _norm(self, name: str, x: FloatArray) -> FloatArray:
        """Layer norm over the channels of each row."""
        centred = x - x.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", centred, centred) / np.float32(x.shape[1])
        centred *= (1 / np.sqrt(variance + np.float32(NORM_EPSILON)))[:, None]
        centred *= self._tensors[f"{name}.norm.weight"]
        centred += self._tensors[f"{name}.norm.bias"]
        out: FloatArray = centred
        return out


def gelu(x: FloatArray) -> FloatArray:
    """``x * (1 + erf(x / sqrt(2))) / 2`` in place, within 1e-6; x of shape (T, D)."""
    for start in range(0, len(x), GELU_ROWS):
        block = x[start : start + GELU_ROWS]
        magnitude = np.abs(block) * np.float32(np.sqrt(0.5))
        t = 1 / (1 + _ERF_P * magnitude)
        series = _ERF_A[4] * t
        for coefficient in reversed(_ERF_A[:4]):
            series += coefficient
            series *= t
        magnitude *= -magnitude
        series *= np.exp(magnitude, out=magnitude)
        # series is erfc(|x| / sqrt 2); half of it times x is what gelu lacks to x, or is.
        series *= block
        series *= np.float32(0.5)
        np.copyto(block, np.where(block >= 0, block - series, series))
    return x


def softmax(x: FloatArray) -> FloatArray:
    """Probabilities along the rows of (T, P)."""
    shifted = np.exp(x - x.max(axis=1, keepdims=True))
    out: FloatArray = shifted / shifted.sum(axis=1, keepdims=True)
    return out
