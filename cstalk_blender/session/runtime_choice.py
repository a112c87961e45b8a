"""Which Python and engine the next child gets, and what happens when that does not work. No bpy.

A GPU runtime that fails is left aside until it is repaired or the preferences change: the order is
carried out by the built-in engine, and a line says so.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from ..errors import RequestRefused, SessionError, StartFailed, WorkerDied
from ..runtime_install import state
from . import environment

AUTO, BUILT_IN = "auto", "numpy"
RUNTIME_FOLDER = "runtime"
"""Below the extension's user folder, which upgrades leave."""
ENGINE_FAULTS = ("engine-unavailable", "internal")
"""Codes of the worker that another engine may not share."""
REPAIR_HINT = "Test or repair it in Preferences > Add-ons > CSTalk > Runtime"


@dataclasses.dataclass(frozen=True)
class Choice:
    """How the child is started."""

    python: str
    """Interpreter or folder; empty for Blender's own."""
    engine: str
    device: str

    @property
    def is_built_in(self) -> bool:
        """True when there is nothing else to fall back to."""
        is_own = not self.python and not os.environ.get(environment.PYTHON_VARIABLE)
        return is_own and self.engine in (AUTO, BUILT_IN) and self.device in (AUTO, "cpu")


class RuntimeChoice:
    """What the preferences come to, with what went wrong before."""

    def __init__(self) -> None:
        self.failure = ""
        """Why everything but the built-in engine is left aside; empty when nothing is."""
        self._last: Choice | None = None

    def choose(self, home: Path, *, python: str, engine: str, device: str) -> Choice:
        """How to start the next child.

        Args:
            home: The GPU runtime's folder.
            python: From the preferences; it comes before an installed runtime.
            engine: From the preferences.
            device: From the preferences.
        """
        self._last = self._choose(home, python, engine, device)
        return self._last

    def fall_back(self, error: SessionError) -> str:
        """Leave what failed aside, if the built-in engine can take over.

        Returns:
            A line for the person; empty when ``error`` has nothing to do with the engine, or it is
            the built-in one that failed.
        """
        is_fault = isinstance(error, StartFailed | WorkerDied) or (
            isinstance(error, RequestRefused) and error.worker_code in ENGINE_FAULTS
        )
        if not is_fault or self._last is None or self._last.is_built_in:
            return ""
        self.failure = str(error)
        return f"The built-in engine was used, as PyTorch failed: {error}. {REPAIR_HINT}"

    def forgive(self) -> None:
        """Try what failed again."""
        self.failure = ""

    def _choose(self, home: Path, python: str, engine: str, device: str) -> Choice:
        if self.failure:
            return Choice("", BUILT_IN, AUTO)
        if python or engine == BUILT_IN or os.environ.get(environment.PYTHON_VARIABLE):
            return Choice(python, engine, device)
        installed = state.read_installed(home)
        if installed is None or installed.problem:
            return Choice("", engine, device)
        return Choice(installed.python, engine, device)


current = RuntimeChoice()
"""Of this Blender; ``registration.register`` makes it new."""


def reset() -> None:
    """Forget what failed and what was chosen."""
    current.__init__()  # type: ignore[misc]


def now_running(home: Path, *, python: str, engine: str) -> str:
    """What the next child will be, for people, without starting anything."""
    if current.failure:
        return "Built-in engine (PyTorch failed and is left aside)"
    installed = state.read_installed(home)
    if python:
        return f"{_engine_title(engine)} in the Python chosen below"
    if engine == BUILT_IN or installed is None or installed.problem:
        return "Built-in engine, in Blender's own Python"
    return f"PyTorch {installed.torch} on {installed.device}"


def _engine_title(engine: str) -> str:
    return {AUTO: "PyTorch, else the built-in engine,", BUILT_IN: "Built-in engine"}.get(
        engine, "PyTorch"
    )
