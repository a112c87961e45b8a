"""The correlation module: how the regions of a face move together under each emotion.

Axes: B clips, T model frames (50 Hz), N patches (T = N x patch), R regions, C channels, W width.

    curves (B, T, C) -> one token per region and patch (B, R, N, W), hidden regions replaced
        + region, time and emotion embeddings -> transformer over all R x N tokens
        -> what the transformer adds to a linear map of the frame's seen channels (B, T, C)

Trained to fill in hidden regions from the others (stage 1 of CSTalk), then frozen: a face whose
brow this module cannot foretell from its mouth does not act as one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..config import CorrelationConfig


class CorrelationModule(nn.Module):
    """Predicts regions of a face from the other regions, emotion known."""

    mean: Tensor
    """Mean of each channel in training, shape (C,)."""
    scale: Tensor
    """Spread of each channel in training, shape (C,)."""

    def __init__(self, config: CorrelationConfig) -> None:
        super().__init__()
        self.config = config
        width, regions = config.width, len(config.regions)
        self.columns = [
            [c for c, r in enumerate(config.region_of) if r == region] for region in range(regions)
        ]
        self.embed = nn.ModuleList(
            nn.Linear(len(columns) * config.patch_frames, width) for columns in self.columns
        )
        self.read = nn.ModuleList(
            _silent(nn.Linear(width, len(columns) * config.patch_frames))
            for columns in self.columns
        )
        self.hidden_token = nn.Parameter(torch.zeros(regions, width))
        self.region_token = nn.Parameter(0.02 * torch.randn(regions, 1, width))
        self.time_token = nn.Parameter(0.02 * torch.randn(1, config.window_patches, width))
        self.emotion_token = nn.Linear(len(config.emotions), width, bias=False)
        layer = nn.TransformerEncoderLayer(
            width,
            config.heads,
            4 * width,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.encoder = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        # Much of co-movement is linear within the frame; the transformer learns the rest.
        seen = len(config.channels) + len(config.emotions) + regions
        self.direct = nn.Linear(seen, len(config.channels))
        self.register_buffer("mean", torch.zeros(len(config.channels)))
        self.register_buffer("scale", torch.ones(len(config.channels)))

    def begin_with(self, mean: Tensor, scale: Tensor, linear: Tensor) -> None:
        """Work in standard units from now on, and begin as the best linear map.

        Args:
            mean: Mean of each channel, shape (C,).
            scale: What a channel is divided by, shape (C,); positive.
            linear: Standardised channel from all other regions' standardised channels, the
                emotion weights and a constant: shape (C + E + 1, C).
        """
        channels, emotions = len(self.config.channels), len(self.config.emotions)
        self.mean.copy_(mean)
        self.scale.copy_(scale)
        with torch.no_grad():
            self.direct.weight.zero_()
            self.direct.weight[:, : channels + emotions] = linear[:-1].T
            self.direct.bias.copy_(linear[-1])

    def forward(self, curves: Tensor, emotion: Tensor, hidden: Tensor) -> Tensor:
        """Fill in hidden regions.

        Args:
            curves: Shape (B, T, C), T a whole number of patches, at most one window.
            emotion: Weights, shape (B, T, E); intensity is their size.
            hidden: True for regions the module may not see, shape (B, R).

        Returns:
            Curves of all regions, shape (B, T, C); only those of hidden ones are a prediction.
        """
        curves = (curves - self.mean) / self.scale
        clips, frames, _ = curves.shape
        patch, patches = self.config.patch_frames, frames // self.config.patch_frames
        tokens = []
        for region, columns in enumerate(self.columns):
            seen = self.embed[region](curves[..., columns].reshape(clips, patches, -1))
            masked = self.hidden_token[region].expand_as(seen)
            tokens.append(torch.where(hidden[:, region, None, None], masked, seen))
        x = torch.stack(tokens, 1) + self.region_token + self.time_token[:, :patches]
        felt = emotion.reshape(clips, patches, patch, -1).mean(2)
        x = x + self.emotion_token(felt)[:, None]
        x = self.norm(self.encoder(x.flatten(1, 2))).unflatten(1, (len(self.columns), patches))
        added = torch.zeros_like(curves)
        for region, columns in enumerate(self.columns):
            added[..., columns] = self.read[region](x[:, region]).reshape(clips, frames, -1)
        filled: Tensor = (self._linear(curves, emotion, hidden) + added) * self.scale + self.mean
        return filled

    def _linear(self, curves: Tensor, emotion: Tensor, hidden: Tensor) -> Tensor:
        """The linear map of what is seen, (B, T, C), in standard units: hidden is average."""
        shown = (~hidden)[:, None, list(self.config.region_of)].to(curves.dtype)
        absent = hidden[:, None].to(curves.dtype).expand(-1, curves.shape[1], -1)
        out: Tensor = self.direct(torch.cat([curves * shown, emotion, absent], 2))
        return out


def _silent(layer: nn.Linear) -> nn.Linear:
    """A layer that begins by adding nothing."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
