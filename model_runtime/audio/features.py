"""Compute log-mel spectra, the input of the networks. numpy only; shared with training.

Frame i covers ``window_samples`` samples centred on sample ``i * hop_samples``. The clip is padded
with zeros at both ends, not reflected, so that a frame depends on its own window alone: any range
of frames can be computed from the samples under it, and windowed inference equals the whole.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ..arrays import DoubleArray, FloatArray
from ..config import FeatureConfig

ReadSamples: TypeAlias = Callable[[int, int], FloatArray]
"""``read(first, count)`` returns samples of a clip; called only for samples that exist."""

LOG_CENTRE = -3.0
"""Decades of mel power mapped to 0: halfway from the floor (1e-6) to a full-scale sine (1)."""
LOG_SCALE = 1.5
"""Decades in one unit of feature; the floor and full scale become -2 and 2."""
BLOCK_FRAMES = 512
"""Frames transformed at once: their spectra take 1 MB and stay in the cache, which takes 29 ms for
60 s of audio instead of 40 ms (4096 frames)."""


def frame_count(samples: int, config: FeatureConfig) -> int:
    """Return the number of feature frames of a clip: ``2 * ceil(samples / (2 * hop))``.

    Always even, since two feature frames make one model frame; the last model frame may reach
    beyond the clip.

    Args:
        samples: Length of the clip in samples.
        config: Feature settings.
    """
    # Even: two feature frames make a model frame.
    return 2 * math.ceil(samples / (2 * config.hop_samples))


def log_mel(samples: FloatArray, config: FeatureConfig) -> FloatArray:
    """Return the features of a whole clip.

    Args:
        samples: Mono speech at ``config.sample_rate``, brought to the level of speech by
            ``audio.level.level_gain``; shape (N,).
        config: Feature settings.

    Returns:
        Shape (F, M) with F = ``frame_count(N)``:
        ``(log10(mel power + floor) + 3) / 1.5``, where a full-scale sine has power 1. The floor
        gives exactly -2; speech is in [-2, 2].
    """

    def read(first: int, count: int) -> FloatArray:
        return samples[first : first + count]

    # The same function for a whole clip and for a window: results cannot differ.
    frames = frame_count(len(samples), config)
    return log_mel_range(read, len(samples), first_frame=0, frames=frames, config=config)


def log_mel_range(
    read: ReadSamples,
    sample_count: int,
    *,
    first_frame: int,
    frames: int,
    config: FeatureConfig,
) -> FloatArray:
    """Return the features of some frames, equal to the same rows of ``log_mel`` on the whole clip.

    Args:
        read: Levelled samples at ``config.sample_rate``.
        sample_count: Length of the clip in samples.
        first_frame: First feature frame.
        frames: Number of feature frames; frames beyond the clip see silence.
        config: Feature settings.

    Returns:
        Shape (frames, M).
    """
    out = np.empty((frames, config.mel_bands), np.float32)
    for start in range(0, frames, BLOCK_FRAMES):
        count = min(BLOCK_FRAMES, frames - start)
        # Half a window before the first frame: frames are centred.
        begin = (first_frame + start) * config.hop_samples - config.window_samples // 2
        length = (count - 1) * config.hop_samples + config.window_samples
        # Zeros beyond the clip, not reflections: see the module docstring.
        padded = np.zeros(length, np.float32)
        inside = slice(max(begin, 0), min(begin + length, sample_count))
        if inside.stop > inside.start:
            chunk = read(inside.start, inside.stop - inside.start)
            padded[inside.start - begin : inside.stop - begin] = chunk
        out[start : start + count] = _transform(padded, config)
    return out


def _transform(padded: FloatArray, config: FeatureConfig) -> FloatArray:
    """Transform samples that start half a window before the first frame."""
    window, bank = _window(config), _mel_bank(config)
    frames = np.lib.stride_tricks.sliding_window_view(padded, config.window_samples)
    # 512 points for 400 samples: zero padding changes no information and the FFT is faster.
    spectrum = np.fft.rfft(frames[:: config.hop_samples] * window, config.fft_samples)
    # float32 from here: the product with the bank is the expensive step.
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    decades = np.log10(power @ bank + np.float32(config.floor))
    out: FloatArray = ((decades - LOG_CENTRE) / LOG_SCALE).astype(np.float32)
    return out


def mel_centres_hz(config: FeatureConfig) -> DoubleArray:
    """Return the frequency at the top of each mel band's triangle, ascending, shape (M,)."""
    return _band_edges_hz(config)[1:-1]


@functools.cache
def _window(config: FeatureConfig) -> FloatArray:
    """Return a periodic Hann window; a full-scale sine has power 1 in its own bin."""
    # Periodic: divided by N, not N - 1.
    phase = 2 * np.pi * np.arange(config.window_samples) / config.window_samples
    window = 0.5 - 0.5 * np.cos(phase)
    scaled: FloatArray = (window / (window.sum() / 2)).astype(np.float32)
    return scaled


@functools.cache
def _mel_bank(config: FeatureConfig) -> FloatArray:
    """Return triangles of height 1, evenly spaced on the HTK mel scale; (fft / 2 + 1, M)."""
    edges = _band_edges_hz(config)
    bins = np.arange(config.fft_samples // 2 + 1) * config.sample_rate / config.fft_samples
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    # Height 1, not area 1 as in Slaney's filters.
    bank: FloatArray = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return bank


def _band_edges_hz(config: FeatureConfig) -> DoubleArray:
    low, high = (_mel(hz) for hz in (config.low_hz, config.high_hz))
    edges: DoubleArray = 700 * (10 ** (np.linspace(low, high, config.mel_bands + 2) / 2595) - 1)
    return edges


def _mel(hz: float) -> float:
    return 2595 * math.log10(1 + hz / 700)
