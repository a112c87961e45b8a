"""Resample curves to another frame rate, in time. numpy only.

Values are interpolated by a monotone cubic (Fritsch and Carlson 1980): smooth, and never outside
the two neighbouring values. Below the source rate, plain sampling can miss events between two
output frames: lips that close for 40 ms on a /b/ would stay open at 12 fps. Closure-preserving
sampling therefore samples the lips at the moment of a closure that falls into the interval of an
output frame, which moves that pose by less than half an output frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..arrays import DoubleArray, FloatArray, IntArray
from ..errors import BadArgument
from .track import CurveTrack

ROUNDING = 1e-6
"""In frames: 1.1 s at 60 fps is 66 frames, although 1.1 * 60 exceeds 66 in floating point."""
MIN_FPS, MAX_FPS = 0.1, 1000.0
"""Frame rates of curves: below the first, a clip would be a single pose."""
BLOCK_FRAMES = 8192
"""Output frames interpolated at once, which bounds the memory for temporary arrays."""
OPENING_CHANNELS = ("jawOpen", "mouthLowerDown", "mouthUpperUp", "mouthFunnel")
"""Names, or prefixes of names, of channels that open the lips."""
CLOSING_CHANNELS = ("mouthClose", "mouthPress", "mouthRoll")
CLOSURE_DEPTH = 0.1
"""Minimum drop of the opening on both sides within ``CLOSURE_REACH_S``."""
CLOSURE_REACH_S = 0.15
"""Seconds on either side, about one syllable, in which the mouth must have been open."""


def checked_fps(fps: float) -> float:
    """Return ``fps``. Raises BadArgument unless it is in [0.1, 1000]."""
    if not MIN_FPS <= fps <= MAX_FPS:  # False for NaN too
        raise BadArgument(
            f"Frame rate {fps:g} is out of range",
            hint=f"Use a number from {MIN_FPS:g} to {MAX_FPS:g}, such as 24, 29.97 or 60",
        )
    return fps


def frames_for(duration_s: float, fps: float) -> int:
    """Return ``ceil(duration * fps)``, tolerant of rounding errors; at least 1.

    Args:
        duration_s: Duration in seconds.
        fps: Frames per second.
    """
    # At least one frame: Blender has no empty curve.
    return max(1, math.ceil(duration_s * fps - ROUNDING))


def resample(track: CurveTrack, fps: float, *, frames: int | None = None) -> CurveTrack:
    """Resample a track by plain sampling.

    Args:
        track: At least one frame.
        fps: Frames per second, in [0.1, 1000].
        frames: Number of frames; None keeps the duration, rounded up. The last pose fills frames
            beyond the source.

    Raises:
        BadArgument: ``fps`` is out of range.
    """
    count = frames_for(track.duration_s, checked_fps(fps)) if frames is None else frames
    positions: DoubleArray = np.arange(count, dtype=np.float64) * (track.fps / fps)
    return track.replaced(values=sample(track.values, positions), fps=fps)


def resample_speech(
    track: CurveTrack, fps: float, *, frames: int, lip_columns: Sequence[int]
) -> CurveTrack:
    """Resample a track; below the source rate, with closure-preserving sampling of the lips.

    Args:
        track: Curves at the model's frame rate.
        fps: Frames per second, in [0.1, 1000].
        frames: Number of frames.
        lip_columns: Columns that move with the lips: jaw, mouth and tongue.
    """
    # Everything else is sampled plainly, whatever the lips do.
    out = resample(track, fps, frames=frames)
    if fps >= track.fps or not lip_columns:
        return out
    positions: DoubleArray = np.arange(frames, dtype=np.float64) * (track.fps / fps)
    closures = closure_frames(track)
    # The output frame nearest to the closure shows it.
    nearest = np.rint(closures * (fps / track.fps)).astype(int)
    depth = lip_opening(track)[closures]
    # Of two closures in one interval the tighter one is kept: it is written last.
    # Stable, so that equal depths keep their order in time.
    for i in np.argsort(-depth, kind="stable"):
        if nearest[i] < frames:
            positions[nearest[i]] = closures[i]
    columns = list(lip_columns)
    values = out.values.copy()
    values[:, columns] = sample(track.values[:, columns], positions)
    return out.replaced(values=values)


def sample(values: FloatArray, positions: DoubleArray) -> FloatArray:
    """Interpolate at fractional frames by a monotone cubic.

    Args:
        values: Shape (frames, channels), at least one frame.
        positions: Frames, any order, shape (K,); outside the track the end poses hold.

    Returns:
        Shape (K, channels), each value between the two around it.
    """
    out = np.empty((len(positions), values.shape[1]), np.float32)
    # In blocks: temporary arrays are several times the output.
    for start in range(0, len(positions), BLOCK_FRAMES):
        block = slice(start, start + BLOCK_FRAMES)
        out[block] = _sample_block(values, positions[block])
    return out


def lip_opening(track: CurveTrack) -> FloatArray:
    """Estimate the lip opening from channel names; a proxy, shape (frames,).

    Sum of the channels that part the lips (sides averaged) less those that join them. A track
    without such channels gives zeros.
    """
    opening = np.zeros(track.frame_count, np.float32)
    # Sides are averaged, so that a crooked mouth is no wider.
    for names, sign in ((OPENING_CHANNELS, 1.0), (CLOSING_CHANNELS, -1.0)):
        for name in names:
            columns = _starting_with(track.channels, name)
            if columns:
                opening += np.float32(sign) * track.values[:, columns].mean(axis=1)
    return opening


def closure_frames(track: CurveTrack) -> IntArray:
    """Return the source frames of lip closures between two openings, ascending."""
    opening = lip_opening(track)
    reach = max(1, round(CLOSURE_REACH_S * track.fps))
    frames = len(opening)
    if frames < 3:
        return np.zeros(0, np.int64)
    padded = np.pad(opening, reach, mode="edge")
    # Maxima of the frames before and after, without the frame itself.
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach)
    before, after = windows[:frames].max(axis=1), windows[reach + 1 :].max(axis=1)
    # A minimum: not above the frame before and below the one after, so that a flat bottom counts
    # once.
    lowest = (padded[reach:-reach] <= padded[reach - 1 : -reach - 1]) & (
        padded[reach:-reach] < padded[reach + 1 : frames + reach + 1]
    )
    deep = np.minimum(before, after) - opening >= CLOSURE_DEPTH
    found: IntArray = np.flatnonzero(lowest & deep)
    return found


def _starting_with(channels: Sequence[str], start: str) -> list[int]:
    return [i for i, name in enumerate(channels) if name.lower().startswith(start.lower())]


def _sample_block(values: FloatArray, positions: DoubleArray) -> FloatArray:
    last = len(values) - 1
    positions = np.clip(positions, 0, last)
    left = positions.astype(np.int64)
    right = np.minimum(left + 1, last)
    t = (positions - left)[:, None].astype(np.float32)
    a, b = values[left], values[right]
    step = b - a
    # Hermite cubic, written as a correction of the straight line.
    bend_a, bend_b = _slopes(values, left) - step, _slopes(values, right) - step
    curve = a + t * step + t * (1 - t) * (bend_a * (1 - t) - bend_b * t)
    # Clipped between neighbours: rounding must not open closed lips.
    out: FloatArray = np.clip(curve, np.minimum(a, b), np.maximum(a, b)).astype(np.float32)
    return out


def _slopes(values: FloatArray, frames: IntArray) -> FloatArray:
    """Return the slope per frame: harmonic mean of both sides, 0 at an extremum."""
    last = len(values) - 1
    here = values[frames]
    before = here - values[np.maximum(frames - 1, 0)]
    after = values[np.minimum(frames + 1, last)] - here
    # At the ends the slope of the only side there is.
    before[frames == 0] = after[frames == 0]
    after[frames == last] = before[frames == last]
    product = before * after
    slopes = np.zeros_like(here)
    # The harmonic mean is 0 where one side is flat: no overshoot (Fritsch and Carlson).
    np.divide(2 * product, before + after, out=slopes, where=product > 0)
    return slopes
