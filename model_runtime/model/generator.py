"""Generate a rig's channels from log-mel speech, emotion and style noise. No files, no audio.

Axes: B batch, F feature frames (100 Hz), T model frames (50 Hz, F = 2 T), M mel bands, D hidden,
H latent channels (regions x latent), C rig channels, P phones, E emotions, S style, K condition.

    features (B, F, M) -> stem -> encoder (B, T, D) --------> phone head (B, T, P)
                                     |
                                     v
                    region latents (B, T, H), one slice per region
                                     |
    emotion (B, T, E), style (B, T, S) -> FiLM in every decoder layer, and into the heads
                                     |
                                     v
                        one linear head per region -> curves (B, T, C)

The encoder is a stack of dilated convolutions, or of attention over a bounded number of frames.
Nothing normalises over time, so an output frame depends on ``config.context_frames`` frames on
either side and on nothing else: windowed inference equals inference on the whole clip. Features of
a pretrained speech encoder come at 50 Hz, (B, T, M), and their stem does not halve the rate.
The receptive field is bounded on purpose (coarticulation reaches the neighbouring phones, CSTalk's
reason for a TCN decoder). Emotion enters as weights times an embedding whose neutral row is zero,
so intensity 0 *is* neutral.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import GeneratorConfig
from .attention import AttentionBlock
from .layers import ACTIVATIONS, ConditionedBlock, ConvolutionBlock, RowConvolution


class Generator(nn.Module):
    """Speech features to facial curves, conditioned on emotion and style."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.activation = ACTIVATIONS[config.activation]
        width, latents = config.hidden, config.latent * len(config.regions)
        condition = config.condition_width
        self.stem_wide = RowConvolution(config.feature_width, width, 5, padding=2)
        if config.encoder is None:
            self.stem_down = RowConvolution(width, width, 4, stride=2, padding=1)
        if config.attention is not None:
            # Where a pretrained encoder adds positions, its norms expect their power.
            self.encoder_offset = nn.Parameter(torch.zeros(width))
        self.encoder = nn.ModuleList(_encoder_blocks(config))
        self.encoder_norm = nn.LayerNorm(width)
        self.phone_head = RowConvolution(width, len(config.phones), 1)
        self.to_latents = RowConvolution(width + len(config.phones), latents, 1)
        self.emotion_table = nn.Parameter(
            0.5 * torch.randn(len(config.emotions), config.emotion_dim)
        )
        self.decoder = nn.ModuleList(
            ConditionedBlock(latents, d, condition, config.activation)
            for d in config.decoder_dilations
        )
        self.decoder_norm = nn.LayerNorm(latents)
        self.heads = nn.ModuleDict(
            {
                region: RowConvolution(
                    config.head_width,
                    config.region_of.count(i),
                    config.head_taps,
                    padding=config.head_taps // 2,
                    padding_mode="replicate",  # a face at rest is at rest in its first frame too
                )
                for i, region in enumerate(config.regions)
            }
        )
        if config.conditioned_heads:
            self._forget_condition()
        order = [c for i in range(len(config.regions)) for c in _columns(config, i)]
        # Heads come region by region; the rig's columns may be in another order.
        self.column_order = torch.argsort(torch.tensor(order)).tolist()

    @torch.no_grad()
    def _forget_condition(self) -> None:
        # An untrained condition leaves the face as it is, as in the blocks of the decoder.
        for head in self.heads.values():
            assert isinstance(head, RowConvolution)
            head.weight[:, self.config.latent :] = 0

    def encode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return hidden speech (B, T, D) and phone logits (B, T, P) of features (B, F, M).

        Args:
            features: F is even, two rows a model frame; one row with a pretrained encoder.
        """
        x = self.activation(self.stem_wide(features))
        if self.config.encoder is None:
            x = self.activation(self.stem_down(x))
        if self.config.attention is not None:
            x = x + self.encoder_offset
        for block in self.encoder:
            x = block(x)
        x = self.encoder_norm(x)
        return x, self.phone_head(x)

    def condition(self, emotion: Tensor, style: Tensor) -> Tensor:
        """Return the FiLM condition (B, T, K).

        Args:
            emotion: Weights, shape (B, T, E).
            style: Noise, shape (B, T, S).
        """
        active = torch.ones_like(self.emotion_table)
        active[0] = 0  # neutral is the absence of emotion
        # Multiplied, not set to 0 in place: the table stays a plain parameter.
        embedded = emotion @ (self.emotion_table * active)
        return torch.cat([embedded, style], dim=2)

    def decode(self, speech: Tensor, phones: Tensor, condition: Tensor) -> Tensor:
        """Return curves (B, T, C).

        Args:
            speech: Hidden speech, shape (B, T, D).
            phones: Logits, shape (B, T, P).
            condition: See ``condition``, shape (B, T, K).
        """
        x = self.to_latents(torch.cat([speech, functional.softmax(phones, dim=2)], dim=2))
        for block in self.decoder:
            x = block(x, condition)
        slices = self.decoder_norm(x).chunk(len(self.config.regions), dim=2)
        if self.config.conditioned_heads:
            slices = [torch.cat([part, condition], dim=2) for part in slices]
        regions = [head(part) for head, part in zip(self.heads.values(), slices, strict=True)]
        curves: Tensor = torch.cat(regions, dim=2)[:, :, self.column_order]
        return curves

    def forward(self, features: Tensor, emotion: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Return curves (B, T, C) and phone logits (B, T, P).

        Args:
            features: Shape (B, 2 T, M).
            emotion: Weights, shape (B, T, E).
            style: Noise, shape (B, T, S).
        """
        speech, phones = self.encode(features)
        curves = self.decode(speech, phones, self.condition(emotion, style))
        return curves, phones


def _encoder_blocks(config: GeneratorConfig) -> list[nn.Module]:
    if config.attention is not None:
        return [
            AttentionBlock(config.hidden, config.attention, config.activation)
            for _ in range(config.attention.layers)
        ]
    return [
        ConvolutionBlock(config.hidden, dilation, config.activation)
        for dilation in config.encoder_dilations
    ]


def _columns(config: GeneratorConfig, region: int) -> list[int]:
    return [c for c, r in enumerate(config.region_of) if r == region]
