"""Which device torch should run on, and why. Imports torch only when asked to pick."""

from __future__ import annotations

import ctypes
import dataclasses
import importlib.metadata
import platform
import sys

from ..errors import BadArgument, EngineUnavailable


@dataclasses.dataclass(frozen=True)
class DeviceChoice:
    """A torch device."""

    kind: str
    """``cpu``, ``cuda`` (ROCm too) or ``mps``."""
    title: str
    """With the name of the card, for people."""
    reason: str
    """Why this one, for the log and ``info``."""


def pick_device(wanted: str) -> DeviceChoice:
    """The device for ``wanted``: ``auto`` takes CUDA, then MPS, then the CPU.

    Raises:
        BadArgument: A name that is none of auto, cpu, cuda, mps.
        EngineUnavailable: The device asked for by name is not here; the message says why.
    """
    import torch

    missing = missing_devices()
    if wanted == "auto":
        kind = next(k for k in ("cuda", "mps", "cpu") if k not in missing)
        reason = "; ".join(missing.values()) if kind == "cpu" else "the fastest device here"
    elif wanted in ("cpu", "cuda", "mps"):
        kind, reason = wanted, "asked for"
        if kind in missing:
            raise EngineUnavailable(
                f"Device {kind} is not available: {missing[kind]}", hint="Use --device auto or cpu"
            )
    else:
        raise BadArgument(f"Unknown device {wanted!r}", hint="Use auto, cpu, cuda or mps")
    title = f"cuda ({torch.cuda.get_device_name(0)})" if kind == "cuda" else kind
    return DeviceChoice(kind, title, reason)


def missing_devices() -> dict[str, str]:
    """Why each GPU kind cannot be used here; what is usable is absent. Imports torch."""
    import torch

    missing = {}
    if not torch.cuda.is_available():
        built = torch.version.cuda is not None or torch.version.hip is not None
        missing["cuda"] = (
            "no CUDA or ROCm card found" if built else f"torch {torch.__version__} is built for CPU"
        )
    if not torch.backends.mps.is_available():
        missing["mps"] = "MPS needs macOS on Apple silicon"
    return missing


def foreseen_device() -> str:
    """What ``pick_device("auto")`` will most likely find, in milliseconds and without torch.

    The worker's greeting uses it; every result names the device that really ran.
    """
    try:
        build = importlib.metadata.version("torch").partition("+")[2]
    except importlib.metadata.PackageNotFoundError:  # a torch without its metadata
        build = ""
    if sys.platform == "darwin":
        return "mps" if platform.machine() == "arm64" else "cpu"
    if build == "cpu":
        return "cpu"
    return "cuda" if _cuda_card_count() > 0 else "cpu"


def _cuda_card_count() -> int:
    """Cards that the CUDA driver (or HIP's runtime) sees; 0 without a driver."""
    for name, initialise, count in (
        ("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1", "cuInit", "cuDeviceGetCount"),
        ("libamdhip64.so", "hipInit", "hipGetDeviceCount"),
    ):
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        cards = ctypes.c_int(0)
        if getattr(driver, initialise)(0) == 0 and not getattr(driver, count)(ctypes.byref(cards)):
            return cards.value
    return 0
