"""Write audio files without speech, made by code. numpy and stdlib only."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from ...arrays import DoubleArray, FloatArray
from . import soundscapes

RATE = 16_000  # Hz
DURATION_S = 6.0
LEVEL_DB = -26.0  # RMS under full scale, that of speech: loud enough to be mistaken for it
SILENCE_DB = -72.0  # RMS of a quiet recording's own noise; digital silence is refused as input
CHORDS_HZ: Final = ((220.0, 277.2, 329.6), (146.8, 220.0, 293.7), (164.8, 246.9, 329.6))
CHORD_S = 0.5
CLATTERS_A_SECOND = 5.0


def write_sounds(folder: Path) -> list[Path]:
    """Write a WAV file of each kind in ``SOUNDS`` and return the paths in that order.

    The same bytes on every machine and every call.
    """
    paths = []
    # The seed is the place in the list: new kinds go to the end.
    for seed, (name, make) in enumerate(SOUNDS.items()):
        samples = make(np.random.default_rng(seed))
        path = folder / f"{name}.wav"
        write_wav(path, samples)
        paths.append(path)
    return paths


def write_wav(path: Path, samples: FloatArray) -> None:
    """Write a 16-bit mono WAV file at ``RATE``.

    Args:
        path: File to write.
        samples: Within [-1, 1], shape (N,).
    """
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        # 32767: -1 and 1 are both representable.
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def silence(random: np.random.Generator) -> FloatArray:
    """Return a quiet room: white noise 72 dB under full scale, shape (N,)."""
    return _levelled(random.standard_normal(_count()), SILENCE_DB)


def pink_noise(random: np.random.Generator) -> FloatArray:
    """Return noise whose power falls by 3 dB an octave, shape (N,)."""
    spectrum = np.fft.rfft(random.standard_normal(_count()))
    frequencies = np.fft.rfftfreq(_count(), 1 / RATE)
    # Power falls as 1 / f, so amplitude as its root; the first bin is 0 Hz.
    spectrum[1:] /= np.sqrt(frequencies[1:])
    spectrum[0] = 0
    return _levelled(np.fft.irfft(spectrum, _count()), LEVEL_DB)


def music(random: np.random.Generator) -> FloatArray:
    """Return plucked chords with overtones and a beat, shape (N,)."""
    samples = np.zeros(_count())
    length = round(CHORD_S * RATE)
    time_s = np.arange(length) / RATE
    # 5 ms of attack: a chord that starts at once would be a click.
    envelope = np.exp(-4 * time_s) * np.minimum(1, time_s / 0.005)
    for number, start in enumerate(range(0, _count() - length + 1, length)):
        for base in CHORDS_HZ[number % len(CHORDS_HZ)]:
            for overtone in range(1, 6):
                phase = random.uniform(0, 2 * np.pi)
                tone = np.sin(2 * np.pi * base * overtone * time_s + phase) / overtone
                samples[start : start + length] += envelope * tone
        drum = random.standard_normal(length) * np.exp(-60 * time_s)
        samples[start : start + length] += drum
    return _levelled(samples, LEVEL_DB)


def kitchen(random: np.random.Generator) -> FloatArray:
    """Return clatter of pans and cutlery over a humming fan, shape (N,)."""
    samples = 0.02 * random.standard_normal(_count())
    samples += 0.02 * np.sin(2 * np.pi * 100 * np.arange(_count()) / RATE)
    for _ in range(round(CLATTERS_A_SECOND * DURATION_S)):
        start = int(random.integers(0, _count() - RATE // 2))
        samples[start : start + RATE // 2] += _clatter(random)
    return _levelled(samples, LEVEL_DB)


NEAR_SILENCE = "near silence"
NEAR_SILENCE_DB = -60.0  # RMS of a bad recording's noise, loud enough to be levelled up


def _soundscape(kind: str) -> Callable[[np.random.Generator], FloatArray]:
    level_db = NEAR_SILENCE_DB if kind == NEAR_SILENCE else LEVEL_DB
    make = soundscapes.KINDS[kind]
    return lambda random: _levelled(make(random, _count(), RATE), level_db)


SOUNDS: Final[dict[str, Callable[[np.random.Generator], FloatArray]]] = {
    "silence": silence,
    "pink noise": pink_noise,
    "music": music,
    "kitchen": kitchen,
    **{kind: _soundscape(kind) for kind in soundscapes.KINDS},
}


def _clatter(random: np.random.Generator) -> DoubleArray:
    """Return a piece of metal that is struck: inharmonic partials that ring out, half a second."""
    # Inharmonic partials tell metal from a voice, which is harmonic.
    time_s = np.arange(RATE // 2) / RATE
    ring = np.zeros(len(time_s))
    for _ in range(6):
        pitch, decay = random.uniform(600, 6500), random.uniform(8, 40)
        ring += np.sin(2 * np.pi * pitch * time_s) * np.exp(-decay * time_s)
    return np.asarray(ring * random.uniform(0.1, 0.5))


def _count() -> int:
    return round(DURATION_S * RATE)


def _levelled(samples: DoubleArray, level_db: float) -> FloatArray:
    rms = float(np.sqrt(np.mean(samples**2)))
    # RMS, not peak: that is what the level gain of the pipeline sees.
    return np.asarray(samples * (10 ** (level_db / 20) / rms), np.float32)
