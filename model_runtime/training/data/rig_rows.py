"""Bring reference motion and recorded faces to the channels of the trained rig.

Reference motion is generated on the reference rig and carried over by channel name; other channels
of the trained rig are unobserved. A recorded face is used as it is, with its own emotion.
Unobserved channels are not taught.

Axes: B clips, T frames (50 Hz), C channels of the trained rig, K channels of the reference rig.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...arrays import HalfArray
from ...choices import EMOTIONS
from ..reference.rig import reference_rig
from .cache import Entry

FACE, STILL, FILMED = "face", "still", "filmed"
UNMEASURED_ON_FILM = (
    *("tongueOut", "cheekPuff", "jawForward", "mouthShrugLower", "mouthShrugUpper"),
    *("mouthPressLeft", "mouthPressRight"),
)
"""Channels that landmarks of a filmed face say nothing about: their mean over all of grid_s1 and
grid_s4 is under 0.01, and that 0 of the fit is not an observation."""


class RigRows:
    """Converts the rows of a batch to a rig of ``channels``."""

    def __init__(self, channels: Sequence[str]) -> None:
        # By name and not by position: rigs order their channels differently.
        names = reference_rig().channel_names
        shared = [(place, name) for place, name in enumerate(channels) if name in names]
        self.channels = tuple(channels)
        self.columns = [place for place, _ in shared]
        self.sources = [names.index(name) for _, name in shared]
        # The common case needs no copying of columns.
        self.is_reference = self.channels == names
        self.measured_on_film = torch.tensor([c not in UNMEASURED_ON_FILM for c in channels])

    def script_mouths(self, mouths: Sequence[HalfArray], entries: Sequence[Entry]) -> Tensor:
        """Return speech curves (B, T, K) for reference motion; zeros for recorded faces.

        Args:
            mouths: Curves of each row as cached, (T, K) or (T, C) of a recorded face.
            entries: Of the rows.
        """
        out = torch.zeros(len(mouths), len(mouths[0]), len(reference_rig().channels))
        for row, (mouth, entry) in enumerate(zip(mouths, entries, strict=True)):
            if entry.supervision != FACE:
                out[row] = torch.from_numpy(mouth.astype(np.float32))
        # Recorded faces are not acted: `settle` puts them in place of the zeros.
        return out

    def settle(
        self,
        acted: Tensor,
        emotion: Tensor,
        mouths: Sequence[HalfArray],
        entries: Sequence[Entry],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return curves (B, T, C), emotion (B, T, E) and the observed channels (B, C).

        Args:
            acted: Reference motion, shape (B, T, K).
            emotion: Of the reference motion, shape (B, T, E).
            mouths: As cached: (T, K) of a script, (T, C) of a recorded face.
            entries: Of the rows.
        """
        # The shipped rig without faces: what was acted is the target as it is.
        if self.is_reference and all(entry.supervision not in (FACE, FILMED) for entry in entries):
            return acted, emotion, torch.ones(len(entries), len(self.channels), dtype=torch.bool)
        curves = acted.new_zeros(*acted.shape[:2], len(self.channels))
        curves[..., self.columns] = acted[..., self.sources]
        observed = torch.zeros(len(entries), len(self.channels), dtype=torch.bool)
        observed[:, self.columns] = True
        # A copy: the caller's emotion belongs to the reference motion.
        emotion = emotion.clone()
        for row, entry in enumerate(entries):
            if entry.supervision == FACE:
                curves[row] = torch.from_numpy(mouths[row].astype(np.float32))
                observed[row] = self._recorded(entry)
                emotion[row] = recorded_emotion(entry)
            elif entry.supervision == FILMED:
                # Film observes what its landmarks show, on top of what the rig shares.
                observed[row] &= self.measured_on_film
            elif entry.supervision == STILL and not self.columns:
                # On a rig without reference motion, non-speech means rest without emotion.
                observed[row] = True
                emotion[row] = 0
        return curves, emotion, observed

    def _recorded(self, entry: Entry) -> Tensor:
        return torch.tensor([name not in entry.unobserved for name in self.channels])


def padded_curves(curves: HalfArray, pad: tuple[int, int], entry: Entry) -> HalfArray:
    """Return curves padded with rest; a recorded face repeats its first and last frame.

    Args:
        curves: Shape (T, C).
        pad: Frames to add before and after.
        entry: Entry of the item.
    """
    if entry.supervision == FACE:
        # A recorded face repeats its ends: a jump to rest would be motion that nobody made.
        return np.pad(curves, (pad, (0, 0)), mode="edge")
    return np.pad(curves, (pad, (0, 0)))


def padded_features(
    features: HalfArray, pad: tuple[int, int], rows_per_frame: int, nothing: float
) -> HalfArray:
    """Return features padded with silence (log-mel ``nothing``) by ``pad`` model frames.

    Features of a pretrained encoder have no value for silence: the first and last row repeat.

    Args:
        features: Shape (rows, W).
        pad: Model frames to add before and after.
        rows_per_frame: Feature rows in one model frame; 1 for a pretrained encoder.
        nothing: Log-mel value of silence.
    """
    rows = ((rows_per_frame * pad[0], rows_per_frame * pad[1]), (0, 0))
    if rows_per_frame == 1:
        return np.pad(features, rows, mode="edge")
    return np.pad(features, rows, constant_values=nothing)


def recorded_emotion(entry: Entry) -> Tensor:
    """Return the emotion weights (E,) of a recorded face."""
    weights = torch.zeros(len(EMOTIONS))
    if entry.emotion in EMOTIONS[1:]:
        weights[EMOTIONS.index(entry.emotion)] = entry.intensity
    return weights
