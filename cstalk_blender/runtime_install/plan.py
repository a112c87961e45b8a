"""Which build of PyTorch suits a machine, where it comes from and how large it is. Stdlib only.

PyTorch keeps one package index for each CUDA and ROCm version. An index stays when newer ones come,
so pip finds the newest PyTorch of the chosen kind there.
"""

from __future__ import annotations

import dataclasses
import urllib.parse

from ..errors import InstallFailed
from .machine import Machine, Version, dotted
from .sources import DOWNLOAD, ENVIRONMENT, FOLDER, TORCH_INDEX

PYPI_TITLE = "pypi.org"
TORCH_REQUIREMENT = "torch>=2.6,<3"
"""2.6 is the first with all that the torch engine asks for on every system here."""
OTHER_REQUIREMENTS = ("numpy>=1.24", "soundfile>=0.12")
"""soundfile reads FLAC, Ogg and MP3 where there is no ffmpeg."""

SOURCES = (DOWNLOAD, FOLDER, ENVIRONMENT)


@dataclasses.dataclass(frozen=True)
class Build:
    """One kind of PyTorch."""

    tag: str
    """Name of its index; empty for the one on PyPI."""
    title: str
    download_mb: int
    """About what is downloaded, PyTorch's own libraries with it; the index says it exactly."""
    disk_mb: int
    """About what the finished environment takes."""


# Sizes: wheels of torch 2.9 to 2.15 and the libraries they ask for, rounded up to what a person
# needs to know before a download. The exact sum is shown once the index has answered.
CPU = Build("cpu", "PyTorch for the processor", 250, 900)
METAL = Build("", "PyTorch for Metal", 130, 600)
CUDA_13_0 = Build("cu130", "PyTorch for CUDA 13.0", 3000, 6000)
CUDA_12_8 = Build("cu128", "PyTorch for CUDA 12.8", 3500, 7200)
CUDA_12_6 = Build("cu126", "PyTorch for CUDA 12.6", 3200, 6600)
ROCM_7 = Build("rocm7.1", "PyTorch for ROCm 7.1", 5000, 16000)
ROCM_6 = Build("rocm6.4", "PyTorch for ROCm 6.4", 4800, 15000)
BUILDS = {x.tag: x for x in (CPU, METAL, CUDA_13_0, CUDA_12_8, CUDA_12_6, ROCM_7, ROCM_6)}

# NVIDIA, CUDA Compatibility, table "minor version compatibility": a driver runs all of 13.x or 12.x
# from these versions on. Compute capability: CUDA 13 has no cards before Turing (7.5), PyTorch's
# CUDA 12.6 none after Hopper (9.0), its 12.8 none before Volta.
DRIVER_CUDA_13: Version = (580,)
DRIVER_CUDA_12 = {"linux": (525, 60, 13), "windows": (528, 33)}
TURING: Version = (7, 5)
AFTER_HOPPER: Version = (10, 0)
DRIVER_BLACKWELL: Version = (570,)
OLDEST_CARD: Version = (5, 0)
ROCM_7_VERSION: Version = (7,)


@dataclasses.dataclass(frozen=True)
class Choice:
    """A build and why this one."""

    build: Build
    reason: str


@dataclasses.dataclass(frozen=True)
class Source:
    """Where packages come from, in plain data, so that an interrupted installation can go on."""

    kind: str = DOWNLOAD
    path: str = ""
    """Folder of wheels, or of an environment."""
    tag: str = "cpu"
    """The build's tag; of the download alone."""
    torch_index: str = TORCH_INDEX
    """Root of the PyTorch indexes, or a mirror of it; empty asks pip's own index for PyTorch."""
    torch_requirement: str = TORCH_REQUIREMENT

    @property
    def build(self) -> Build:
        """The build that is downloaded."""
        return BUILDS.get(self.tag, CPU)

    @property
    def index_url(self) -> str:
        """Index that PyTorch alone is taken from; empty for pip's own."""
        if self.kind != DOWNLOAD or not self.tag or not self.torch_index:
            return ""
        return f"{self.torch_index.rstrip('/')}/{self.tag}"

    @property
    def title(self) -> str:
        """Where it comes from, for people."""
        if self.kind == FOLDER:
            return f"the wheels in {self.path}"
        if self.kind == ENVIRONMENT:
            return f"the environment {self.path}"
        host = urllib.parse.urlsplit(self.index_url).hostname
        return f"{host} and {PYPI_TITLE}" if host else PYPI_TITLE


def choose(machine: Machine) -> Choice:
    """The build for a machine.

    Raises:
        InstallFailed: There is no PyTorch for this system.
    """
    if machine.system == "macos":
        if machine.processor != "arm64":
            raise InstallFailed(
                "PyTorch is no longer made for Macs with Intel processors",
                hint="The built-in engine runs here, and needs no installation",
            )
        return Choice(METAL, "Apple silicon computes through Metal")
    if machine.processor not in ("x86_64", "arm64"):
        raise InstallFailed(
            f"There is no PyTorch for the processor {machine.processor!r}",
            hint="The built-in engine runs here, and needs no installation",
        )
    card = machine.card
    if card is None:
        return Choice(CPU, "no card of NVIDIA or AMD with a working driver was found")
    if card.vendor == "amd":
        return _rocm(card.driver)
    return _cuda(machine.system, card.driver, card.capability)


def _cuda(system: str, driver: Version, capability: Version) -> Choice:
    has = f"driver {dotted(driver)}"
    oldest = DRIVER_CUDA_12.get(system, DRIVER_CUDA_12["linux"])
    if driver < oldest:
        return Choice(CPU, f"{has} is older than {dotted(oldest)}: update it to use the card")
    if capability and capability < OLDEST_CARD:
        return Choice(CPU, f"compute capability {dotted(capability)} is older than PyTorch knows")
    if driver >= DRIVER_CUDA_13 and (not capability or capability >= TURING):
        return Choice(CUDA_13_0, f"{has} runs CUDA 13")
    if capability >= AFTER_HOPPER:
        if driver < DRIVER_BLACKWELL:
            return Choice(CPU, f"{has} is too old for this card: update it to use the card")
        return Choice(CUDA_12_8, f"{has} runs CUDA 12, and the card needs 12.8")
    if driver >= DRIVER_CUDA_13:
        return Choice(CUDA_12_6, "the card is older than Turing, which CUDA 13 no longer knows")
    return Choice(CUDA_12_6, f"{has} runs CUDA 12")


def _rocm(version: Version) -> Choice:
    if version >= ROCM_7_VERSION:
        return Choice(ROCM_7, f"ROCm {dotted(version)} is installed")
    found = f"ROCm {dotted(version)} is installed" if version else "AMD's compute driver is there"
    return Choice(ROCM_6, found)
