"""Run the command ``batch``: a folder or a list of audio files to curves."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...protocol import BatchEvent, BatchOutcome, encode
from ..console import print_line, set_up_logging
from .threads import limit_threads

if TYPE_CHECKING:
    from ...batch.lines.control import Control

STOPPED = 130
"""Exit status of a cancelled batch, by convention 128 + SIGINT."""


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Returns:
        0 when all lines are there; 2 when a line failed; 130 when it was cancelled.

    Raises:
        RuntimeFault: Nothing could be done.
    """
    limit_threads()
    # Late, so that numpy is imported after the threads are limited.
    from ...batch.lines.control import Control
    from ...batch.run import run
    from .console import ConsoleReporter
    from .options import batch_parser, request_from

    options = batch_parser().parse_args(arguments)
    set_up_logging(options.verbose)
    request = request_from(options)
    control = Control()
    if options.control:
        control.obey_in_background(sys.stdin)
    with _cancelling_on_signals(control):
        summary = run(request, control, print_event if options.json else ConsoleReporter())
    return {BatchOutcome.CANCELLED: STOPPED, BatchOutcome.FAILED: 2}.get(summary.outcome, 0)


def print_event(event: BatchEvent) -> None:
    """Print an event as a line of JSON and flush it: a pipe would buffer it."""
    print_line(encode(event))
    sys.stdout.flush()


@contextlib.contextmanager
def _cancelling_on_signals(control: Control) -> Iterator[None]:
    """Cancel on the first Ctrl-C or SIGTERM; the second ends the process at once."""

    # The default handler comes back, so that a second Ctrl-C ends a run that hangs.
    def stop(number: int, _frame: object) -> None:
        control.cancel()
        signal.signal(number, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
