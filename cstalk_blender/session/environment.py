"""Build the command line and environment of a worker process. No bpy, starts nothing."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import PythonMissing, RuntimeMissing
from ..package import ROOT_FOLDER

PYTHON_VARIABLE = "CSTALK_PYTHON"
"""Environment variable that names the interpreter when the preferences do not."""

# A virtual environment or conda in which Blender was started would lead its Python astray.
PRIVATE_VARIABLES = ("VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__")
"""Variables besides ``PYTHON*`` that lead a process to its parent's interpreter."""


@dataclasses.dataclass(frozen=True)
class Launch:
    """Everything needed to start a process."""

    argv: tuple[str, ...]
    folder: Path
    """Working directory."""
    environment: Mapping[str, str]
    log_file: Path | None = None
    """File for the process' stderr; None keeps only its last lines in memory."""


def worker_launch(
    preferred_python: str = "",
    *,
    command: str = "worker",
    root: Path = ROOT_FOLDER,
    options: Sequence[str] = (),
    log_file: Path | None = None,
) -> Launch:
    """Return how to start the worker process.

    Args:
        preferred_python: Interpreter, or the folder of its environment, from the preferences; empty
            to choose as ``find_python`` does.
        command: ``worker`` for single requests, ``batch-worker`` for a batch.
        root: Folder that holds ``model_runtime``.
        options: Further arguments for the worker, as ``("--engine", "numpy")``.
        log_file: File for the process' stderr.

    Raises:
        PythonMissing: There is no interpreter.
        RuntimeMissing: ``root`` holds no ``model_runtime``.
    """
    if not (root / "model_runtime").is_dir():
        raise RuntimeMissing(
            f"No model_runtime in {root}", hint="Install the CSTalk extension again"
        )
    python = find_python(preferred_python)
    return Launch(
        # -s and -E: neither the user's packages nor PYTHON* variables; UTF-8 on every system.
        argv=(str(python), "-s", "-E", "-X", "utf8", "-m", "model_runtime", command, *options),
        folder=root,
        environment=scrubbed(os.environ),
        log_file=log_file,
    )


def find_python(preferred: str = "") -> Path:
    """Return the interpreter to use: ``preferred``, else ``CSTALK_PYTHON``, else Blender's own.

    Blender's own has numpy, which is all that the built-in engine needs.

    Raises:
        PythonMissing: The named one does not exist, or none was named and none was found.
    """
    for text, origin in ((preferred, "preferences"), (_variable(), PYTHON_VARIABLE)):
        if text:
            return _named_python(Path(text).expanduser(), origin)
    # ``sys.executable`` is Blender's own Python in most builds; others leave it empty or name
    # Blender.
    for candidate in (Path(sys.executable or "."), *_python_places(Path(sys.prefix))):
        if candidate.is_file() and candidate.name.lower().startswith("python"):
            return candidate
    raise PythonMissing(
        f"Blender's own Python was not found in {sys.prefix}",
        hint="Choose a Python 3.11 or newer with numpy in the CSTalk preferences",
    )


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """Return ``environment`` without variables that lead to the parent's interpreter."""
    return {
        name: value
        for name, value in environment.items()
        # Compared in capitals: variables of Windows ignore case.
        if not name.upper().startswith("PYTHON") and name not in PRIVATE_VARIABLES
    }


def _variable() -> str:
    return os.environ.get(PYTHON_VARIABLE, "")


def _named_python(path: Path, origin: str) -> Path:
    if path.is_file():
        return path
    for candidate in _python_places(path):
        if candidate.is_file():
            return candidate
    raise PythonMissing(
        f"No Python at {path} (named by {origin})",
        hint="Correct the path, or clear it to use Blender's own Python",
    )


def _python_places(folder: Path) -> tuple[Path, ...]:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # All layouts: bundled Pythons have bin on Windows too, environments have Scripts.
    return (
        folder / "bin" / version,
        folder / "bin" / "python3",
        folder / "bin" / "python",
        folder / "bin" / "python.exe",
        folder / "Scripts" / "python.exe",
        folder / "python.exe",
    )
