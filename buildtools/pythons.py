"""Find a Python of a given version on this machine. Standard library only."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .console import BuildError

PROBE = """
import json, struct, sys
try:
    import ensurepip, venv
    usable = True
except ImportError:
    usable = False
print(json.dumps({"version": list(sys.version_info[:3]), "name": sys.implementation.name,
                  "bits": 8 * struct.calcsize("P"), "usable": usable,
                  "path": getattr(sys, "_base_executable", "") or sys.executable}))
"""
PROBE_TIMEOUT_S = 30  # a first start from a cold disk under a virus scanner

Version = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Interpreter:
    """A CPython that can create virtual environments."""

    path: Path
    version: tuple[int, int, int]

    @property
    def version_text(self) -> str:
        """Version as text, as ``3.11.7``."""
        return ".".join(map(str, self.version))


def find(wanted: Sequence[Version]) -> Interpreter:
    """Return the first suitable Python, versions tried in the given order.

    The running Python comes first, then ``PATH``, pyenv, uv and the Windows launcher.

    Raises:
        BuildError: None of these versions is installed, or only without ``venv``.
    """
    for version in wanted:
        # The order decides the environment's digest, so it must not depend on chance.
        for command in _candidates(version):
            found = _probe(command)
            if found is not None and found.version[:2] == version:
                return found
    raise BuildError(
        f"No 64-bit CPython {_listed(wanted)} with venv on this machine", hint=_advice(wanted[0])
    )


def find_or_none(wanted: Sequence[Version]) -> Interpreter | None:
    """Return what :func:`find` returns, or None where it raises."""
    try:
        return find(wanted)
    except BuildError:
        return None


def _candidates(version: Version) -> Iterator[tuple[str, ...]]:
    major, minor = version
    if sys.version_info[:2] == version:
        # The base: a venv of a venv would link to the first.
        yield (getattr(sys, "_base_executable", "") or sys.executable,)
    for name in (f"python{major}.{minor}", "python3", "python"):
        # All folders of PATH: shutil.which stops at the first, which may be another version.
        for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
            path = shutil.which(name, path=folder) if folder else None
            if path is not None:
                yield (path,)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for versions in (pyenv / "versions", pyenv / "pyenv-win" / "versions"):
        yield from _newest_first(versions, f"{major}.{minor}.*")
    uv = os.environ.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local/share/uv/python"
    yield from _newest_first(Path(uv), f"cpython-{major}.{minor}.*")
    # The launcher knows Pythons that are not on PATH.
    if os.name == "nt" and shutil.which("py"):
        yield ("py", f"-{major}.{minor}")


def _newest_first(folder: Path, pattern: str) -> Iterator[tuple[str, ...]]:
    def patch_level(path: Path) -> int:
        # uv names folders cpython-3.11.9-linux..., pyenv 3.11.9.
        digits = path.name.split("-")[1 if path.name.startswith("cpython-") else 0].split(".")[-1]
        return int(digits) if digits.isdigit() else -1

    # By number: "3.11.10" is newer than "3.11.9".
    for version in sorted(folder.glob(pattern), key=patch_level, reverse=True):
        for relative in ("bin/python3", "python.exe"):
            if (version / relative).is_file():
                yield (str(version / relative),)


# An interpreter is started once, however often it is looked for.
@functools.cache
def _probe(command: tuple[str, ...]) -> Interpreter | None:
    """Return an interpreter's facts; None when it does not start or cannot create environments."""
    try:
        answer = subprocess.run(
            # -I: variables and the current folder must not change what is found.
            [*command, "-I", "-c", PROBE],
            check=False,
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
        facts = json.loads(answer.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None  # a pyenv shim without a version, the Windows Store stub, a broken link
    # Debian's python3 lacks ensurepip; PyPy and 32-bit builds have no wheels of torch and bpy.
    if not (facts["usable"] and facts["name"] == "cpython" and facts["bits"] == 64):
        return None
    major, minor, patch = facts["version"]
    return Interpreter(Path(facts["path"]), (major, minor, patch))


def _listed(versions: Sequence[Version]) -> str:
    return " or ".join(f"{major}.{minor}" for major, minor in versions)


def _advice(version: Version) -> str:
    name = f"{version[0]}.{version[1]}"
    if sys.platform == "win32":
        return f"Install it: winget install Python.Python.{name}"
    if sys.platform == "darwin":
        return f"Install it: brew install python@{name}"
    return (
        f"Install it with pyenv (pyenv install {name}), with uv (uv python install {name}), "
        f"or with apt (sudo apt install python{name} python{name}-venv)"
    )
