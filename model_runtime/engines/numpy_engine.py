"""Run the generator with numpy alone, for machines without torch. Equal to torch within 1e-4.

Time runs down the rows here, (T, D), so that a convolution of k taps is k matrix products of
shifted rows. ``model/generator.py`` describes what each step is for.
"""

from __future__ import annotations

import numpy as np

from ..arrays import FloatArray
from ..checkpoint.folder import Checkpoint
from .base import EngineOutput
from .encodings import Encodings
from .numpy_layers import ACTIVATIONS, bounded_attention, distance_bias, layer_norm, softmax

WINDOW_FRAMES = 1000
"""20 s: one activation is 1 MB and stays in the cache; context costs 7 %."""


class NumpyEngine:
    """Runs a checkpoint on the CPU through numpy's matrix products."""

    name = "numpy"
    # Read by generate.py for every window, so it may change while a clip runs.
    device = "cpu"
    window_frames = WINDOW_FRAMES

    def __init__(self, checkpoint: Checkpoint, note: str = "") -> None:
        self.note = note
        self.config = checkpoint.config
        tensors = checkpoint.tensors
        self._tensors = {
            # (outputs, inputs, taps) to (taps, inputs, outputs): rows times matrix.
            # One transposition when loading instead of one a window.
            name: np.ascontiguousarray(value.transpose(2, 1, 0)) if value.ndim == 3 else value
            for name, value in tensors.items()
        }
        self._encodings = Encodings(0)
        self._activation = ACTIVATIONS[self.config.activation]
        self._columns = {
            name: [c for c, r in enumerate(self.config.region_of) if r == region]
            for region, name in enumerate(self.config.regions)
        }

    def run(self, features: FloatArray, emotion: FloatArray, style: FloatArray) -> EngineOutput:
        """See ``Engine.run``."""
        speech, phones = self._encoded(features)
        condition = self._condition(emotion, style)
        return EngineOutput(self._decode(speech, phones, condition), phones)

    def run_layered(
        self, features: FloatArray, emotion: FloatArray, style: FloatArray
    ) -> EngineOutput:
        """See ``base.run_layered``."""
        speech, phones = self._encoded(features)
        curves, neutral = (
            self._decode(speech, phones, self._condition(weights, style))
            for weights in (emotion, np.zeros_like(emotion))
        )
        return EngineOutput(curves, phones, neutral)

    def keep_encodings(self, limit_bytes: int) -> None:
        """See ``base.KeepsEncodings``."""
        self._encodings = Encodings(limit_bytes)

    def _encoded(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return hidden speech (T, D) and phone probabilities (T, P) of features (2 T, M)."""

        def encode() -> tuple[FloatArray, FloatArray]:
            speech = self._encode(features)
            # Probabilities, as `Engine.run` promises; torch returns logits from its module.
            return speech, softmax(self._pointwise("phone_head", speech))

        return self._encodings.of(features, encode)

    def _encode(self, features: FloatArray) -> FloatArray:
        """Return hidden speech (T, D) of features (2 T, M)."""
        x = self._activation(self._convolution("stem_wide", features, 1))
        x = self._activation(self._halve("stem_down", x))
        if self.config.attention is not None:
            # In place: x is the window's own array.
            x += self._tensors["encoder_offset"]
            for i in range(self.config.attention.layers):
                self._attention_block(f"encoder.{i}", x)
        else:
            for i, dilation in enumerate(self.config.encoder_dilations):
                self._convolution_block(f"encoder.{i}", x, dilation)
        return self._norm("encoder_norm", x)

    def _convolution_block(self, name: str, x: FloatArray, dilation: int) -> None:
        """Add the block ``name`` to x of shape (T, D), in place."""
        y = self._convolution(f"{name}.conv", self._norm(f"{name}.norm", x), dilation)
        x += self._pointwise(f"{name}.mix", self._activation(y))

    def _attention_block(self, name: str, x: FloatArray) -> None:
        """Add the block ``name`` to x of shape (T, D), in place."""
        mixed = self._pointwise(f"{name}.attend", self._norm(f"{name}.norm", x))
        bias = distance_bias(self._tensors[f"{name}.distance"])
        x += self._pointwise(f"{name}.project", bounded_attention(mixed, bias))
        wide = self._pointwise(f"{name}.expand", self._norm(f"{name}.feed_norm", x))
        x += self._pointwise(f"{name}.contract", self._activation(wide))

    def _condition(self, emotion: FloatArray, style: FloatArray) -> FloatArray:
        """Return the FiLM condition (T, K) of emotion weights (T, E) and style (T, S)."""
        # The first row is neutral, the absence of emotion.
        embedded = emotion[:, 1:] @ self._tensors["emotion_table"][1:]
        return np.concatenate([embedded, style], axis=1).astype(np.float32, copy=False)

    def _decode(self, speech: FloatArray, phones: FloatArray, condition: FloatArray) -> FloatArray:
        """Return curves (T, C) of hidden speech (T, D), phones (T, P) and condition (T, K)."""
        x = self._pointwise("to_latents", np.concatenate([speech, phones], axis=1))
        latents = x.shape[1]
        for i, dilation in enumerate(self.config.decoder_dilations):
            film = condition @ self._tensors[f"decoder.{i}.film.weight"][0]
            y = self._convolution(f"decoder.{i}.conv", self._norm(f"decoder.{i}.norm", x), dilation)
            # In place: fewer temporaries of a megabyte.
            y *= 1 + film[:, :latents]
            y += film[:, latents:]
            x += self._pointwise(f"decoder.{i}.mix", self._activation(y))
        x = self._norm("decoder_norm", x)
        curves = np.empty((len(x), len(self.config.channels)), np.float32)
        width = self.config.latent
        for i, (region, columns) in enumerate(self._columns.items()):
            # A slice of columns is copied once for several products.
            part = np.ascontiguousarray(x[:, i * width : (i + 1) * width])
            if self.config.conditioned_heads:
                part = np.concatenate([part, condition], axis=1)
            curves[:, columns] = self._head(f"heads.{region}", part)
        return curves

    def _head(self, name: str, x: FloatArray) -> FloatArray:
        """Return a centred convolution of (T, inputs) that repeats the first and the last row."""
        taps = self._tensors[f"{name}.weight"]
        # The middle tap reaches every row; the others are added shifted.
        out: FloatArray = x @ taps[len(taps) // 2]
        for k, tap in enumerate(taps):
            if (shift := k - len(taps) // 2) != 0:
                # Clipped indices repeat the first and last row, as torch's "replicate" does.
                out += x[np.clip(np.arange(len(x)) + shift, 0, len(x) - 1)] @ tap
        out += self._tensors[f"{name}.bias"]
        return out

    def _convolution(self, name: str, x: FloatArray, dilation: int) -> FloatArray:
        """Return a centred convolution of (T, inputs): an odd number of taps, zero padding."""
        taps = self._tensors[f"{name}.weight"]
        half, rows = len(taps) // 2, len(x)
        out: FloatArray = x @ taps[half]
        out += self._tensors[f"{name}.bias"]
        for k, tap in enumerate(taps):
            shift = (k - half) * dilation
            # Taps that reach beyond the window add nothing: zero padding.
            if 0 < shift < rows:
                out[:-shift] += x[shift:] @ tap
            elif 0 < -shift < rows:
                out[-shift:] += x[:shift] @ tap
        return out

    def _halve(self, name: str, x: FloatArray) -> FloatArray:
        """Return (T, outputs) of (2 T, inputs): stride 2, 4 taps, padding 1."""
        taps = self._tensors[f"{name}.weight"]
        # Even and odd rows apart: stride 2 becomes four plain products.
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
        return layer_norm(x, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"])
