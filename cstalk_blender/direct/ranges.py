"""Limit layers to a range of time with soft borders; find runs of frames. numpy only."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from ..arrays import FloatArray
from .direction import RegionSettings, Value, is_neutral


def share_of(settings: RegionSettings, start_s: float, fps: float, frames: int) -> Value:
    """Return the share in which layers act at each frame.

    Args:
        settings: The layers with their range.
        start_s: Second of the audio file at frame 0.
        fps: Frames per second.
        frames: Number of frames.

    Returns:
        1 without a range; otherwise shape (frames,), 1 within the range and falling to 0 outside
        of it over ``range_border_ms``.
    """
    if not settings.has_range:
        return 1.0
    times = start_s + np.arange(frames, dtype=np.float64) / fps
    outside = np.maximum(settings.range_start_s - times, times - settings.range_end_s)
    # Outside of the range, so that what was selected is changed in full. A tenth of a frame hides
    # the rounding of float32 properties.
    outside = np.maximum(outside - 0.1 / fps, 0.0)
    border = max(settings.range_border_ms / 1000, 1e-6)
    share = 0.5 + 0.5 * np.cos(np.pi * np.minimum(outside / border, 1.0))
    # A share so small cannot be seen, and frames beyond the border stay bit by bit.
    return np.where(share < 1e-9, 0.0, share).astype(np.float32)


def within(
    share: Value, inside: Callable[[], FloatArray], outside: Callable[[], FloatArray]
) -> FloatArray:
    """Return curves that are those of ``inside`` in a range and those of ``outside`` elsewhere.

    Args:
        share: Of `share_of`.
        inside: Returns curves of shape (frames, channels); bit by bit theirs where the share is 1.
        outside: Returns the others; not called without a range.
    """
    if is_neutral(share, 1.0):
        return inside()
    directed, other = inside(), outside()
    weights = np.asarray(share, np.float32)[:, None]
    mixed: FloatArray = np.where(weights == 1, directed, other + weights * (directed - other))
    return mixed


def runs(frames: Iterable[int]) -> list[tuple[int, int]]:
    """Return first and last of each run of consecutive numbers.

    Args:
        frames: Ascending numbers.
    """
    found: list[tuple[int, int]] = []
    for frame in frames:
        if found and frame == found[-1][1] + 1:
            found[-1] = (found[-1][0], frame)
        else:
            found.append((frame, frame))
    return found
