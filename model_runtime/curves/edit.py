"""Edit finished curves: gains by region, smoothing, time offset, bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..arrays import DoubleArray, FloatArray
from ..errors import BadArgument
from .resample import sample
from .rig import RigDefinition
from .track import CurveTrack

MAX_GAIN = 3.0
MAX_SMOOTHING_S = 1.0
KERNEL_SIGMAS = 3
"""The Gaussian is truncated where it has fallen to 1 %."""


def scale_regions(track: CurveTrack, rig: RigDefinition, gains: Mapping[str, float]) -> CurveTrack:
    """Multiply the channels of some regions.

    Args:
        track: Curves with any channels of ``rig``.
        rig: Assigns channels to regions.
        gains: Factor in [0, 3] by region; 1 for regions that are not named.

    Raises:
        BadArgument: A region is unknown, or a factor is out of range.
    """
    for region, gain in gains.items():
        if region not in rig.regions:
            raise BadArgument(
                f"Unknown region {region!r}", hint=f"Use one of: {', '.join(rig.regions)}"
            )
        if not 0 <= gain <= MAX_GAIN:
            raise BadArgument(
                f"Gain {gain:g} of region {region} is out of range", hint=f"Use 0 to {MAX_GAIN:g}"
            )
    region_of = {channel.name: channel.region for channel in rig.channels}
    # Channels without a region, such as rotations, keep their values.
    factors = [gains.get(region_of.get(name, ""), 1.0) for name in track.channels]
    return track.replaced(values=track.values * np.array(factors, np.float32))


def smooth(
    track: CurveTrack, sigma_s: float, *, columns: Sequence[int] | None = None
) -> CurveTrack:
    """Smooth with a Gaussian, without delay; the end values are repeated.

    Args:
        track: Any curves.
        sigma_s: Standard deviation in seconds, in [0, 1]; 0 changes nothing.
        columns: Channels to smooth; None means all.

    Raises:
        BadArgument: ``sigma_s`` is out of range.
    """
    if not 0 <= sigma_s <= MAX_SMOOTHING_S:
        raise BadArgument(
            f"Smoothing of {sigma_s:g} s is out of range", hint=f"Use 0 to {MAX_SMOOTHING_S:g} s"
        )
    sigma = sigma_s * track.fps
    # Three standard deviations: what is cut off weighs 1 %.
    reach = math.ceil(KERNEL_SIGMAS * sigma)
    if reach == 0:
        return track
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel /= kernel.sum()
    values = track.values.copy()
    # Column by column: a convolution over all at once would need a copy of the track.
    for column in range(values.shape[1]) if columns is None else columns:
        padded = np.pad(track.values[:, column], reach, mode="edge")
        values[:, column] = np.convolve(padded, kernel, mode="valid")
    return track.replaced(values=values)


def shift(track: CurveTrack, seconds: float) -> CurveTrack:
    """Move the curves in time; frame count and frame rate stay the same.

    Args:
        track: Any curves.
        seconds: A positive value delays the face. The first or last pose fills the gap.
    """
    # float64: at the end of an hour float32 is off by hundredths of a frame.
    positions: DoubleArray = np.arange(track.frame_count, dtype=np.float64) - seconds * track.fps
    return track.replaced(values=sample(track.values, positions))


def within_bounds(track: CurveTrack, rig: RigDefinition) -> CurveTrack:
    """Clip values to the bounds of the rig.

    Args:
        track: Any curves; channels that the rig lacks are not changed.
        rig: Defines the bounds of its channels.
    """
    bounds = {channel.name: (channel.minimum, channel.maximum) for channel in rig.channels}
    # Channels that the rig lacks are not its business.
    unbounded = (-math.inf, math.inf)
    low, high = zip(*(bounds.get(name, unbounded) for name in track.channels), strict=True)
    values: FloatArray = np.clip(
        track.values, np.array(low, np.float32), np.array(high, np.float32)
    )
    return track.replaced(values=values)
