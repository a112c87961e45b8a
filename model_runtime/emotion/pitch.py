"""Track the pitch of a voice by autocorrelation at the model's frame rate. numpy only.

Method of Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound": the autocorrelation of a windowed frame, divided by
that of the window, peaks at the period, and the height of the peak is the periodic share of the
power. Frame k is centred on k / 50 s.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from ..arrays import FloatArray

SAMPLE_RATE = 16_000
FRAME_RATE = 50.0
LOWEST_HZ, HIGHEST_HZ = 65.0, 500.0
"""Range from a deep male voice to an excited child."""
REFERENCE_HZ = 100.0
"""Semitone 0."""
OCTAVE_COST = 0.02
"""Subtracted from the height of a peak per octave below the highest pitch: among equal peaks, the
shortest period is the correct one."""

# Pitch needs no high frequencies; half the sample rate halves the work.
_RATE = SAMPLE_RATE // 2
_HOP = int(_RATE / FRAME_RATE)
_WINDOW = 384  # samples, 48 ms: three periods of the lowest pitch
_FFT = 1024
_FIRST_LAG = int(_RATE / HIGHEST_HZ)
_LAST_LAG = math.ceil(_RATE / LOWEST_HZ)
_BLOCK = 4096  # frames at once: bounds the spectra in memory to 34 MB


def pitch_track(
    samples: FloatArray, frames: int, *, every: int = 1
) -> tuple[FloatArray, FloatArray]:
    """Return pitch and periodicity of each frame.

    Args:
        samples: Mono at 16 kHz, shape (N,).
        frames: Number of frames; the clip is padded with silence.
        every: Analyse one frame in ``every``, which divides the cost by as much.

    Returns:
        Semitones above 100 Hz, and the periodic share of the power in [0, 1] (0 in silence); each
        of shape (ceil(frames / every),). Pitch is meaningless where the share is low.
    """
    half = np.zeros(frames * _HOP + _WINDOW, np.float32)
    # Pairs of samples are averaged: a crude low pass is enough below 500 Hz.
    pairs = samples[: len(samples) // 2 * 2].reshape(-1, 2).mean(1)[: len(half) - _WINDOW // 2]
    half[_WINDOW // 2 : _WINDOW // 2 + len(pairs)] = pairs
    # A view: frames overlap.
    cut = np.lib.stride_tricks.sliding_window_view(half, _WINDOW)[:: _HOP * every]
    count = math.ceil(frames / every)
    semitones = np.zeros(count, np.float32)
    strength = np.zeros(count, np.float32)
    for first in range(0, count, _BLOCK):
        part = slice(first, min(first + _BLOCK, count))
        semitones[part], strength[part] = _best_periods(_autocorrelation(cut[part]))
    return semitones, strength


def _autocorrelation(cut: FloatArray) -> FloatArray:
    """Return the autocorrelation, 1 at lag 0, corrected for the window; (frames, lags)."""
    window, own = _window()
    # Without its mean: an offset would look like a long period.
    spectrum = np.fft.rfft((cut - cut.mean(1, keepdims=True)) * window, _FFT)
    power = spectrum.real**2 + spectrum.imag**2
    lags = np.fft.irfft(power)[:, : _LAST_LAG + 2]
    # Divided by the window's own autocorrelation (Boersma 1993), or long periods would look weaker.
    out: FloatArray = (lags / (lags[:, :1] + 1e-6) / own).astype(np.float32)
    return out


def _best_periods(lags: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return semitones and height of the best peak of each frame."""
    inner = lags[:, _FIRST_LAG : _LAST_LAG + 1]
    before, after = lags[:, _FIRST_LAG - 1 : _LAST_LAG], lags[:, _FIRST_LAG + 1 : _LAST_LAG + 2]
    cost = OCTAVE_COST * np.log2(np.arange(_FIRST_LAG, _LAST_LAG + 1) / _FIRST_LAG)
    # Only peaks: the slope at the first lag is higher than any of them.
    score = np.where((inner >= before) & (inner > after), inner - cost, 0)
    best = score.argmax(1)
    rows = np.arange(len(best))
    left, top, right = before[rows, best], inner[rows, best], after[rows, best]
    bend = np.minimum(
        left - 2 * top + right, -1e-6
    )  # curvature of the parabola through the three points
    # Half a sample at most: the parabola is trusted between its points only.
    lag = best + _FIRST_LAG + np.clip(0.5 * (left - right) / bend, -0.5, 0.5)
    semitones = (12 * np.log2(_RATE / lag / REFERENCE_HZ)).astype(np.float32)
    found = score[rows, best] > 0
    return semitones, np.where(found, np.clip(top, 0, 1), 0).astype(np.float32)


@functools.cache
def _window() -> tuple[FloatArray, FloatArray]:
    """Return a Hann window and its autocorrelation up to the last lag, 1 at lag 0."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, _FFT)) ** 2)[: _LAST_LAG + 2]
    return window.astype(np.float32), (own / own[0]).astype(np.float32)
