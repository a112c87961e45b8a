"""Perform with a checkpoint, as the add-on does, and keep what the network said on the way."""

from __future__ import annotations

from pathlib import Path

from ...arrays import FloatArray
from ...audio.features import ReadSamples
from ...audio.store import SpeechStore
from ...checkpoint.folder import load_checkpoint
from ...config import GeneratorConfig
from ...curves.track import CurveTrack
from ...engines.base import Engine, EngineOutput, extract_features
from ...engines.factory import AUTO, open_engine
from ...generate import perform
from ...protocol import NATURAL_ACTING, Acting, EmotionKey, Performance
from ...raw_curves import generate_raw
from .base import EVALUATION_FPS, Direction, NetworkOutput

WHOLE_CLIP_FRAMES = 15_000
"""One window for clips up to 5 min: the phones of a window cannot be joined from outside."""


class ModelPerformer:
    """Runs one engine. Motion that is added after the network is left out unless asked for.

    Args:
        engine: From ``engines.factory.open_engine``; training may give one of its own.
        name: Heading of its column.
        commits: Whether the mouth commits to single phones (``postprocess.commitment``).
    """

    def __init__(self, engine: Engine, name: str, *, commits: bool = True) -> None:
        self.name = name
        self.engine = engine
        self.commits = commits
        self._outputs: dict[Path, NetworkOutput] = {}

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        name: str = "",
        engine: str = AUTO,
        device: str = AUTO,
        calibrated: bool = True,
        commits: bool = True,
    ) -> ModelPerformer:
        """Return a performer of a checkpoint.

        Args:
            folder: Checkpoint folder.
            name: Heading of its column; the folder's name when empty.
            engine: ``auto``, ``numpy`` or ``torch``.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            calibrated: False leaves out the output calibration.
            commits: False leaves the mouth of the network in doubt (``postprocess.commitment``).

        Raises:
            BadWeights: Not a checkpoint.
            EngineUnavailable: The engine or device is not on this machine.
        """
        checkpoint = load_checkpoint(folder, calibrated=calibrated)
        opened = open_engine(checkpoint, engine=engine, device=device)
        return cls(opened, name or folder.name, commits=commits)

    def perform(self, path: Path, direction: Direction) -> CurveTrack:
        """Return curves of the whole file; see ``Performer.perform``.

        Args:
            path: Audio file.
            direction: Emotion, seed and what is added.
        """
        recording = _Recording(self.engine)
        track = perform(self._performance(path, direction), recording)
        # Kept only for the plain direction: emotions have other curves and the same phones.
        if direction == Direction():
            self._outputs[path] = self._output(recording)
        return track

    def output(self, path: Path) -> NetworkOutput:
        """Return the network's own output for a neutral performance."""
        if path not in self._outputs:
            recording = _Recording(self.engine)
            # From the store, as in generation.
            with SpeechStore.open(path, start_s=0.0, duration_s=None) as store:
                generate_raw(store, recording, self._performance(path, Direction()))
            self._outputs[path] = self._output(recording)
        return self._outputs[path]

    def _performance(self, path: Path, direction: Direction) -> Performance:
        return Performance(
            audio=path,
            fps=EVALUATION_FPS,
            emotion_keys=(EmotionKey(0.0, direction.emotion, direction.intensity),),
            rig=self.engine.config.rig,
            seed=direction.seed,
            # Blinks and acting are random: for comparisons of lips they are left out.
            blink=direction.alive,
            commit=self.commits,
            acting=NATURAL_ACTING if direction.alive else Acting(),
        )

    def _output(self, recording: _Recording) -> NetworkOutput:
        assert recording.output is not None
        config = self.engine.config
        return NetworkOutput(
            recording.output.curves, recording.output.phones, config.phones, config.frame_rate
        )


class _Recording:
    """An engine that runs a clip in one window and keeps its output."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.device, self.note = engine.name, engine.device, engine.note
        self.config: GeneratorConfig = engine.config
        # One window a clip: phones of two windows cannot be joined at a border.
        self.window_frames = WHOLE_CLIP_FRAMES
        self.output: EngineOutput | None = None

    def extract_features(
        self, read: ReadSamples, sample_count: int, *, first_frame: int, frames: int
    ) -> FloatArray:
        return extract_features(
            self._engine, read, sample_count, first_frame=first_frame, frames=frames
        )

    def run(self, features: FloatArray, emotion: FloatArray, style: FloatArray) -> EngineOutput:
        self.output = self._engine.run(features, emotion, style)
        return self.output
