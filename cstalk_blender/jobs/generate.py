"""One performance at a time, from the order to the keys. Main thread only; a timer drives it.

The timer runs only while something is under way and does a few milliseconds of work while it waits.
Nothing of bpy is kept between two ticks but session ids: what was there when the performance was
ordered may be renamed, undone or gone when it arrives. Keys are written over several ticks, given
to the face in one, and make one undo step (`jobs_delivery.py`); while the artist is in Edit Mode,
drags something or renders, the performance is held.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from .. import lazy as deferred
from ..errors import JobOverlap, SceneChanged, SessionError
from ..package import formats, protocol, runtime_errors, track
from ..rig.keys import bake
from ..rig.verify import check
from ..session import client as session_client
from ..session import environment
from ..session import request as requests
from . import delivery as jobs_delivery
from . import request as jobs_order

log = logging.getLogger(__name__)

TICK_S = 0.05
"""Seconds between two ticks: fluent progress for next to no work."""
POLL_BUDGET_S = 0.005
"""Seconds a tick may spend on the worker's messages, and on reading modules ahead."""
PIECE_S = 0.01
"""Seconds between two pieces of the delivery: the window lives, and the keys are soon there."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of the last order that was carried out."""

    report: bake.BakeReport
    check: check.CheckReport
    seconds: float
    """Wall-clock seconds from order to keys."""


