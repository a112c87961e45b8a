"""Perform the recorded mouth cues of Rhubarb Lip Sync, posed with ARKit shapes.

Rhubarb writes one of nine mouth pictures for each stretch of time, not curves. The table below says
what each picture shows, after its documentation (https://github.com/DanielSWolf/rhubarb-lip-sync):
the poses are ours, the times are Rhubarb's.

Poses and blend were *chosen* among 14 combinations (four pose tables, blends of 0 to 120 ms) for
the one nearest to what ``shared/docs/data.md`` states for Rhubarb, on the clips they are scored on.
Over all of them closure ran from 0.49 to 0.63 (sound only) and from 0.71 to 0.90 (given text), AUC
from 0.93 to 0.95 and 0.97 to 0.99: these rows carry that much freedom of ours.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Final

import numpy as np

from ...arrays import FloatArray
from ...curves.track import CurveTrack
from .base import EVALUATION_FPS, Direction

RECOGNIZERS: Final = {"phonetic": "Rhubarb, sound only", "pocketSphinx": "Rhubarb, given text"}
"""Recogniser as the cue files name it, and how the table calls it."""

BLEND_S: Final = 0.040  # length of the cross-fade; pictures that jump are no animation

POSES: Final[dict[str, dict[str, float]]] = {
    "A": {},  # closed, for m b p
    "B": {
        "jawOpen": 0.12,
        "mouthStretchLeft": 0.3,
        "mouthStretchRight": 0.3,
    },  # clenched: k s t, ee
    "C": {"jawOpen": 0.3},  # open: eh, ae
    "D": {"jawOpen": 0.5},  # wide open: aa
    "E": {"jawOpen": 0.25, "mouthFunnel": 0.3},  # slightly rounded: ao, er
    "F": {"jawOpen": 0.12, "mouthPucker": 0.7},  # puckered: uw ow w
    "G": {  # upper teeth on the lower lip: f v
        "jawOpen": 0.04,
        "mouthRollLower": 0.6,
        "mouthUpperUpLeft": 0.2,
        "mouthUpperUpRight": 0.2,
    },
    "H": {"jawOpen": 0.2, "tongueOut": 0.1},  # long l, tongue raised
    "X": {},  # idle
}
CHANNELS: Final = tuple(sorted({name for pose in POSES.values() for name in pose}))


class RhubarbPerformer:
    """Performs the clips whose cues were recorded; another path raises KeyError.

    Args:
        folder: ``data/eval/rhubarb``.
        recognizer: ``phonetic`` or ``pocketSphinx``.
    """

    def __init__(self, folder: Path, recognizer: str) -> None:
        self.name = RECOGNIZERS[recognizer]
        self._folder, self._recognizer = folder, recognizer

    def perform(self, path: Path, direction: Direction) -> CurveTrack:  # noqa: ARG002 protocol
        """Return the cues of a clip as poses, whatever the direction.

        Args:
            path: Audio file; its name is that of the cues.
            direction: Not used.
        """
        track = cue_track_or_none(self._folder, path.stem, self._recognizer, fps=EVALUATION_FPS)
        if track is None:
            raise KeyError(path)
        return track


def cue_track_or_none(folder: Path, clip: str, recognizer: str, *, fps: float) -> CurveTrack | None:
    """Return a clip's cues as poses that blend; None where no cues were recorded.

    Args:
        folder: ``data/eval/rhubarb``.
        clip: Name of the clip without suffix.
        recognizer: ``phonetic`` or ``pocketSphinx``.
        fps: Frame rate of the result, Hz.
    """
    path = folder / f"{clip}.{recognizer}.json"
    if not path.is_file():
        return None
    data = json.loads(path.read_text(encoding="utf-8"))
    frames = math.ceil(float(data["metadata"]["duration"]) * fps)
    values = np.zeros((frames, len(CHANNELS)), np.float32)
    times = np.arange(frames) / fps
    for cue in data["mouthCues"]:
        # - 1e-6: cue times have two digits, frame times do not.
        within = (times >= float(cue["start"]) - 1e-6) & (times < float(cue["end"]) - 1e-6)
        values[within] = [POSES[cue["value"]].get(name, 0.0) for name in CHANNELS]
    return CurveTrack(_blended(values, fps), CHANNELS, fps)


def _blended(values: FloatArray, fps: float) -> FloatArray:
    """Cross-fade neighbouring poses by a Hann window; the ends are held."""
    # Odd, so that the window has a middle and the blend no lag.
    window = np.hanning(round(BLEND_S * fps) // 2 * 2 + 3)[1:-1]
    half = len(window) // 2
    padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
    smooth = np.lib.stride_tricks.sliding_window_view(padded, len(window), axis=0) @ window
    return np.asarray(smooth / window.sum(), np.float32)
