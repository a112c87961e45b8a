"""Run one Generate at a time, from the request to the keyframes. Main thread only.

The timer runs only while something is under way. Between two timer callbacks nothing of bpy is kept
but session ids: what was there when the request was made may be renamed, undone or deleted when its
curves arrive. Keyframes are written over several callbacks, given to the face in one, and make one
undo step (`delivery.py`); while the user is in Edit Mode, drags something or renders, they wait.
"""

from __future__ import annotations

import dataclasses
import enum
import logging
import time
from collections.abc import Callable
from pathlib import Path

import bpy

from .. import compat, lazy
from ..errors import JobOverlap, SessionError
from ..package import formats, layered, protocol, runtime_errors
from ..rig.keys import bake
from ..rig.verify import check
from ..session import client as session_client
from ..session import environment
from ..session import request as requests
from . import delivery, open_jobs, pump
from . import request as generate_request

log = logging.getLogger(__name__)

POLL_BUDGET_S = 0.005
"""Seconds that a callback may spend on the worker's messages, and on reading modules ahead."""
DELIVERY_INTERVAL_S = 0.01
"""Seconds between two pieces of a delivery: the window stays responsive, the keys come soon."""


INFERENCE_SHARE = 0.9
"""Part of the progress bar for inference; keys and check take the rest. A convention, not a
measurement: the shares depend on the engine, the rig and the scene."""


