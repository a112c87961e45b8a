"""Show one line with the time left, and write tensorboard scalars where it is installed."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

TERMINAL_EVERY_S = 0.5
LOG_EVERY_S = 20.0


class ProgressLine:
    """Shows ``label: done/total, time left`` and further text.

    The line is rewritten on a terminal; in a log it appears every 20 s.
    """

    def __init__(self) -> None:
        self._label, self._started, self._first, self._shown = "", 0.0, 0, 0.0
        # A log file cannot rewrite a line: a carriage return would make one endless line of it.
        self._is_terminal = sys.stderr.isatty()

    def __call__(self, label: str, done: int, total: int, extra: str = "") -> None:
        """Show that ``done`` of ``total`` are done; the last is always shown.

        Args:
            label: What is counted; a new one starts a new estimate.
            done: From 1.
            total: Not 0.
            extra: Shown after the time left.
        """
        now = time.monotonic()
        if label != self._label:
            # From done - 1: a resumed run must not count the steps of earlier sessions as done in
            # no time.
            self._label, self._started, self._first, self._shown = label, now, done - 1, 0.0
        every = TERMINAL_EVERY_S if self._is_terminal else LOG_EVERY_S
        if now - self._shown < every and done < total:
            return
        self._shown = now
        # The mean since the start: single steps take different times.
        left_s = (now - self._started) / max(1, done - self._first) * (total - done)
        text = f"{label}: {done}/{total}, {clock(left_s)} left{'  ' * bool(extra)}{extra}"
        if self._is_terminal:
            # \x1b[K clears what a longer line has left behind.
            sys.stderr.write(f"\r\x1b[K{text}" + "\n" * (done >= total))
            sys.stderr.flush()
        else:
            log.info("%s", text)


def clock(seconds: float) -> str:
    """Return ``h:mm:ss``."""
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"


def scalar_writer(folder: Path) -> Callable[[int, dict[str, float]], None]:
    """Return a function that takes a step number and values by name.

    Args:
        folder: Of the run; the scalars go into ``tensorboard`` in it.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        # Plots are a convenience: training must not need tensorboard.
        return lambda _step, _values: None
    writer = SummaryWriter(str(folder / "tensorboard"))

    def write(step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    return write
