"""Faults the runtime reports: a code for machines, a message and a hint for people. Stdlib only."""

from __future__ import annotations

from typing import ClassVar


class RuntimeFault(Exception):
    """A failure that ends one request.

    ``str(fault)`` is the message: one line, with the offending value in it. ``hint`` is one line
    that says what to do next. ``code`` is stable and lower-case, for programs. ``exit_status`` is
    what the command line returns: 2 when the person can mend it, 1 when we must.
    """

    code: ClassVar[str] = "internal"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class BadArgument(RuntimeFault):
    """A setting outside its range, or a name nobody knows."""

    code = "bad-argument"
    exit_status = 2


class BadAudio(RuntimeFault):
    """A sound file that is missing, empty, broken, or in a format no decoder here reads."""

    code = "bad-audio"
    exit_status = 2


class BadOutput(RuntimeFault):
    """An output that cannot be written: no folder, no permission, no space."""

    code = "bad-output"
    exit_status = 2


class BadCurves(RuntimeFault):
    """A curve file that cannot be read or whose contents contradict themselves."""

    code = "bad-curves"
    exit_status = 2


class BadWeights(RuntimeFault):
    """A checkpoint that is missing, corrupt, or of another shape than its config says."""

    code = "bad-weights"
    exit_status = 2


class EngineUnavailable(RuntimeFault):
    """The engine or device asked for is not on this machine."""

    code = "engine-unavailable"
    exit_status = 2


class Cancelled(RuntimeFault):
    """The person asked to stop. Not a failure: the worker answers ``cancelled``."""

    code = "cancelled"
    exit_status = 2
