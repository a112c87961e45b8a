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

from .. import compat
from ..dialogue import batch_process as child
from ..dialogue import lines as line_files
from ..dialogue import results
from ..errors import BadBatch, JobOverlap, SceneChanged, SessionError
from ..session import environment
from . import (
    batch_audio as jobs_batch_sounds,
)
from . import (
    batch_report as jobs_batch_end,
)
from . import (
    placement as jobs_placing,
)
from . import pump
from . import (
    request as jobs_order,
)
from .batch_request import (
    CANCELLED,
    DONE,
    FAILED,
    MADE,
    PLAYED,
    RUNNING,
    SKIPPED,
    TIMELINE,
    WAITING,
    BatchOrder,
    LineState,
)

log = logging.getLogger(__name__)

PLACE_BUDGET_S = 0.05
"""Seconds of a tick after which no further line is placed, and no further sound decoded."""


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
        self.states: dict[str, LineState] = {}
        """By line, see ``lines.stem_of``."""
        self.on_event: Callable[[str, LineState], None] = lambda _line, _state: None
        """Told of each line that has ended; for programs that print."""
        self._order: BatchOrder | None = None
        self._sounds: jobs_batch_sounds.BatchSounds | None = None
        """Until the child has ended; there is no child before they are ready."""
        self._child: child.BatchChild | None = None
        self._going: child.Going | None = None
        self._cancel_asked = False

    # What the panel reads ----------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """True from the order to its end."""
        return self._order is not None

    @property
    def is_paused(self) -> bool:
        """True while the lines wait."""
        return self._going is not None and self._going.is_paused

    @property
    def child_pid(self) -> int | None:
        """Process id of the running child."""
        return None if self._child is None else self._child.pid

    @property
    def fraction(self) -> float:
        """Part of the batch done, 0 to 1; a line counts half when its curves are made."""
        if not self.states:
            return 0.0
        return sum(_part(state) for state in self.states.values()) / len(self.states)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the curves are made; None when nobody knows."""
        return None if self._going is None else self._going.seconds_left

    @property
    def stage_text(self) -> str:
        """What is being done."""
        ended = sum(state.state in (DONE, SKIPPED, FAILED) for state in self.states.values())
        count = f"{ended} of {len(self.states)} lines"
        if self._cancel_asked:
            return f"Cancelling, {count}"
        if self.is_paused:
            return f"Paused, {count}"
        if self._is_reading and self._sounds is not None:
            return f"Reading the sounds, {len(self._sounds.ready)} of {len(self.states)}"
        if self._child is not None and self._going is None and not ended:
            return "Starting the model"
        if self._child is None and (obstacle := jobs_order.waiting_for_or_none()) is not None:
            return f"{count}; {obstacle}"
        return count

    def count(self, *names: str) -> int:
        """How many lines are in one of some states."""
        return sum(state.state in names for state in self.states.values())

    # What the operators do ---------------------------------------------------------------------

    def start(self, order: BatchOrder) -> None:
        """Begin, and return at once; the timer does the rest.

        Raises:
            SessionError: A batch is under way, the list cannot be written, the child not started.
        """
        if self.is_busy:
            raise JobOverlap("A batch is already running", hint="Wait for it, or cancel it")
        if not order.castings:
            raise BadBatch("No line is ticked", hint="Tick the lines that are to be made")
        self.error, self.summary, self.status, self.notes = None, "", "", ()
        self.reports, self._going, self._cancel_asked = {}, None, False
        report = order.report or order.stage.folder / results.CSV_NAME
        self.states = {line_files.stem_of(casting.line): LineState() for casting in order.castings}
        self._order = dataclasses.replace(order, report=report)
        sounds = [casting.line for casting in order.castings]
        self._sounds = jobs_batch_sounds.BatchSounds(sounds, Path(bpy.app.tempdir))
        try:
            self._get_ready()
        except SessionError:
            self._order = None
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
            self._order = None
            hint = "Open the file again and bake: finished lines are kept"
            self.error = pump.file_replaced("The batch", hint)
        self.states = {}

    def obstacle_or_none(self) -> str | None:
        """Return why curves that are there cannot be placed now."""
        return jobs_order.waiting_for_or_none() if self.count(MADE) else None

    def close(self) -> None:
        """End the child and forget everything. Waits a few seconds at most."""
        self.stop_timer()
        self._close_child()
        self._order = None

    # The pump ----------------------------------------------------------------------------------

    @property
    def _is_reading(self) -> bool:
        """True while sounds are decoded, before the child is started."""
        return self._child is None and self._sounds is not None

    def _get_ready(self) -> None:
        """Make some more sounds readable; with the last one start the child."""
        order, sounds = self._order, self._sounds
        assert order is not None
        assert sounds is not None
        sounds.step(PLACE_BUDGET_S)
        if not sounds.is_ready:
            return
        source, folder = str(sounds.write_list()), str(order.stage.folder)
        arguments = (
            *(source, "-o", folder, "--resume", "--json", "--control"),
            *("--report", str(order.report), *order.options),
        )
        self._child = child.BatchChild(child.batch_launch(self.launch(), arguments))

    def advance(self) -> None:
        """Read audio, take the worker's events, place what is there."""
        if self._order is None:
            return
        jobs_placing.scene_of(self._order.stage)
        if self._is_reading:
            if self._cancel_asked:
                self._take(child.Ended("cancelled", {}))
            else:
                self._get_ready()
            return
        if self._child is not None:
            for event in self._child.poll():
                self._take(event)
        if jobs_order.waiting_for_or_none() is None and not self.is_paused:
            with compat.window_context():
                self._place_some()
        is_made = self._order is not None and self._child is None and not self.count(MADE)
        if is_made and jobs_order.waiting_for_or_none() is None:
            with compat.window_context():
                self._finish()

    def _take(self, event: child.Event) -> None:
        assert self._order is not None
        if isinstance(event, child.LineEnded):
            state = self.states.get(event.target.rpartition(".")[0])
            if state is not None:
                self._line_ended(state, event)
        elif isinstance(event, child.Going):
            self._going = event
            for number, fraction in event.running.items():
                if 0 < number <= len(self._order.castings):
                    state = self.states[line_files.stem_of(self._order.castings[number - 1].line)]
                    if state.state in (WAITING, RUNNING):
                        state.state, state.fraction = RUNNING, fraction
        elif isinstance(event, child.Ended):
            self.status, self.reports = event.status, dict(event.reports)
            self._close_child()
            for state in self.states.values():
                if state.state in (WAITING, RUNNING):
                    state.state = CANCELLED

    def _line_ended(self, state: LineState, event: child.LineEnded) -> None:
        state.fraction, state.score = 1.0, event.score
        state.heard, state.acted_at = event.heard, event.acted_at
        if event.status == "failed":
            state.state, state.message, state.hint = FAILED, event.error, event.hint
            self.on_event(event.target.rpartition(".")[0], state)
        else:
            state.state, state.is_made = MADE, True
            state.was_made = event.status == "skipped"

    def _place_some(self) -> None:
        """Place what is made, in the order of the list, for a little while."""
        stop_at = time.perf_counter() + PLACE_BUDGET_S
        assert self._order is not None
        for casting in self._order.castings:
            state = self.states[line_files.stem_of(casting.line)]
            if state.state != MADE:
                continue
            if self._needs_frame(casting) and self._child is not None:
                continue
            self._place(self._with_frame(casting), state)
            if time.perf_counter() >= stop_at:
                return

    def _needs_frame(self, casting: jobs_placing.Casting) -> bool:
        assert self._order is not None
        is_played = self._order.stage.destination in PLAYED
        return is_played and casting.zero_frame is None

    def _with_frame(self, casting: jobs_placing.Casting) -> jobs_placing.Casting:
        """The line with its frame, where the curves of all lines had to tell how long they are."""
        order = self._order
        assert order is not None
        if not self._needs_frame(casting) or order.layout is None:
            return casting
        lengths = {}
        for other in order.castings:
            state = self.states[line_files.stem_of(other.line)]
            if state.state not in (FAILED, CANCELLED):
                path = order.stage.folder / other.line.targets[0]
                lengths[line_files.stem_of(other.line)] = jobs_placing.read_track(path).duration_s
        self._order = dataclasses.replace(order, castings=order.layout(lengths))
        return next(c for c in self._order.castings if c.line == casting.line)

    def _place(self, casting: jobs_placing.Casting, state: LineState) -> None:
        assert self._order is not None
        stage, line = self._order.stage, line_files.stem_of(casting.line)
        item = jobs_batch_end.item_or_none(stage, line)
        try:
            path = stage.folder / casting.line.targets[0]
            state.token = jobs_placing.token_of(path, casting, stage)
            is_there = jobs_placing.is_still_placed(casting, stage)
            if item is not None and item.placement_token == state.token and is_there:
                state.state = SKIPPED if state.was_made else DONE
            else:
                if stage.destination != TIMELINE:
                    self._note(jobs_placing.place(casting, stage))
                    if item is not None:
                        item.placement_token = state.token
                state.state = DONE
        except SessionError as error:
            state.state, state.message, state.hint = FAILED, str(error), error.hint
            log.warning("%s: %s", line, error)
        if stage.destination != TIMELINE:  # there it ends when all of its face's lines do
            self.on_event(line, state)

    def _finish(self) -> None:
        """All lines have ended: what concerns all of them, the report, one undo step."""
        order = self._order
        assert order is not None
        if jobs_batch_end.taken_back(order, self.states):
            return
        self._note(jobs_batch_end.conclude(order, self.states))
        if order.stage.destination == TIMELINE:
            for line, state in self.states.items():
                if state.is_made:  # others have ended before
                    self.on_event(line, state)
        if self.count(FAILED) and self.status == "done":
            self.status = "failed"
        self.summary = jobs_batch_end.summary(self.states)
        self._order = None
        bpy.ops.ed.undo_push(message="CSTalk Batch Bake")

    def _note(self, notes: Sequence[str]) -> None:
        self.notes = tuple(dict.fromkeys((*self.notes, *notes)))

    def fail(self, error: SessionError) -> None:
        """End the batch with an error; finished curves are kept."""
        order, self._order = self._order, None
        self._close_child()
        self.error, self.status = error, "failed"
        log.warning("%s", error.report())
        for state in self.states.values():
            if state.state in (WAITING, RUNNING, MADE):
                state.state = CANCELLED
        if order is not None and not isinstance(error, SceneChanged):
            with contextlib.suppress(BadBatch):  # the scene itself is gone
                jobs_batch_end.tell_list(order, self.states)

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


def _part(state: LineState) -> float:
    if state.state in (DONE, SKIPPED, FAILED, CANCELLED):
        return 1.0
    return 0.95 if state.state == MADE else 0.9 * state.fraction
