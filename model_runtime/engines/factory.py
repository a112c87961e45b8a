"""Choose and open an engine. torch is imported only when it is used."""

from __future__ import annotations

import importlib.util
import logging
from typing import Final

import numpy as np

from ..checkpoint.folder import Checkpoint
from ..errors import BadArgument, EngineUnavailable
from .base import Engine
from .numpy_engine import NumpyEngine

log = logging.getLogger(__name__)

AUTO: Final = "auto"
ENGINE_NAMES: Final = (AUTO, "numpy", "torch")
DEVICE_NAMES: Final = (AUTO, "cpu", "cuda", "mps")
# Half a second: long enough that every layer runs.
SELF_CHECK_FRAMES = 25
BROKEN_TORCH = (ImportError, OSError, RuntimeError, AttributeError)
"""Exceptions of a torch build that does not fit the machine or lacks files."""


def check_names(engine: str, device: str) -> None:
    """Check an engine and a device name.

    Args:
        engine: One of ``ENGINE_NAMES``.
        device: One of ``DEVICE_NAMES``.

    Raises:
        BadArgument: A name is unknown, or the engine does not run on that device.
    """
    if engine not in ENGINE_NAMES:
        raise BadArgument(f"Unknown engine {engine!r}", hint=f"Use {_either(ENGINE_NAMES)}")
    if device not in DEVICE_NAMES:
        raise BadArgument(f"Unknown device {device!r}", hint=f"Use {_either(DEVICE_NAMES)}")
    if engine == "numpy" and device not in (AUTO, "cpu"):
        raise BadArgument(
            f"The numpy engine does not run on {device}", hint="Use --engine torch or --device cpu"
        )


def torch_is_installed() -> bool:
    """Return whether torch can be found, without importing it."""
    # find_spec imports nothing of torch itself.
    return importlib.util.find_spec("torch") is not None


def planned_engine(engine: str, device: str) -> str:
    """Return the name of the engine that ``open_engine`` tries first.

    Args:
        engine: One of ``ENGINE_NAMES``.
        device: One of ``DEVICE_NAMES``.

    Raises:
        BadArgument: See ``check_names``.
    """
    check_names(engine, device)
    if engine != AUTO:
        return engine
    return "torch" if torch_is_installed() else "numpy"


def open_engine(checkpoint: Checkpoint, *, engine: str = AUTO, device: str = AUTO) -> Engine:
    """Load a checkpoint into an engine.

    Args:
        checkpoint: A generator.
        engine: ``auto`` takes torch if it is installed and works, otherwise numpy.
        device: ``auto`` takes CUDA (or ROCm), then MPS, then the CPU.

    Raises:
        BadArgument: A name is unknown, or numpy is combined with a GPU.
        EngineUnavailable: An engine or device given by name is not available on this machine.
    """
    if checkpoint.config.encoder is not None:
        engine = _engine_for_encoder(checkpoint, engine)
    if planned_engine(engine, device) == "numpy":
        if device not in (AUTO, "cpu"):
            # A GPU that was asked for by name must not be replaced silently.
            raise EngineUnavailable(
                f"Device {device} needs torch, which is not installed here",
                hint="Install torch into this Python, or use --device cpu",
            )
        return NumpyEngine(checkpoint)
    try:
        from .torch_engine import TorchEngine

        opened = TorchEngine(checkpoint, device)
        _run_silence(opened)
        return opened
    except BROKEN_TORCH as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        # Only `auto` may fall back: who named an engine wants to know.
        if engine == AUTO and device in (AUTO, "cpu"):
            log.warning("torch does not work (%s): using the numpy engine", error)
            return NumpyEngine(
                checkpoint, f"PyTorch does not work here ({reason}): built-in engine"
            )
        raise EngineUnavailable(
            f"torch does not load: {reason}", hint="Repair torch, or use --engine numpy"
        ) from error


def _run_silence(opened: Engine) -> None:
    """Run half a second of silence."""
    # A driver that is too old, or a GPU that is too new, fails only when a kernel runs.
    config, frames = opened.config, SELF_CHECK_FRAMES
    opened.run(
        np.zeros((config.rows_per_frame * frames, config.feature_width), np.float32),
        np.zeros((frames, len(config.emotions)), np.float32),
        np.zeros((frames, config.style_dim), np.float32),
    )


def _engine_for_encoder(checkpoint: Checkpoint, engine: str) -> str:
    """Return ``torch``, the only engine that runs pretrained encoders, or raise."""
    if engine != "numpy" and torch_is_installed():
        return "torch"
    assert checkpoint.config.encoder is not None
    raise EngineUnavailable(
        f"{checkpoint.name} uses a pretrained encoder ({checkpoint.config.encoder.kind}), "
        "which the numpy engine does not run",
        hint="Use --engine torch with torch and transformers installed, or a log-mel checkpoint",
    )


def _either(names: tuple[str, ...]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]])
