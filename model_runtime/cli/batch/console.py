"""Print the events of a batch as text."""

from __future__ import annotations

from collections.abc import Sequence

from ...protocol import (
    BatchEnded,
    BatchEvent,
    BatchOutcome,
    BatchProgress,
    BatchStarted,
    LineEnded,
    LineOutcome,
)
from ..console import ProgressLine, print_line

DOUBTFUL_TEXT = 0.9
"""Lines of whose script less is found are listed at the end."""
LISTED_TEXTS = 20


class ConsoleReporter:
    """Prints a line for each event, and a progress line on a terminal."""

    def __init__(self) -> None:
        self._bar = ProgressLine()
        self._total = self._ended = 0
        self._texts: list[tuple[float, str]] = []

    def __call__(self, event: BatchEvent) -> None:
        """Print one event."""
        if isinstance(event, BatchStarted):
            self._total = event.lines
            print_line(f"{event.lines} lines, {event.engine}")
        elif isinstance(event, BatchProgress):
            text = "paused" if event.is_paused else _time_left(event.seconds_left)
            # Below 100 %, which the end alone shows.
            self._bar(min(event.fraction, 0.999), text)
        elif isinstance(event, LineEnded):
            self._bar.clear()
            self._ended += 1
            print_line(f"{self._ended}/{self._total} {line_text(event)}")
            if event.text_matched is not None:
                self._texts.append((event.text_matched, event.name))
        # The bar shares the terminal with the lines and is erased before each.
        else:
            self._bar.clear()
            for text in (*_end_lines(event), *text_lines(self._texts)):
                print_line(text)


def line_text(event: LineEnded) -> str:
    """Return how a line ended, in words."""
    remark = f"(detected: {event.detected_emotion})" if event.detected_emotion else ""
    if event.outcome is LineOutcome.FAILED:
        remark = f"{event.error}. {event.hint}".rstrip(". ")
    elif event.warning:
        remark = f"{remark} (note: {event.warning})".strip()
    return f"{event.outcome}: {event.name} {remark}".rstrip()


def text_lines(matched: Sequence[tuple[float, str]]) -> list[str]:
    """Return the lines whose script was found least, worst first; none if all were found.

    Args:
        matched: Share of the script that was found, 0 to 1, and name of each line with a script.
    """
    poor = sorted(one for one in matched if one[0] < DOUBTFUL_TEXT)
    if not poor:
        return []
    texts = [f"  {share:.0%} {name}" for share, name in poor[:LISTED_TEXTS]]
    more = len(poor) - LISTED_TEXTS
    rest = [f"  and {more} more, see the report"] if more > 0 else []
    return ["text matched, worst lines first:", *texts, *rest]


def _end_lines(event: BatchEnded) -> list[str]:
    complete = event.done + event.skipped
    texts = [f"{complete} of {event.total} lines done, {event.failed} failed"]
    if event.outcome is BatchOutcome.CANCELLED:
        texts.append("cancelled; --resume continues from here")
    return texts + [f"report: {path}" for path in event.reports]


def _time_left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.0f} s left" if seconds < 120 else f"{seconds / 60:.0f} min left"
