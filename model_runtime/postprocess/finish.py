"""Turn raw model output into finished curves: stillness, gains, frame rate, bounds, blinks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ..arrays import FloatArray
from ..curves.edit import scale_regions, smooth, within_bounds
from ..curves.resample import checked_fps, frames_for, resample_speech
from ..curves.rig import RigDefinition
from ..curves.track import CurveTrack
from .blinks import add_blinks, blink_times, lid_closure
from .stillness import hold_still, speech_presence

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
    region_gains: Mapping[str, float] = dataclasses.field(default_factory=dict)


def finish(
    raw: CurveTrack,
    silence: FloatArray,
    rig: RigDefinition,
    options: FinishOptions,
    *,
    duration_s: float,
) -> CurveTrack:
    """Finish raw curves.

    Args:
        raw: Curves at the model's frame rate.
        silence: Probability of silence in each raw frame, shape (T,). Blinks prefer pauses, and
            the lips hold still without speech.
        rig: Regions and bounds of the channels.
        options: Frame rate, blinks and edits.
        duration_s: Length of the clip in seconds.

    Returns:
        ``ceil(duration * fps)`` frames within the bounds of the rig.

    Raises:
        BadArgument: A frame rate, gain or smoothing is out of range.
    """
    fps = checked_fps(options.fps)
    frames = frames_for(duration_s, fps)
    regions = {channel.name: channel.region for channel in rig.channels}
    lips = [i for i, name in enumerate(raw.channels) if regions.get(name) in LIP_REGIONS]
    presence = speech_presence(silence, raw.fps)
    track = raw.replaced(values=hold_still(raw.values, lips, presence, raw.fps))
    track = scale_regions(track, rig, options.region_gains) if options.region_gains else track
    track = smooth(track, options.smoothing_s)
    track = resample_speech(track, fps, frames=frames, lip_columns=lips)
    track = within_bounds(track, rig)
    if options.blink:
        times = blink_times(silence, frame_rate=raw.fps, duration_s=duration_s, seed=options.seed)
        closure = lid_closure(times, fps=fps, frames=frames)
        track = track.replaced(values=add_blinks(track.values, track.channels, closure))
    return track
