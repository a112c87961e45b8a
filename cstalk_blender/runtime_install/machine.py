"""What this machine offers to PyTorch: system, processor, graphics card and driver. Stdlib only."""

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
"""Patience with nvidia-smi: waking a sleeping laptop card takes seconds."""
NVIDIA_SMI = "nvidia-smi"
WINDOWS_SMI = Path("C:/Windows/System32/nvidia-smi.exe")
ROCM_VERSION_FILE = Path("/opt/rocm/.info/version")
AMD_DEVICE = Path("/dev/kfd")
"""The door of AMD's compute driver; without it no ROCm program finds a card."""

Version: TypeAlias = tuple[int, ...]
Ask: TypeAlias = Callable[[Sequence[str]], str]
"""Runs a command and gives its standard output; empty when it is absent or fails."""


@dataclasses.dataclass(frozen=True)
class Card:
    """A graphics card and what drives it."""

    vendor: str
    """``nvidia``, ``amd`` or ``apple``."""
    name: str
    driver: Version = ()
    """NVIDIA: the driver. AMD: ROCm's version, empty when ROCm itself is not installed."""
    capability: Version = ()
    """NVIDIA's compute capability, as (8, 9)."""

    @property
    def title(self) -> str:
        """For people: name and driver."""
        if self.vendor == "nvidia":
            return f"{self.name}, driver {dotted(self.driver)}"
        return self.name


@dataclasses.dataclass(frozen=True)
class Machine:
    """What a build of PyTorch is chosen by."""

    system: str
    """``linux``, ``windows`` or ``macos``."""
    processor: str
    """``x86_64`` or ``arm64``, or what the system says."""
    card: Card | None = None

    @property
    def title(self) -> str:
        """For people."""
        return self.card.title if self.card is not None else "no graphics card PyTorch can use"


def detect(ask: Ask | None = None, *, root: Path = Path("/")) -> Machine:
    """Look at this machine; takes as long as ``nvidia-smi``, a tenth of a second or so.

    Args:
        ask: Runs a command; the default starts real ones.
        root: The file system, for tests.
    """
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    processor = platform.machine().lower()
    processor = {"amd64": "x86_64", "aarch64": "arm64"}.get(processor, processor)
    return machine_of(system, processor, ask or _ask, root)


def machine_of(system: str, processor: str, ask: Ask, root: Path) -> Machine:
    """``detect`` for a given system."""
    if system == "macos":
        card = Card("apple", "Apple silicon (Metal)") if processor == "arm64" else None
        return Machine(system, processor, card)
    card = _nvidia_card(ask)
    if card is None and system == "linux":
        card = _amd_card(root)
    return Machine(system, processor, card)


def parse_version(text: str) -> Version:
    """``580.65.06`` as (580, 65, 6); empty when it does not begin with a number."""
    found = re.match(r"\d+(?:\.\d+)*", text.strip())
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def dotted(version: Version) -> str:
    """(12, 6) as ``12.6``."""
    return ".".join(map(str, version))


def _nvidia_card(ask: Ask) -> Card | None:
    """The most capable card that nvidia-smi lists."""
    answer = ask(
        (NVIDIA_SMI, "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader")
    )
    cards = []
    for line in answer.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 3 or not parse_version(fields[1]):
            continue  # "NVIDIA-SMI has failed because ...": a card without a driver
        cards.append(Card("nvidia", fields[0], parse_version(fields[1]), parse_version(fields[2])))
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
            errors="replace",
            timeout=PROBE_S,
            stdin=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
