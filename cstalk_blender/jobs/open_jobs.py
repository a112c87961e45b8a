"""Create each job of the add-on at its first use, and close them all. Main thread only.

Blender enables the add-on at each start, so enabling it must not read the modules of jobs that the
session may never run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import bpy


class OpenJob(Protocol):
    """What closing the add-on and opening a file need of a job."""

    def file_opened(self) -> None:
        """End what concerns the current file."""
        ...

    def close(self) -> None:
        """End the job and its process."""
        ...


class Slot:
    """Place of one job: empty until `current` creates it."""

    def __init__(self) -> None:
        self.create: Callable[[], OpenJob] | None = None
        """Creates the job; None while the add-on is not registered."""
        self._job: OpenJob | None = None

    # Any: the types are in the modules that this one must not read.
    @property
    def current(self) -> Any:
        """The job, created when it does not exist yet."""
        if self._job is None:
            assert self.create is not None, "the add-on is not registered"
            self._job = self.create()
        return self._job

    @property
    def current_or_none(self) -> Any:
        """The job; None when it was not used yet."""
        return self._job

    def close(self) -> None:
        """Close the job, if it exists, and create no other."""
        # Emptied before it is closed, so that a call during the closing finds no job.
        job, self._job, self.create = self._job, None, None
        if job is not None:
            job.close()


INSTALL, GENERATE, BATCH, DIRECT, PREVIEW = Slot(), Slot(), Slot(), Slot(), Slot()


# Persistent: Blender drops handlers when another file is read.
@bpy.app.handlers.persistent
def on_load(*_arguments: Any) -> None:
    """Tell all jobs that another file is about to be read (a ``load_pre`` handler)."""
    for slot in (INSTALL, GENERATE, BATCH, DIRECT, PREVIEW):
        job = slot.current_or_none
        if job is not None:
            job.file_opened()
