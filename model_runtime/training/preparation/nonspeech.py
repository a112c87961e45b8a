"""Synthesise non-speech for training: noise, music, animals, streets, breath."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

from ...arrays import FloatArray

SAMPLE_RATE = 16_000
Maker = Callable[[np.random.Generator, int], np.ndarray]
"""Returns so many samples (second argument) of a sound at any level, drawn from the generator."""


def coloured_noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return noise of a random spectral slope (white to -6 dB per octave) with a slow envelope."""
    # A one-pole filter: 0 is white, .98 falls by 6 dB an octave above 50 Hz.
    noise = lfilter([1], [1, -rng.uniform(0, 0.98)], rng.standard_normal(count))
    swell = np.interp(np.arange(count), np.linspace(0, count, 12), rng.uniform(0.2, 1, 12))
    return np.asarray(noise * swell)


def hum(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return mains or machine hum with harmonics over a noise floor."""
    times = np.arange(count) / SAMPLE_RATE
    # Mains of Europe and America, or any machine.
    base = rng.choice([50.0, 60.0, rng.uniform(30, 300)])
    # Harmonics fall with their number: a buzz, not a train of clicks.
    tones = sum(rng.uniform(0, 1) / k * np.sin(2 * np.pi * base * k * times) for k in range(1, 12))
    return np.asarray(tones + 0.05 * rng.standard_normal(count))


def music(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return chords and a melody of decaying harmonic tones with a beat, without a voice."""
    out = np.zeros(count)
    beat = int(SAMPLE_RATE * rng.uniform(0.25, 0.6))
    # A major scale; the factor moves it by an octave either way.
    scale = 220 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12) * rng.uniform(0.5, 2)
    for start in range(0, count, beat):
        notes = rng.choice(scale, size=rng.integers(1, 5))
        length = min(int(beat * rng.uniform(0.8, 3)), count - start)
        times = np.arange(length) / SAMPLE_RATE
        # 10 ms of attack: without it every note would begin with a click.
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
        # A strike begins with 5 ms of noise.
        ring[: min(length, 80)] += 2 * rng.standard_normal(min(length, 80))
        out[start : start + length] += rng.uniform(0.2, 1.5) * ring
    return out


