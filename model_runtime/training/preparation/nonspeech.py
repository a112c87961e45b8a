"""Synthesise non-speech for training: noise, hum, music, clatter. The mouth stays still."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.signal import lfilter

from ...arrays import FloatArray

SAMPLE_RATE = 16_000
Maker = Callable[[np.random.Generator, int], np.ndarray]


def coloured_noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return noise of a random spectral slope (white to -6 dB per octave) with a slow envelope."""
    noise = lfilter([1], [1, -rng.uniform(0, 0.98)], rng.standard_normal(count))
    swell = np.interp(np.arange(count), np.linspace(0, count, 12), rng.uniform(0.2, 1, 12))
    return np.asarray(noise * swell)


def hum(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return mains or machine hum with harmonics over a noise floor."""
    times = np.arange(count) / SAMPLE_RATE
    base = rng.choice([50.0, 60.0, rng.uniform(30, 300)])
    tones = sum(rng.uniform(0, 1) / k * np.sin(2 * np.pi * base * k * times) for k in range(1, 12))
    return np.asarray(tones + 0.05 * rng.standard_normal(count))


def music(rng: np.random.Generator, count: int) -> np.ndarray:
    """Chords and a melody of decaying harmonic tones with a beat: no voice in it."""
    out = np.zeros(count)
    beat = int(SAMPLE_RATE * rng.uniform(0.25, 0.6))
    scale = 220 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12) * rng.uniform(0.5, 2)
    for start in range(0, count, beat):
        notes = rng.choice(scale, size=rng.integers(1, 5))
        length = min(int(beat * rng.uniform(0.8, 3)), count - start)
        times = np.arange(length) / SAMPLE_RATE
        decay = np.exp(-times * rng.uniform(1, 8)) * np.minimum(1, times / 0.01)
        for note in notes:
            for k in range(1, int(rng.integers(3, 9))):
                out[start : start + length] += decay * np.sin(2 * np.pi * note * k * times) / k**1.3
        if rng.random() < 0.6:  # a drum
            hit = min(int(0.08 * SAMPLE_RATE), count - start)
            out[start : start + hit] += 2 * rng.standard_normal(hit) * np.exp(-np.arange(hit) / 250)
    return out


def clatter(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return knocks and rings of metal and glass at random times over noise of running water."""
    out = 0.05 * rng.uniform(0, 1) * rng.standard_normal(count)
    for start in rng.integers(0, count, size=int(count / SAMPLE_RATE * rng.uniform(0.5, 9))):
        length = min(int(rng.uniform(0.02, 0.6) * SAMPLE_RATE), count - int(start))
        times = np.arange(length) / SAMPLE_RATE
        ring = np.zeros(length)
        for tone in rng.uniform(300, 6000, size=int(rng.integers(2, 7))):
            ring += np.sin(2 * np.pi * tone * times) * np.exp(-times * rng.uniform(8, 80))
        ring[: min(length, 80)] += 2 * rng.standard_normal(min(length, 80))
        out[start : start + length] += rng.uniform(0.2, 1.5) * ring
    return out


MAKERS: dict[str, Maker] = {"noise": coloured_noise, "hum": hum, "music": music, "clatter": clatter}


def nonspeech_clips(
    seed: int, count: int, *, duration_s: float = 6.0
) -> Iterator[tuple[str, FloatArray]]:
    """``count`` named clips of mono sound at 16 kHz, peak 0.5 at most, fixed by the seed."""
    kinds = list(MAKERS)
    for index in range(count):
        kind = kinds[index % len(kinds)]
        rng = np.random.default_rng([seed, index])
        sound = MAKERS[kind](rng, int(duration_s * SAMPLE_RATE))
        loudness = 0.5 * 10 ** (-rng.uniform(0, 40) / 20)
        yield f"{kind}_{index:04d}", (loudness * sound / np.abs(sound).max()).astype(np.float32)
