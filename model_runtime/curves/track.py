"""CurveTrack: channel values over time, the one thing that travels from the model to the face."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from ..arrays import DoubleArray, FloatArray
from ..errors import BadCurves

HEARD = "heard"
"""Entry of ``request`` with the emotion that was heard, where it was left to the voice."""
AGAIN_HINT = "Write the file again from the program it came from"


@dataclasses.dataclass(frozen=True)
class CurveTrack:
    """Values of named channels at a fixed frame rate. Frame 0 is at ``start_s`` of the sound."""

    values: FloatArray
    """Shape (frames, channels), finite."""
    channels: tuple[str, ...]
    fps: float
    start_s: float = 0.0
    request: dict[str, Any] = dataclasses.field(default_factory=dict)
    """What was asked for when the curves were made; JSON-able."""

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.channels):
            raise BadCurves(
                f"Values of shape {self.values.shape} do not fit {len(self.channels)} channels",
                hint=AGAIN_HINT,
            )
        if len(set(self.channels)) != len(self.channels):
            raise BadCurves("A channel name stands twice in the curves", hint=AGAIN_HINT)
        if not (math.isfinite(self.fps) and self.fps > 0):
            raise BadCurves(f"Frame rate {self.fps} is not a positive number", hint=AGAIN_HINT)
        if not np.isfinite(self.values).all():
            raise BadCurves("Curve values hold NaN or infinity", hint=AGAIN_HINT)

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return int(self.values.shape[0])

    @property
    def duration_s(self) -> float:
        """Seconds from frame 0 to one frame after the last."""
        return self.frame_count / self.fps

    @property
    def heard(self) -> str:
        """The emotion heard in the voice, in a few words; empty where it was not asked for."""
        heard = self.request.get(HEARD)
        return str(heard.get("title", "")) if isinstance(heard, dict) else ""

    def times_s(self) -> DoubleArray:
        """Time of each frame in seconds of the sound, shape (frames,)."""
        return self.start_s + np.arange(self.frame_count) / self.fps

    def column(self, channel: str) -> FloatArray:
        """Values of one channel, shape (frames,). Raises KeyError for an unknown name."""
        try:
            return self.values[:, self.channels.index(channel)]
        except ValueError:
            raise KeyError(channel) from None

    def replaced(self, **changes: Any) -> CurveTrack:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)
