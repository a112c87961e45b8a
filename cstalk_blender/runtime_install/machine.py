"""Detect system, processor, graphics card and driver of this machine. Standard library only."""

from __future__ import annotations

import dataclasses
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

PROBE_S = 10.0
"""Timeout of nvidia-smi: waking a sleeping laptop card takes seconds."""
NVIDIA_SMI = "nvidia-smi"
WINDOWS_SMI = Path("C:/Windows/System32/nvidia-smi.exe")
# Where ROCm's packages put it; without the file the version is unknown, not the card.
ROCM_VERSION_FILE = Path("/opt/rocm/.info/version")
AMD_DEVICE = Path("/dev/kfd")
"""Device file of AMD's compute driver; without it no ROCm program finds a card."""

Version: TypeAlias = tuple[int, ...]
Ask: TypeAlias = Callable[[Sequence[str]], str]
"""Runs a command and returns its standard output; empty when it is missing or fails."""


@dataclasses.dataclass(frozen=True)
class Card:
    """A graphics card and its driver."""

    vendor: str
    """``nvidia``, ``amd`` or ``apple``."""
    name: str
    driver: Version = ()
    """NVIDIA: the driver. AMD: ROCm's version, empty when ROCm itself is not installed."""
    capability: Version = ()
    """NVIDIA's compute capability, as (8, 9)."""

    @property
    def title(self) -> str:
        """Name and driver, for display."""
        if self.vendor == "nvidia":
            return f"{self.name}, driver {dotted(self.driver)}"
        return self.name


@dataclasses.dataclass(frozen=True)
class Machine:
    """The facts that decide which build of PyTorch fits."""

    system: str
    """``linux``, ``windows`` or ``macos``."""
    processor: str
    """``x86_64``, ``arm64``, or the system's own name for it."""
    card: Card | None = None

    @property
    def title(self) -> str:
        """Card and driver, for display."""
        return (
            self.card.title if self.card is not None else "no graphics card that PyTorch supports"
        )


def detect(ask: Ask | None = None, *, root: Path = Path("/")) -> Machine:
    """Detect this machine's hardware; takes as long as ``nvidia-smi``, about 0.1 s.

    Args:
        ask: Runs a command; the default starts real ones.
        root: Root of the file system; another one for tests.
    """
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    processor = platform.machine().lower()
    # Windows says AMD64, Linux aarch64; one name for each.
    processor = {"amd64": "x86_64", "aarch64": "arm64"}.get(processor, processor)
    return machine_of(system, processor, ask or _ask, root)


def machine_of(system: str, processor: str, ask: Ask, root: Path) -> Machine:
    """Detect the hardware of a given system.

    Args:
        system: ``linux``, ``windows`` or ``macos``.
        processor: ``x86_64`` or ``arm64``.
        ask: Runs a command.
        root: Root of the file system.
    """
    if system == "macos":
        # Intel Macs have no card that PyTorch still supports.
        card = Card("apple", "Apple silicon (Metal)") if processor == "arm64" else None
        return Machine(system, processor, card)
    card = _nvidia_card(ask)
    # AMD's PyTorch exists for Linux alone.
    if card is None and system == "linux":
        card = _amd_card(root)
    return Machine(system, processor, card)


def parse_version(text: str) -> Version:
    """Return ``580.65.06`` as (580, 65, 6); empty when it does not begin with a number."""
    found = re.match(r"\d+(?:\.\d+)*", text.strip())
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def dotted(version: Version) -> str:
    """Return (12, 6) as ``12.6``."""
    return ".".join(map(str, version))


def _nvidia_card(ask: Ask) -> Card | None:
    """Return the card of nvidia-smi's list with the highest compute capability."""
    answer = ask(
        (NVIDIA_SMI, "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader")
    )
    cards = []
    for line in answer.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 3 or not parse_version(fields[1]):
            continue  # "NVIDIA-SMI has failed because ...": a card without a driver
        cards.append(Card("nvidia", fields[0], parse_version(fields[1]), parse_version(fields[2])))
    # CUDA puts the fastest card first, so that the most capable one decides the build.
    return max(cards, key=lambda card: card.capability, default=None)


def _amd_card(root: Path) -> Card | None:
    if not _below(root, AMD_DEVICE).exists():
        return None
    try:
        version = parse_version(_below(root, ROCM_VERSION_FILE).read_text(encoding="utf-8"))
    except OSError:
        version = ()
    return Card("amd", "AMD Radeon" + (f", ROCm {dotted(version)}" if version else ""), version)


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _ask(command: Sequence[str]) -> str:
    program = shutil.which(command[0])
    # The driver puts it there, while the search path may lack that folder.
    if program is None and command[0] == NVIDIA_SMI and WINDOWS_SMI.is_file():
        program = str(WINDOWS_SMI)
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program, *command[1:]],
            check=False,
            capture_output=True,
            text=True,
            # A card's name may hold bytes of another encoding.
            errors="replace",
            timeout=PROBE_S,
            stdin=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
