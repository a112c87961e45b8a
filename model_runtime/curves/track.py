"""Define ``CurveTrack``: values of named channels over time."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from ..arrays import DoubleArray, FloatArray
from ..errors import BadCurves

DETECTED_EMOTION = "detected_emotion"
"""Entry of ``request`` with the emotion detected in the voice, if ``auto`` was requested."""
OLD_DETECTED_EMOTION = "heard"
"""The same entry in curve files of version 0.1."""
SCRIPT_MATCH = "script_match"
"""Entry of ``request`` with the words of the script and their times."""
LISTED_WORDS = 6
WARNINGS = "warnings"
"""Entry of ``request`` with sentences about defects of the audio file, if there were any."""
AGAIN_HINT = "Export the file again from the program that wrote it"


@dataclasses.dataclass(frozen=True)
class CurveTrack:
    """Values of named channels at a fixed frame rate; frame 0 is at ``start_s`` of the file."""

    values: FloatArray
    """Shape (frames, channels), finite."""
    channels: tuple[str, ...]
    fps: float
    start_s: float = 0.0
    request: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Parameters that the curves were generated with; JSON."""

    def __post_init__(self) -> None:
        # Checked where a track is made: everything behind relies on it.
        if self.values.ndim != 2 or self.values.shape[1] != len(self.channels):
            raise BadCurves(
                f"Values of shape {self.values.shape} do not match {len(self.channels)} channels",
                hint=AGAIN_HINT,
            )
        if len(set(self.channels)) != len(self.channels):
            raise BadCurves("A channel name is repeated in the curves", hint=AGAIN_HINT)
        if not (math.isfinite(self.fps) and self.fps > 0):
            raise BadCurves(f"Frame rate {self.fps} is not a positive number", hint=AGAIN_HINT)
        if not np.isfinite(self.values).all():
            raise BadCurves("Curve values contain NaN or infinity", hint=AGAIN_HINT)

    @property
    def frame_count(self) -> int:
        """Return the number of frames."""
        return int(self.values.shape[0])

    @property
    def duration_s(self) -> float:
        """Return the seconds from frame 0 to one frame after the last."""
        return self.frame_count / self.fps

    @property
    def detected_emotion(self) -> dict[str, Any]:
        """Return ``DetectedEmotion.as_json`` of the voice; empty if no key asked for ``auto``."""
        # The name of version 0.1 is read too.
        detected = self.request.get(DETECTED_EMOTION, self.request.get(OLD_DETECTED_EMOTION))
        return detected if isinstance(detected, dict) else {}

    @property
    def detected_title(self) -> str:
        """Return the detected emotion in a few words; empty if no key asked for ``auto``."""
        return str(self.detected_emotion.get("title", ""))

    @property
    def affect_title(self) -> str:
        """Return valence and arousal of the voice; empty if no key asked for ``auto``."""
        detected = self.detected_emotion
        if "valence" not in detected or "arousal" not in detected:
            return ""
        return f"valence {detected['valence']:+.2f}, arousal {detected['arousal']:+.2f}"

    @property
    def text_matched(self) -> float | None:
        """Return the share of the script's words that were found; None without a script."""
        match = self.request.get(SCRIPT_MATCH)
        return float(match.get("matched", 0)) if isinstance(match, dict) else None

    @property
    def script_title(self) -> str:
        """Return the share of the script that was found, in a few words; empty without a script."""
        match = self.request.get(SCRIPT_MATCH)
        if not isinstance(match, dict):
            return ""
        doubtful = [str(word) for word in match.get("doubtful", ())]
        title = f"script {100 * float(match.get('matched', 0)):.0f} % found"
        if not doubtful:
            return title
        more = len(doubtful) - LISTED_WORDS
        rest = f" and {more} more" if more > 0 else ""
        return f"{title} (doubtful: {', '.join(doubtful[:LISTED_WORDS])}{rest})"

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return one sentence for each defect of the audio file that the curves were made from."""
        warnings = self.request.get(WARNINGS, ())
        return tuple(map(str, warnings)) if isinstance(warnings, list) else ()

    def times_s(self) -> DoubleArray:
        """Return the time of each frame in seconds of the audio file, shape (frames,)."""
        return self.start_s + np.arange(self.frame_count) / self.fps

    def column(self, channel: str) -> FloatArray:
        """Return the values of one channel, shape (frames,). Raises KeyError for unknown names."""
        try:
            return self.values[:, self.channels.index(channel)]
        # KeyError, as for a mapping: callers ask for channels by name.
        except ValueError:
            raise KeyError(channel) from None

    def replaced(self, **changes: Any) -> CurveTrack:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)
