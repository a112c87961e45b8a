"""Measure signs of life: gaze, brows, blinks, head, symmetry, the course of an expression.

The definitions are those of ``shared/docs/face.md``, section 3 i and j.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ...acting.prosody import Prosody, smooth
from ...arrays import DoubleArray
from ...curves.track import CurveTrack
from ...emotion.pitch import FRAME_RATE
from .speech import correlation

SIDES: Final = ("Left", "Right")
# Pairs that speech moves; brows and lids may differ by acting.
MIRRORED_MOUTH: Final = ("mouthSmile", "mouthStretch", "mouthUpperUp")
BLINK_SHUT, BLINK_OPEN = 0.6, 0.3
"""A lid that rises over the first and falls under the second has blinked once."""
# face.md 3 i: an expression that stands on the first frame has no onset.
ONSET_S = 0.25
HEAD: Final = ("headYaw", "headPitch", "headRoll")
"""Rotations of the head in radians."""
SPEED_SPREAD_S = 0.2
"""Smoothing of the head's speed and of loudness before they are compared: about a syllable."""
MOVES = 1e-3  # standard deviation under which a channel does not move


def mean_deviation(track: CurveTrack, prefix: str) -> float:
    """Return the mean standard deviation of the channels with a name prefix; 0 for none.

    Args:
        track: Curves.
        prefix: ``eyeLook`` or ``brow``.
    """
    # Left and right, inner and outer: one mean over all channels of the name.
    names = [name for name in track.channels if name.startswith(prefix)]
    return float(np.mean([track.column(name).std() for name in names])) if names else 0.0


def head_motion(track: CurveTrack) -> tuple[tuple[float, float, float], float] | None:
    """Return the standard deviations of yaw, pitch and roll, and the mean speed of the head.

    Both in degrees, the speed a second; None for curves without a head.
    """
    if not all(name in track.channels for name in HEAD):
        return None
    # In float64: differences of neighbouring frames are near the precision of float32.
    angles = np.degrees(np.stack([track.column(name) for name in HEAD], axis=1).astype(np.float64))
    speed = np.linalg.norm(np.diff(angles, axis=0), axis=1).mean() * track.fps
    yaw, pitch, roll = angles.std(axis=0)
    return (float(yaw), float(pitch), float(roll)), float(speed)


def head_in_speech(track: CurveTrack, cues: Prosody) -> tuple[float, float] | None:
    """Return how the head follows the voice; None without a head, pauses or speech.

    Args:
        track: Curves.
        cues: Of the clip, from its first frame on.

    Returns:
        Speed in pauses over speed in speech, and the correlation of speed with loudness.
    """
    if not all(name in track.channels for name in HEAD):
        return None
    angles = np.degrees(np.stack([track.column(name) for name in HEAD], axis=1).astype(np.float64))
    speed = np.linalg.norm(np.gradient(angles, axis=0), axis=1) * track.fps
    times = np.arange(len(speed)) / track.fps
    own = np.arange(cues.frames) / FRAME_RATE
    activity = np.interp(times, own, cues.activity)
    loudness = np.interp(times, own, smooth(cues.loudness, SPEED_SPREAD_S))
    spread = SPEED_SPREAD_S * track.fps
    kernel = np.exp(-0.5 * (np.arange(-round(3 * spread), round(3 * spread) + 1) / spread) ** 2)
    smoothed = np.convolve(speed, kernel / kernel.sum(), mode="same")
    still, talking = speed[activity < 0.05], speed[activity > 0.95]
    if not len(still) or not len(talking) or talking.mean() <= 0:
        return None
    return float(still.mean() / talking.mean()), correlation(smoothed, loudness)


def mirror_correlation(track: CurveTrack) -> float:
    """Return the mean correlation of left and right mouth channels that move; NaN for none."""
    values = []
    for name in MIRRORED_MOUTH:
        left, right = (track.column(name + side).astype(np.float64) for side in SIDES)
        # Without motion a correlation is that of rounding errors.
        if min(left.std(), right.std()) > MOVES:
            values.append(correlation(left, right))
    return float(np.mean(values)) if values else float("nan")


def blink_count(track: CurveTrack) -> int:
    """Count the blinks of the left lid."""
    count, shut = 0, False
    # Hysteresis: a lid that trembles around one threshold would blink at every frame.
    for value in track.column("eyeBlinkLeft"):
        if not shut and value > BLINK_SHUT:
            count, shut = count + 1, True
        elif shut and value < BLINK_OPEN:
            shut = False
    return count


def lid_difference(track: CurveTrack) -> float:
    """Return the largest difference of the two lids, of a fully closed lid."""
    left, right = (track.column("eyeBlink" + side) for side in SIDES)
    return float(np.abs(left - right).max())


def expression_level(
    acted: CurveTrack, neutral: CurveTrack, channels: tuple[str, ...]
) -> DoubleArray:
    """Return how much of an expression is on the face in each frame, mean 1, shape (frames,).

    The difference of the upper face from the neutral performance, projected on its mean.

    Args:
        acted: The clip under an emotion.
        neutral: The same clip, neutral, of as many frames.
        channels: Those of the upper face.
    """
    names = [name for name in channels if name in acted.channels]
    # Both performances share words and seed, so what differs is the emotion.
    difference = np.stack(
        [acted.column(n).astype(np.float64) - neutral.column(n) for n in names], axis=1
    )
    # Projected on its own mean: the figure is 1 where the expression stands as on average.
    mean = difference.mean(axis=0)
    scale = float(mean @ mean)
    return np.asarray(difference @ mean / scale) if scale > MOVES**2 else np.zeros(len(difference))


def onset_level(level: DoubleArray, *, fps: float) -> float:
    """Return the mean level in the first quarter of a second.

    Args:
        level: From :func:`expression_level`.
        fps: Frames a second.
    """
    return float(level[: max(1, round(ONSET_S * fps))].mean())
