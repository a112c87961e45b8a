"""From the model's raw curves to what is written: stillness, gains, frame rate, bounds, blinks."""

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
"""Regions that must stay together in time when a closure is kept."""


@dataclasses.dataclass(frozen=True)
class Finish:
    """What is done to raw curves."""

    fps: float = 60.0
    blink: bool = True
    seed: int = 0
    smoothing_s: float = 0.0
    """Standard deviation of a Gaussian over all channels."""
    region_gains: Mapping[str, float] = dataclasses.field(default_factory=dict)


def finish(
    raw: CurveTrack,
    silence: FloatArray,
    rig: RigDefinition,
    options: Finish,
    *,
    duration_s: float,
) -> CurveTrack:
    """Finished curves: ``ceil(duration * fps)`` frames within the bounds of the rig.

    Args:
        raw: The model's curves at its own frame rate.
        silence: Probability of silence in each raw frame, shape (T,); blinks prefer pauses,
            and lips hold still where nobody speaks.
        rig: Regions and bounds of the channels.
        options: Frame rate, blinks and edits.
        duration_s: Length of the sound in seconds.

    Raises:
        BadArgument: A frame rate, gain or smoothing out of range.
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
