"""Find a Python for the runtime's environment: Blender's own first, then others. No bpy."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import InstallFailed
from ..session.environment import scrubbed

WANTED = ((3, 13), (3, 12), (3, 11), (3, 14))
"""Versions that CSTalk and PyTorch support, best first; 3.14 has the fewest wheels."""
# Asked of the interpreter itself: names and paths say little, and Debian's lacks ensurepip.
PROBE = """
import json, struct, sys
try:
    import ensurepip, venv
    usable = True
except ImportError:
    usable = False
print(json.dumps([list(sys.version_info[:3]), sys.implementation.name,
                  8 * struct.calcsize("P"), usable]))
"""
# A first start may wait for a virus scanner.
PROBE_TIMEOUT_S = 30


@dataclasses.dataclass(frozen=True)
class Interpreter:
    """A 64-bit CPython that can create virtual environments."""

    path: Path
    version: tuple[int, ...]

    @property
    def title(self) -> str:
        """Name for display, as ``Python 3.11.9``."""
        return "Python " + ".".join(map(str, self.version))


def find(preferred: Sequence[Path] = ()) -> Interpreter:
    """Return the first suitable Python: of ``preferred``, then this one, then the machine's.

    Raises:
        InstallFailed: None is suitable; the message has the reasons.
    """
    reasons = []
    # Without repetitions: several names lead to one interpreter.
    for path in dict.fromkeys((*preferred, *_candidates())):
        found = probe(path)
        if isinstance(found, Interpreter):
            return found
        reasons.append(found)
    raise InstallFailed(
        "No suitable Python was found: " + "; ".join(reasons[:3]),
        hint=_advice(),
    )


def probe(path: Path) -> Interpreter | str:
    """Return the interpreter at a path, or the reason why it is not suitable."""
    try:
        done = subprocess.run(
            # -I: nothing in the current folder or in PYTHON* changes the answer.
            [str(path), "-I", "-c", PROBE],
            check=False,
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            env=scrubbed(os.environ),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        # Unpacking fails with ValueError for another answer.
        version, name, bits, usable = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return f"{path} could not be started"
    title = ".".join(map(str, version))
    if name != "cpython" or bits != 64:
        return f"{path} is a {bits}-bit {name}"
    if tuple(version[:2]) not in WANTED:
        return f"{path} is Python {title}"
    # Debian packs venv apart from Python.
    if not usable:
        return f"{path} (Python {title}) lacks venv"
    return Interpreter(path, tuple(version))


def _candidates() -> Iterator[Path]:
    # Empty in some embedded Pythons.
    if sys.executable:
        yield Path(sys.executable)
    for major, minor in WANTED:
        # Two spellings: python3.11 on Linux and macOS, python311 in some installers.
        for name in (f"python{major}.{minor}", f"python{major}{minor}"):
            found = shutil.which(name)
            if found:
                yield Path(found)
    for name in ("python3", "python"):
        found = shutil.which(name)
        if found:
            yield Path(found)
    yield from _installed_on_windows() if sys.platform == "win32" else ()


def _installed_on_windows() -> Iterator[Path]:
    # The place of python.org's installer for one user, which changes no PATH.
    base = Path(os.environ.get("LOCALAPPDATA", "")) / "Programs" / "Python"
    for major, minor in WANTED:
        path = base / f"Python{major}{minor}" / "python.exe"
        if path.is_file():
            yield path


def _advice() -> str:
    if sys.platform == "win32":
        return "Install Python 3.13 from python.org, then try again"
    if sys.platform == "darwin":
        return "Install Python 3.13 from python.org or with brew, then try again"
    return "Install it with its venv (sudo apt install python3 python3-venv), then try again"
