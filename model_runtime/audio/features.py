"""Log-mel speech features: what the networks hear. numpy only; training and inference share it.

Frame i looks at ``window_samples`` centred on sample ``i * hop_samples``. Beyond either end of the
sound stands silence (zeros, not a reflection), so that a frame depends on its own window alone: any
range of frames can be computed from the samples under it, and *streaming equals whole*.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from ..arrays import FloatArray
from ..config import FeatureConfig

LOG_CENTRE = -3.0
"""Decades of mel power mapped to 0: halfway from the floor (1e-6) to a full-scale sine (1)."""
LOG_SCALE = 1.5
"""Decades for one unit of feature; floor and full scale become -2 and 2."""
BLOCK_FRAMES = 4096
"""Frames transformed at once, 40 s: bounds the spectrum held in memory to 25 MB."""


def frame_count(samples: int, config: FeatureConfig) -> int:
    """Feature frames of a sound: ``2 * ceil(samples / (2 * hop))``, always even.

    Two feature frames make one model frame, and the last model frame may reach beyond the sound.
    """
    return 2 * math.ceil(samples / (2 * config.hop_samples))


def log_mel(samples: FloatArray, config: FeatureConfig) -> FloatArray:
    """Features of a whole sound.

    Args:
        samples: Mono speech at ``config.sample_rate``, within [-1, 1], level-normalised by
            ``audio.level_gain``; shape (N,).
        config: Window, hop, bands and floor.

    Returns:
        Shape (F, M) with F = ``frame_count(N)``:
        ``(log10(mel power + floor) + 3) / 1.5``, where a full-scale sine has power 1. The floor
        gives -2 exactly; speech lies in [-2, 2].
    """

    def read(first: int, count: int) -> FloatArray:
        return samples[first : first + count]

    frames = frame_count(len(samples), config)
    return log_mel_range(read, len(samples), first_frame=0, frames=frames, config=config)


def log_mel_range(
    read: Callable[[int, int], FloatArray],
    sample_count: int,
    *,
    first_frame: int,
    frames: int,
    config: FeatureConfig,
) -> FloatArray:
    """Features of some frames of a sound, equal to the same rows of ``log_mel`` on the whole.

    Args:
        read: ``read(first, count)`` gives ``count`` samples from ``first`` on; it is asked only
            for samples that exist.
        sample_count: Samples in the sound.
        first_frame: First feature frame wanted.
        frames: How many; frames beyond the sound hear silence.
        config: Window, hop, bands and floor.

    Returns:
        Shape (frames, M).
    """
    out = np.empty((frames, config.mel_bands), np.float32)
    for start in range(0, frames, BLOCK_FRAMES):
        count = min(BLOCK_FRAMES, frames - start)
        begin = (first_frame + start) * config.hop_samples - config.window_samples // 2
        length = (count - 1) * config.hop_samples + config.window_samples
        padded = np.zeros(length, np.float32)
        inside = slice(max(begin, 0), min(begin + length, sample_count))
        if inside.stop > inside.start:
            chunk = read(inside.start, inside.stop - inside.start)
            padded[inside.start - begin : inside.stop - begin] = chunk
        out[start : start + count] = _transform(padded, config)
    return out


def _transform(padded: FloatArray, config: FeatureConfig) -> FloatArray:
    """Samples that start half a window before the first frame to features."""
    window, bank = _window(config), _mel_bank(config)
    frames = np.lib.stride_tricks.sliding_window_view(padded, config.window_samples)
    spectrum = np.fft.rfft(frames[:: config.hop_samples] * window, config.fft_samples)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    decades = np.log10(power @ bank + np.float32(config.floor))
    out: FloatArray = ((decades - LOG_CENTRE) / LOG_SCALE).astype(np.float32)
    return out


@functools.cache
def _window(config: FeatureConfig) -> FloatArray:
    """Periodic Hann window, scaled so that a full-scale sine has power 1 in its own bin."""
    phase = 2 * np.pi * np.arange(config.window_samples) / config.window_samples
    window = 0.5 - 0.5 * np.cos(phase)
    scaled: FloatArray = (window / (window.sum() / 2)).astype(np.float32)
    return scaled


@functools.cache
def _mel_bank(config: FeatureConfig) -> FloatArray:
    """Triangles of height 1, equally spaced on the HTK mel scale; shape (fft / 2 + 1, M)."""
    low, high = (_mel(hz) for hz in (config.low_hz, config.high_hz))
    mels = np.linspace(low, high, config.mel_bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    bins = np.arange(config.fft_samples // 2 + 1) * config.sample_rate / config.fft_samples
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    bank: FloatArray = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return bank


def _mel(hz: float) -> float:
    return 2595 * math.log10(1 + hz / 700)
