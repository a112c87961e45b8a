"""Select the device that torch runs on. torch is imported only inside functions."""

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
    """Display name, with the name of the GPU."""
    reason: str
    """Reason for the choice, for the log and ``info``."""


def pick_device(wanted: str) -> DeviceChoice:
    """Select a device; ``auto`` takes CUDA, then MPS, then the CPU.

    Raises:
        BadArgument: The name is none of auto, cpu, cuda, mps.
        EngineUnavailable: The device given by name is not available; the message has the reason.
    """
    # Imported here: this module is also asked where torch is not installed.
    import torch

    missing = missing_devices()
    if wanted == "auto":
        # In order of speed.
        kind = next(k for k in ("cuda", "mps", "cpu") if k not in missing)
        reason = (
            "; ".join(missing.values()) if kind == "cpu" else "the fastest device of this machine"
        )
    elif wanted in ("cpu", "cuda", "mps"):
        kind, reason = wanted, "requested"
        if kind in missing:
            raise EngineUnavailable(
                f"Device {kind} is not available: {missing[kind]}", hint="Use --device auto or cpu"
            )
    else:
        raise BadArgument(f"Unknown device {wanted!r}", hint="Use auto, cpu, cuda or mps")
    title = f"cuda ({torch.cuda.get_device_name(0)})" if kind == "cuda" else kind
    return DeviceChoice(kind, title, reason)


def missing_devices() -> dict[str, str]:
    """Return, for each kind of GPU that cannot be used, the reason. Imports torch."""
    import torch

    missing = {}
    if not torch.cuda.is_available():
        built = torch.version.cuda is not None or torch.version.hip is not None
        # Which of both builds it is decides what the user has to install.
        missing["cuda"] = (
            "no CUDA or ROCm GPU found" if built else f"torch {torch.__version__} is built for CPU"
        )
    if not torch.backends.mps.is_available():
        missing["mps"] = "MPS needs macOS on Apple silicon"
    return missing


def predicted_device() -> str:
    """Predict the result of ``pick_device("auto")`` in milliseconds, without torch.

    The worker's ``Hello`` message reports it; every result names the device that was used.
    """
    try:
        # The local version of torch's wheels: "cpu", "cu126", "rocm6.2"; empty on PyPI.
        build = importlib.metadata.version("torch").partition("+")[2]
    except importlib.metadata.PackageNotFoundError:  # a torch without its metadata
        build = ""
    if sys.platform == "darwin":
        return "mps" if platform.machine() == "arm64" else "cpu"
    if build == "cpu":
        return "cpu"
    # Asked from the driver: importing torch takes seconds.
    return "cuda" if _cuda_card_count() > 0 else "cpu"


def _cuda_card_count() -> int:
    """Return the number of GPUs that the CUDA driver (or HIP) reports; 0 without a driver."""
    for name, initialise, count in (
        ("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1", "cuInit", "cuDeviceGetCount"),
        ("libamdhip64.so", "hipInit", "hipGetDeviceCount"),
    ):
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        cards = ctypes.c_int(0)
        # Both calls return 0 for success.
        if getattr(driver, initialise)(0) == 0 and not getattr(driver, count)(ctypes.byref(cards)):
            return cards.value
    return 0
