"""Create and cache the Python environments of the project, outside the checkout. Stdlib only.

The folder name of an environment has a digest of its Python and its requirements, so that changing
either creates a new one and a second run finds it in milliseconds. ``ready.json`` is written last:
a folder without it is left from an interrupted build, and is created again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import pythons, system_libraries
from .console import ROOT, BuildError, clean_environment, run, say
from .pythons import Interpreter, Version

REQUIREMENTS = ROOT / "requirements"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# 4 s: a blocked index may answer nothing at all.
TORCH_PROBE_S = 4  # seconds to find out whether that index can be reached
VENV_TIMEOUT_S = 900.0  # six seconds of work, on a machine that does much else
INSTALL_TIMEOUT_S = 1800.0  # 700 MB over a slow line
LOCK_POLL_S = 0.5
TRIES = 2  # a registry that hiccups gets a second chance


@dataclasses.dataclass(frozen=True)
class EnvironmentSpec:
    """One environment: the Pythons it runs on, and what must be importable in it."""

    name: str
    """Name, also of its file in ``requirements/``."""
    versions: tuple[Version, ...]
    """Python versions, best first."""
    imports: str
    """Statement that must run in the finished environment."""
    is_blender: bool = False
    has_torch: bool = False


# Blender 4.2 to 5.0 bundle Python 3.11, later ones 3.13.
RUNTIME_VERSIONS: tuple[Version, ...] = ((3, 11), (3, 12), (3, 13), (3, 14))
PY311: tuple[Version, ...] = ((3, 11),)
PY313: tuple[Version, ...] = ((3, 13),)
RUNTIME_IMPORTS = "import torch, librosa, soundfile, safetensors.numpy, matplotlib, pytest"
BPY_IMPORTS = "import bpy, numpy, pytest"

SPECS = {
    spec.name: spec
    for spec in (
        EnvironmentSpec("runtime", RUNTIME_VERSIONS, RUNTIME_IMPORTS, has_torch=True),
        EnvironmentSpec(
            "train", RUNTIME_VERSIONS, RUNTIME_IMPORTS + ", pocketsphinx", has_torch=True
        ),
        EnvironmentSpec("faults", RUNTIME_VERSIONS, "import numpy, pytest, hypothesis"),
        EnvironmentSpec("engine-old", PY311, "import numpy, pytest"),
        # The newest first, to meet the newest numpy.
        EnvironmentSpec("engine-new", tuple(reversed(RUNTIME_VERSIONS)), "import numpy, pytest"),
        EnvironmentSpec(
            "check", RUNTIME_VERSIONS, "import mypy, numpy, importlinter, codespell_lib"
        ),
        EnvironmentSpec("bpy-4.2", PY311, BPY_IMPORTS, is_blender=True),
        EnvironmentSpec("bpy-4.5", PY311, BPY_IMPORTS, is_blender=True),
        EnvironmentSpec("bpy-5.0", PY311, BPY_IMPORTS, is_blender=True),
        EnvironmentSpec("bpy-5.1", PY313, BPY_IMPORTS, is_blender=True),
        EnvironmentSpec("bpy-5.2", PY313, BPY_IMPORTS, is_blender=True),
    )
}


def home() -> Path:
    """Return the folder of all environments: ``CSTALK_ENV_HOME``, else in the user's cache."""
    chosen = os.environ.get("CSTALK_ENV_HOME")
    if chosen:
        return Path(chosen).expanduser().resolve()
    if sys.platform == "win32":
        # As pip and other tools keep their caches, so that users can clear them.
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "cstalk" / "envs"


