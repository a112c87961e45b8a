"""Define the errors that the add-on shows to users: code, message and hint. No bpy."""

from __future__ import annotations

from typing import ClassVar


class SessionError(Exception):
    """An operation of the add-on failed.

    ``str(error)`` is one line that states what happened, with the value; ``hint`` is one line that
    states what to do next; ``code`` is stable, for programs; ``details`` may have many lines (the
    end of the worker's log) and is copied to the clipboard on request, never drawn.
    """

    code: ClassVar[str] = "failed"

    def __init__(self, message: str, *, hint: str = "", details: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.details = details

    @property
    def error_code(self) -> str:
        """Code of this error; `RequestRefused` takes it from the worker's message."""
        return self.code

    def report(self) -> str:
        """Return code, message, hint and details as text for a bug report."""
        lines = [f"[{self.error_code}] {self}", self.hint, self.details]
        return "\n".join(line for line in lines if line)


class PythonMissing(SessionError):
    """There is no Python interpreter that can run the model."""

    code = "python-missing"


class RuntimeMissing(SessionError):
    """The extension folder lacks ``model_runtime``."""

    code = "runtime-missing"


class StartFailed(SessionError):
    """The worker process could not be started, or ended before its first message."""

    code = "start-failed"


class VersionMismatch(SessionError):
    """The worker uses another version of the protocol."""

    code = "version-mismatch"


class WorkerDied(SessionError):
    """The worker process ended with open requests."""

    code = "worker-died"


class WorkerSilent(SessionError):
    """The worker process is running but has sent nothing for too long."""

    code = "worker-silent"


class WorkerGarbled(SessionError):
    """The worker sent invalid or contradictory messages."""

    code = "worker-garbled"


class RequestRefused(SessionError):
    """The worker answered with an error; ``error_code`` is the code that it sent."""

    code = "request-refused"

    def __init__(self, worker_code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.worker_code = worker_code

    @property
    def error_code(self) -> str:
        """Code that the worker sent."""
        return self.worker_code


class SessionClosed(SessionError):
    """The session was closed before the request was answered."""

    code = "session-closed"


class BadTarget(SessionError):
    """The face cannot be animated: not selected, deleted, without shape keys or not editable."""

    code = "bad-target"


class BadSound(SessionError):
    """An audio file is missing, or Blender cannot decode it."""

    code = "bad-sound"


class JobOverlap(SessionError):
    """A job of this kind is already running."""

    code = "busy"


class SceneChanged(SessionError):
    """The scene or face of a job was deleted while it was running."""

    code = "scene-changed"


class BakeFailed(SessionError):
    """The keys could not be written; the scene is unchanged."""

    code = "bake-failed"


class InstallFailed(SessionError):
    """The GPU runtime could not be installed; an earlier installation is unchanged."""

    code = "install-failed"


class BadBatch(SessionError):
    """A folder, list or line of a batch cannot be used."""

    code = "bad-batch"


class BatchFailed(SessionError):
    """The process of a batch ended early; finished lines are kept."""

    code = "batch-failed"
