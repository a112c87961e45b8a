"""The generator: log-mel speech, emotion and style noise to a rig's channels. No files, no audio.

Axes: B batch, F feature frames (100 Hz), T model frames (50 Hz, F = 2 T), M mel bands, D hidden,
H latent channels (regions x latent), C rig channels, P phones, E emotions, S style.

    features (B, F, M) -> stem -> encoder (B, T, D) --------> phone head (B, T, P)
                                     |
                                     v
                    region latents (B, T, H), one slice per region
                                     |
    emotion (B, T, E), style (B, T, S) -> FiLM in every decoder layer
                                     |
                                     v
                        one linear head per region -> curves (B, T, C)

Every convolution is centred and nothing normalises over time, so an output frame depends on
``config.context_frames`` frames either side and on nothing else: windowed inference equals whole.
A pretrained speech encoder's features come at 50 Hz, (B, T, M): their stem does not halve the rate.
The receptive field is bounded on purpose (coarticulation reaches the neighbouring phones, CSTalk's
reason for a TCN decoder). Emotion enters as weights times an embedding whose neutral row is nil, so
intensity 0 *is* neutral.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import GeneratorConfig


class RowConvolution(nn.Conv1d):
    """``Conv1d`` along the rows of (B, T, D), with the same parameters.

    One product of a matrix with the rows that each tap sees, side by side: norms, GELU and FiLM
    need no transposing between, and a CPU does one large product sooner than ``Conv1d``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, inputs) to (B, T / stride, outputs)."""
        (taps,), (dilation,), (stride,) = self.kernel_size, self.dilation, self.stride
        x = self._padded(x)
        reach = x.shape[1] - dilation * (taps - 1)
        seen = [x[:, k * dilation : k * dilation + reach : stride] for k in range(taps)]
        rows = torch.cat(seen, dim=2) if taps > 1 else seen[0]
        return functional.linear(rows, self.weight.transpose(1, 2).flatten(1), self.bias)

    def _padded(self, x: Tensor) -> Tensor:
        count = int(self.padding[0])
        if not count:
            return x
        if self.padding_mode == "replicate":
            first, last = x[:, :1].expand(-1, count, -1), x[:, -1:].expand(-1, count, -1)
            return torch.cat([first, x, last], dim=1)
        return functional.pad(x, (0, 0, count, count))


class FrameNorm(nn.Module):
    """Layer norm of each frame of (B, T, D) on its own."""

    # A module around LayerNorm, for checkpoints name its tensors norm.norm.
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, T, D)."""
        out: Tensor = self.norm(x)
        return out


class EncoderBlock(nn.Module):
    """Residual dilated convolution: norm, conv of 3 taps, GELU, pointwise."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = FrameNorm(width)
        self.conv = RowConvolution(width, width, 3, padding=dilation, dilation=dilation)
        self.mix = RowConvolution(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        out: Tensor = x + self.mix(functional.gelu(self.conv(self.norm(x))))
        return out


class DecoderBlock(nn.Module):
    """An encoder block whose convolution output is scaled and shifted by the condition (FiLM)."""

    def __init__(self, width: int, dilation: int, condition: int) -> None:
        super().__init__()
        self.norm = FrameNorm(width)
        self.conv = RowConvolution(width, width, 3, padding=dilation, dilation=dilation)
        self.film = RowConvolution(condition, 2 * width, 1, bias=False)
        self.mix = RowConvolution(width, width, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, T, H) with condition (B, T, K) to (B, T, H)."""
        scale, shift = self.film(condition).chunk(2, dim=2)
        y = self.conv(self.norm(x)) * (1 + scale) + shift
        out: Tensor = x + self.mix(functional.gelu(y))
        return out


class Generator(nn.Module):
    """Speech features to facial curves, conditioned on emotion and style."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        width, latents = config.hidden, config.latent * len(config.regions)
        condition = config.emotion_dim + config.style_dim
        self.stem_wide = RowConvolution(config.feature_width, width, 5, padding=2)
        if config.encoder is None:
            self.stem_down = RowConvolution(width, width, 4, stride=2, padding=1)
        self.encoder = nn.ModuleList(EncoderBlock(width, d) for d in config.encoder_dilations)
        self.encoder_norm = FrameNorm(width)
        self.phone_head = RowConvolution(width, len(config.phones), 1)
        self.to_latents = RowConvolution(width + len(config.phones), latents, 1)
        self.emotion_table = nn.Parameter(
            0.5 * torch.randn(len(config.emotions), config.emotion_dim)
        )
        self.decoder = nn.ModuleList(
            DecoderBlock(latents, d, condition) for d in config.decoder_dilations
        )
        self.decoder_norm = FrameNorm(latents)
        self.heads = nn.ModuleList(
            RowConvolution(
                config.latent,
                config.region_of.count(i),
                config.head_taps,
                padding=config.head_taps // 2,
                padding_mode="replicate",  # a face at rest is at rest in its first frame too
            )
            for i in range(len(config.regions))
        )
        order = [c for i in range(len(config.regions)) for c in _columns(config, i)]
        self.column_order = torch.argsort(torch.tensor(order)).tolist()

    def encode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, F, M), F even, to hidden speech (B, T, D) and phone logits (B, T, P)."""
        x = functional.gelu(self.stem_wide(features))
        if self.config.encoder is None:
            x = functional.gelu(self.stem_down(x))
        for block in self.encoder:
            x = block(x)
        x = self.encoder_norm(x)
        return x, self.phone_head(x)

    def condition(self, emotion: Tensor, style: Tensor) -> Tensor:
        """Emotion weights (B, T, E) and style (B, T, S) to the FiLM condition (B, T, K)."""
        active = torch.ones_like(self.emotion_table)
        active[0] = 0  # neutral is the absence of emotion
        embedded = emotion @ (self.emotion_table * active)
        return torch.cat([embedded, style], dim=2)

    def decode(self, speech: Tensor, phones: Tensor, condition: Tensor) -> Tensor:
        """Hidden speech (B, T, D), phones (B, T, P), condition (B, T, K) to curves (B, T, C)."""
        x = self.to_latents(torch.cat([speech, functional.softmax(phones, dim=2)], dim=2))
        for block in self.decoder:
            x = block(x, condition)
        slices = self.decoder_norm(x).chunk(len(self.config.regions), dim=2)
        regions = [head(part) for head, part in zip(self.heads, slices, strict=True)]
        curves: Tensor = torch.cat(regions, dim=2)[:, :, self.column_order]
        return curves

    def forward(self, features: Tensor, emotion: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Curves (B, T, C) and phone logits (B, T, P) from features (B, 2 T, M)."""
        speech, phones = self.encode(features)
        curves = self.decode(speech, phones, self.condition(emotion, style))
        return curves, phones


def _columns(config: GeneratorConfig, region: int) -> list[int]:
    return [c for c, r in enumerate(config.region_of) if r == region]
