"""Drive the add-on's jobs from Blender's timer, one short step at a time. Main thread only."""

from __future__ import annotations

import abc
import logging
import time

import bpy

from ..errors import SceneChanged, SessionError

log = logging.getLogger(__name__)

TICK_S = 0.05
"""Seconds between two timer callbacks: smooth progress at negligible cost."""
WAIT_S = 0.005
"""Seconds that `TimerPump.wait` sleeps between two steps."""


class TimerPump(abc.ABC):
    """A job that a timer advances until it is idle.

    The timer is registered only while there is something to do. Subclasses keep their state in an
    enum and implement `advance`, which does a few milliseconds of work.
    """

    redrawn_area = "VIEW_3D"
    """Type of the editors whose sidebars show the job."""

    def __init__(self) -> None:
        self.error: SessionError | None = None
        """Why the last job failed; None when it did not."""
        # Blender identifies a timer by its function object; ``self.tick`` is a new one each time.
        self._timer = self.tick

    @property
    @abc.abstractmethod
    def is_busy(self) -> bool:
        """True from the start of a job to its end."""

    @abc.abstractmethod
    def advance(self) -> None:
        """Do the next piece of work.

        Raises:
            SessionError: The job cannot go on; `fail` gets the error.
        """

    @abc.abstractmethod
    def fail(self, error: SessionError) -> None:
        """End the job with ``error`` and remove its partial output."""

    def file_opened(self) -> None:  # noqa: B027 (a job that no file concerns goes on)
        """End what concerns the current file, because another file is about to be read."""

    def next_interval(self) -> float | None:
        """Return the seconds until the next callback, None when there is nothing left to do."""
        return TICK_S if self.is_busy else None

    @property
    def timer_runs(self) -> bool:
        """True while Blender calls `tick`."""
        return bool(bpy.app.timers.is_registered(self._timer))

    def start_timer(self) -> None:
        """Register the timer unless it is registered already."""
        if not self.timer_runs:
            # Persistent, since opening a file would end the timer and leave the job waiting.
            bpy.app.timers.register(self._timer, first_interval=TICK_S, persistent=True)

    def stop_timer(self) -> None:
        """Unregister the timer if it is registered."""
        if self.timer_runs:
            bpy.app.timers.unregister(self._timer)

    def tick(self) -> float | None:
        """Advance the job once; the timer callback.

        Returns:
            Seconds until the next callback, None to unregister the timer.
        """
        try:
            self.advance()
        except SessionError as error:
            self.fail(error)
        except Exception as error:  # process edge: Blender would drop the timer silently
            log.exception("Unexpected error in a timer callback")
            self.fail(unexpected(error))
        # After every step, also a failed one: the panel shows the error.
        self.redraw()
        return self.next_interval()

    def obstacle_or_none(self) -> str | None:
        """Return why the job waits for the user, as an instruction; None when it does not."""
        return None

    def wait(self) -> None:
        """Run the job to its end in this call: for scripts, where no timer runs.

        A job that waits for the user fails, since the user cannot do anything meanwhile.
        """
        # Without a window no timer runs.
        while self.is_busy:
            self.tick()
            if self.is_busy and (obstacle := self.obstacle_or_none()) is not None:
                hint = "Call it in Object Mode, with nothing else under way"
                # A script would wait for a user who is not there.
                self.fail(SceneChanged(f"The keys could not be written: {obstacle}", hint=hint))
            time.sleep(WAIT_S)

    def redraw(self) -> None:
        """Tag the editors that show the job."""
        tag_redraw(self.redrawn_area)


def unexpected(error: Exception) -> SessionError:
    """Return the error that the user sees for an exception that no one expected."""
    return SessionError(
        f"Unexpected error: {type(error).__name__}: {error}",
        hint="Copy the details and report them",
    )


def tag_redraw(area_type: str) -> None:
    """Redraw the sidebars of the 3D viewports, or all regions of another type of editor.

    Args:
        area_type: Type of the editors, as ``VIEW_3D`` or ``PREFERENCES``.
    """
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type != area_type:
                continue
            if area_type != "VIEW_3D":
                area.tag_redraw()
                continue
            # Only the sidebar: redrawing the viewport of a heavy scene takes longer than a step.
            for region in area.regions:
                if region.type == "UI":
                    region.tag_redraw()


def file_replaced(what: str, hint: str) -> SceneChanged:
    """Return the error of a job whose file was closed.

    Args:
        what: The job, as the subject of the sentence.
        hint: How the user gets the result anyway.
    """
    return SceneChanged(f"{what} ended because another file was opened", hint=hint)
