"""Run one batch at a time: a worker generates curves, the timer places them. Main thread only.

While a batch runs its states are kept here. The scene's list is updated at the end, in the same
undo step as the keyframes. Only the placement token of a line is written as it is placed: an undo
in the middle reverts it together with the keyframes, and the line is placed again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import bpy

from ... import compat
from ...dialogue import batch_worker, lines, results
from ...errors import BadBatch, JobOverlap, SceneChanged, SessionError
from ...package import protocol
from ...session import environment
from ...session.awake_clock import AwakeClock
from .. import open_jobs, pump
from .. import request as generate_request
from . import placement, report
from .audio import BatchAudio
from .progress import BatchProgress, LineState
from .request import PLAYED, Assignment, BatchRequest, Destination, LineStatus

log = logging.getLogger(__name__)

STEP_BUDGET_S = 0.05
"""Seconds of a callback after which no further line is placed and no further audio decoded."""
STOP_S = 60.0
"""From a cancel to the end of the worker's process, which may hang on a drive that is gone."""


class State(enum.Enum):
    """Stage of a `BatchJob`."""

    IDLE = enum.auto()
    READING = enum.auto()
    """Decoding audio files, before the worker is started."""
    GENERATING = enum.auto()
    PLACING = enum.auto()
    """The worker has ended; lines are left to place."""