def chirps(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return birdsong: phrases of short gliding tones above 1.5 kHz over a quiet garden."""
    out = 0.01 * rng.uniform(0, 1) * rng.standard_normal(count)
    position = 0
    while position < count:
        # A phrase repeats one syllable, as songbirds do; syllables are 40 to 300 ms long.
        low, high = np.sort(rng.uniform(1500, 7500, size=2))
        length = int(rng.uniform(0.04, 0.3) * SAMPLE_RATE)
        gap = int(rng.uniform(0.02, 0.2) * SAMPLE_RATE)
        wobble, rate = rng.uniform(0, 0.15), rng.uniform(8, 60)
        for _ in range(int(rng.integers(1, 9))):
            room = min(length, count - position)
            if room <= 0:
                # Phrases are cut at the end of the clip.
                break
            shape = np.linspace(0, 1, length)[:room]
            glide = low + (high - low) * (shape if rng.random() < 0.5 else 1 - shape)
            tone = glide * (1 + wobble * np.sin(2 * np.pi * rate * np.arange(room) / SAMPLE_RATE))
            # Phase is the sum of frequency: a glide written as sin(f(t) t) would bend twice as far.
            phase = 2 * np.pi * np.cumsum(tone) / SAMPLE_RATE
            out[position : position + room] += np.sin(np.pi * shape) ** 2 * np.sin(phase)
            position += length + gap
        position += int(rng.uniform(0.1, 1.5) * SAMPLE_RATE)
    return out


def traffic(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return a street: engines and tyres that swell as they pass, now and then a horn."""
    out = 0.05 * _band_noise(rng, count, 40, 1500)
    times = np.arange(count) / SAMPLE_RATE
    for _ in range(int(rng.integers(1, 5))):
        middle, width = rng.uniform(0, count / SAMPLE_RATE), rng.uniform(0.4, 2.5)
        # Loudness of a passing source: a bell over time.
        pass_by = np.exp(-(((times - middle) / width) ** 2))
        # Doppler: the engine falls by some per cent as the car passes.
        pitch = rng.uniform(25, 140) * (1 - 0.06 * np.tanh((times - middle) / width))
        phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
        engine = sum(rng.uniform(0.2, 1) / k * np.sin(k * phase) for k in range(1, 14))
        tyres = _band_noise(rng, count, 300, rng.uniform(1500, 5000))
        out += pass_by * (rng.uniform(0.1, 0.6) * np.asarray(engine) + rng.uniform(0.2, 1) * tyres)
    if rng.random() < 0.3:
        out += _calls(rng, count, pitch=(300, 700), length_s=(0.15, 0.8), bend=0.0)
    return out


def animals(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return barks, mews and crows: harmonic bursts with a bend in pitch."""
    out = _calls(rng, count, pitch=(150, 1200), length_s=(0.08, 0.7), bend=0.5)
    return out + 0.02 * rng.uniform(0, 1) * rng.standard_normal(count)


def breath(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return breaths and wind: band noise that rises and falls over 0.3 to 2 s."""
    out = np.zeros(count)
    position = 0
    while position < count:
        length = int(rng.uniform(0.3, 2) * SAMPLE_RATE)
        low = rng.uniform(150, 900)
        gust = _band_noise(rng, length, low, low * rng.uniform(3, 8))
        room = min(length, count - position)
        # A window over the whole gust: breath has no edge.
        out[position : position + room] += (gust * np.hanning(length))[:room] * rng.uniform(0.2, 1)
        position += int(length * rng.uniform(0.6, 2))
    return out


def typing(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return keystrokes and footsteps: short clicks and thuds at the pace of a person."""
    out = 0.01 * rng.uniform(0, 1) * rng.standard_normal(count)
    position, pace = 0.0, rng.uniform(0.08, 0.6)
    while position < count / SAMPLE_RATE:
        start = int(position * SAMPLE_RATE)
        length = min(int(rng.uniform(0.01, 0.06) * SAMPLE_RATE), count - start)
        click = _band_noise(rng, max(length, 32), 80, rng.uniform(1500, 7000))[:length]
        # The decay scales with the click's length.
        out[start : start + length] += click * np.exp(-np.arange(length) / (0.2 * length + 1))
        position += pace * rng.uniform(0.5, 2)
    return out


def _band_noise(rng: np.random.Generator, count: int, low: float, high: float) -> np.ndarray:
    # 7.9 kHz: a band edge must lie below half the sample rate. Second-order sections stay stable at
    # low edges.
    sections = butter(2, [low, min(high, 7900.0)], "bandpass", fs=SAMPLE_RATE, output="sos")
    noise = sosfilt(sections, rng.standard_normal(count))
    # Peak 1, so that the callers' weights mean the same for every band.
    return np.asarray(noise / (np.abs(noise).max() + 1e-9))


def _calls(
    rng: np.random.Generator,
    count: int,
    *,
    pitch: tuple[float, float],
    length_s: tuple[float, float],
    bend: float,
) -> np.ndarray:
    """Return harmonic calls at random times; ``bend`` is the largest relative glide in pitch."""
    out = np.zeros(count)
    for start in rng.integers(0, count, size=int(count / SAMPLE_RATE * rng.uniform(0.3, 2))):
        # Cut at the end of the clip, like phrases of birds.
        length = min(int(rng.uniform(*length_s) * SAMPLE_RATE), count - int(start))
        shape = np.linspace(0, 1, length)
        tone = rng.uniform(*pitch) * (1 + rng.uniform(-bend, bend) * np.sin(np.pi * shape))
        phase = 2 * np.pi * np.cumsum(tone) / SAMPLE_RATE
        harmonics = sum(np.sin(k * phase) / k ** rng.uniform(0.5, 2) for k in range(1, 9))
        # Rise and fall by the root of half a sine: quick onset, as calls have.
        out[start : start + length] += np.sqrt(np.sin(np.pi * shape)) * np.asarray(harmonics)
    return out


MAKERS: dict[str, Maker] = {
    "noise": coloured_noise,
    "hum": hum,
    "music": music,
    "clatter": clatter,
    "chirps": chirps,
    "traffic": traffic,
    "animals": animals,
    "breath": breath,
    "typing": typing,
}


def nonspeech_clips(
    seed: int, count: int, *, duration_s: float = 6.0
) -> Iterator[tuple[str, FloatArray]]:
    """Yield named clips of mono sound at 16 kHz with a peak of 0.5 at most.

    Args:
        seed: The same seed gives the same clips.
        count: Number of clips.
        duration_s: Length of each clip in seconds.
    """
    kinds = list(MAKERS)
    for index in range(count):
        # All kinds in turn: each has the same share, whatever the count.
        kind = kinds[index % len(kinds)]
        # Of clip and seed: a longer list begins with the same clips.
        rng = np.random.default_rng([seed, index])
        sound = MAKERS[kind](rng, int(duration_s * SAMPLE_RATE))
        # 0 to -40 dB: loud machines and a room next door.
        loudness = 0.5 * 10 ** (-rng.uniform(0, 40) / 20)
        # Peak before level: makers need not agree on a scale.
        yield f"{kind}_{index:04d}", (loudness * sound / np.abs(sound).max()).astype(np.float32)
