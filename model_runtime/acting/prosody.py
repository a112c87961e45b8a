"""Measure loudness, pitch, stress and phrases of a recording at the model's frame rate. numpy only.

Read block by block, so an hour of speech needs a few megabytes. Frame k is centred on k / 50 s.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..emotion.pitch import FRAME_RATE, SAMPLE_RATE, pitch_track

Array = NDArray[np.float64]

HOP = int(SAMPLE_RATE / FRAME_RATE)
BLOCK_FRAMES = 3000
"""Frames measured at once: one minute, 3.8 MB of samples."""
QUIET_DB = -70.0
"""dB of full scale under which nothing is speech, whatever the loudest frames are."""
SPEECH_RANGE_DB = 28.0
"""dB below the 95th percentile that still count as speech; the value of ``training.prosody``."""
JOINED_S = 0.25
"""Pauses shorter than this do not end a phrase: stop closures last up to 0.2 s."""
SHORTEST_PHRASE_S = 0.12
STRESS_SPREAD_S = 0.09
"""Standard deviation of the smoothing of stress, about half a stressed syllable."""
STRESS_GAIN = 1.5
"""Brings the peaks that the smoothing lowers back to about 1."""
STRESS_GAP_S = 0.28
"""Stressed syllables come 2 to 4 times a second (Dauer 1983), not closer than this."""
LEAST_STRESS = 0.3
"""Height of a peak that counts: about one a second of speech in ``film_pd``."""
PITCH_EVERY = 3
"""Frames from one measured pitch to the next, 60 ms: it is smoothed over 80 ms anyway, and pitch
is nearly all of the cost."""
VOICED = 0.5
"""Periodic share of the power from which a pitch is trusted (``emotion.pitch``)."""


@dataclasses.dataclass(frozen=True)
class Phrase:
    """A stretch of speech between two pauses, in seconds of the clip."""

    start_s: float
    end_s: float


@dataclasses.dataclass(frozen=True)
class Stress:
    """A stressed syllable: when, and how strong from 0 to 1."""

    time_s: float
    strength: float


@dataclasses.dataclass(frozen=True)
class Prosody:
    """Cues of a clip; the arrays have shape (T,) at 50 Hz."""

    loudness: Array
    """Standard deviations from the mean of the clip's speech, within [-2.5, 2.5]."""
    pitch: Array
    """Standard deviations from the clip's mean pitch, smooth, 0 where unvoiced for long."""
    activity: Array
    """1 in speech, 0 in pauses, smooth over 0.2 s."""
    phrases: tuple[Phrase, ...]
    stresses: tuple[Stress, ...]

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return len(self.loudness)


def measure_prosody(
    read: Callable[[int, int], NDArray[np.float32]], sample_count: int, frames: int
) -> Prosody:
    """Measure the cues of a clip.

    Args:
        read: ``read(first, count)`` returns samples at 16 kHz, mono; asked only for existing ones.
        sample_count: Samples of the clip.
        frames: Frames wanted at 50 Hz; frames beyond the clip are silent.

    Returns:
        The cues. A clip without speech has no phrases, no stresses and zero activity.
    """
    level_db, semitones, voiced = _frame_values(read, sample_count, frames)
    speech = _speech(level_db)
    if not speech.any():
        still = np.zeros(frames)
        return Prosody(still - 2.5, still, still, (), ())
    loudness = _standardised(level_db, speech, least_spread=3.0, limit=2.5)
    pitch = _pitch(semitones, speech & (voiced > VOICED) & (loudness > -0.8))
    phrases = _phrases(speech)
    raw = np.clip(0.6 * loudness + 0.5 * pitch - 0.35, 0, 2) * speech
    emphasis = STRESS_GAIN * smooth(raw, STRESS_SPREAD_S)
    activity = np.clip(smooth(_filled(speech, phrases), 0.1), 0, 1)
    return Prosody(loudness, pitch, activity, phrases, _stresses(emphasis, phrases))


