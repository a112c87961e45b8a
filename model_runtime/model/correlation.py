"""Predict regions of a face from the other regions, given the emotion.

Axes: B clips, T model frames (50 Hz), N patches (T = N x patch), R regions, C channels, W width.

    curves (B, T, C) -> one token per region and patch (B, R, N, W), hidden regions replaced
        + region, time and emotion embeddings -> transformer over all R x N tokens
        -> correction to the best linear map of the frame's visible channels (B, T, C)

Trained to fill in hidden regions from the others (stage 1 of CSTalk), then frozen: it tells the
generator where the regions of a generated face do not move together as they do in training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..config import CorrelationConfig

RIDGE = 1e-5
"""Added to the moments before a linear map is solved from them."""


class CorrelationModule(nn.Module):
    """Predicts hidden regions of a face from the others."""

    mean: Tensor
    """Mean of each channel in training, shape (C,)."""
    scale: Tensor
    """Spread of each channel in training, shape (C,)."""
    moments: Tensor
    """Of the inputs in training, shape (C + E + 1, C + E + 1)."""

    def __init__(self, config: CorrelationConfig) -> None:
        super().__init__()
        self.config = config
        width, regions = config.width, len(config.regions)
        self.columns = [
            [c for c, r in enumerate(config.region_of) if r == region] for region in range(regions)
        ]
        # One embedding a region: regions have different numbers of channels.
        self.embed = nn.ModuleList(
            nn.Linear(len(columns) * config.patch_frames, width) for columns in self.columns
        )
        # Starts at 0: an untrained module is exactly the linear map.
        self.read = nn.ModuleList(
            _zeroed(nn.Linear(width, len(columns) * config.patch_frames))
            for columns in self.columns
        )
        # Learned: 0 would look like a region at its mean.
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
        # Nested tensors save work for padded batches only, which there are none of.
        self.encoder = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        # Much of co-movement is linear within the frame: solved in closed form.
        channels, inputs = len(config.channels), len(config.channels) + len(config.emotions) + 1
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("moments", torch.eye(inputs))
        self._maps: dict[tuple[bool, ...], Tensor] = {}

    def set_statistics(self, mean: Tensor, scale: Tensor, moments: Tensor) -> None:
        """Set the statistics of reference motion that inputs are normalised by.

        Args:
            mean: Mean of each channel, shape (C,).
            scale: What a channel is divided by, shape (C,); positive.
            moments: Mean product of every two inputs (``inputs``), shape (C + E + 1, C + E + 1).
        """
        self.mean.copy_(mean)
        self.scale.copy_(scale)
        self.moments.copy_(moments)
        # Maps solved from the old moments are stale.
        self._maps.clear()

    def inputs(self, curves: Tensor, emotion: Tensor) -> Tensor:
        """Return the inputs of the linear map (..., C + E + 1), in standard units.

        Args:
            curves: Shape (..., C).
            emotion: Weights, shape (..., E).
        """
        standard = (curves - self.mean) / self.scale
        # A column of ones is the constant term.
        return torch.cat([standard, emotion, torch.ones_like(emotion[..., :1])], -1)

    def linear(self, curves: Tensor, emotion: Tensor, hidden: Tensor) -> Tensor:
        """Return curves (B, T, C) whose hidden regions are predicted linearly from the same frame.

        Args:
            curves: Shape (B, T, C).
            emotion: Weights, shape (B, T, E).
            hidden: True for hidden regions, shape (B, R).
        """
        return self._linear(self.inputs(curves, emotion), hidden) * self.scale + self.mean

    def forward(self, curves: Tensor, emotion: Tensor, hidden: Tensor) -> Tensor:
        """Fill in hidden regions.

        Args:
            curves: Shape (B, T, C), T a whole number of patches, at most one window.
            emotion: Weights, shape (B, T, E); intensity is their size.
            hidden: True for hidden regions, shape (B, R).

        Returns:
            Curves of all regions, shape (B, T, C); only those of hidden ones are a prediction.
        """
        inputs = self.inputs(curves, emotion)
        # Standard units: regions with large values would dominate the embeddings.
        curves = inputs[..., : curves.shape[-1]]
        clips, frames, _ = curves.shape
        patch, patches = self.config.patch_frames, frames // self.config.patch_frames
        tokens = []
        for region, columns in enumerate(self.columns):
            seen = self.embed[region](curves[..., columns].reshape(clips, patches, -1))
            masked = self.hidden_token[region].expand_as(seen)
            tokens.append(torch.where(hidden[:, region, None, None], masked, seen))
        x = torch.stack(tokens, 1) + self.region_token + self.time_token[:, :patches]
        # Emotion by patch: it hardly changes within 0.2 s.
        felt = emotion.reshape(clips, patches, patch, -1).mean(2)
        x = x + self.emotion_token(felt)[:, None]
        x = self.norm(self.encoder(x.flatten(1, 2))).unflatten(1, (len(self.columns), patches))
        added = torch.zeros_like(curves)
        for region, columns in enumerate(self.columns):
            added[..., columns] = self.read[region](x[:, region]).reshape(clips, frames, -1)
        filled: Tensor = (self._linear(inputs, hidden) + added) * self.scale + self.mean
        return filled

    def _linear(self, inputs: Tensor, hidden: Tensor) -> Tensor:
        maps = torch.stack([self._map(tuple(row)) for row in hidden.tolist()])
        return inputs @ maps.to(inputs.dtype)

    def _map(self, hidden: tuple[bool, ...]) -> Tensor:
        """All channels from the inputs that are not hidden, by ridge regression; (C + E + 1, C)."""
        # By the set of hidden regions: at most a few dozen occur.
        if hidden not in self._maps:
            channels = len(self.config.channels)
            others = len(self.moments) - channels
            seen = torch.tensor([not hidden[r] for r in self.config.region_of] + [True] * others)
            # float64 on the CPU: MPS has none, and the inverse amplifies rounding.
            moments = self.moments.detach().double().cpu()
            held = moments[seen][:, seen] + RIDGE * torch.eye(int(seen.sum())).double()
            solved = torch.zeros(len(moments), channels).double()
            solved[seen] = torch.linalg.solve(held, moments[seen][:, :channels])
            self._maps[hidden] = solved.to(self.moments)
        return self._maps[hidden]


def _zeroed(layer: nn.Linear) -> nn.Linear:
    """Set the weights of a layer to zero and return it."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