class Studio:
    """The add-on's one workplace: a client, at most one order, and what the panels show."""

    def __init__(
        self,
        launch: Callable[[], environment.Launch],
        fall_back: Callable[[SessionError], str] = lambda _error: "",
    ) -> None:
        self.launch = launch
        """How to start the child; asked at each start."""
        self.fall_back = fall_back
        """Asked when an order fails: a line for the person if ``launch`` now starts another
        engine and the order is worth a second try, else nothing."""
        self.notice = ""
        """What was not as chosen in the last order, though it was carried out."""
        self.error: SessionError | None = None
        """Why the last order came to nothing."""
        self.outcome: Outcome | None = None
        self._client: session_client.Client | None = None
        self._order: jobs_order.Order | None = None
        self._request: requests.Request | None = None
        self._held: jobs_delivery.Delivery | None = None
        self._ahead = deferred.read_ahead()
        self._ordered_at = 0.0
        self._timer = self.tick
        """Blender knows a timer by its function object; ``self.tick`` is a new one each time."""

    # What the panels read ----------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """True from the order to its end."""
        return self._order is not None

    @property
    def timer_runs(self) -> bool:
        """True while Blender calls ``tick``."""
        return bool(bpy.app.timers.is_registered(self._timer))

    @property
    def fraction(self) -> float:
        """Part of the order done, 0 to 1."""
        if self._held is not None:
            return 1.0
        return 0.0 if self._request is None else self._request.fraction

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the end; None when nobody knows."""
        return None if self._request is None else self._request.seconds_left

    @property
    def stage(self) -> str:
        """What is being done, for the progress bar."""
        if self._held is not None:
            doing = "checking the face" if self._held.is_given else "writing keys"
            return f"Ready; {jobs_order.waiting_for_or_none() or doing}"
        if self._request is None:
            return ""
        if self._request.cancel_asked_at is not None:
            return "Cancelling"
        if self._request.state is requests.State.WAITING:
            return "Starting the model"
        return self._request.stage or "Generating"

    @property
    def hello(self) -> protocol.Hello | None:
        """What the running child said of itself."""
        return None if self._client is None else self._client.hello

    @property
    def child_pid(self) -> int | None:
        """Process id of the running child."""
        return None if self._client is None else self._client.child_pid

    # What the operators do ---------------------------------------------------------------------

    def start(self, order: jobs_order.Order) -> None:
        """Send ``order`` to the model and return at once; the timer does the rest.

        Raises:
            SessionError: An order is under way, or the child cannot be started.
        """
        if self.is_busy:
            raise JobOverlap(
                "A performance is being made already", hint="Wait for it, or cancel it"
            )
        self.error = self.outcome = None
        self.notice = ""
        if self._client is None:
            self._client = self._new_client()
        self._ordered_at = time.monotonic()
        self._request = self._client.submit(order.message)
        self._order = order
        if not self.timer_runs:
            bpy.app.timers.register(self._timer, first_interval=TICK_S, persistent=True)

    def cancel(self) -> None:
        """Stop the order; what is in the scene stays as it is."""
        if self._held is not None:
            if not self._held.is_given:  # else it is done but for the check
                self._finish()
        elif self._request is not None and self._client is not None:
            self._client.cancel(self._request)

    def abandon(self, reason: SessionError) -> None:
        """Drop the order because the scene it was for is gone, and say so."""
        if self.is_busy:
            if self._request is not None and self._client is not None:
                self._client.cancel(self._request)
            self._fail(reason)

    def wait(self) -> None:
        """Drive the order to its end here and now: for scripts, where no timer runs."""
        while self.is_busy:
            self.tick()
            obstacle = None if self._held is None else jobs_order.waiting_for_or_none()
            if obstacle is not None:
                hint = "Call it in Object Mode, with nothing else under way"
                self._fail(SceneChanged(f"The keys could not be written: {obstacle}", hint=hint))
            time.sleep(0.005)

    def close(self) -> None:
        """End the child and forget everything. Waits a few seconds at most."""
        if self.timer_runs:
            bpy.app.timers.unregister(self._timer)
        self._finish()
        self.drop_child()

    def drop_child(self, *, wait: bool = True) -> None:
        """End the child; the next order starts another, with the preferences of that moment."""
        client, self._client = self._client, None
        if client is not None:
            for request in client.close(wait=wait):
                client.discard(request)

    # The pump ----------------------------------------------------------------------------------

    def tick(self) -> float | None:
        """One turn of the timer: seconds until the next, None when there is nothing more to do."""
        seen = (self.fraction, self.stage, self.is_busy)
        try:
            self._advance()
        except SessionError as error:
            self._fail(error)
        except Exception as error:  # the pump's edge: Blender would drop the timer without a word
            log.exception("The timer pump failed")
            fault = SessionError(
                f"CSTalk made a mistake ({type(error).__name__}: {error})",
                hint="Copy the details and report them",
            )
            self._fail(fault)
        if seen != (self.fraction, self.stage, self.is_busy) or self.seconds_left is not None:
            redraw()
        client_is_busy = self._client is not None and self._client.is_busy
        if self._held is not None and jobs_order.waiting_for_or_none() is None:
            return PIECE_S
        return TICK_S if self.is_busy or client_is_busy else None

    def _advance(self) -> None:
        if self._held is not None and jobs_order.waiting_for_or_none() is None:
            self._deliver(self._held)
            return
        if self._client is None:
            return
        for request in self._client.poll(budget_s=POLL_BUDGET_S):
            if request is self._request:
                self._take(request)
            elif request.state is requests.State.DONE:
                self._client.discard(request)  # finished in the moment it was abandoned
        if self._request is not None:
            self._read_ahead()

    def _read_ahead(self) -> None:
        began = time.perf_counter()
        while time.perf_counter() - began < POLL_BUDGET_S and next(self._ahead, self) is None:
            pass

    def _take(self, request: requests.Request) -> None:
        assert self._client is not None
        self._request = None
        if request.state is requests.State.CANCELLED:
            self._finish()
        elif request.error is not None:
            self._try_again_or_fail(request.error)
        else:
            assert request.result is not None
            self.notice = request.result.note or self.notice
            try:
                assert self._order is not None
                self._held = jobs_delivery.Delivery(self._order, _read_track(request))
            finally:
                self._client.discard(request)

    def _deliver(self, held: jobs_delivery.Delivery) -> None:
        with compat.window_context():
            ended = held.step(jobs_delivery.KEYS_BUDGET_S)
        if ended is None:
            return
        report, checked = ended
        self._finish()
        self.outcome = Outcome(report, checked, time.monotonic() - self._ordered_at)

    def _try_again_or_fail(self, error: SessionError) -> None:
        notice = self.fall_back(error) if self._order is not None else ""
        if not notice or self._order is None:
            self._fail(error)
            return
        log.warning("%s", error.report())
        self.drop_child(wait=False)  # a tick must not hold the window
        self._client = self._new_client()
        self._request = self._client.submit(self._order.message)
        self.notice = notice

    def _new_client(self) -> session_client.Client:
        return session_client.Client(self.launch, temporary_folder=Path(bpy.app.tempdir))

    def _fail(self, error: SessionError) -> None:
        self._finish()
        self.error = error
        log.warning("%s", error.report())

    def _finish(self) -> None:
        if self._held is not None:
            self._held.drop()
        self._order = self._request = self._held = None


studio: Studio | None = None
"""Made by ``registration.register``, closed and forgotten by ``unregister``."""


def current_studio() -> Studio:
    """The studio of the registered add-on."""
    assert studio is not None, "the add-on is not registered"
    return studio


def redraw() -> None:
    """Let the sidebars be drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


@bpy.app.handlers.persistent
def on_load(*_arguments: Any) -> None:
    """Another file is about to be read: what was under way was for this one."""
    if studio is not None:
        studio.error = studio.outcome = None
        studio.abandon(
            SceneChanged(
                "Another file was opened while the performance was made, so it was dropped",
                hint="Generate again in this file",
            )
        )


def _read_track(request: requests.Request) -> track.CurveTrack:
    assert request.result is not None
    try:
        return formats.read_curves(request.result.path)
    except runtime_errors.RuntimeFault as fault:
        raise SessionError(
            f"The model's curves cannot be read: {fault}", hint=fault.hint
        ) from fault
