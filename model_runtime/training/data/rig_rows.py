"""Reference motion and recorded faces side by side, on the rig that is trained.

Reference motion is acted on the reference rig and carried over by the names of channels; what the
trained rig has beyond it stays unobserved. A recorded face is taken as it is, with the emotion it
was recorded with. Nothing is learnt from what is unobserved.

Axes: B clips, T frames (50 Hz), C channels of the trained rig, K channels of the reference rig.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...arrays import HalfArray
from ...protocol import EMOTIONS
from ..reference.rig import reference_rig
from .cache import Entry

FACE, STILL, FILMED = "face", "still", "filmed"
UNMEASURED_ON_FILM = ("tongueOut", "cheekPuff", "jawForward")
"""Channels that landmarks of a filmed face say nothing about: the fit's 0 is not an observation."""


class RigRows:
    """The rows of a batch on a rig of ``channels``."""

    def __init__(self, channels: Sequence[str]) -> None:
        names = reference_rig().channel_names
        shared = [(place, name) for place, name in enumerate(channels) if name in names]
        self.channels = tuple(channels)
        self.columns = [place for place, _ in shared]
        self.sources = [names.index(name) for _, name in shared]
        self.is_reference = self.channels == names
        self.measured_on_film = torch.tensor([c not in UNMEASURED_ON_FILM for c in channels])

    def script_mouths(self, mouths: Sequence[HalfArray], entries: Sequence[Entry]) -> Tensor:
        """Speech curves (B, T, K) to act on; nil for recorded faces, which are not acted."""
        out = torch.zeros(len(mouths), len(mouths[0]), len(reference_rig().channels))
        for row, (mouth, entry) in enumerate(zip(mouths, entries, strict=True)):
            if entry.supervision != FACE:
                out[row] = torch.from_numpy(mouth.astype(np.float32))
        return out

    def settle(
        self,
        acted: Tensor,
        emotion: Tensor,
        mouths: Sequence[HalfArray],
        entries: Sequence[Entry],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Curves (B, T, C), emotion (B, T, E) and what is observed of each clip (B, C).

        Args:
            acted: Reference motion, shape (B, T, K).
            emotion: What was acted, shape (B, T, E).
            mouths: As cached: (T, K) of a script, (T, C) of a recorded face.
            entries: What the rows are.
        """
        if self.is_reference and all(entry.supervision not in (FACE, FILMED) for entry in entries):
            return acted, emotion, torch.ones(len(entries), len(self.channels), dtype=torch.bool)
        curves = acted.new_zeros(*acted.shape[:2], len(self.channels))
        curves[..., self.columns] = acted[..., self.sources]
        observed = torch.zeros(len(entries), len(self.channels), dtype=torch.bool)
        observed[:, self.columns] = True
        emotion = emotion.clone()
        for row, entry in enumerate(entries):
            if entry.supervision == FACE:
                curves[row] = torch.from_numpy(mouths[row].astype(np.float32))
                observed[row] = self._recorded(entry)
                emotion[row] = recorded_emotion(entry)
            elif entry.supervision == FILMED:
                observed[row] &= self.measured_on_film
            elif entry.supervision == STILL and not self.columns:
                # A rig without reference motion rests where nobody speaks, without emotion.
                observed[row] = True
                emotion[row] = 0
        return curves, emotion, observed

    def _recorded(self, entry: Entry) -> Tensor:
        return torch.tensor([name not in entry.unobserved for name in self.channels])


def padded_curves(curves: HalfArray, pad: tuple[int, int], entry: Entry) -> HalfArray:
    """Curves (T, C) with frames before and after: speech ends at rest, a recorded face holds."""
    if entry.supervision == FACE:
        return np.pad(curves, (pad, (0, 0)), mode="edge")
    return np.pad(curves, (pad, (0, 0)))


def padded_features(
    features: HalfArray, pad: tuple[int, int], rows_per_frame: int, nothing: float
) -> HalfArray:
    """Features with silence (log-mel ``nothing``) before and after ``pad`` model frames.

    A pretrained encoder has no number for silence: what it heard at the ends goes on.
    """
    rows = ((rows_per_frame * pad[0], rows_per_frame * pad[1]), (0, 0))
    if rows_per_frame == 1:
        return np.pad(features, rows, mode="edge")
    return np.pad(features, rows, constant_values=nothing)


def recorded_emotion(entry: Entry) -> Tensor:
    """Emotion weights (E,) of a recorded face."""
    weights = torch.zeros(len(EMOTIONS))
    if entry.emotion in EMOTIONS[1:]:
        weights[EMOTIONS.index(entry.emotion)] = entry.intensity
    return weights
