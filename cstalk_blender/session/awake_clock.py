"""Measure only the time in which messages were polled. Standard library only.

Some systems count the hours of sleep in their monotonic clock, and a Blender that renders or loads
for minutes does not poll. Both look like a worker that sent nothing for hours, though its answer
may be waiting in the pipe. Timeouts therefore count only time in which the client polled.
"""

from __future__ import annotations

from collections.abc import Callable

# Long enough for a busy frame, short against every timeout.
LONGEST_STEP_S = 5.0
"""Longest time counted between two readings: a hundred periods of the timer callback."""


class AwakeClock:
    """Seconds during which the clock was read regularly; never falls."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen_s = clock()
        self._awake_s = 0.0

    def __call__(self) -> float:
        """Return the time counted so far."""
        now = self._clock()
        # Negative steps are ignored: a clock that was set back must not lengthen a timeout.
        self._awake_s += min(max(now - self._seen_s, 0.0), LONGEST_STEP_S)
        self._seen_s = now
        return self._awake_s
