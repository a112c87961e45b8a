"""Equalise the mean spectrum of a recording. numpy only.

Microphone and room shift the long-term spectrum of speech by several decibels in each band, and a
network that was trained on few of them confuses phones in the others. ``equalising_shift`` moves
the mean spectrum of a clip half way to that of the training speech. It is computed once for the
whole clip, so windowed inference still equals inference on the whole.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import FloatArray
from ..config import FeatureConfig
from .features import ReadSamples, log_mel_range

STRENGTH = 0.5
"""Share of the difference that is removed; the rest belongs to the voice and the words."""
HALF_CONFIDENCE_FRAMES = 100
"""Loud frames (10 ms) at which half of ``STRENGTH`` applies: a single vowel has a spectrum of its
own, which says little about the recording."""
LOUD_RANGE = 1.0
"""Loud frames are within this of the 95th percentile of the level; feature units, 15 dB."""
NOISE_FLOOR = -1.6
"""Mean feature of a frame below which it counts as silence: 6 dB over the floor."""
BLOCK_FRAMES = 100
STEP_FRAMES = 10
MAX_BLOCKS = 30
"""Half a minute is enough, taken in blocks of one second spread evenly over the clip."""


def mean_spectrum(features: FloatArray) -> tuple[FloatArray, int]:
    """Return the mean spectrum of the loud frames, with its own mean subtracted.

    Args:
        features: Log-mel features, shape (F, M).

    Returns:
        Shape (M,) in feature units, and the number of loud frames; zeros if there is none.
    """
    level = features.mean(axis=1)
    # Used for an empty clip alone.
    loud = level > 0
    if len(level):
        # The 95th percentile, not the maximum: one click must not set the level.
        loud = level > max(NOISE_FLOOR, float(np.percentile(level, 95)) - LOUD_RANGE)
    count = int(loud.sum())
    if not count:
        return np.zeros(features.shape[1], np.float32), 0
    # float64: 10^5 frames are summed.
    spectrum = features[loud].mean(axis=0, dtype=np.float64)
    # The level belongs to level.py; only the shape is equalised.
    return (spectrum - spectrum.mean()).astype(np.float32), count


def equalising_shift(
    read: ReadSamples,
    sample_count: int,
    reference: FloatArray,
    config: FeatureConfig,
    has_speech: Callable[[int, int], bool] = lambda _first, _stop: True,
) -> FloatArray:
    """Return what to add to each log-mel frame of a clip.

    Args:
        read: Levelled samples, as ``features.log_mel_range`` takes them.
        sample_count: Number of samples in the clip.
        reference: Mean spectrum of the training speech, shape (M,), feature units
            (``GeneratorConfig.reference_spectrum``).
        config: Feature settings.
        has_speech: ``has_speech(first, stop)`` returns whether a range of samples contains speech,
            so that a few words in minutes of room tone are not equalised as the room.

    Returns:
        Shape (M,), feature units.
    """
    total = sample_count // config.hop_samples
    hop = config.hop_samples
    # Blocks start every 0.1 s, so that speech in a short clip is found wherever it lies.
    everywhere = range(0, max(1, total - BLOCK_FRAMES + 1), STEP_FRAMES)
    spoken = [
        first for first in everywhere if has_speech(first * hop, (first + BLOCK_FRAMES) * hop)
    ]
    places = spoken or everywhere
    # Rounded up, so that a clip of less than a block has one.
    blocks = min(MAX_BLOCKS, -(-len(places) * STEP_FRAMES // BLOCK_FRAMES))
    # Evenly spaced: the clip's end may be another room than its start.
    starts = [places[i] for i in np.linspace(0, len(places) - 1, blocks).astype(int)]
    sampled = [
        log_mel_range(
            read,
            sample_count,
            first_frame=start,
            frames=min(BLOCK_FRAMES, total),
            config=config,
        )
        for start in starts
    ]
    spectrum, count = mean_spectrum(np.concatenate(sampled))
    # Half confidence at a second of loud frames; towards STRENGTH with more.
    share = STRENGTH * count / (count + HALF_CONFIDENCE_FRAMES)
    shift: FloatArray = (np.float32(share) * (reference - spectrum)).astype(np.float32)
    return shift
