"""Define the layers of the generator that work frame by frame or over neighbouring frames. Torch.

Axes: B batch, T frames, D channels of a layer, K width of the condition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from torch import Tensor, cat, nn
from torch.nn import functional

Activation = Callable[[Tensor], Tensor]

ACTIVATIONS: Final[dict[str, Activation]] = {
    "gelu": functional.gelu,
    "hard_swish": functional.hardswish,
}
"""By the name in ``GeneratorConfig.activation``. Hard swish is the cheaper one in numpy."""


class RowConvolution(nn.Conv1d):
    """``Conv1d`` along the rows of (B, T, D), with the same parameters.

    The rows that each tap sees are laid side by side and multiplied by one matrix. Norms and
    activations then need no transposition, and a CPU does one large product faster than ``Conv1d``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T / stride, outputs) from (B, T, inputs)."""
        (taps,), (dilation,), (stride,) = self.kernel_size, self.dilation, self.stride
        x = self._padded(x)
        reach = x.shape[1] - dilation * (taps - 1)
        # Slices are views; `cat` makes the one copy that the product needs.
        seen = [x[:, k * dilation : k * dilation + reach : stride] for k in range(taps)]
        rows = cat(seen, dim=2) if taps > 1 else seen[0]
        return functional.linear(rows, self.weight.transpose(1, 2).flatten(1), self.bias)

    def _padded(self, x: Tensor) -> Tensor:
        count = int(self.padding[0])
        if not count:
            return x
        # A face at rest must be at rest in its first frame too.
        if self.padding_mode == "replicate":
            first, last = x[:, :1].expand(-1, count, -1), x[:, -1:].expand(-1, count, -1)
            return cat([first, x, last], dim=1)
        return functional.pad(x, (0, 0, count, count))


class ConvolutionBlock(nn.Module):
    """Residual block: norm, dilated convolution of 3 taps, activation, pointwise convolution."""

    def __init__(self, width: int, dilation: int, activation: str) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = RowConvolution(width, width, 3, padding=dilation, dilation=dilation)
        self.mix = RowConvolution(width, width, 1)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, D) from (B, T, D)."""
        out: Tensor = x + self.mix(self.activation(self.conv(self.norm(x))))
        return out


class ConditionedBlock(nn.Module):
    """A convolution block whose convolution output is scaled and shifted by a condition (FiLM)."""

    def __init__(self, width: int, dilation: int, condition: int, activation: str) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = RowConvolution(width, width, 3, padding=dilation, dilation=dilation)
        # No bias: without condition, scale and shift are 0.
        self.film = RowConvolution(condition, 2 * width, 1, bias=False)
        self.mix = RowConvolution(width, width, 1)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Return (B, T, D) from (B, T, D) and a condition (B, T, K)."""
        scale, shift = self.film(condition).chunk(2, dim=2)
        # 1 + scale: an untrained condition leaves the block as it is.
        y = self.conv(self.norm(x)) * (1 + scale) + shift
        out: Tensor = x + self.mix(self.activation(y))
        return out
