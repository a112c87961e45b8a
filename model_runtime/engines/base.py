"""Define the interface that all engines implement. numpy only."""

from __future__ import annotations

import dataclasses
from typing import Protocol, runtime_checkable

import numpy as np

from ..arrays import FloatArray
from ..audio.features import ReadSamples, log_mel_range
from ..config import GeneratorConfig


@dataclasses.dataclass(frozen=True)
class EngineOutput:
    """Output of the generator for T model frames (50 Hz)."""

    curves: FloatArray
    """Shape (T, C), unbounded."""
    phones: FloatArray
    """Probabilities that sum to 1 in each frame, shape (T, P)."""
    speech: FloatArray | None = None
    """Curves without emotion, shape (T, C); only from ``run_layered``."""


class Engine(Protocol):
    """Runs one checkpoint. Not thread-safe: use it from one thread at a time."""

    name: str
    """``numpy`` or ``torch``."""
    device: str
    """Display name of the device: ``cpu``, ``cuda (NVIDIA H100)``."""
    note: str
    """Reason for a fallback to another engine or device; usually empty."""
    config: GeneratorConfig
    window_frames: int
    """Suitable number of model frames per ``run``; an engine may lower it when memory runs out."""

    def run(self, features: FloatArray, emotion: FloatArray, style: FloatArray) -> EngineOutput:
        """Generate T frames; both ends are treated as the ends of the clip.

        Callers that process a clip in windows add ``config.context_frames`` frames on either side
        of each window and drop them from the output.

        Args:
            features: From ``extract_features``, shape (T * rows_per_frame, feature_width).
            emotion: Emotion weights, shape (T, E).
            style: Style noise, shape (T, S).
        """
        ...


@runtime_checkable
class LayeredEngine(Protocol):
    """An engine that decodes a clip with and without emotion on one pass of its encoder."""

    def run_layered(
        self, features: FloatArray, emotion: FloatArray, style: FloatArray
    ) -> EngineOutput:
        """See the function ``run_layered``."""
        ...


@runtime_checkable
class FeatureExtractor(Protocol):
    """An engine that computes its own features, for example by a pretrained speech encoder."""

    def extract_features(
        self, read: ReadSamples, sample_count: int, *, first_frame: int, frames: int
    ) -> FloatArray:
        """See the function ``extract_features``."""
        ...


@runtime_checkable
class KeepsEncodings(Protocol):
    """An engine that can keep what its encoder made of the last features."""

    def keep_encodings(self, limit_bytes: int) -> None:
        """Keep encodings from now on, the latest first; 0 keeps none."""
        ...


def run_layered(
    engine: Engine, features: FloatArray, emotion: FloatArray, style: FloatArray
) -> EngineOutput:
    """Generate T frames with and without their emotion; ``curves`` are those of ``engine.run``.

    Args:
        engine: The engine.
        features: See ``Engine.run``.
        emotion: Emotion weights, shape (T, E), neutral first.
        style: See ``Engine.run``.
    """
    if not emotion[:, 1:].any():  # the embedding of neutral is zero
        output = engine.run(features, emotion, style)
        return dataclasses.replace(output, speech=output.curves)
    if isinstance(engine, LayeredEngine):
        return engine.run_layered(features, emotion, style)
    neutral = engine.run(features, np.zeros_like(emotion), style).curves
    return dataclasses.replace(engine.run(features, emotion, style), speech=neutral)


def extract_features(
    engine: Engine, read: ReadSamples, sample_count: int, *, first_frame: int, frames: int
) -> FloatArray:
    """Return features of some model frames of a clip, as ``engine.run`` takes them.

    Args:
        engine: The engine that will run on them.
        read: Levelled samples at 16 kHz.
        sample_count: Number of samples in the whole clip.
        first_frame: First model frame.
        frames: Number of model frames; frames beyond the clip see silence.

    Returns:
        Shape (frames * rows_per_frame, feature_width).
    """
    # An engine may bring an encoder of its own; most take log-mel.
    if isinstance(engine, FeatureExtractor):
        return engine.extract_features(read, sample_count, first_frame=first_frame, frames=frames)
    return log_mel_frames(read, sample_count, first_frame, frames, engine.config)


def log_mel_frames(
    read: ReadSamples, sample_count: int, first_frame: int, frames: int, config: GeneratorConfig
) -> FloatArray:
    """Return log-mel features of some model frames.

    Args:
        read: Levelled samples at 16 kHz.
        sample_count: Number of samples in the whole clip.
        first_frame: First model frame.
        frames: Number of model frames.
        config: Configuration of the generator.

    Returns:
        Shape (2 * frames, M).
    """
    return log_mel_range(
        read, sample_count, first_frame=2 * first_frame, frames=2 * frames, config=config.features
    )


class WrappedEngine:
    """Base of engines that answer for another one: they change how it is run, not what it is."""

    def __init__(self, inner: Engine) -> None:
        """Wrap an engine."""
        self._inner = inner

    @property
    def name(self) -> str:
        """See ``Engine``."""
        return self._inner.name

    @property
    def device(self) -> str:
        """See ``Engine``."""
        return self._inner.device

    @property
    def note(self) -> str:
        """See ``Engine``."""
        return self._inner.note  # not copied: an engine falls back while it runs

    @property
    def config(self) -> GeneratorConfig:
        """See ``Engine``."""
        return self._inner.config

    @property
    def window_frames(self) -> int:
        """See ``Engine``."""
        return self._inner.window_frames  # not copied: an engine lowers it when memory runs out

    def extract_features(
        self, read: ReadSamples, sample_count: int, *, first_frame: int, frames: int
    ) -> FloatArray:
        """See the function ``extract_features``."""
        return extract_features(
            self._inner, read, sample_count, first_frame=first_frame, frames=frames
        )
