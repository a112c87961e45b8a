"""Change of sample rate by a windowed sinc, block by block. numpy only.

Output n lies at input time ``n * source / target`` exactly (a rational number, so nothing drifts).
The outputs of one period of that ratio are cut into groups, and each group is one matrix product:
(periods, inputs under the group) @ (inputs under the group, outputs of the group).
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from ..arrays import FloatArray

ZERO_CROSSINGS = 64
"""Zeros of the sinc on either side: a transition band of 620 Hz at 16 kHz."""
KAISER_BETA = 8.0
"""Stop band of -80 dB, under the noise of 13-bit sound."""
CUTOFF = 0.9625
"""Middle of the transition band over the lower Nyquist rate: pass to 7.4 kHz, stop at 8 kHz."""
GROUP_OUTPUTS = 128
"""Outputs made by one matrix product."""


class Resampler:
    """One channel of sound from one rate to another, as a stream.

    Any cutting of the input into blocks gives the same output (up to float rounding). Silence
    stands before and after the sound. ``ceil(samples * target / source)`` samples come out.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self._plan = _plan(source_rate, target_rate)
        self._pending = np.zeros(self._plan.reach, np.float32)
        self._taken = 0
        self._given = 0

    def push(self, block: FloatArray) -> FloatArray:
        """Give some input, shape (N,); get the output that is complete, shape (K,), K may be 0."""
        if self._plan.is_identity:
            return block
        self._taken += len(block)
        self._pending = np.concatenate([self._pending, block])
        return self._periods(max(0, (len(self._pending) - 2 * self._plan.reach) // self._plan.down))

    def flush(self) -> FloatArray:
        """End of input: the rest of the output. The stream must not be used afterwards."""
        plan = self._plan
        if plan.is_identity:
            return np.zeros(0, np.float32)
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
                windows = np.lib.stride_tricks.as_strided(
                    self._pending[group.first_input :],
                    (count, span),
                    (plan.down * step, step),
                    writeable=False,
                )
                stop = group.first_output + group.matrix.shape[1]
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
    """Outputs in a period."""
    down: int
    """Inputs in a period."""
    reach: int
    """Inputs on either side that an output hears."""
    groups: tuple[_Group, ...]

    @property
    def is_identity(self) -> bool:
        return not self.groups


@functools.lru_cache(maxsize=4)
def _plan(source_rate: int, target_rate: int) -> _Plan:
    divisor = math.gcd(source_rate, target_rate)
    up, down = target_rate // divisor, source_rate // divisor
    if up == down:
        return _Plan(1, 1, 0, ())
    repeat = max(1, GROUP_OUTPUTS // up)
    up, down = up * repeat, down * repeat
    reach = math.ceil(ZERO_CROSSINGS * max(1.0, source_rate / target_rate) / CUTOFF)
    groups = tuple(
        _group(first, min(first + GROUP_OUTPUTS, up), up=up, down=down, reach=reach)
        for first in range(0, up, GROUP_OUTPUTS)
    )
    return _Plan(up, down, reach, groups)


def _group(first: int, stop: int, *, up: int, down: int, reach: int) -> _Group:
    """Filter taps of outputs first to stop of a period."""
    times = np.arange(first, stop) * (down / up)
    low, high = math.floor(times[0]) - reach + 1, math.floor(times[-1]) + reach + 1
    distances = np.arange(low, high)[:, None] - times
    bandwidth = CUTOFF * min(1.0, up / down)
    shape = np.sqrt(np.maximum(0.0, 1 - (distances / reach) ** 2))
    taps = np.sinc(bandwidth * distances) * np.i0(KAISER_BETA * shape)
    taps *= (np.abs(distances) < reach) * bandwidth / np.i0(KAISER_BETA)
    taps /= taps.sum(axis=0)  # a constant stays that constant in every phase
    return _Group(first, low + reach, taps.astype(np.float32))
