"""A checkpoint as a performer: the add-on's own path through the runtime, blinks left out."""

from __future__ import annotations

from pathlib import Path

from ...checkpoint.folder import load_checkpoint
from ...curves.track import CurveTrack
from ...engines.factory import AUTO, open_engine
from ...generate import perform
from ...protocol import EmotionKey, Performance
from .base import EVALUATION_FPS, Direction


class ModelPerformer:
    """Runs one checkpoint. Blinks come from a point process, not from the model: they are left out.

    Args:
        folder: Checkpoint folder.
        name: How the table calls it; the folder's name when empty.
        engine: ``auto``, ``numpy`` or ``torch``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        BadWeights: Not a checkpoint.
        EngineUnavailable: The engine or device is not on this machine.
    """

    def __init__(
        self, folder: Path, *, name: str = "", engine: str = AUTO, device: str = AUTO
    ) -> None:
        self.name = name or folder.name
        self.engine = open_engine(load_checkpoint(folder), engine=engine, device=device)

    def perform(self, path: Path, direction: Direction) -> CurveTrack:
        """Curves of the whole sound at ``EVALUATION_FPS``, bounded, without blinks."""
        performance = Performance(
            audio=path,
            fps=EVALUATION_FPS,
            emotion_keys=(EmotionKey(0.0, direction.emotion, direction.intensity),),
            rig=self.engine.config.rig,
            seed=direction.seed,
            blink=False,
        )
        return perform(performance, self.engine)