def smooth(values: Array, spread_s: float) -> Array:
    """Smooth values at 50 Hz with a Gaussian of standard deviation ``spread_s`` (seconds)."""
    spread = spread_s * FRAME_RATE
    reach = max(1, round(3 * spread))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / spread) ** 2)
    padded = np.pad(np.asarray(values, float), reach, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")


def _frame_values(
    read: Callable[[int, int], NDArray[np.float32]], sample_count: int, frames: int
) -> tuple[Array, Array, Array]:
    """Level in dB, semitones and periodic share of each frame."""
    level, semitones, voiced = np.full(frames, -100.0), np.zeros(frames), np.zeros(frames)
    for first in range(0, frames, BLOCK_FRAMES):
        count = min(BLOCK_FRAMES, frames - first)
        begin, stop = first * HOP, min(sample_count, (first + count + 1) * HOP)
        if stop <= begin:
            break
        samples = read(begin, stop - begin)
        part = slice(first, first + count)
        level[part] = _level_db(samples, count)
        coarse, share = pitch_track(samples, count, every=PITCH_EVERY)
        semitones[part] = np.repeat(coarse, PITCH_EVERY)[:count]
        voiced[part] = np.repeat(share, PITCH_EVERY)[:count]
    return level, semitones, voiced


def _level_db(samples: NDArray[np.float32], frames: int) -> Array:
    """Mean power of 40 ms from each frame on, in dB of full scale."""
    padded = np.zeros((frames + 1) * HOP)
    padded[: len(samples)] = samples[: len(padded)]
    hops = (padded**2).reshape(frames + 1, HOP).mean(1)
    decibels: Array = 10 * np.log10(0.5 * (hops[:-1] + hops[1:]) + 1e-10)
    return decibels


def _speech(level_db: Array) -> NDArray[np.bool_]:
    if not len(level_db):
        return np.zeros(0, bool)
    loud: NDArray[np.bool_] = level_db > np.percentile(level_db, 95) - SPEECH_RANGE_DB
    return loud & (level_db > QUIET_DB)


def _standardised(
    values: Array, where: NDArray[np.bool_], *, least_spread: float, limit: float
) -> Array:
    chosen = values[where]
    spread = max(float(chosen.std()), least_spread)
    standardised: Array = np.clip((values - chosen.mean()) / spread, -limit, limit)
    return standardised


def _pitch(semitones: Array, voiced: NDArray[np.bool_]) -> Array:
    if voiced.sum() < 10:  # 0.2 s: too little to know a speaker's mean
        return np.zeros(len(semitones))
    centred = np.clip(semitones - np.median(semitones[voiced]), -9, 9)
    spread = max(float(centred[voiced].std()), 1.0)
    weight = smooth(voiced.astype(float), 0.08)
    return np.clip(smooth(centred * voiced, 0.08) / (weight + 0.15) / spread, -2, 2)


def _phrases(speech: NDArray[np.bool_]) -> tuple[Phrase, ...]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], speech.astype(int), [0]])))
    joined: list[list[int]] = []
    for start, stop in edges.reshape(-1, 2).tolist():
        if joined and start - joined[-1][1] < JOINED_S * FRAME_RATE:
            joined[-1][1] = stop
        else:
            joined.append([start, stop])
    return tuple(
        Phrase(start / FRAME_RATE, stop / FRAME_RATE)
        for start, stop in joined
        if stop - start >= SHORTEST_PHRASE_S * FRAME_RATE
    )


def _filled(speech: NDArray[np.bool_], phrases: tuple[Phrase, ...]) -> Array:
    """1 within phrases, their short pauses included."""
    filled = np.zeros(len(speech))
    for phrase in phrases:
        filled[round(phrase.start_s * FRAME_RATE) : round(phrase.end_s * FRAME_RATE)] = 1
    return filled


def _stresses(emphasis: Array, phrases: tuple[Phrase, ...]) -> tuple[Stress, ...]:
    """Peaks of the emphasis, the highest first within ``STRESS_GAP_S``; one a phrase at least."""
    inner = emphasis[1:-1]
    is_peak = (inner >= emphasis[:-2]) & (inner > emphasis[2:]) & (inner > LEAST_STRESS)
    peaks = np.flatnonzero(is_peak) + 1
    kept: list[int] = []
    for frame in peaks[np.argsort(-emphasis[peaks], kind="stable")].tolist():
        if all(abs(frame - other) >= STRESS_GAP_S * FRAME_RATE for other in kept):
            kept.append(frame)
    for phrase in phrases:
        first, stop = round(phrase.start_s * FRAME_RATE), round(phrase.end_s * FRAME_RATE)
        if stop > first and not any(first <= frame < stop for frame in kept):
            kept.append(first + int(emphasis[first:stop].argmax()))
    return tuple(
        Stress(frame / FRAME_RATE, float(np.clip(emphasis[frame], 0.2, 1.0)))
        for frame in sorted(set(kept))
    )
