"""Failures the add-on shows to a person: a code, a message and a hint. Stdlib only, no bpy."""

from __future__ import annotations

from typing import ClassVar


class SessionError(Exception):
    """Something the add-on could not do.

    ``str(error)`` is one line that says what happened, with the value; ``hint`` is one line that
    says what to do next; ``code`` is stable, for programs; ``details`` may hold many lines (the end
    of the worker's log) and is copied to the clipboard on request, never drawn.
    """

    code: ClassVar[str] = "failed"

    def __init__(self, message: str, *, hint: str = "", details: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.details = details

    @property
    def error_code(self) -> str:
        """The code of this failure; a leaf may take it from the worker's message."""
        return self.code

    def report(self) -> str:
        """Code, message, hint and details as text for a bug report."""
        lines = [f"[{self.error_code}] {self}", self.hint, self.details]
        return "\n".join(line for line in lines if line)


class PythonMissing(SessionError):
    """No Python interpreter to run the model with."""

    code = "python-missing"


class RuntimeMissing(SessionError):
    """The folder that should hold ``model_runtime`` does not."""

    code = "runtime-missing"


class StartFailed(SessionError):
    """The child could not be started, or ended before it said hello."""

    code = "start-failed"


class VersionMismatch(SessionError):
    """The child speaks another version of the protocol."""

    code = "version-mismatch"


class WorkerDied(SessionError):
    """The child ended with requests unanswered."""

    code = "worker-died"


class WorkerSilent(SessionError):
    """The child lives but has said nothing for too long."""

    code = "worker-silent"


class WorkerGarbled(SessionError):
    """The child sends what is not a message, or answers that contradict themselves."""

    code = "worker-garbled"


class RequestRefused(SessionError):
    """The child answered ``error``; ``error_code`` is the worker's own code."""

    code = "request-refused"

    def __init__(self, worker_code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.worker_code = worker_code

    @property
    def error_code(self) -> str:
        """The code the worker gave."""
        return self.worker_code


class SessionClosed(SessionError):
    """The session was closed while the request ran, or before it was made."""

    code = "session-closed"


class BadTarget(SessionError):
    """No face that can be baked: nothing chosen, gone, without shape keys, or not editable."""

    code = "bad-target"


class BadSound(SessionError):
    """A sound file that is missing or that Blender cannot read."""

    code = "bad-sound"


class JobOverlap(SessionError):
    """A performance is being made already."""

    code = "busy"


class SceneChanged(SessionError):
    """What the performance was for went away while it was made."""

    code = "scene-changed"


class BakeFailed(SessionError):
    """The keys could not be written; the scene is as it was."""

    code = "bake-failed"


class InstallFailed(SessionError):
    """The GPU runtime could not be installed; what was installed before is as it was."""

    code = "install-failed"


class BadBatch(SessionError):
    """A folder, list or line of a batch that cannot be used."""

    code = "bad-batch"


class BatchFailed(SessionError):
    """The process of a batch ended before its last word; finished lines are kept."""

    code = "batch-failed"
