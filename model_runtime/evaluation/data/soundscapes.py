"""Synthesise everyday sounds without speech: rain, traffic, typing, breath, applause, birds, bells.

None of them shares code or parameters with the sounds that training makes. numpy only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from ...arrays import DoubleArray

Make: TypeAlias = Callable[[np.random.Generator, int, int], DoubleArray]


def _near_silence(random: np.random.Generator, count: int, rate: int) -> DoubleArray:
    """Return the hum of mains over noise, the room tone of a bad microphone, shape (count,)."""
    times = np.arange(count) / rate
    hum = sum(np.sin(2 * np.pi * 50 * k * times) / k for k in (1, 2, 3, 5))
    return np.asarray(random.standard_normal(count) + 0.5 * hum)


def _rain(random: np.random.Generator, count: int, rate: int) -> DoubleArray:
    """Return drops on a window in front of a steady hiss, shape (count,)."""
    samples = _band(random.standard_normal(count), rate, 1000, 7000)
    for start in random.integers(0, count - rate // 20, size=round(60 * count / rate)):
        length = int(random.integers(rate // 200, rate // 40))
        times = np.arange(length) / rate
        drop = np.sin(2 * np.pi * random.uniform(1500, 5000) * times) * np.exp(-times * 300)
        samples[start : start + length] += random.uniform(1, 8) * drop
    return samples


def _traffic(random: np.random.Generator, count: int, rate: int) -> DoubleArray:
    """Return cars that pass by: low noise that swells and fades, shape (count,)."""
    samples = 0.1 * _band(random.standard_normal(count), rate, 30, 400)
    times = np.arange(count) / rate
    for moment in random.uniform(0, count / rate, size=max(1, round(count / rate / 2))):
        swell = np.exp(-(((times - moment) / random.uniform(0.4, 1.2)) ** 2))
        samples += swell * _band(random.standard_normal(count), rate, 60, 1500)
    return samples


def _typing(random: np.random.Generator, count: int, rate: int) -> DoubleArray:
    """Return key strokes, each a click down and a softer one up, shape (count,)."""
    samples = 0.01 * random.standard_normal(count)
    at_s = 0.1
    while at_s < count / rate - 0.3:
        for delay_s, level in ((0.0, 1.0), (random.uniform(0.06, 0.12), 0.4)):
            start, length = round((at_s + delay_s) * rate), rate // 50
            click = random.standard_normal(length) * np.exp(-np.arange(length) / (0.002 * rate))
            samples[start : start + length] += level * random.uniform(0.6, 1.2) * click
        # Gaps of typing are never regular; a gamma distribution has no negative ones.
        at_s += float(random.gamma(4, 0.045))
    return samples


def _breath(random: np.random.Generator, count: int, rate: int) -> DoubleArray:
    """Return heavy breathing: noise of two colours in turn, a breath every 3 s, shape (count,)."""
    times = np.arange(count) / rate
    inward = np.clip(np.sin(2 * np.pi * times / 3), 0, None) ** 0.7
    outward = np.clip(-np.sin(2 * np.pi * times / 3), 0, None) ** 0.7
    noise = random.standard_normal(count)
    sharp, soft = _band(noise, rate, 800, 4500), _band(noise, rate, 250, 1800)
    return np.asarray(inward * sharp + 0.8 * outward * soft)


def _applause(random: np.random.Generator, count: int, rate: int) -> DoubleArray:
    """Return many hands that clap at their own pace, shape (count,)."""
    # A second more, so that a clap at the end needs no cut.
    samples = np.zeros(count + rate)
    for _hand in range(40):
        pace_s, at_s = random.uniform(0.2, 0.35), random.uniform(0, 0.35)
        low = random.uniform(600, 1500)
        length = round(0.03 * rate)
        decay = np.exp(-np.arange(length) / (0.004 * rate))
        clap = _band(random.standard_normal(length), rate, low, low * 2.5) * decay
        while at_s < count / rate:
            start = round(at_s * rate)
            samples[start : start + length] += clap
            at_s += pace_s * random.uniform(0.9, 1.1)
    return samples[:count]


def _birds(random: np.random.Generator, count: int, rate: int) -> DoubleArray:
    """Return chirps that glide in pitch over the noise of leaves, shape (count,)."""
    samples = 0.05 * _band(random.standard_normal(count), rate, 300, 3000)
    for start in random.integers(0, count - rate // 2, size=round(3 * count / rate)):
        length = int(random.integers(rate // 25, rate // 5))
        times = np.arange(length) / rate
        first, last = random.uniform(2000, 6000, size=2)
        # Phase is the integral of the pitch, or a glide would jump.
        phase = 2 * np.pi * np.cumsum(np.linspace(first, last, length)) / rate
        samples[start : start + length] += np.sin(phase) * np.sin(np.pi * times / times[-1])
    return samples


def _telephone(random: np.random.Generator, count: int, rate: int) -> DoubleArray:
    """Return a bell that rings for 1 s in every 2 s, two tones that tremble, shape (count,)."""
    times = np.arange(count) / rate
    tones = np.sin(2 * np.pi * 1180 * times) + np.sin(2 * np.pi * 1420 * times)
    tremble = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * 20 * times))
    return np.asarray(tones * tremble * (times % 2 < 1) + 0.01 * random.standard_normal(count))


def _strings(random: np.random.Generator, count: int, rate: int) -> DoubleArray:
    """Return a slow melody with vibrato, as of a violin in the range of a voice, shape (count,)."""
    samples = np.zeros(count)
    length = round(0.7 * rate)
    times = np.arange(length) / rate
    envelope = np.minimum(1, times / 0.08) * np.minimum(1, (times[-1] - times) / 0.08)
    for start in range(0, count - length + 1, length):
        # 196 Hz is the g of a violin, in the range of a woman's voice.
        pitch = 196.0 * 2 ** (random.integers(0, 13) / 12)
        phase = 2 * np.pi * pitch * (times + 0.0015 * np.sin(2 * np.pi * 5.5 * times))
        tone = sum(np.sin(k * phase) / k for k in range(1, 12))
        samples[start : start + length] += envelope * tone
    return samples


KINDS: Final[dict[str, Make]] = {
    "near silence": _near_silence,
    "rain": _rain,
    "traffic": _traffic,
    "typing": _typing,
    "breath": _breath,
    "applause": _applause,
    "birds": _birds,
    "telephone": _telephone,
    "strings": _strings,
}
"""Random generator, number of samples and sample rate to samples of any level, shape (count,)."""


def _band(samples: DoubleArray, rate: int, low_hz: float, high_hz: float) -> DoubleArray:
    """Keep a band of frequencies, at unit RMS."""
    spectrum = np.fft.rfft(samples)
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate)
    # A rectangle in frequency rings, which does not matter for noise.
    spectrum[(frequencies < low_hz) | (frequencies > high_hz)] = 0
    kept = np.fft.irfft(spectrum, len(samples))
    return np.asarray(kept / max(float(np.sqrt(np.mean(kept**2))), 1e-12))
