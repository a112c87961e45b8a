"""Bring speech to the level that the networks expect, following slow changes. numpy only.

The level is measured where there is speech, as EBU R 128 gates loudness: frames far below the
loudest ones of their surroundings do not count. In addition, stretches of constant power (line-up
tones, room tone, hum) hardly count, because the power of speech changes with every syllable. The
level may change over the clip, for a shout, another speaker or another microphone: it is the
piecewise constant curve that is closest to the levels of the speech frames, with a cost for each
change. Within one part of a clip the dynamics of the voice stay as they are.

The envelope depends on the whole clip. It is computed once, so windowed inference still equals
inference on the whole.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..arrays import DoubleArray, FloatArray

TARGET_LEVEL_DB = -23.0
"""Level of speech after the gain, dB full scale: the programme level of EBU R 128."""
MAX_GAIN_DB = 70.0
"""Float recordings can be 60 dB too quiet; 70 dB also covers a quiet voice in one of them."""
FRAME_SAMPLES = 320
"""20 ms at 16 kHz, the length of a model frame."""
BLOCK_FRAMES = 10
"""0.2 s, the resolution of the envelope: about one syllable."""
GATE_DB = 15.0
"""Frames within this range of the loud frames around them are speech; quieter ones are pauses."""
GATE_WINDOW_BLOCKS = 15
"""3 s, a short phrase, within which loud frames are searched."""
LOUD_PERCENTILE = 95.0
# Not the maximum: clicks and shouts would set it.
REFERENCE_PERCENTILE = 98.0
FULL_RANGE_DB, MAX_RANGE_DB = 30.0, 45.0
"""Below the loudest speech of the clip by the first, a frame counts fully; by the second, not at
all: breath and handling noise in a pause must not be raised to the level of speech."""
MODULATION_WINDOW_BLOCKS = 5
"""1 s, about four syllables, over which changes of power are measured."""
STEADY_DB, SPEECH_DB = 2.0, 6.0
"""Range of the frame levels (10th to 90th percentile): noise and tones stay below the first, speech
is above the second even at a signal-to-noise ratio of 5 dB."""
STEADY_WEIGHT = 0.02
"""Weight of frames of constant power in a clip without speech: a tone alone still has a level, but
minutes of room tone have no influence on that of a few words."""
SURE_FRAMES = 2.0
"""Speech frames that a positive gain needs: noise alone is not raised."""
CHANGE_COST = 60.0
"""Cost of a change of the level, in frames. A part of the clip gets a level of its own if it has
more than 2.4 s of speech frames, or 1.2 s at either end of the clip."""
STEP_DB = 0.5
ABOVE_STEPS = 20
"""Levels of the grid above the reference."""
SMOOTH_BLOCKS = 5
"""1 s: changes of the level are smoothed by a Hann window of this length."""
KEPT_RANGE_DB = 4.0
"""Differences between the parts of a clip are compressed to this range rather than removed."""
HEADROOM_DB = 10.0
"""The level of a second of any sound is at most this far above the level of speech."""
SILENCE_DB = -140.0
"""Level of a frame of digital silence."""


@dataclasses.dataclass(frozen=True)
class GainEnvelope:
    """Gain over time. Knots are at the middles of blocks of ``BLOCK_FRAMES`` frames."""

    gains: DoubleArray
    """Factors, shape (K,), at least one."""
    speech: DoubleArray
    """Amount of speech in each block, in frames, shape (K,)."""

    @property
    def is_constant(self) -> bool:
        """True when one factor applies to the whole clip."""
        return bool((self.gains == self.gains[0]).all())

    def has_speech(self, first: int, stop: int) -> bool:
        """Return whether any block from sample ``first`` to before ``stop`` contains speech.

        Args:
            first: First sample.
            stop: Sample after the last.
        """
        block = BLOCK_FRAMES * FRAME_SAMPLES
        return bool(self.speech[first // block : -(-stop // block)].any())

    def range(self, first: int, count: int) -> FloatArray:
        """Return the factors of some samples, interpolated linearly.

        Args:
            first: First sample.
            count: Number of samples.

        Returns:
            Shape (count,).
        """
        # A constant is returned exactly, without the rounding of interp.
        if self.is_constant:
            return np.full(count, self.gains[0], np.float32)
        block = BLOCK_FRAMES * FRAME_SAMPLES
        knots = (np.arange(len(self.gains)) + 0.5) * block
        samples = np.arange(first, first + count)
        return np.interp(samples, knots, self.gains).astype(np.float32)


def level_gain(samples: FloatArray) -> FloatArray:
    """Return the factor that brings each sample to the level of speech.

    Args:
        samples: A whole clip, mono at 16 kHz, shape (N,).

    Returns:
        Shape (N,); multiply the samples by it.
    """
    meter = LevelMeter()
    meter.push(samples)
    return meter.envelope().range(0, len(samples))


class LevelMeter:
    """Measures the level of a clip that arrives in blocks; any blocks give the same envelope."""

    def __init__(self) -> None:
        self._powers: list[DoubleArray] = []
        self._rest = np.zeros(0, np.float32)

    def push(self, block: FloatArray) -> None:
        """Add samples, mono at 16 kHz, shape (N,)."""
        # Blocks of any length: the rest of a frame waits for the next one.
        samples = np.concatenate([self._rest, block])
        whole = len(samples) - len(samples) % FRAME_SAMPLES
        frames = samples[:whole].reshape(-1, FRAME_SAMPLES)
        # Without its mean: a constant offset of the recorder is no sound.
        # float64 where a large constant offset is subtracted.
        means = frames.mean(axis=1, dtype=np.float64)
        squares = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / FRAME_SAMPLES
        self._powers.append(np.maximum(squares - means**2, 0))
        # A copy: a view would keep the whole block alive.
        self._rest = samples[whole:].copy()

    def envelope(self) -> GainEnvelope:
        """Return the gain over the clip so far; an incomplete last frame is ignored."""
        powers = np.concatenate(self._powers) if self._powers else np.zeros(0)
        audible = powers > 10 ** (SILENCE_DB / 10)
        if not audible.any():
            # Digital silence has no level: nothing is amplified.
            return GainEnvelope(np.ones(1), np.zeros(1))
        gains_db, speech = _gain_db(powers)
        return GainEnvelope(10 ** (gains_db / 20), speech)


def _gain_db(powers: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Return gain in dB and frames of speech of each block, shape (K,), from frame powers."""
    blocks = -(-len(powers) // BLOCK_FRAMES)
    padded = np.pad(powers, (0, blocks * BLOCK_FRAMES - len(powers)))
    # -140 dB is added, so that the logarithm of zero is finite.
    levels = 10 * np.log10(padded + 10 ** (SILENCE_DB / 10)).reshape(blocks, BLOCK_FRAMES)
    weights = _modulation(levels)
    reference = _reference(levels, weights)
    counts = _gated(levels, weights, reference)
    level: DoubleArray = _follow(levels, counts, reference)
    level = _smooth(level)
    # 1e-9: a clip without speech has a mean too.
    mean = float(np.average(level, weights=counts.sum(axis=1) + 1e-9))
    # tanh: small differences are removed almost entirely, large ones kept up to 4 dB.
    level = level - KEPT_RANGE_DB * np.tanh((level - mean) / KEPT_RANGE_DB)
    loudness = 10 * np.log10(_smooth(padded.reshape(blocks, -1).mean(axis=1)) + 1e-14)
    # The louder of both counts: music far above the speech must not clip.
    gain = TARGET_LEVEL_DB - np.maximum(level, loudness - HEADROOM_DB)
    speech = weights * (counts > 0).sum(axis=1)
    sure = float(speech.sum())
    # Only raising needs certainty; lowering a loud sound does no harm.
    gain = np.where(gain > 0, gain * (1 - np.exp(-sure / SURE_FRAMES)), gain)
    return np.minimum(gain, MAX_GAIN_DB), speech


def _ordered_windows(levels: DoubleArray, blocks: int) -> DoubleArray:
    """Return the sorted frames of every ``blocks`` consecutive blocks.

    The clip is mirrored at its ends; window i starts ``blocks - 1`` blocks before block i.

    Returns:
        Shape (K + blocks - 1, blocks * frames).
    """
    padded = np.pad(levels, ((blocks - 1, blocks - 1), (0, 0)), mode="symmetric")
    # One sort for all windows instead of one a window.
    windows = sliding_window_view(padded, blocks, axis=0).reshape(len(levels) + blocks - 1, -1)
    return np.sort(windows, axis=1)


def _percentile(ordered: DoubleArray, percent: float) -> DoubleArray:
    """Return a percentile of each sorted row, shape (K,)."""
    # The nearest rank: interpolation would cost another pass.
    return np.asarray(ordered[:, round(percent / 100 * (ordered.shape[1] - 1))])


def _modulation(levels: DoubleArray) -> DoubleArray:
    """Return the weight of each block, from 0 for constant power to 1 for speech, shape (K,)."""
    ordered = _ordered_windows(levels, MODULATION_WINDOW_BLOCKS)
    change = _percentile(ordered, 90) - _percentile(ordered, 10)
    # The smaller change of the second before and the second after: the end of a tone is no speech.
    steadier = np.minimum(change[: len(levels)], change[MODULATION_WINDOW_BLOCKS - 1 :])
    share: DoubleArray = np.clip((steadier - STEADY_DB) / (SPEECH_DB - STEADY_DB), 0, 1)
    return share


def _reference(levels: DoubleArray, weights: DoubleArray) -> float:
    """Return the level of the loudest speech of the clip."""
    frames = levels.ravel()
    # Weighted by speech: a loud tone must not be the reference.
    order = np.argsort(frames)
    total = np.cumsum(np.repeat(np.maximum(weights, 1e-6), levels.shape[1])[order])
    place = np.searchsorted(total, REFERENCE_PERCENTILE / 100 * total[-1])
    return float(frames[order[min(place, len(frames) - 1)]])


def _gated(levels: DoubleArray, weights: DoubleArray, reference: float) -> DoubleArray:
    """Return how much each frame counts for the level, shape (K, frames)."""
    windows = _ordered_windows(levels, GATE_WINDOW_BLOCKS)
    reach = GATE_WINDOW_BLOCKS // 2
    loud = _percentile(windows[reach : len(windows) - reach], LOUD_PERCENTILE)
    # At least 1 dB above digital silence.
    active = levels >= np.maximum(loud - GATE_DB, SILENCE_DB + 1)[:, None]
    # The more speech there is, the less steady sounds count.
    steady = STEADY_WEIGHT / (1 + weights.sum() * BLOCK_FRAMES / SURE_FRAMES)
    near = np.clip((levels - reference + MAX_RANGE_DB) / (MAX_RANGE_DB - FULL_RANGE_DB), 0, 1)
    counts: DoubleArray = active * near * np.maximum(weights, steady)[:, None]
    return counts


def _follow(levels: DoubleArray, counts: DoubleArray, reference: float) -> DoubleArray:
    """Return the level of each block: least absolute deviations, with a cost for changes.

    The minimum of ``sum(counts * |level - levels|) + CHANGE_COST * sum(|change|)`` over a grid of
    levels, by dynamic programming. Where the level is constant it is a weighted median.
    """
    # A grid around the reference: exact dynamic programming needs few levels.
    grid = reference + STEP_DB * np.arange(-round(MAX_RANGE_DB / STEP_DB), ABOVE_STEPS)
    places = np.clip(np.rint((levels - grid[0]) / STEP_DB), 0, len(grid) - 1).astype(np.int64)
    table = np.zeros((len(levels), len(grid)))
    # add.at adds repeated places; plain indexing would keep the last.
    np.add.at(table, (np.arange(len(levels))[:, None], places), counts)
    distance = STEP_DB * np.abs(np.arange(len(grid))[:, None] - np.arange(len(grid)))
    # Cost of every level in every block, in one product.
    costs = table @ distance
    change = CHANGE_COST * STEP_DB * np.arange(len(grid))
    best = np.empty_like(costs)
    best[0] = costs[0]
    for block in range(1, len(costs)):
        # The cheapest way from any level: two sweeps suffice because the cost is linear.
        before = best[block - 1]
        up = np.minimum.accumulate(before - change) + change
        down = np.minimum.accumulate((before + change)[::-1])[::-1] - change
        best[block] = costs[block] + np.minimum(up, down)
    path = np.empty(len(costs), np.int64)
    # Backwards from the cheapest end.
    path[-1] = best[-1].argmin()
    for block in range(len(costs) - 2, -1, -1):
        way = best[block] + CHANGE_COST * distance[path[block + 1]]
        path[block] = way.argmin()
    return np.asarray(grid[path], np.float64)


def _smooth(values: DoubleArray) -> DoubleArray:
    """Return the values smoothed by a Hann window; the end values are repeated."""
    kernel = np.hanning(SMOOTH_BLOCKS + 2)[1:-1]
    padded = np.pad(values, SMOOTH_BLOCKS // 2, mode="edge")
    smoothed: DoubleArray = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return smoothed
