"""The generator: log-mel speech, emotion and style noise to a rig's channels. No files, no audio.

Axes: B batch, F feature frames (100 Hz), T model frames (50 Hz, F = 2 T), M mel bands, D hidden,
H latent channels (regions x latent), C rig channels, P phones, E emotions, S style.

    features (B, F, M) -> stem -> encoder (B, D, T) --------> phone head (B, T, P)
                                     |
                                     v
                    region latents (B, H, T), one slice per region
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


class ChannelNorm(nn.Module):
    """Layer norm over the channel axis of (B, D, T): each frame on its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, D, T)."""
        out: Tensor = self.norm(x.transpose(1, 2)).transpose(1, 2)
        return out


class EncoderBlock(nn.Module):
    """Residual dilated convolution: norm, conv of 3 taps, GELU, pointwise."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(width)
        self.conv = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, D, T) to (B, D, T)."""
        out: Tensor = x + self.mix(functional.gelu(self.conv(self.norm(x))))
        return out


class DecoderBlock(nn.Module):
    """An encoder block whose convolution output is scaled and shifted by the condition (FiLM)."""

    def __init__(self, width: int, dilation: int, condition: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(width)
        self.conv = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.film = nn.Conv1d(condition, 2 * width, 1, bias=False)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, H, T) with condition (B, K, T) to (B, H, T)."""
        scale, shift = self.film(condition).chunk(2, dim=1)
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
        self.stem_wide = nn.Conv1d(config.feature_width, width, 5, padding=2)
        if config.encoder is None:
            self.stem_down = nn.Conv1d(width, width, 4, stride=2, padding=1)
        self.encoder = nn.ModuleList(EncoderBlock(width, d) for d in config.encoder_dilations)
        self.encoder_norm = ChannelNorm(width)
        self.phone_head = nn.Conv1d(width, len(config.phones), 1)
        self.to_latents = nn.Conv1d(width + len(config.phones), latents, 1)
        self.emotion_table = nn.Parameter(
            0.5 * torch.randn(len(config.emotions), config.emotion_dim)
        )
        self.decoder = nn.ModuleList(
            DecoderBlock(latents, d, condition) for d in config.decoder_dilations
        )
        self.decoder_norm = ChannelNorm(latents)
        self.heads = nn.ModuleList(
            nn.Conv1d(
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
        """Features (B, F, M), F even, to hidden speech (B, D, T) and phone logits (B, P, T)."""
        x = functional.gelu(self.stem_wide(features.transpose(1, 2)))
        if self.config.encoder is None:
            x = functional.gelu(self.stem_down(x))
        for block in self.encoder:
            x = block(x)
        x = self.encoder_norm(x)
        return x, self.phone_head(x)

    def condition(self, emotion: Tensor, style: Tensor) -> Tensor:
        """Emotion weights (B, T, E) and style (B, T, S) to the FiLM condition (B, K, T)."""
        active = torch.ones_like(self.emotion_table)
        active[0] = 0  # neutral is the absence of emotion
        embedded = emotion @ (self.emotion_table * active)
        return torch.cat([embedded, style], dim=2).transpose(1, 2)

    def decode(self, speech: Tensor, phones: Tensor, condition: Tensor) -> Tensor:
        """Hidden speech (B, D, T), phones (B, P, T), condition (B, K, T) to curves (B, T, C)."""
        x = self.to_latents(torch.cat([speech, functional.softmax(phones, dim=1)], dim=1))
        for block in self.decoder:
            x = block(x, condition)
        slices = self.decoder_norm(x).chunk(len(self.config.regions), dim=1)
        regions = [head(part) for head, part in zip(self.heads, slices, strict=True)]
        curves: Tensor = torch.cat(regions, dim=1)[:, self.column_order].transpose(1, 2)
        return curves

    def forward(self, features: Tensor, emotion: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Curves (B, T, C) and phone logits (B, T, P) from features (B, 2 T, M)."""
        speech, phones = self.encode(features)
        curves = self.decode(speech, phones, self.condition(emotion, style))
        return curves, phones.transpose(1, 2)


def _columns(config: GeneratorConfig, region: int) -> list[int]:
    return [c for c, r in enumerate(config.region_of) if r == region]
