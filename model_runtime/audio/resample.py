"""Change the sample rate with a windowed sinc, block by block. numpy only.

Output n is at input time ``n * source / target`` exactly (a rational number, so nothing drifts).
The outputs of one period of that ratio are cut into groups, and each group is one matrix product:
(periods, inputs under the group) @ (inputs under the group, outputs of the group).
"""

from __future__ import annotations

import dataclasses
import functools
import math
from fractions import Fraction

import numpy as np

from ..arrays import FloatArray

ZERO_CROSSINGS = 64
"""Zeros of the sinc on either side; the transition band is 620 Hz wide at 16 kHz."""
KAISER_BETA = 8.0
"""Stop band of -80 dB, below the noise of 13-bit audio."""
CUTOFF = 0.9625
"""Middle of the transition band over the lower Nyquist rate: pass to 7.4 kHz, stop at 8 kHz."""
GROUP_OUTPUTS = 128
"""Outputs of one matrix product."""


class Resampler:
    """Resamples one channel as a stream.

    Any blocks of the input give the same output, up to rounding. The input is padded with silence,
    and ``ceil(samples * target / source)`` samples come out.
    """

    def __init__(self, source_rate: int | Fraction, target_rate: int) -> None:
        """Compute the filters.

        Args:
            source_rate: Sample rate of the input, Hz.
            target_rate: Sample rate of the output, Hz.
        """
        self._plan = _plan(source_rate, target_rate)
        # Half a filter of silence before the first sample.
        self._pending = np.zeros(self._plan.reach, np.float32)
        self._taken = 0
        self._given = 0

    def push(self, block: FloatArray) -> FloatArray:
        """Add input, shape (N,); return the output that is complete, shape (K,), K may be 0."""
        # The block itself: no copy at 16 kHz.
        if self._plan.is_identity:
            return block
        self._taken += len(block)
        self._pending = np.concatenate([self._pending, block])
        # Periods whose inputs are complete on both sides.
        return self._periods(max(0, (len(self._pending) - 2 * self._plan.reach) // self._plan.down))

    def flush(self) -> FloatArray:
        """Return the rest of the output. The stream must not be used afterwards."""
        plan = self._plan
        if plan.is_identity:
            return np.zeros(0, np.float32)
        # ceil: the last output lies within the clip.
        missing = math.ceil(self._taken * plan.up / plan.down) - self._given
        periods = math.ceil(missing / plan.up)
        needed = periods * plan.down + 2 * plan.reach
        silence = np.zeros(max(0, needed - len(self._pending)), np.float32)
        self._pending = np.concatenate([self._pending, silence])
        return self._periods(periods)[:missing]

    def _periods(self, count: int) -> FloatArray:
        plan = self._plan
        out = np.empty((count, plan.up), np.float32)
        if count:
            step = self._pending.strides[0]
            for group in plan.groups:
                span = len(group.matrix)
                # A view with overlapping rows: nothing is copied until the product.
                windows = np.lib.stride_tricks.as_strided(
                    self._pending[group.first_input :],
                    (count, span),
                    (plan.down * step, step),
                    writeable=False,
                )
                stop = group.first_output + group.matrix.shape[1]
                # One copy: the product needs contiguous rows.
                out[:, group.first_output : stop] = np.ascontiguousarray(windows) @ group.matrix
        self._pending = self._pending[count * plan.down :]
        self._given += out.size
        return out.reshape(-1)


@dataclasses.dataclass(frozen=True)
class _Group:
    first_output: int
    first_input: int
    """Counted from ``reach`` samples before the period's first input."""
    matrix: FloatArray
    """Shape (inputs, outputs)."""


@dataclasses.dataclass(frozen=True)
class _Plan:
    up: int
    """Outputs per period."""
    down: int
    """Inputs per period."""
    reach: int
    """Inputs on either side that an output depends on."""
    groups: tuple[_Group, ...]

    @property
    def is_identity(self) -> bool:
        return not self.groups


# Few rates occur: four plans are kept.
@functools.lru_cache(maxsize=4)
def _plan(source_rate: int | Fraction, target_rate: int) -> _Plan:
    # An exact fraction: 44.1 kHz to 16 kHz is 441 to 160.
    ratio = Fraction(source_rate) / target_rate
    up, down = ratio.denominator, ratio.numerator
    if up == down:
        return _Plan(1, 1, 0, ())
    # Short periods are repeated until a group is worth a product.
    repeat = max(1, GROUP_OUTPUTS // up)
    up, down = up * repeat, down * repeat
    # When the rate falls, the filter grows with the ratio: it must cut below the new Nyquist rate.
    reach = math.ceil(ZERO_CROSSINGS * max(1.0, float(ratio)) / CUTOFF)
    groups = tuple(
        _group(first, min(first + GROUP_OUTPUTS, up), up=up, down=down, reach=reach)
        for first in range(0, up, GROUP_OUTPUTS)
    )
    return _Plan(up, down, reach, groups)


def _group(first: int, stop: int, *, up: int, down: int, reach: int) -> _Group:
    """Return the filter taps of the outputs first to stop of a period."""
    times = np.arange(first, stop) * (down / up)
    low, high = math.floor(times[0]) - reach + 1, math.floor(times[-1]) + reach + 1
    distances = np.arange(low, high)[:, None] - times
    bandwidth = CUTOFF * min(1.0, up / down)
    # Kaiser window: its argument is 0 at the filter's ends.
    shape = np.sqrt(np.maximum(0.0, 1 - (distances / reach) ** 2))
    taps = np.sinc(bandwidth * distances) * np.i0(KAISER_BETA * shape)
    taps *= (np.abs(distances) < reach) * bandwidth / np.i0(KAISER_BETA)
    taps /= taps.sum(axis=0)  # a constant stays that constant in every phase
    return _Group(first, low + reach, taps.astype(np.float32))