class BatchJob(pump.TimerPump):
    """The add-on's one batch."""

    def __init__(self, launch: Callable[[], environment.Launch]) -> None:
        """Create an idle job.

        Args:
            launch: Returns how to start the batch worker; called at each start.
        """
        super().__init__()
        self.launch = launch
        self.state = State.IDLE
        self.summary = ""
        self.origin: tuple[int, str] = (0, "")
        """Session id of the scene and source of the lines of the last batch."""
        """One sentence about the last batch."""
        self.notes: tuple[str, ...] = ()
        """What the user should know about the last batch."""
        self.reports: dict[str, str] = {}
        """Paths of the last batch's reports, by kind: ``csv``, ``html``."""
        self.outcome: protocol.BatchOutcome | None = None
        """How the last batch ended."""
        self.progress = BatchProgress()
        self.on_line_ended: Callable[[str, LineState], None] = lambda _line, _state: None
        """Called with id and state of each line that has ended; for programs that print."""
        self._request: BatchRequest | None = None
        self._audio: BatchAudio | None = None
        self._worker: batch_worker.BatchWorker | None = None
        self._event: protocol.BatchProgress | None = None
        """The worker's last progress."""
        self._engine = ""
        self._is_cancelled = False
        self._clock = AwakeClock(time.monotonic)
        self._cancelled_at = 0.0

    # What the panel reads ----------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """True from the request to its end."""
        return self.state is not State.IDLE

    @property
    def is_paused(self) -> bool:
        """True while the lines are held."""
        # Without a worker nothing is held: the last event may be from before its end.
        is_held = self._event is not None and self._event.is_paused
        return is_held and self._worker is not None

    @property
    def worker_pid(self) -> int | None:
        """Process id of the running worker."""
        return None if self._worker is None else self._worker.pid

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
        """Seconds until all curves are there; None while unknown."""
        return None if self._event is None else self._event.seconds_left

    @property
    def stage_text(self) -> str:
        """Current stage, for the progress bar."""
        count = self.progress.count_text()
        if self._is_cancelled:
            return f"Cancelling, {count}"
        if self.is_paused:
            return f"Paused, {count}"
        if self.state is State.READING and self._audio is not None:
            return f"Reading audio, {len(self._audio.ready)} of {len(self.states)}"
        if self.state is State.GENERATING and not self._engine:
            return "Starting the model"
        obstacle = generate_request.waiting_for_or_none()
        if self.state is State.PLACING and obstacle is not None:
            return f"{count}; {obstacle}"
        return count

    def count(self, *names: str) -> int:
        """Return how many lines are in one of some states."""
        return self.progress.count(*names)

    # What the operators call -------------------------------------------------------------------

    def start(self, request: BatchRequest) -> None:
        """Start a batch and return at once; the timer does the rest.

        Raises:
            JobOverlap: A batch is running.
            BadBatch: No line is ticked, or the report cannot be written.
            SessionError: The worker cannot be started.
        """
        if self.is_busy:
            raise JobOverlap("A batch is already running", hint="Wait for it, or cancel it")
        if not request.assignments:
            raise BadBatch("No line is ticked", hint="Tick the lines to generate")
        table = request.report or request.target.folder / results.CSV_NAME
        targets = [target for one in request.assignments for target in one.line.targets]
        results.check_report(table, request.target.folder, targets)
        self.error, self.summary, self.outcome, self.notes = None, "", None, ()
        self.origin = (request.target.scene_uid, request.target.batch)
        self.reports, self._event, self._engine, self._is_cancelled = {}, None, "", False
        self.progress = BatchProgress(lines.stem_of(one.line) for one in request.assignments)
        self._request = dataclasses.replace(request, report=table)
        self._audio = BatchAudio([one.line for one in request.assignments], Path(bpy.app.tempdir))
        self.state = State.READING
        try:
            self._read_audio()
        except SessionError:
            self._reset()
            raise
        self.start_timer()

    def pause(self) -> None:
        """Hold every line, or end the pause."""
        if self._worker is not None:
            (self._worker.resume if self.is_paused else self._worker.pause)()

    def cancel(self) -> None:
        """End all lines; finished ones are placed and kept. A second call does not wait."""
        if self._is_cancelled:
            self._cancelled_at -= STOP_S
            return
        self._is_cancelled, self._cancelled_at = True, self._clock()
        if self._worker is not None:
            self._worker.cancel()

    def file_opened(self) -> None:
        """Drop the batch and its states: they belong to the other file; its curves are kept."""
        if self.is_busy:
            self._reset()
            hint = "Open the file again and bake: finished lines are kept"
            self.error = pump.file_replaced("The batch", hint)
        self.progress, self.summary, self.notes = BatchProgress(), "", ()

    def obstacle_or_none(self) -> str | None:
        """Return why curves that are there cannot be placed now."""
        if not self.count(LineStatus.MADE):
            return None
        return generate_request.waiting_for_or_none()

    def close(self) -> None:
        """End the worker and forget the batch. Waits a few seconds at most."""
        self.stop_timer()
        self._reset()

    # Timer -------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Read audio, take the worker's events, place what is there."""
        if self._request is None:
            return
        placement.scene_of(self._request.target)
        if self.state is State.READING:
            if self._is_cancelled:
                self._worker_ended(protocol.BatchOutcome.CANCELLED)
            else:
                self._read_audio()
            return
        if self._worker is not None:
            for event in self._worker.poll():
                self._take(event)
            self._end_if_deaf()
        if generate_request.waiting_for_or_none() is not None:
            return
        with compat.window_context():
            if not self.is_paused:
                self._place_some()
            if self.state is State.PLACING and not self.count(LineStatus.MADE):
                self._finish()

    def fail(self, error: SessionError) -> None:
        """End the batch with an error; finished curves are kept."""
        request = self._request
        self._reset()
        self.error, self.outcome = error, protocol.BatchOutcome.FAILED
        log.warning("%s", error.report())
        self.progress.cancel_open(LineStatus.MADE)
        if request is not None and not isinstance(error, SceneChanged):
            with contextlib.suppress(BadBatch):  # the scene itself is gone
                report.update_list(request, self.states)

    def _read_audio(self) -> None:
        """Prepare more audio files; with the last one start the worker."""
        request, audio = self._request, self._audio
        assert request is not None
        assert audio is not None
        audio.step(STEP_BUDGET_S)
        if not audio.is_ready:
            return
        messages = lines.messages(audio.ready, request.base, request.acting, request.look)
        start = protocol.StartBatch(output_folder=str(request.target.folder))
        self._worker = batch_worker.BatchWorker(self.launch(), messages, start)
        self.state = State.GENERATING

    def _take(self, event: protocol.BatchEvent) -> None:
        if isinstance(event, protocol.BatchStarted):
            self._engine = event.engine
        elif isinstance(event, protocol.BatchProgress):
            self._event = event
            self.progress.set_running({one.id: one.fraction for one in event.running})
        elif isinstance(event, protocol.LineEnded):
            state = self.progress.end_line(event)
            if state is not None and state.status == LineStatus.FAILED:
                self.on_line_ended(event.id, state)
        else:
            self._worker_ended(event.outcome)

    def _end_if_deaf(self) -> None:
        """End a worker that has not obeyed a cancel in time."""
        waited_s = self._clock() - self._cancelled_at if self._is_cancelled else 0.0
        if self._worker is not None and waited_s > STOP_S:
            log.info("The batch worker did not stop and is ended")
            worker, self._worker = self._worker, None
            worker.abandon()
            self._worker_ended(protocol.BatchOutcome.CANCELLED)

    def _worker_ended(self, outcome: protocol.BatchOutcome) -> None:
        self.outcome = outcome
        self._close_worker()
        self.progress.cancel_open()
        self.state = State.PLACING

    def _place_some(self) -> None:
        """Place lines whose curves are there, in the order of the list, until the budget is up."""
        stop_at = time.perf_counter() + STEP_BUDGET_S
        assert self._request is not None
        for assignment in self._request.assignments:
            state = self.states[lines.stem_of(assignment.line)]
            if state.status != LineStatus.MADE:
                continue
            if self._needs_frame(assignment) and self.state is not State.PLACING:
                continue
            self._place(self._with_frame(assignment), state)
            if time.perf_counter() >= stop_at:
                return

    def _needs_frame(self, assignment: Assignment) -> bool:
        assert self._request is not None
        is_played = self._request.target.destination in PLAYED
        return is_played and assignment.zero_frame is None

    def _with_frame(self, assignment: Assignment) -> Assignment:
        """Return a line with its frame, which may depend on the lengths of all lines."""
        request = self._request
        assert request is not None
        if not self._needs_frame(assignment) or request.layout is None:
            return assignment
        lengths = {line: state.length_s for line, state in self.states.items() if state.is_made}
        self._request = dataclasses.replace(request, assignments=request.layout(lengths))
        return next(one for one in self._request.assignments if one.line == assignment.line)

    def _place(self, assignment: Assignment, state: LineState) -> None:
        assert self._request is not None
        target, line = self._request.target, lines.stem_of(assignment.line)
        is_timeline = target.destination == Destination.TIMELINE
        item = report.item_or_none(target, line)
        state.token = placement.token_of(state.digest, assignment, target)
        is_placed = item is not None and item.placement_token == state.token
        try:
            if is_placed and placement.is_still_placed(assignment, target):
                state.status = LineStatus.SKIPPED if state.was_made else LineStatus.DONE
            else:
                if not is_timeline:  # a timeline is keyed at the end, all lines of a face at once
                    self._note(placement.place(assignment, target))
                    if item is not None:
                        item.placement_token = state.token
                state.status = LineStatus.DONE
        except SessionError as error:
            state.status, state.message, state.hint = LineStatus.FAILED, str(error), error.hint
            log.warning("%s: %s", line, error)
        if not is_timeline:
            self.on_line_ended(line, state)

    def _finish(self) -> None:
        """Do what concerns all lines, write the report, make one undo step."""
        request = self._request
        assert request is not None
        if report.reopen_reverted(request, self.states):
            return
        conclusion = report.conclude(request, self.states, self._engine)
        self._note(conclusion.notes)
        self.reports = conclusion.reports
        if request.target.destination == Destination.TIMELINE:
            for line, state in self.states.items():
                if state.is_made:  # others have ended before
                    self.on_line_ended(line, state)
        is_faulty = bool(self.count(LineStatus.FAILED) or conclusion.problems)
        if is_faulty and self.outcome is protocol.BatchOutcome.DONE:
            self.outcome = protocol.BatchOutcome.FAILED
        self.summary = self.progress.summary()
        self._reset()
        bpy.ops.ed.undo_push(message="CSTalk Batch Bake")

    def _note(self, notes: Sequence[str]) -> None:
        self.notes = tuple(dict.fromkeys((*self.notes, *notes)))

    def _reset(self) -> None:
        self._close_worker()
        self._request, self.state = None, State.IDLE

    def _close_worker(self) -> None:
        worker, self._worker = self._worker, None
        audio, self._audio = self._audio, None
        if worker is not None:
            worker.close()
        if audio is not None:
            audio.close()


def current_job() -> BatchJob:
    """Return the job of the registered add-on, created at the first call."""
    job: BatchJob = open_jobs.BATCH.current
    return job
