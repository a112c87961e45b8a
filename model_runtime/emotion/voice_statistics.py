"""Summarise a stretch of voice in statistics, the input of the emotion classifier. numpy only.

The kind that emotion recognition has used since the INTERSPEECH 2009 challenge (Schuller et al.):
means, spreads, percentiles and changes of timbre, pitch and loudness, the rhythm of voiced parts,
pitch contours within them, and correlations.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..arrays import BoolArray, DoubleArray, IntArray, RealArray
from .pitch import FRAME_RATE
from .voice_frames import VoiceFrames, is_speech, is_voiced, loud_level, smooth

STATISTICS = 339
"""Length of the vector that ``statistics`` returns."""
PITCH_AND_LOUDNESS = slice(156, 189)
"""Indices of the plain statistics of pitch and loudness."""
FLOOR_DB = -40.0
"""Loudness is clipped at this level relative to the loud frames: below it is the room."""
MIN_FRAMES = 10
"""Minimum of voiced frames for statistics of a voice."""
SYLLABLE_DB = -18.0
"""Loudness peaks above this count as syllables, dB relative to the loud frames."""
MAX_PITCH_STEP = 4.0
"""Semitones per frame; larger steps are errors of the pitch tracker."""
MIN_RUN = 5
"""Minimum of consecutive voiced frames for a pitch contour: 0.1 s."""
MODULATION_HZ = (0.5, 2.0, 4.0, 8.0, 16.0)
MODULATION_FFT = 512
LOUDEST_PERCENTILE = 70
_PITCH_NUMBERS, _EXCURSION_NUMBERS = 20, 5


def statistics(voice: VoiceFrames) -> DoubleArray:
    """Return the statistics of a stretch, shape (STATISTICS,), finite for any input.

    Silence before the first and after the last speech is ignored. Trained weights depend on the
    order of the statistics.
    """
    loud = loud_level(voice)
    speech = is_speech(voice, loud)
    # Too little speech: statistics of everything are better than none.
    if speech.sum() < MIN_FRAMES:
        speech = np.ones(len(voice), bool)
    inside = np.flatnonzero(speech)
    # Silence at the ends is how the clip was cut, not how it was spoken.
    first, stop = int(inside[0]), int(inside[-1]) + 1
    voice, speech = voice.part(first, stop), speech[first:stop]
    voiced = is_voiced(voice, speech)
    # Without voiced frames the rest of the speech must do.
    core = voiced if voiced.sum() >= MIN_FRAMES else speech
    level = np.maximum(smooth(voice.loudness) - loud, FLOOR_DB)
    # The order is part of the trained weights.
    parts = (
        _timbre(voice, speech, core),
        _pitch(voice, voiced),
        _loudness(level, core),
        _rhythm(level, speech, voiced),
        _loudest(voice, level, core),
        _movement(voice, speech, core),
        _correlations(voice, level, core),
        _contours(voice, voiced),
        _excursions(voice, level, voiced),
        _modulation(voice),
        _decline(voice, level, voiced),
    )
    return np.concatenate(parts).astype(np.float64)


def _timbre(voice: VoiceFrames, speech: BoolArray, core: BoolArray) -> RealArray:
    """Return mean, spread and change of timbre of voiced frames and of all speech."""
    cepstrum, movement = voice.cepstrum, _slope(voice.cepstrum)
    second = _slope(movement)
    # Without the level: loudness has statistics of its own.
    shape = voice.bands - voice.bands.mean(1, keepdims=True)
    unvoiced = speech & ~core
    rest = unvoiced if unvoiced.sum() > 2 else speech
    return np.concatenate(
        [
            *(cepstrum[core].mean(0), cepstrum[core].std(0)),
            *(cepstrum[speech].mean(0), cepstrum[speech].std(0)),
            np.percentile(cepstrum[core], (10, 90), axis=0).ravel(),
            *(movement[speech].std(0), movement[core].std(0), second[speech].std(0)),
            *(shape[core].mean(0), shape[core].std(0), shape[rest].mean(0)),
        ]
    )


def _pitch(voice: VoiceFrames, voiced: BoolArray) -> RealArray:
    """Return height, range, change and steadiness of pitch; zeros without voiced frames."""
    if voiced.sum() < MIN_FRAMES:
        return np.zeros(_PITCH_NUMBERS)
    height, share = voice.pitch[voiced], voice.strength[voiced]
    low, *middle, high = np.percentile(height, (5, 10, 25, 50, 75, 90, 95))
    step = np.diff(voice.pitch)
    # Larger steps are octave errors, not speech.
    step = step[voiced[1:] & voiced[:-1] & (np.abs(step) < MAX_PITCH_STEP)]
    step = step if len(step) > 1 else np.zeros(2, np.float32)
    time = np.flatnonzero(voiced) / FRAME_RATE
    time = time - time.mean()
    # 1e-3: a single frame has no slope.
    drift = float((time * (height - height.mean())).sum() / max((time * time).sum(), 1e-3))
    return np.array(
        [
            *(height.mean(), height.std(), *middle, high - low, drift),
            *(np.abs(step).mean(), step.std(), step.clip(min=0).mean(), step.clip(max=0).mean()),
            *(*np.percentile(step, (10, 90)), np.abs(np.diff(step)).mean()),
            *(share.mean(), share.std(), *np.percentile(share, (10, 90))),
        ]
    )


def _loudness(level: RealArray, core: BoolArray) -> RealArray:
    """Return spread and change of loudness, in dB relative to the loud frames."""
    step = np.diff(level) if len(level) > 1 else np.zeros(1)
    return np.array(
        [
            *(level.mean(), level.std(), *np.percentile(level, (10, 25, 50, 75, 90))),
            *(level[core].mean(), level[core].std()),
            *(np.abs(step).mean(), step.std(), *np.percentile(step, (10, 90))),
        ]
    )


def _rhythm(level: RealArray, speech: BoolArray, voiced: BoolArray) -> RealArray:
    """Return lengths of voiced parts and gaps, syllables per second, share of speech."""
    edges = _edges(voiced)
    lengths = np.diff(edges) / FRAME_RATE
    runs, gaps = lengths[::2], lengths[1::2]
    seconds = len(level) / FRAME_RATE
    inner = level[1:-1]
    # Peaks of loudness stand for syllables.
    peaks = (inner > level[:-2]) & (inner >= level[2:]) & (inner > SYLLABLE_DB)
    return np.array(
        [
            *(len(runs) / seconds, peaks.sum() / seconds, voiced.mean(), speech.mean()),
            *((runs.mean(), runs.std()) if len(runs) else (0, 0)),
            *((gaps.mean(), gaps.std()) if len(gaps) else (0, 0)),
        ]
    )


def _loudest(voice: VoiceFrames, level: RealArray, core: BoolArray) -> RealArray:
    """Return the timbre of the loudest 30 %: stressed vowels."""
    loudest = core & (level >= np.percentile(level[core], LOUDEST_PERCENTILE))
    shape = voice.bands[loudest] - voice.bands[loudest].mean(1, keepdims=True)
    return np.concatenate([shape.mean(0), voice.cepstrum[loudest].mean(0)])


def _movement(voice: VoiceFrames, speech: BoolArray, core: BoolArray) -> RealArray:
    """Return how much each band changes."""
    movement = _slope(voice.bands)
    return np.concatenate([movement[speech].std(0), np.abs(movement[core]).mean(0)])


def _correlations(voice: VoiceFrames, level: RealArray, core: BoolArray) -> RealArray:
    """Return the correlations of pitch, loudness, timbre and periodicity."""
    columns = np.column_stack([voice.pitch, level, voice.cepstrum[:, :4], voice.strength])[core]
    centred = columns - columns.mean(0)
    # 1e-2: a statistic without spread has no correlation.
    spread = np.sqrt((centred**2).mean(0)) + 1e-2
    correlation = centred.T @ centred / len(centred) / np.outer(spread, spread)
    above: RealArray = correlation[np.triu_indices(len(spread), 1)]
    return above


def _contours(voice: VoiceFrames, voiced: BoolArray) -> RealArray:
    """Return slope, bend, range and peak position of pitch within voiced runs."""
    edges = _edges(voiced)
    rows = [np.zeros(4)]
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - first >= MIN_RUN:
            contour = voice.pitch[first:stop]
            # A parabola over -1 to 1: slope and bend do not depend on the length.
            bend, slope, _ = np.polyfit(np.linspace(-1, 1, len(contour)), contour, 2)
            rows.append(np.array([slope, bend, np.ptp(contour), contour.argmax() / len(contour)]))
    table = np.array(rows[1:] or rows)
    return np.concatenate([table.mean(0), table.std(0), table.min(0), table.max(0)])


def _excursions(voice: VoiceFrames, level: RealArray, voiced: BoolArray) -> RealArray:
    """Return range and skew of pitch around its mean; zeros without voiced frames."""
    if voiced.sum() < MIN_FRAMES:
        return np.zeros(_EXCURSION_NUMBERS)
    height = voice.pitch[voiced]
    # Stressed syllables: the louder 30 %.
    stressed = level[voiced] >= np.percentile(level[voiced], LOUDEST_PERCENTILE)
    away = height - height.mean()
    # + 0.5 semitones: monotone voices would have an enormous skew.
    skew = (away**3).mean() / (height.std() + 0.5) ** 3
    middle = np.abs(height - np.median(height)).mean()
    return np.array(
        [height[stressed].mean() - height.mean(), *np.percentile(height, (5, 95)), middle, skew]
    )


def _modulation(voice: VoiceFrames) -> RealArray:
    """Return the modulation spectrum: log power over modulation frequency and band."""
    frames = min(len(voice), MODULATION_FFT)
    bands = voice.bands[:frames] - voice.bands[:frames].mean(0)
    # A window, so that the ends of the stretch do not leak into all frequencies.
    spectrum = np.abs(np.fft.rfft(bands * np.hanning(frames)[:, None], MODULATION_FFT, axis=0)) ** 2
    hertz = np.fft.rfftfreq(MODULATION_FFT, 1 / FRAME_RATE)
    ranges = pairwise(MODULATION_HZ)
    power = [spectrum[(hertz >= low) & (hertz < high)].mean(0) for low, high in ranges]
    logs = np.log(np.array(power) / frames + 1e-4)
    by_range, by_band = logs.mean(1), logs.mean(0)
    # What is left after range and band are taken out is their interaction.
    left = logs - by_range[:, None] - by_band + logs.mean()
    return np.concatenate([by_range, by_band, left.ravel()])


def _decline(voice: VoiceFrames, level: RealArray, voiced: BoolArray) -> RealArray:
    """Return loudness and pitch of the first third relative to the last."""
    third = max(1, len(level) // 3)
    heads, tails = voiced[:third], voiced[-third:]
    fall = 0.0
    if heads.any() and tails.any():
        fall = float(voice.pitch[:third][heads].mean() - voice.pitch[-third:][tails].mean())
    return np.array([level[:third].mean() - level[-third:].mean(), fall])


def _edges(mask: BoolArray) -> IntArray:
    """Return where runs of True begin and end, alternating."""
    framed = np.concatenate([[False], mask, [False]]).astype(np.int8)
    return np.flatnonzero(np.diff(framed))


def _slope(values: RealArray) -> RealArray:
    """Return the change per frame, from two frames on either side; same shape."""
    padded = np.pad(values, ((2, 2), (0, 0)), "edge")
    # Weights -2 to 2 over ten: the least-squares slope over five frames.
    change = padded[3:-1] - padded[1:-3] + 2 * (padded[4:] - padded[:-4])
    out: RealArray = change / np.float32(10)
    return out
