"""Choose the build of PyTorch for a machine, with its source and size. Standard library only.

PyTorch has one package index for each CUDA and ROCm version. An index stays when newer ones are
added, so pip finds the newest PyTorch of the chosen kind there.
"""

from __future__ import annotations

import dataclasses
import urllib.parse

from ..errors import InstallFailed
from .machine import Machine, Version, dotted
from .sources import DOWNLOAD, ENVIRONMENT, FOLDER, TORCH_INDEX

PYPI_TITLE = "pypi.org"
# Below 3, as a new major version may change what the engine calls.
TORCH_REQUIREMENT = "torch>=2.6,<3"
"""2.6 is the first version with everything that the torch engine uses on every system."""
OTHER_REQUIREMENTS = ("numpy>=1.24", "soundfile>=0.12")
"""soundfile reads FLAC, Ogg and MP3 on machines without ffmpeg."""


@dataclasses.dataclass(frozen=True)
class Build:
    """One build of PyTorch."""

    tag: str
    """Name of its index; empty for the build on PyPI."""
    title: str
    download_mb: int
    """Approximate download with PyTorch's own libraries; the index has the exact size."""
    disk_mb: int
    """Approximate size of the finished environment."""


# Sizes: wheels of torch 2.9 to 2.15 with the libraries they require, rounded up. They are shown
# before a download; the exact sum is shown once the index has answered.
CPU = Build("cpu", "PyTorch for the processor", 250, 900)
METAL = Build("", "PyTorch for Metal", 130, 600)
CUDA_13_0 = Build("cu130", "PyTorch for CUDA 13.0", 3000, 6000)
CUDA_12_8 = Build("cu128", "PyTorch for CUDA 12.8", 3500, 7200)
CUDA_12_6 = Build("cu126", "PyTorch for CUDA 12.6", 3200, 6600)
ROCM_7 = Build("rocm7.1", "PyTorch for ROCm 7.1", 5000, 16000)
ROCM_6 = Build("rocm6.4", "PyTorch for ROCm 6.4", 4800, 15000)
# Found by tag when an installation is resumed from its record.
BUILDS = {x.tag: x for x in (CPU, METAL, CUDA_13_0, CUDA_12_8, CUDA_12_6, ROCM_7, ROCM_6)}

# NVIDIA, CUDA Compatibility, table "minor version compatibility": a driver runs all of 13.x or 12.x
# from these versions on. Compute capability: CUDA 13 supports no card before Turing (7.5), the
# CUDA 12.6 of PyTorch none after Hopper (9.0), its 12.8 none before Volta.
DRIVER_CUDA_13: Version = (580,)
DRIVER_CUDA_12 = {"linux": (525, 60, 13), "windows": (528, 33)}
TURING: Version = (7, 5)
AFTER_HOPPER: Version = (10, 0)
DRIVER_BLACKWELL: Version = (570,)
OLDEST_CARD: Version = (5, 0)
ROCM_7_VERSION: Version = (7,)


@dataclasses.dataclass(frozen=True)
class Choice:
    """A build and the reason for it."""

    build: Build
    reason: str


@dataclasses.dataclass(frozen=True)
class Source:
    """Source of the packages, as plain data, so that an interrupted installation can be resumed."""

    kind: str = DOWNLOAD
    path: str = ""
    """Folder of wheels, or of an environment."""
    tag: str = "cpu"
    """Tag of the build; used for downloads only."""
    torch_index: str = TORCH_INDEX
    """Root of the PyTorch indexes, or of a mirror; empty takes PyTorch from pip's own index."""
    torch_requirement: str = TORCH_REQUIREMENT

    @property
    def build(self) -> Build:
        """Build to download."""
        # A record may name a build of a later version of the add-on.
        return BUILDS.get(self.tag, CPU)

    @property
    def index_url(self) -> str:
        """Index for PyTorch alone; empty for pip's own."""
        if self.kind != DOWNLOAD or not self.tag or not self.torch_index:
            return ""
        return f"{self.torch_index.rstrip('/')}/{self.tag}"

    @property
    def title(self) -> str:
        """Source, for display."""
        if self.kind == FOLDER:
            return f"the wheels in {self.path}"
        if self.kind == ENVIRONMENT:
            return f"the environment {self.path}"
        host = urllib.parse.urlsplit(self.index_url).hostname
        return f"{host} and {PYPI_TITLE}" if host else PYPI_TITLE


def choose(machine: Machine) -> Choice:
    """Return the build that fits a machine.

    Raises:
        InstallFailed: PyTorch does not exist for this system.
    """
    if machine.system == "macos":
        if machine.processor != "arm64":
            # The last PyTorch for Intel Macs is 2.2.
            raise InstallFailed(
                "PyTorch no longer supports Macs with Intel processors",
                hint="Use the built-in engine, which needs no installation",
            )
        return Choice(METAL, "Apple silicon runs PyTorch through Metal")
    if machine.processor not in ("x86_64", "arm64"):
        raise InstallFailed(
            f"PyTorch does not support the processor {machine.processor!r}",
            hint="Use the built-in engine, which needs no installation",
        )
    card = machine.card
    if card is None:
        return Choice(CPU, "no NVIDIA or AMD card with a working driver was found")
    if card.vendor == "amd":
        return _rocm(card.driver)
    return _cuda(machine.system, card.driver, card.capability)


def _cuda(system: str, driver: Version, capability: Version) -> Choice:
    driver_title = f"driver {dotted(driver)}"
    # An unknown system is compared as Linux.
    oldest = DRIVER_CUDA_12.get(system, DRIVER_CUDA_12["linux"])
    if driver < oldest:
        return Choice(
            CPU, f"{driver_title} is older than {dotted(oldest)}: update it to use the card"
        )
    # An empty capability is unknown, not old.
    if capability and capability < OLDEST_CARD:
        return Choice(CPU, f"PyTorch does not support compute capability {dotted(capability)}")
    # The newest build that driver and card run both.
    if driver >= DRIVER_CUDA_13 and (not capability or capability >= TURING):
        return Choice(CUDA_13_0, f"{driver_title} runs CUDA 13")
    if capability >= AFTER_HOPPER:
        if driver < DRIVER_BLACKWELL:
            return Choice(
                CPU, f"{driver_title} is too old for this card: update it to use the card"
            )
        return Choice(CUDA_12_8, f"{driver_title} runs CUDA 12, and the card needs 12.8")
    if driver >= DRIVER_CUDA_13:
        return Choice(CUDA_12_6, "CUDA 13 does not support cards older than Turing")
    return Choice(CUDA_12_6, f"{driver_title} runs CUDA 12")


def _rocm(version: Version) -> Choice:
    # An empty version is smaller than any.
    if version >= ROCM_7_VERSION:
        return Choice(ROCM_7, f"ROCm {dotted(version)} is installed")
    found = (
        f"ROCm {dotted(version)} is installed" if version else "AMD's compute driver is installed"
    )
    return Choice(ROCM_6, found)
