"""Turn raw model output into finished curves: stillness, gains, frame rate, bounds, blinks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ..arrays import FloatArray
from ..curves.edit import scale_regions, smooth, within_bounds
from ..curves.resample import checked_fps, frames_for, resample_speech
from ..curves.rig import RigDefinition
from ..curves.track import CurveTrack
from .blinks import add_blinks, blink_times, lid_closure
from .lids import open_lids
from .stillness import hold_still, presence_of

LIP_REGIONS = ("jaw", "mouth", "tongue")
"""Regions that are resampled at the same times when a closure is preserved."""


@dataclasses.dataclass(frozen=True)
class FinishOptions:
    """Options of ``finish``."""

    fps: float = 60.0
    blink: bool = True
    seed: int = 0
    smoothing_s: float = 0.0
    """Standard deviation of a Gaussian filter on all channels."""
    gaze_shifts_s: Sequence[float] = ()
    """Times of large saccades, which blinks accompany."""
    lid_lag_s: float = 0.0
    """Seconds by which the right lid lags the left in a blink."""
    region_gains: Mapping[str, float] = dataclasses.field(default_factory=dict)


def finish(
    raw: CurveTrack,
    silence: FloatArray,
    rig: RigDefinition,
    options: FinishOptions,
    *,
    duration_s: float,
    whistles: FloatArray | None = None,
) -> CurveTrack:
    """Finish raw curves.

    Args:
        raw: Curves at the model's frame rate.
        silence: Probability of silence in each raw frame, shape (T,). Blinks prefer pauses, and
            the lips hold still without speech.
        rig: Regions and bounds of the channels.
        options: Frame rate, blinks and edits.
        duration_s: Length of the clip in seconds.
        whistles: ``audio.whistles.whistle_powers`` of each raw frame, shape (T, 2); the lips hold
            still where a whistle or a bird is all that sounds.

    Returns:
        ``ceil(duration * fps)`` frames within the bounds of the rig.

    Raises:
        BadArgument: A frame rate, gain or smoothing is out of range.
    """
    fps = checked_fps(options.fps)
    frames = frames_for(duration_s, fps)
    regions = {channel.name: channel.region for channel in rig.channels}
    lips = [i for i, name in enumerate(raw.channels) if regions.get(name) in LIP_REGIONS]
    presence = presence_of(silence, whistles, raw.fps)
    # Before resampling, while frames and silence are those of the model.
    track = raw.replaced(values=hold_still(raw.values, lips, presence, raw.fps))
    track = scale_regions(track, rig, options.region_gains) if options.region_gains else track
    # Gains before smoothing and bounds, so that these see the final size.
    track = smooth(track, options.smoothing_s)
    track = resample_speech(track, fps, frames=frames, lip_columns=lips)
    # Bounds before blinks: a blink adds to a lid that is within them.
    track = within_bounds(track, rig)
    track = track.replaced(values=open_lids(track.values, track.channels))
    if options.blink:
        track = with_blinks(track, silence, options, model_rate=raw.fps, duration_s=duration_s)
    return track


def with_blinks(
    track: CurveTrack,
    silence: FloatArray,
    options: FinishOptions,
    *,
    model_rate: float,
    duration_s: float,
) -> CurveTrack:
    """Return curves with blinks.

    Args:
        track: Curves at the output frame rate.
        silence: Probability of silence in each model frame, shape (T,).
        options: Seed, gaze shifts and lag of the lids.
        model_rate: Model frames per second.
        duration_s: Length of the curves in seconds.
    """
    times = blink_times(
        silence,
        frame_rate=model_rate,
        duration_s=duration_s,
        seed=options.seed,
        gaze_shifts_s=options.gaze_shifts_s,
    )
    left = lid_closure(times, fps=track.fps, frames=track.frame_count)
    right = None
    if options.lid_lag_s:
        # Delayed by interpolation: rounding to frames would hide a lag of some milliseconds.
        frames = np.arange(track.frame_count)
        right = np.interp(frames - options.lid_lag_s * track.fps, frames, left).astype(np.float32)
    values = add_blinks(track.values, track.channels, left, right_closure=right)
    return track.replaced(values=values)
