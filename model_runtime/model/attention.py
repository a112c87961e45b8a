"""Define self-attention over a bounded number of frames, with a learned bias per distance. Torch.

A frame attends to ``reach`` frames on either side and to none beyond, so that the receptive field
stays bounded and windowed inference equals inference on the whole clip. Queries are taken in blocks
of ``reach`` frames; each block sees the block before, itself and the block after.

Axes: B batch, T frames, D width, H heads, N blocks, R reach.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import AttentionConfig
from .layers import ACTIVATIONS, RowConvolution

MASKED: Final = -1e4
"""Score of a frame that is out of reach. Finite, so that rows of padding give no NaN."""


class AttentionBlock(nn.Module):
    """A pre-norm transformer layer: bounded attention, then a two-layer feed-forward network."""

    def __init__(self, width: int, config: AttentionConfig, activation: str) -> None:
        super().__init__()
        self.heads, self.reach = config.heads, config.reach
        self.norm = nn.LayerNorm(width)
        self.attend = RowConvolution(width, 3 * width, 1)
        # A learned bias by distance instead of positions: the result does not depend on where a
        # window begins.
        self.distance = nn.Parameter(torch.zeros(config.heads, 2 * config.reach + 1))
        self.project = RowConvolution(width, width, 1)
        self.feed_norm = nn.LayerNorm(width)
        self.expand = RowConvolution(width, config.feed_forward, 1)
        self.contract = RowConvolution(config.feed_forward, width, 1)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, D) from (B, T, D)."""
        x = x + self.project(self._attended(self.attend(self.norm(x))))
        out: Tensor = x + self.contract(self.activation(self.expand(self.feed_norm(x))))
        return out

    def _attended(self, mixed: Tensor) -> Tensor:
        """Return the attended values (B, T, D) of queries, keys and values (B, T, 3 D)."""
        batch, frames, width = mixed.shape[0], mixed.shape[1], mixed.shape[2] // 3
        blocks = -(-frames // self.reach)
        # The last block is filled with rows that are dropped again.
        spare = blocks * self.reach - frames
        query, key, value = (
            part.reshape(batch, frames, self.heads, width // self.heads).transpose(1, 2)
            for part in mixed.chunk(3, dim=2)
        )
        query = functional.pad(query, (0, 0, 0, spare))
        query = query.reshape(batch, self.heads, blocks, self.reach, -1)
        key, value = (self._neighbours(part, spare) for part in (key, value))
        scale = (width // self.heads) ** -0.5
        scores = (query * scale) @ key.transpose(3, 4) + self._bias(frames, blocks)
        # (B, H, N, R, 3 R) scores: memory grows with T, not with its square.
        mixed = scores.softmax(dim=4) @ value  # (B, H, N, R, D / H)
        return mixed.flatten(2, 3)[:, :, :frames].transpose(1, 2).reshape(batch, frames, width)

    def _neighbours(self, part: Tensor, spare: int) -> Tensor:
        """Return for each block the rows of three blocks: (B, H, T, d) to (B, H, N, 3 R, d)."""
        padded = functional.pad(part, (0, 0, self.reach, self.reach + spare))
        # A view of overlapping blocks: keys are not copied three times.
        return padded.unfold(2, 3 * self.reach, self.reach).transpose(3, 4)

    def _bias(self, frames: int, blocks: int) -> Tensor:
        """Return the bias by distance, and ``MASKED`` beyond reach and clip: (H, N, R, 3 R)."""
        reach, device = self.reach, self.distance.device
        rows = torch.arange(reach, device=device)[:, None]
        columns = torch.arange(3 * reach, device=device)[None]
        # Distance from a query row to each of the three blocks of keys.
        distance = columns - reach - rows
        near = distance.abs() <= reach
        bias = self.distance[:, distance.clamp(-reach, reach) + reach]
        # Keys beyond the clip are masked, or zero padding would take attention.
        place = torch.arange(blocks, device=device)[:, None] * reach + columns - reach
        inside = (place >= 0) & (place < frames)  # (N, 3 R)
        seen = near[None] & inside[:, None]
        return bias[:, None].masked_fill(~seen[None], MASKED)
