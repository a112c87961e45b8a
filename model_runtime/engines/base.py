"""The one interface of all engines, and the choice between them. numpy only; torch comes late."""

from __future__ import annotations

import dataclasses
import importlib.util
import logging
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias, runtime_checkable

import numpy as np

from ..arrays import FloatArray
from ..audio.features import log_mel_range
from ..checkpoint.folder import Checkpoint
from ..config import GeneratorConfig
from ..errors import BadArgument, EngineUnavailable

log = logging.getLogger(__name__)


AUTO: Final = "auto"
ENGINE_NAMES: Final = (AUTO, "numpy", "torch")
DEVICE_NAMES: Final = (AUTO, "cpu", "cuda", "mps")
PROOF_FRAMES = 25
BROKEN_TORCH = (ImportError, OSError, RuntimeError, AttributeError)
"""What a torch raises that does not fit the machine, or of which files are missing."""


@dataclasses.dataclass(frozen=True)
class EngineOutput:
    """What a generator says about T model frames (50 Hz)."""

    curves: FloatArray
    """Shape (T, C), unbounded."""
    phones: FloatArray
    """Probabilities that sum to 1 in each frame, shape (T, P)."""


Read: TypeAlias = Callable[[int, int], FloatArray]
"""``read(first, count)`` gives samples of a sound; asked only for samples that exist."""


class Engine(Protocol):
    """Runs one checkpoint. Not thread-safe: one thread runs it."""

    name: str
    """``numpy`` or ``torch``."""
    device: str
    """Where it runs, for people: ``cpu``, ``cuda (NVIDIA H100)``."""
    note: str
    """Why it is not the engine or device one would expect; mostly empty."""
    config: GeneratorConfig
    window_frames: int
    """Model frames that suit one ``run``; an engine may lower it when memory runs out."""

    def run(self, features: FloatArray, emotion: FloatArray, style: FloatArray) -> EngineOutput:
        """Generate T frames from features (see ``hear``), emotion weights (T, E) and style (T, S).

        Both ends are the ends of the sound: the caller gives ``config.context_frames`` more on
        either side of what it keeps.
        """
        ...


@runtime_checkable
class Hearing(Protocol):
    """An engine that may have ears of its own: a pretrained speech encoder."""

    def hear(self, read: Read, sample_count: int, *, first_frame: int, frames: int) -> FloatArray:
        """See ``hear``."""
        ...


def hear(
    engine: Engine, read: Read, sample_count: int, *, first_frame: int, frames: int
) -> FloatArray:
    """Features of some model frames of a sound, as ``engine.run`` takes them.

    Args:
        engine: What will run on them.
        read: Levelled samples at 16 kHz.
        sample_count: In the whole sound.
        first_frame: First model frame.
        frames: How many model frames; those beyond the sound hear silence.

    Returns:
        Shape (frames * rows_per_frame, feature_width).
    """
    if isinstance(engine, Hearing):
        return engine.hear(read, sample_count, first_frame=first_frame, frames=frames)
    return log_mel_frames(read, sample_count, first_frame, frames, engine.config)


def log_mel_frames(
    read: Read, sample_count: int, first_frame: int, frames: int, config: GeneratorConfig
) -> FloatArray:
    """Log-mel of some model frames, shape (2 * frames, M)."""
    return log_mel_range(
        read, sample_count, first_frame=2 * first_frame, frames=2 * frames, config=config.features
    )


def check_names(engine: str, device: str) -> None:
    """Raise BadArgument for a name outside ``ENGINE_NAMES`` and ``DEVICE_NAMES``, or a clash."""
    if engine not in ENGINE_NAMES:
        raise BadArgument(f"Unknown engine {engine!r}", hint=f"Use {_either(ENGINE_NAMES)}")
    if device not in DEVICE_NAMES:
        raise BadArgument(f"Unknown device {device!r}", hint=f"Use {_either(DEVICE_NAMES)}")
    if engine == "numpy" and device not in (AUTO, "cpu"):
        raise BadArgument(
            f"The numpy engine does not run on {device}", hint="Use --engine torch or --device cpu"
        )


def torch_is_installed() -> bool:
    """Whether torch can be found, without importing it."""
    return importlib.util.find_spec("torch") is not None


def planned_engine(engine: str, device: str) -> str:
    """The engine that ``open_engine`` will try first."""
    check_names(engine, device)
    if engine != AUTO:
        return engine
    return "torch" if torch_is_installed() else "numpy"


def open_engine(checkpoint: Checkpoint, *, engine: str = AUTO, device: str = AUTO) -> Engine:
    """Load a checkpoint into an engine.

    Args:
        checkpoint: A generator.
        engine: ``auto`` takes torch where it is installed and works, else numpy.
        device: ``auto`` takes CUDA (or ROCm), then MPS, then the CPU.

    Raises:
        BadArgument: An unknown name, or numpy with a GPU.
        EngineUnavailable: What was asked for by name is not on this machine.
    """
    from .numpy_engine import NumpyEngine

    if checkpoint.config.encoder is not None:
        engine = _engine_for_encoder(checkpoint, engine)
    if planned_engine(engine, device) == "numpy":
        if device not in (AUTO, "cpu"):
            raise EngineUnavailable(
                f"Device {device} needs torch, which is not installed here",
                hint="Install torch into this Python, or use --device cpu",
            )
        return NumpyEngine(checkpoint)
    try:
        from .torch_engine import TorchEngine

        opened = TorchEngine(checkpoint, device)
        _prove(opened)
        return opened
    except BROKEN_TORCH as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        if engine == AUTO and device in (AUTO, "cpu"):
            log.warning("torch does not work (%s): using the numpy engine", error)
            return NumpyEngine(
                checkpoint, f"PyTorch does not work here ({reason}): built-in engine"
            )
        raise EngineUnavailable(
            f"torch does not load: {reason}", hint="Repair torch, or use --engine numpy"
        ) from error


def _prove(opened: Engine) -> None:
    """Run half a second of silence: a driver too old or a card too new show only then."""
    config, frames = opened.config, PROOF_FRAMES
    opened.run(
        np.zeros((config.rows_per_frame * frames, config.feature_width), np.float32),
        np.zeros((frames, len(config.emotions)), np.float32),
        np.zeros((frames, config.style_dim), np.float32),
    )


def _engine_for_encoder(checkpoint: Checkpoint, engine: str) -> str:
    """``torch``; raises for a wish or an installation without it."""
    if engine != "numpy" and torch_is_installed():
        return "torch"
    assert checkpoint.config.encoder is not None
    raise EngineUnavailable(
        f"{checkpoint.name} hears through a pretrained encoder ({checkpoint.config.encoder.kind}), "
        "which the numpy engine does not run",
        hint="Use --engine torch with torch and transformers installed, or a log-mel checkpoint",
    )


def _either(names: tuple[str, ...]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]])
