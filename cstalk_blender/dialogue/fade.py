"""Fade the emotion of a line in and out at the ends of its curves. No bpy."""

from __future__ import annotations

import numpy as np

from ..package import track

CurveTrack = track.CurveTrack

EMOTION_CHANNELS = (
    *("brow", "cheek", "nose", "eyeSquint", "eyeWide"),
    *("mouthSmile", "mouthFrown", "mouthDimple"),
)
"""First letters of the channels that carry emotion. The others articulate: a fade of them would
take the first sound of a recording that begins with speech."""


def faded(curves: CurveTrack, fade_s: float) -> CurveTrack:
    """Return a line whose emotion rises at its start and falls at its end.

    Args:
        curves: The line.
        fade_s: Seconds of each fade, at most a quarter of the line.
    """
    columns = [
        index for index, name in enumerate(curves.channels) if name.startswith(EMOTION_CHANNELS)
    ]
    # At most a quarter: the middle half of a line always has its full emotion.
    count = min(round(fade_s * curves.fps), curves.frame_count // 4)
    if count < 1 or not columns:
        return curves
    # A raised cosine, without a kink at either end.
    rise = (0.5 - 0.5 * np.cos(np.pi * np.arange(count) / count)).astype(np.float32)
    values = curves.values.copy()
    values[:count, columns] *= rise[:, None]
    values[-count:, columns] *= rise[::-1, None]
    return curves.replaced(values=values)
