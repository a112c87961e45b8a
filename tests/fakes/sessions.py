"""Start clients on fake workers, and wait for them by conditions, never for a fixed time."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from cstalk_blender.session.client import Client
from cstalk_blender.session.environment import Launch, scrubbed
from cstalk_blender.session.request import Request
from model_runtime.protocol import Generate

FAKE_WORKER = Path(__file__).resolve().parent / "fake_worker.py"
DEADLINE_S = 100.0
"""Only a broken client waits so long."""


class Pump(Protocol):
    """A job that Blender's timer calls."""

    def tick(self) -> float | None: ...


class HandClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def start_generate(studio: Any) -> None:
    """Start what the settings of the scene ask for, and return at once."""
    import bpy

    from cstalk_blender.ui import generate_requests

    studio.start(generate_requests.request_of(bpy.context))


def fake_launch(mode: str, tmp_path: Path) -> Launch:
    """Return how to start the fake worker in a mode."""
    return Launch(
        argv=(sys.executable, "-s", "-E", "-X", "utf8", str(FAKE_WORKER), mode),
        folder=tmp_path,
        environment={**scrubbed(os.environ), "FAKE_MARK": str(tmp_path / "mark.npz")},
        log_file=tmp_path / "logs" / "worker.log",
    )


def varied(ask: Generate, **values: Any) -> Generate:
    """Return a request for the same performance with other parameters."""
    return dataclasses.replace(ask, performance=dataclasses.replace(ask.performance, **values))


def wait_until(client: Client, condition: Callable[[], bool]) -> list[Request]:
    """Poll until ``condition`` holds; return the requests that ended, in order."""
    ended: list[Request] = []
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the client never came to an end"
        ended += client.poll()
        time.sleep(0.002)
    return ended


def tick_until(pump: Pump, condition: Callable[[], bool]) -> None:
    """Call the timer callback of a job until ``condition`` holds, as a window does."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        pump.tick()
        time.sleep(0.002)


def pass_time(client: Client, clock: HandClock, seconds: float) -> list[Request]:
    """Advance the clock second by second, polling; return the requests that ended, in order."""
    ended: list[Request] = []
    for _ in range(round(seconds)):
        clock.now_s += 1.0
        ended += client.poll()
    return ended


def finish(client: Client, *requests: Request) -> list[Request]:
    """Poll until all ``requests`` have ended."""
    return wait_until(client, lambda: all(request.state.is_ending for request in requests))


def wait_until_full(client: Client) -> None:
    """Wait, without polling, until a flooding child has filled the queue."""
    deadline = time.monotonic() + DEADLINE_S
    while not client._child._lines.full():
        assert time.monotonic() < deadline, "the queue never filled"
        time.sleep(0.002)


def fake_batch_launch(mode: str, tmp_path: Path) -> Launch:
    """Return how to start the fake batch worker in a mode."""
    script = FAKE_WORKER.with_name("fake_batch.py")
    return Launch(
        argv=(sys.executable, "-s", "-E", "-X", "utf8", str(script), mode, "batch-worker"),
        folder=tmp_path,
        environment=scrubbed(os.environ),
        log_file=tmp_path / "logs" / "batch.log",
    )
