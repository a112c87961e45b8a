"""Perform with the loudness of the audio alone: the baseline that opens the jaw with the energy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...audio.store import SAMPLE_RATE, load_speech
from ...curves.track import CurveTrack
from .base import EVALUATION_FPS, Direction

WINDOW_S = 0.080  # of the energy; a syllable is two to three times as long
FLOOR = 1e-6  # -60 dB, the energy of a quiet room
QUIET, LOUD = 10, 95  # percentiles of the log energy that become a closed and an open mouth
OPEN = 0.5  # of jawOpen


class LoudnessPerformer:
    """Opens the jaw with the log energy of any audio file, and moves nothing else."""

    name = "loudness alone"

    # One channel: everything else would be invention.
    def perform(self, path: Path, direction: Direction) -> CurveTrack:  # noqa: ARG002 protocol
        """Return one channel, ``jawOpen``, whatever the direction.

        Args:
            path: Audio file.
            direction: Not used.
        """
        samples = load_speech(path).samples.astype(np.float64)
        frames = max(1, round(len(samples) * EVALUATION_FPS / SAMPLE_RATE))
        half = round(WINDOW_S * SAMPLE_RATE / 2)
        total = np.concatenate([[0.0], np.cumsum(samples**2)])
        # Centred windows: the baseline has no lag of its own.
        centres = np.round(np.arange(frames) * SAMPLE_RATE / EVALUATION_FPS).astype(int)
        first, last = np.maximum(0, centres - half), np.minimum(len(samples), centres + half)
        energy = (total[last] - total[first]) / np.maximum(1, last - first)
        loudness = np.log(energy + FLOOR)
        # Percentiles: a single shout must not close the mouth in the rest.
        low, high = np.percentile(loudness, [QUIET, LOUD])
        jaw = np.clip((loudness - low) / max(high - low, 1e-9), 0, 1) * OPEN
        return CurveTrack(jaw.astype(np.float32)[:, None], ("jawOpen",), EVALUATION_FPS)
