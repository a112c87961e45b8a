"""Time in which we listened: a laptop that slept is no silent worker. Standard library only.

Some systems count the hours of sleep in their monotonic clock, and a Blender that renders or loads
for minutes polls nothing meanwhile. Both look like a worker that has been silent for hours, though
its answer may be waiting in the pipe. Patience therefore counts only time in which we listened.
"""

from __future__ import annotations

from collections.abc import Callable

LONGEST_STEP_S = 5.0
"""Between two looks no more than this has passed: a hundred times the pump's own period."""


class AwakeClock:
    """Seconds in which the clock was looked at; never falls."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen_s = clock()
        self._awake_s = 0.0

    def __call__(self) -> float:
        """Look at the clock."""
        now = self._clock()
        self._awake_s += min(max(now - self._seen_s, 0.0), LONGEST_STEP_S)
        self._seen_s = now
        return self._awake_s
