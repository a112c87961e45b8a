"""One batch at a time: the child makes curves, the timer puts them on faces. Main thread only.

What a batch knows lives here while it runs; the scene's list is told at the end, in the same undo
step as the keys. Only what was placed where is written there as it happens: an undo in the middle
takes it back together with the keys, so that those lines are placed again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import bpy

from ... import compat
from ...dialogue import batch_process as child
from ...dialogue import lines as line_files
from ...dialogue import results
from ...errors import BadBatch, JobOverlap, SceneChanged, SessionError
from ...session import environment
from .. import pump
from .. import request as jobs_request
from . import audio, placement, report
from .progress import BatchProgress, LineState
from .request import PLAYED, Assignment, BatchRequest, Destination, LineStatus

log = logging.getLogger(__name__)

PLACE_BUDGET_S = 0.05
"""Seconds of a callback after which no further line is placed, and no further audio decoded."""
ENDED = (LineStatus.DONE, LineStatus.SKIPPED, LineStatus.FAILED)


class BatchJob(pump.TimerPump):
    """The add-on's one batch."""

    def __init__(self, launch: Callable[[], environment.Launch]) -> None:
        super().__init__()
        self.launch = launch
        """Returns how to start a worker; the batch takes the same Python."""
        self.summary = ""
        """One line about the last batch."""
        self.notes: tuple[str, ...] = ()
        self.reports: dict[str, str] = {}
        """Paths of the last batch's reports, by kind."""
        self.status = ""
        """Of the last batch: ``done``, ``failed`` or ``cancelled``."""
        self.progress = BatchProgress()
        self.on_event: Callable[[str, LineState], None] = lambda _line, _state: None
        """Told of each line that has ended; for programs that print."""
        self._request: BatchRequest | None = None
        self._sounds: audio.BatchSounds | None = None
        """Until the child has ended; there is no child before they are ready."""
        self._child: child.BatchChild | None = None
        self._going: child.Going | None = None
        self._cancel_asked = False

    # What the panel reads ----------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """True from the request to its end."""
        return self._request is not None

    @property
    def is_paused(self) -> bool:
        """True while the lines wait."""
        return self._going is not None and self._going.is_paused

    @property
    def child_pid(self) -> int | None:
        """Process id of the running child."""
        return None if self._child is None else self._child.pid

    @property
    def states(self) -> dict[str, LineState]:
        """States of the lines, by id (``lines.stem_of``)."""
        return self.progress.states

    @property
    def fraction(self) -> float:
        """Completed part of the batch, 0 to 1."""
        return self.progress.fraction

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the curves are made; None when nobody knows."""
        return None if self._going is None else self._going.seconds_left

    @property
    def stage_text(self) -> str:
        """What is being done."""
        count = self.progress.count_text()
        if self._cancel_asked:
            return f"Cancelling, {count}"
        if self.is_paused:
            return f"Paused, {count}"
        if self._is_reading and self._sounds is not None:
            return f"Reading the sounds, {len(self._sounds.ready)} of {len(self.states)}"
        if (
            self._child is not None
            and self._going is None
            and not self.count(LineStatus.MADE, *ENDED)
        ):
            return "Starting the model"
        if self._child is None and (obstacle := jobs_request.waiting_for_or_none()) is not None:
            return f"{count}; {obstacle}"
        return count

    def count(self, *names: str) -> int:
        """Return how many lines are in one of some states."""
        return self.progress.count(*names)

    # What the operators do ---------------------------------------------------------------------

    def start(self, request: BatchRequest) -> None:
        """Begin, and return at once; the timer does the rest.

        Raises:
            SessionError: A batch is under way, the list cannot be written, the child not started.
        """
        if self.is_busy:
            raise JobOverlap("A batch is already running", hint="Wait for it, or cancel it")
        if not request.assignments:
            raise BadBatch("No line is ticked", hint="Tick the lines that are to be made")
        self.error, self.summary, self.status, self.notes = None, "", "", ()
        self.reports, self._going, self._cancel_asked = {}, None, False
        table = request.report or request.target.folder / results.CSV_NAME
        self.progress = BatchProgress(line_files.stem_of(one.line) for one in request.assignments)
        self._request = dataclasses.replace(request, report=table)
        sounds = [assignment.line for assignment in request.assignments]
        self._sounds = audio.BatchSounds(sounds, Path(bpy.app.tempdir))
        try:
            self._get_ready()
        except SessionError:
            self._request = None
            self._close_child()
            raise
        self.start_timer()

    def pause(self) -> None:
        """Hold every line, or go on."""
        if self._child is not None:
            (self._child.go_on if self.is_paused else self._child.pause)()

    def cancel(self) -> None:
        """End the lines in hand; finished ones are placed and kept."""
        self._cancel_asked = True
        if self._child is not None:
            self._child.cancel()

    def file_opened(self) -> None:
        """Drop the batch and its states: they belong to the other file; its curves are kept."""
        if self.is_busy:
            self._close_child()
            self._request = None
            hint = "Open the file again and bake: finished lines are kept"
            self.error = pump.file_replaced("The batch", hint)
        self.progress = BatchProgress()

    def obstacle_or_none(self) -> str | None:
        """Return why curves that are there cannot be placed now."""
        return jobs_request.waiting_for_or_none() if self.count(LineStatus.MADE) else None

    def close(self) -> None:
        """End the child and forget everything. Waits a few seconds at most."""
        self.stop_timer()
        self._close_child()
        self._request = None

    # The pump ----------------------------------------------------------------------------------

    @property
    def _is_reading(self) -> bool:
        """True while sounds are decoded, before the child is started."""
        return self._child is None and self._sounds is not None

    def _get_ready(self) -> None:
        """Make some more sounds readable; with the last one start the child."""
        request, sounds = self._request, self._sounds
        assert request is not None
        assert sounds is not None
        sounds.step(PLACE_BUDGET_S)
        if not sounds.is_ready:
            return
        source, folder = str(sounds.write_list()), str(request.target.folder)
        arguments = (
            *(source, "-o", folder, "--resume", "--json", "--control"),
            *("--report", str(request.report), *request.options),
        )
        self._child = child.BatchChild(child.batch_launch(self.launch(), arguments))

    def advance(self) -> None:
        """Read audio, take the worker's events, place what is there."""
        if self._request is None:
            return
        placement.scene_of(self._request.target)
        if self._is_reading:
            if self._cancel_asked:
                self._take(child.Ended("cancelled", {}))
            else:
                self._get_ready()
            return
        if self._child is not None:
            for event in self._child.poll():
                self._take(event)
        if jobs_request.waiting_for_or_none() is None and not self.is_paused:
            with compat.window_context():
                self._place_some()
        is_made = (
            self._request is not None and self._child is None and not self.count(LineStatus.MADE)
        )
        if is_made and jobs_request.waiting_for_or_none() is None:
            with compat.window_context():
                self._finish()

    def _take(self, event: child.Event) -> None:
        assert self._request is not None
        if isinstance(event, child.LineEnded):
            state = self.states.get(event.target.rpartition(".")[0])
            if state is not None:
                self._line_ended(state, event)
        elif isinstance(event, child.Going):
            self._going = event
            assignments = self._request.assignments
            self.progress.set_running(
                {
                    line_files.stem_of(assignments[number - 1].line): fraction
                    for number, fraction in event.running.items()
                    if 0 < number <= len(assignments)
                }
            )
        elif isinstance(event, child.Ended):
            self.status, self.reports = event.status, dict(event.reports)
            self._close_child()
            self.progress.cancel_open()

    def _line_ended(self, state: LineState, event: child.LineEnded) -> None:
        state.fraction, state.score = 1.0, event.score
        state.detected_emotion, state.detected_emotion_at = event.heard, event.acted_at
        if event.status == "failed":
            state.status, state.message, state.hint = LineStatus.FAILED, event.error, event.hint
            self.on_event(event.target.rpartition(".")[0], state)
        else:
            state.status, state.is_made = LineStatus.MADE, True
            state.was_made = event.status == "skipped"

    def _place_some(self) -> None:
        """Place what is made, in the request of the list, for a little while."""
        stop_at = time.perf_counter() + PLACE_BUDGET_S
        assert self._request is not None
        for assignment in self._request.assignments:
            state = self.states[line_files.stem_of(assignment.line)]
            if state.status != LineStatus.MADE:
                continue
            if self._needs_frame(assignment) and self._child is not None:
                continue
            self._place(self._with_frame(assignment), state)
            if time.perf_counter() >= stop_at:
                return

    def _needs_frame(self, assignment: Assignment) -> bool:
        assert self._request is not None
        is_played = self._request.target.destination in PLAYED
        return is_played and assignment.zero_frame is None

    def _with_frame(self, assignment: Assignment) -> Assignment:
        """The line with its frame, where the curves of all lines had to tell how long they are."""
        request = self._request
        assert request is not None
        if not self._needs_frame(assignment) or request.layout is None:
            return assignment
        lengths = {}
        for other in request.assignments:
            state = self.states[line_files.stem_of(other.line)]
            if state.status not in (LineStatus.FAILED, LineStatus.CANCELLED):
                path = request.target.folder / other.line.targets[0]
                lengths[line_files.stem_of(other.line)] = placement.read_track(path).duration_s
        self._request = dataclasses.replace(request, assignments=request.layout(lengths))
        return next(c for c in self._request.assignments if c.line == assignment.line)

    def _place(self, assignment: Assignment, state: LineState) -> None:
        assert self._request is not None
        target, line = self._request.target, line_files.stem_of(assignment.line)
        item = report.item_or_none(target, line)
        try:
            path = target.folder / assignment.line.targets[0]
            state.token = placement.token_of(path, assignment, target)
            is_there = placement.is_still_placed(assignment, target)
            if item is not None and item.placement_token == state.token and is_there:
                state.status = LineStatus.SKIPPED if state.was_made else LineStatus.DONE
            else:
                if target.destination != Destination.TIMELINE:
                    self._note(placement.place(assignment, target))
                    if item is not None:
                        item.placement_token = state.token
                state.status = LineStatus.DONE
        except SessionError as error:
            state.status, state.message, state.hint = LineStatus.FAILED, str(error), error.hint
            log.warning("%s: %s", line, error)
        if target.destination != Destination.TIMELINE:  # else it ends with all lines of its face
            self.on_event(line, state)

    def _finish(self) -> None:
        """All lines have ended: what concerns all of them, the report, one undo step."""
        request = self._request
        assert request is not None
        if report.taken_back(request, self.states):
            return
        self._note(report.conclude(request, self.states))
        if request.target.destination == Destination.TIMELINE:
            for line, state in self.states.items():
                if state.is_made:  # others have ended before
                    self.on_event(line, state)
        if self.count(LineStatus.FAILED) and self.status == "done":
            self.status = "failed"
        self.summary = self.progress.summary()
        self._request = None
        bpy.ops.ed.undo_push(message="CSTalk Batch Bake")

    def _note(self, notes: Sequence[str]) -> None:
        self.notes = tuple(dict.fromkeys((*self.notes, *notes)))

    def fail(self, error: SessionError) -> None:
        """End the batch with an error; finished curves are kept."""
        request, self._request = self._request, None
        self._close_child()
        self.error, self.status = error, "failed"
        log.warning("%s", error.report())
        self.progress.cancel_open(LineStatus.MADE)
        if request is not None and not isinstance(error, SceneChanged):
            with contextlib.suppress(BadBatch):  # the scene itself is gone
                report.tell_list(request, self.states)

    def _close_child(self) -> None:
        process, self._child = self._child, None
        sounds, self._sounds = self._sounds, None
        if process is not None:
            process.close()
        if sounds is not None:
            sounds.close()


job: BatchJob | None = None
"""Created and closed by `ui.services`."""


def current_job() -> BatchJob:
    """Return the job of the registered add-on."""
    assert job is not None, "the add-on is not registered"
    return job
