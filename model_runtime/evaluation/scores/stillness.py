"""Score how still the lips are where nobody speaks (``shared/docs/face.md``, 3 h)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data.clips import SpokenClip
from ..metrics.mesh import MeshRig
from ..performers.base import Direction, Performer


def motion_over_speech(
    performer: Performer,
    sounds: Sequence[Path],
    clips: Sequence[SpokenClip],
    mesh: MeshRig,
) -> dict[str, float]:
    """Return the standard deviation of the lip gap in each sound over its mean in speech.

    Args:
        performer: Who performs.
        sounds: Files without speech; the name of a file is that of the sound.
        clips: Speech.
        mesh: The head to measure on.
    """

    def deviation(path: Path) -> float:
        return float(mesh.gap(performer.perform(path, Direction())).std())

    # One mean for all sounds: kinds are compared with the same speech.
    speech = float(np.mean([deviation(clip.path) for clip in clips]))
    return {path.stem: deviation(path) / max(speech, 1e-12) for path in sounds}
