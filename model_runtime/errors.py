"""Define the errors that the runtime reports, with code, message and hint. Stdlib only."""

from __future__ import annotations

from typing import ClassVar


class RuntimeFault(Exception):
    """A failure that ends one request.

    ``str(fault)`` is the message: one line that contains the offending value. ``hint`` is one line
    with the next step for the user. ``code`` is a stable lower-case identifier. ``exit_status`` is
    the status of the command line: 2 for input that the user can correct, 1 for internal errors.
    """

    code: ClassVar[str] = "internal"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class BadArgument(RuntimeFault):
    """A parameter is out of range, or a name is unknown."""

    code = "bad-argument"
    exit_status = 2


class BadAudio(RuntimeFault):
    """An audio file is missing, empty, silent, or not readable by any installed decoder."""

    code = "bad-audio"
    exit_status = 2


class BadOutput(RuntimeFault):
    """An output cannot be written: no folder, no permission, or no space."""

    code = "bad-output"
    exit_status = 2


class BadCurves(RuntimeFault):
    """A curve file cannot be read, or its contents are inconsistent."""

    code = "bad-curves"
    exit_status = 2


class BadWeights(RuntimeFault):
    """A checkpoint is missing, corrupt, or inconsistent with its config."""

    code = "bad-weights"
    exit_status = 2


class EngineUnavailable(RuntimeFault):
    """The requested engine or device is not available on this machine."""

    code = "engine-unavailable"
    exit_status = 2


class Cancelled(RuntimeFault):
    """The user cancelled the request. Not a failure: the worker answers ``cancelled``."""

    code = "cancelled"
    exit_status = 2