def ensure(name: str) -> Path:
    """Return the Python of an environment, which is created when it is missing.

    Raises:
        BuildError: Unknown name, no suitable Python, missing system libraries, or a failed install.
    """
    if name not in SPECS:
        raise BuildError(f"No environment {name!r}", hint=f"Use one of: {', '.join(SPECS)}")
    spec = SPECS[name]
    if spec.is_blender:
        # Before 350 MB are downloaded.
        system_libraries.require()
    interpreter = pythons.find(spec.versions)
    folder = home() / _folder_name(spec, interpreter)
    if not _is_ready(folder):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            # Two builds in two terminals must not write into one folder.
            with _locked(folder):
                if not _is_ready(folder):  # another build may have created it meanwhile
                    _make(spec, interpreter, folder)
        except OSError as error:
            raise BuildError(
                f"Cannot create the environment in {folder}: {error}",
                hint="Set CSTALK_ENV_HOME to a folder on a disk with 6 GB free",
            ) from error
    # Blender's wheel is used through its Python, not through a program.
    return python_of(folder)


def first_possible(names: Sequence[str]) -> str:
    """Return the first of the environments that a Python of this machine can run.

    Raises:
        BuildError: None of them; the hint says how to install a Python.
    """
    for name in names:
        if pythons.find_or_none(SPECS[name].versions) is not None:
            return name
    # Raises with the advice for all of the versions.
    pythons.find([version for name in names for version in SPECS[name].versions])
    raise AssertionError("find raises when there is none")


def site_packages(python: Path) -> Path:
    """Return the ``site-packages`` folder of the environment of ``python``."""
    folder = python.parents[1]
    if os.name == "nt":
        # Windows has no version in the path.
        return folder / "Lib" / "site-packages"
    return next((folder / "lib").glob("python3.*/site-packages"))