class State(enum.Enum):
    """Stage of a `GenerateJob`."""

    IDLE = enum.auto()
    GENERATING = enum.auto()
    CANCELLING = enum.auto()
    DELIVERING = enum.auto()


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Reports of the last request that succeeded."""

    report: bake.BakeReport
    check: check.CheckReport
    seconds: float
    """Wall-clock seconds from request to keyframes."""


class GenerateJob(pump.TimerPump):
    """The add-on's one Generate: a worker client and at most one request."""

    def __init__(
        self,
        launch: Callable[[], environment.Launch],
        fall_back: Callable[[SessionError], str] = lambda _error: "",
    ) -> None:
        """Create an idle job; no process is started before the first request.

        Args:
            launch: Returns how to start the worker; called at each start.
            fall_back: Called when a request fails. Returns a sentence for the user if ``launch``
                now starts another engine and the request is worth a second try, else "".
        """
        super().__init__()
        self.launch = launch
        self.fall_back = fall_back
        self.notice = ""
        """What differed from the settings in the last request, though it succeeded."""
        self.outcome: Outcome | None = None
        self.state = State.IDLE
        self._client: session_client.Client | None = None
        self._request: generate_request.GenerateRequest | None = None
        self._sent: requests.Request | None = None
        self._delivery: delivery.Delivery | None = None
        self._ahead = lazy.read_ahead()
        self._started_at = 0.0
        self._later: list[generate_request.GenerateRequest] = []
        """Requests that follow the present one."""
        self._count = 1
        """Requests that were started together."""
        # Redrawing is what costs: panels are drawn only when they would look different.
        self._shown: tuple[float, str, bool] = (0.0, "", False)

    # What the panels read ----------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """True from the request to its end."""
        return self.state is not State.IDLE

    @property
    def fraction(self) -> float:
        """Completed part of all requests that were started together, 0 to 1."""
        done = self._count - len(self._later) - 1
        return (done + self._fraction) / self._count

    @property
    def _fraction(self) -> float:
        """Completed part of the present request, 0 to 1."""
        if self._delivery is not None:
            return INFERENCE_SHARE + (1.0 - INFERENCE_SHARE) * self._delivery.fraction
        return 0.0 if self._sent is None else INFERENCE_SHARE * self._sent.fraction

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the curves are there; None when unknown."""
        return None if self._sent is None else self._sent.seconds_left

    @property
    def stage(self) -> str:
        """Current stage, for the progress bar."""
        if self._count == 1 or not self._stage:
            return self._stage
        return f"Take {self._count - len(self._later)} of {self._count}: {self._stage}"

    @property
    def _stage(self) -> str:
        """Stage of the present request."""
        if self._delivery is not None:
            doing = "checking the face" if self._delivery.is_given else "writing keys"
            return f"Ready; {generate_request.waiting_for_or_none() or doing}"
        if self._sent is None:
            return ""
        if self.state is State.CANCELLING:
            return "Cancelling"
        if self._sent.state is requests.State.WAITING:
            return "Starting the model"
        return self._sent.stage or "Generating"

    @property
    def hello(self) -> protocol.Hello | None:
        """Greeting of the running worker."""
        return None if self._client is None else self._client.hello

    @property
    def child_pid(self) -> int | None:
        """Process id of the running worker."""
        return None if self._client is None else self._client.child_pid

    # What the operators call -------------------------------------------------------------------

    def start(
        self,
        request: generate_request.GenerateRequest,
        *later: generate_request.GenerateRequest,
    ) -> None:
        """Send a request to the worker and return at once; the timer does the rest.

        Args:
            request: The first request.
            later: Requests that follow it, one after the other; the first failure ends them.

        Raises:
            JobOverlap: A request is under way.
            SessionError: The worker cannot be started.
        """
        if self.is_busy:
            raise JobOverlap("Generation is already running", hint="Wait for it, or cancel it")
        self.error = self.outcome = None
        self.notice = ""
        self._send(request)
        self._later, self._count = list(later), 1 + len(later)
        self.start_timer()

    def _send(self, request: generate_request.GenerateRequest) -> None:
        if self._client is None:
            # At the first request: enabling the add-on starts no process.
            self._client = self._new_client()
        self._started_at = time.monotonic()
        self._sent = self._client.submit(request.message)
        self._request, self.state = request, State.GENERATING

    def cancel(self) -> None:
        """Stop the request and those that follow; the scene stays as it is."""
        self._later = []
        if self._delivery is not None:
            if not self._delivery.is_given:  # else only the check is left, and there is no way back
                self._finish()
        elif self._sent is not None and self._client is not None:
            self.state = State.CANCELLING
            self._client.cancel(self._sent)

    def file_opened(self) -> None:
        """Drop the request and what is shown of the last one: they belong to the other file."""
        self.error = self.outcome = None
        # The worker goes on with a request that nobody wants; cancelling frees it for the next one.
        if self.is_busy:
            if self._sent is not None and self._client is not None:
                self._client.cancel(self._sent)
            self.fail(pump.file_replaced("Generation", "Generate again in this file"))

    def obstacle_or_none(self) -> str | None:
        """Return why keyframes cannot be written now, None when they can or need not be."""
        return None if self._delivery is None else generate_request.waiting_for_or_none()

    def close(self) -> None:
        """End the worker and the request. Waits a few seconds at most."""
        self.stop_timer()
        self._finish()
        self.drop_child()

    def drop_child(self, *, wait: bool = True) -> None:
        """End the worker; the next request starts one with the preferences of that moment.

        Args:
            wait: Return when the process has ended.
        """
        # Taken out first, so that a new request during the wait starts another process.
        client, self._client = self._client, None
        if client is not None:
            for request in client.close(wait=wait):
                # The job must not wait for an answer of a process that is gone.
                if request is self._sent:
                    self._sent = None
                    self._finish()
                client.discard(request)

    # Timer -------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Deliver curves that are there, else read the worker's messages."""
        if self._delivery is not None and generate_request.waiting_for_or_none() is None:
            self._deliver(self._delivery)
            # One kind of work a callback, to stay within the budget.
            return
        if self._client is None:
            return
        for request in self._client.poll(budget_s=POLL_BUDGET_S):
            if request is self._sent:
                self._take(request)
            elif request.state is requests.State.DONE:
                self._client.discard(request)  # it finished in the moment it was dropped
        # While the worker computes, the modules of the delivery are read, which then starts at
        # once.
        if self._sent is not None:
            self._read_ahead()

    def next_interval(self) -> float | None:
        """Return the seconds until the next callback; an open request of a dropped job counts."""
        # A dropped job may still have an open request, whose end must be polled.
        client_is_busy = self._client is not None and self._client.is_busy
        if self._delivery is not None and generate_request.waiting_for_or_none() is None:
            return DELIVERY_INTERVAL_S
        return pump.TICK_S if self.is_busy or client_is_busy else None

    def redraw(self) -> None:
        """Redraw the sidebars when what they show has changed."""
        shown = (self.fraction, self.stage, self.is_busy)
        if shown != self._shown or self.seconds_left is not None:
            self._shown = shown
            super().redraw()

    def fail(self, error: SessionError) -> None:
        """End the request with an error."""
        self._finish()
        self.error = error
        log.warning("%s", error.report())

    def _read_ahead(self) -> None:
        began = time.perf_counter()
        # One module at a time; the longest alone can exceed the budget.
        while time.perf_counter() - began < POLL_BUDGET_S and next(self._ahead, self) is None:
            pass

    def _take(self, request: requests.Request) -> None:
        assert self._client is not None
        self._sent = None
        if request.state is requests.State.CANCELLED:
            self._finish()
        elif request.error is not None:
            self._try_again_or_fail(request.error)
        else:
            assert request.result is not None
            self.notice = request.result.note or self.notice
            try:
                assert self._request is not None
                self._delivery = delivery.Delivery(self._request, _read_curves(request))
                self.state = State.DELIVERING
            # The file is read completely by now, or not at all.
            finally:
                self._client.discard(request)

    def _deliver(self, held: delivery.Delivery) -> None:
        # Operators and undo need a window, which a timer callback does not have.
        with compat.window_context():
            ended = held.step(delivery.KEYS_BUDGET_S)
        if ended is None:
            return
        report, checked = ended
        later, count = self._later, self._count
        self._finish()
        self.outcome = Outcome(report, checked, time.monotonic() - self._started_at)
        if later:
            self._send(later[0])
            self._later, self._count = later[1:], count

    def _try_again_or_fail(self, error: SessionError) -> None:
        notice = self.fall_back(error) if self._request is not None else ""
        if not notice or self._request is None:
            self.fail(error)
            return
        log.warning("%s", error.report())
        self.drop_child(wait=False)  # a timer callback must not block the window
        self._client = self._new_client()
        self._sent = self._client.submit(self._request.message)
        self.state, self.notice = State.GENERATING, notice

    def _new_client(self) -> session_client.Client:
        # Blender deletes this folder when it ends, also what a crash of the worker leaves.
        return session_client.Client(self.launch, temporary_folder=Path(bpy.app.tempdir))

    def _finish(self) -> None:
        if self._delivery is not None:
            self._delivery.drop()
        self._request = self._sent = self._delivery = None
        self._later, self._count = [], 1
        self.state = State.IDLE


def current_job() -> GenerateJob:
    """Return the job of the registered add-on, created at the first call."""
    job: GenerateJob = open_jobs.GENERATE.current
    return job


def _read_curves(request: requests.Request) -> layered.LayeredCurves:
    assert request.result is not None
    try:
        return formats.read_layered(request.result.path)
    except runtime_errors.RuntimeFault as fault:
        raise SessionError(
            f"The curves of the model cannot be read: {fault}", hint=fault.hint
        ) from fault
