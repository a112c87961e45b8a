"""Choose the Python and engine of the next worker process, and fall back when they fail. No bpy.

A GPU runtime that failed is not used until it is repaired or the preferences change: the built-in
engine runs the request instead, and a notice tells the user.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from ..errors import RequestRefused, SessionError, StartFailed, WorkerDied
from ..session import environment
from . import state

AUTO, BUILT_IN = "auto", "numpy"
RUNTIME_FOLDER = "runtime"
"""Name of the runtime's folder in the extension's user folder, which upgrades do not touch."""
# Other codes are about the request: another engine would refuse it as well.
ENGINE_FAULTS = ("engine-unavailable", "internal")
"""Error codes of the worker that another engine may not have."""
REPAIR_HINT = "Test or repair it in Preferences > Add-ons > CSTalk > Runtime"


@dataclasses.dataclass(frozen=True)
class Choice:
    """Python, engine and device of a worker process."""

    python: str
    """Interpreter or folder; empty for Blender's own."""
    engine: str
    device: str

    @property
    def is_built_in(self) -> bool:
        """True when there is nothing else to fall back to."""
        # The variable is for developers, and overrules the preferences.
        is_own = not self.python and not os.environ.get(environment.PYTHON_VARIABLE)
        return is_own and self.engine in (AUTO, BUILT_IN) and self.device in (AUTO, "cpu")


class RuntimeChoice:
    """Resolves the preferences to a ``Choice`` and remembers a failure of it."""

    def __init__(self) -> None:
        self.failure = ""
        """Reason why only the built-in engine is used; empty when nothing failed."""
        self._last: Choice | None = None

    def choose(self, home: Path, *, python: str, engine: str, device: str) -> Choice:
        """Return how to start the next worker process.

        Args:
            home: Folder of the GPU runtime.
            python: Path from the preferences; it takes precedence over an installed runtime.
            engine: Engine from the preferences.
            device: Device from the preferences.
        """
        self._last = self._choose(home, python, engine, device)
        return self._last

    def fall_back(self, error: SessionError) -> str:
        """Stop using a runtime that failed, if the built-in engine can take over.

        Args:
            error: How the last request failed.

        Returns:
            A notice for the user; empty when the failure has nothing to do with the engine, or the
            built-in engine itself failed.
        """
        # A dead process and a refused engine are the same to the user: no result.
        is_fault = isinstance(error, StartFailed | WorkerDied) or (
            isinstance(error, RequestRefused) and error.worker_code in ENGINE_FAULTS
        )
        if not is_fault or self._last is None or self._last.is_built_in:
            return ""
        self.failure = str(error)
        return f"The built-in engine was used, since PyTorch failed: {error}. {REPAIR_HINT}"

    def forgive(self) -> None:
        """Use a runtime that failed again."""
        self.failure = ""

    def _choose(self, home: Path, python: str, engine: str, device: str) -> Choice:
        # Until the user repairs it or changes the preferences: trying again would cost every
        # request the time of a failed start.
        if self.failure:
            return Choice("", BUILT_IN, AUTO)
        if python or engine == BUILT_IN or os.environ.get(environment.PYTHON_VARIABLE):
            return Choice(python, engine, device)
        installed = state.read_installed(home)
        if installed is None or installed.problem:
            return Choice("", engine, device)
        return Choice(installed.python, engine, device)


current = RuntimeChoice()
"""The choice of this Blender session; ``registration.register`` resets it."""


def reset() -> None:
    """Forget failures and the last choice."""
    # In place, as other modules have imported the object.
    current.__init__()  # type: ignore[misc]


def now_running(home: Path, *, python: str, engine: str) -> str:
    """Return a title for the runtime of the next worker process, without starting anything.

    Args:
        home: Folder of the GPU runtime.
        python: Path from the preferences.
        engine: Engine from the preferences.
    """
    if current.failure:
        return "Built-in engine (PyTorch failed and is not used)"
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