def python_of(folder: Path) -> Path:
    """Return the path of a virtual environment's Python."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def requirement_text(name: str) -> str:
    """Return a requirement file with the files that it includes by ``-r``."""
    lines = []
    for line in (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        # Comments change no environment.
        words = line.split("#")[0].split()
        if words[:1] == ["-r"]:
            lines.append(requirement_text(words[1].removesuffix(".txt")))
        elif words:
            lines.append(" ".join(words))
    return "\n".join(lines)


def _folder_name(spec: EnvironmentSpec, interpreter: Interpreter) -> str:
    # The interpreter's path counts: a venv links to it.
    content = "\n".join(
        (requirement_text(spec.name), interpreter.version_text, str(interpreter.path), sys.platform)
    )
    # Ten digits: paths on Windows must stay short.
    digest = hashlib.sha256(content.encode()).hexdigest()[:10]
    major, minor, _patch = interpreter.version
    return f"{spec.name}-py{major}{minor}-{digest}"


def _is_ready(folder: Path) -> bool:
    # A venv whose Python was removed is made again.
    return (folder / "ready.json").is_file() and python_of(folder).exists()


def _make(spec: EnvironmentSpec, interpreter: Interpreter, folder: Path) -> None:
    """Build the environment in place: its scripts contain its path, so it cannot be moved."""
    say(f"Creating the environment {spec.name} with Python {interpreter.version_text} in {folder}")
    # Left from an interrupted build.
    if folder.exists():
        shutil.rmtree(folder)
    python = python_of(folder)
    log = folder.with_name(folder.name + ".log")
    status, output = run(
        [interpreter.path, "-m", "venv", folder], timeout_s=VENV_TIMEOUT_S, log=log, what="venv"
    )
    if status != 0:
        raise BuildError(f"venv failed:\n{_tail(output)}", hint=f"Read the log: {log}")
    _install(spec, python, log)
    _verify(spec, python, log)
    facts = {
        "environment": spec.name,
        "python": interpreter.version_text,
        "requirements": requirement_text(spec.name).splitlines(),
    }
    marker = folder / "ready.json"
    partial = marker.with_suffix(".tmp")
    partial.write_text(json.dumps(facts, indent=1), encoding="utf-8")
    partial.replace(marker)
    say(f"Environment {spec.name} is ready")


def _install(spec: EnvironmentSpec, python: Path, log: Path) -> None:
    # --no-compile: bytecode is written only for what is imported.
    command: list[str | Path] = [python, "-m", "pip", "install", "--no-input", "--no-compile"]
    # A wheel of a release rather than a source of a newer one: no compiler is needed.
    command += ["--disable-pip-version-check", "--prefer-binary"]
    # torch on PyPI for Linux and Windows brings CUDA, some 2 GB that tests do not use.
    if spec.has_torch and sys.platform in ("linux", "win32"):
        if _reachable(TORCH_CPU_INDEX + "/torch/"):
            command += ["--extra-index-url", TORCH_CPU_INDEX]
        else:
            say(f"{TORCH_CPU_INDEX} cannot be reached: torch comes from pip's own index")
    command += ["-r", REQUIREMENTS / f"{spec.name}.txt"]
    for left in reversed(range(TRIES)):
        status, output = run(
            command, timeout_s=INSTALL_TIMEOUT_S, log=log, on_line=_report_pip, what="pip"
        )
        if status == 0:
            return
        # A full disk or a missing wheel does not change by trying again.
        if left and not _is_hopeless(output):
            say("pip failed, trying once more")
            continue
        raise BuildError(
            f"pip could not install requirements/{spec.name}.txt:\n{_tail(output)}",
            hint=f"{_pip_advice(output)}. Complete log: {log}",
        )


def _verify(spec: EnvironmentSpec, python: Path, log: Path) -> None:
    say(f"Testing that {spec.name} imports")
    status, output = run(
        [python, "-c", spec.imports], timeout_s=300, environment=clean_environment(), what="import"
    )
    if status != 0:
        raise BuildError(
            f"The environment {spec.name} does not work:\n{_tail(output)}",
            hint=f"Read the log: {log}",
        )


def _reachable(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=TORCH_PROBE_S):
            return True
    except (OSError, ValueError):  # URLError is an OSError
        return False


def _report_pip(line: str) -> None:
    text = line.strip()
    # Small downloads are not worth a line.
    if text.startswith(("Downloading ", "Using cached ")) and not text.endswith(
        (" kB)", ".metadata")
    ):
        say("  " + text)
    elif text.startswith("Installing collected packages"):
        say(f"  Installing {text.count(',') + 1} packages")
    elif text.startswith("ERROR"):
        say("  " + text)


def _tail(output: str) -> str:
    lines = output.splitlines()
    # pip's last lines say less than its ERROR lines.
    errors = [line for line in lines if line.lstrip().startswith(("ERROR", "error:"))]
    return "\n".join("    " + line for line in (errors or lines)[-8:])


PIP_ADVICE = (
    ("No space left", "Free some disk space, or set CSTALK_ENV_HOME to another disk"),
    ("CERTIFICATE_VERIFY_FAILED", "Point pip at your company's certificate (PIP_CERT)"),
    ("NewConnectionError", "Check the internet connection or pip's proxy (HTTPS_PROXY)"),
    ("Name or service not known", "Check the internet connection or pip's index settings"),
    ("Temporary failure in name resolution", "Check the internet connection"),
    ("timed out", "The connection is slow or blocked: try again, or set PIP_DEFAULT_TIMEOUT=180"),
    ("No matching distribution", "pip's index has no wheel for this system: see pip config list"),
)
HOPELESS = ("No space left", "No matching distribution", "CERTIFICATE_VERIFY_FAILED")


def _pip_advice(output: str) -> str:
    return next((advice for sign, advice in PIP_ADVICE if sign in output), "Read the log")


def _is_hopeless(output: str) -> bool:
    return any(sign in output for sign in HOPELESS)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of one environment; the system releases it when the process ends."""
    # A lock of the system, not a lock file: a killed build leaves none behind.
    with folder.with_name(folder.name + ".lock").open("a+b") as handle:
        waiting = False
        while not _try_lock(handle.fileno()):
            if not waiting:
                say(f"Waiting for another build that creates {folder.name}")
                waiting = True
            time.sleep(LOCK_POLL_S)
        yield


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            # One byte at the start: Windows locks ranges.
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
