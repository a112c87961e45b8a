"""The colour of a recording: what microphone and room make of a voice. numpy only.

Long-term spectra of speech from different homes lie several decibels apart, band by band, and a
network that learnt from few of them hears other phones in the rest. As ``audio.level_gain`` brings
a sound to one level, ``colour_shift`` brings it half way to the colour that speech had in training.
Once for a whole sound, so that windows of it still give what the whole gives.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import FloatArray
from ..config import FeatureConfig
from .features import log_mel_range

STRENGTH = 0.5
"""Share of the difference that is taken away: part of it is the voice and what it says."""
SURE_FRAMES = 100
"""Loud frames (10 ms) at which half of that is taken: a single vowel has a colour of its own."""
LOUD = 1.0
"""Loud frames lie within so much of the loudest twentieth, feature units: 15 dB."""
HEARD = -1.6
"""Mean feature of a frame under which nothing is heard: 6 dB over the floor."""
BLOCK_FRAMES = 100
MOST_BLOCKS = 30
"""At most half a minute of a sound is listened to, in seconds spread over it evenly."""


def colour_of(features: FloatArray) -> tuple[FloatArray, int]:
    """Mean of the loud frames of log-mel features (F, M), its own mean taken off.

    Returns:
        Shape (M,) in feature units, and how many loud frames there are; zeros where none is.
    """
    level = features.mean(axis=1)
    loud = level > max(HEARD, float(np.percentile(level, 95)) - LOUD) if len(level) else level > 0
    count = int(loud.sum())
    if not count:
        return np.zeros(features.shape[1], np.float32), 0
    spectrum = features[loud].mean(axis=0, dtype=np.float64)
    return (spectrum - spectrum.mean()).astype(np.float32), count


def colour_shift(
    read: Callable[[int, int], FloatArray],
    sample_count: int,
    usual: FloatArray,
    config: FeatureConfig,
) -> FloatArray:
    """What to add to each frame of a sound's log-mel, shape (M,), feature units.

    Args:
        read: ``read(first, count)`` gives levelled samples, as ``features.log_mel_range`` asks.
        sample_count: Samples in the sound.
        usual: Colour of the speech in training (``GeneratorConfig.colour``), shape (M,).
        config: Feature settings.
    """
    total = sample_count // config.hop_samples
    blocks = min(MOST_BLOCKS, max(1, total // BLOCK_FRAMES))
    starts = np.linspace(0, max(0, total - BLOCK_FRAMES), blocks).astype(int)
    heard = [
        log_mel_range(
            read,
            sample_count,
            first_frame=int(start),
            frames=min(BLOCK_FRAMES, total),
            config=config,
        )
        for start in starts
    ]
    colour, count = colour_of(np.concatenate(heard))
    sure = STRENGTH * count / (count + SURE_FRAMES)
    shift: FloatArray = (np.float32(sure) * (usual - colour)).astype(np.float32)
    return shift
