"""Keep the states of a batch's lines, and count them. No bpy, no processes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from ...dialogue import lines
from ...package import protocol
from .request import LineStatus

GENERATED_FRACTION = 0.95
"""Part of a line that is complete when its curves are there but not placed: placing is quick."""


@dataclasses.dataclass
class LineState:
    """State of one line."""

    status: str = LineStatus.WAITING
    """A `LineStatus`."""
    fraction: float = 0.0
    """Generated part, 0 to 1."""
    length_s: float = 0.0
    """Length of the curves; 0 while unknown."""
    score: float | None = None
    text_matched: float | None = None
    """Share of the script that was found, 0 to 1; None without a script."""
    """Rating, 0 to 100."""
    message: str = ""
    hint: str = ""
    detected_emotion: str = ""
    """Emotion detected in the voice, in words; empty where it was not asked for."""
    detected_emotion_at: str = ""
    """Emotion keys that were used then, see ``lines.read_keys``."""
    digest: str = ""
    """SHA-256 of the curve file."""
    token: str = ""
    """Digest of what the placed line depends on, see ``placement.token_of``."""
    is_made: bool = False
    """The curves are there."""
    was_made: bool = False
    """The curves are of an earlier run."""

    @property
    def done(self) -> float:
        """Completed part of the line, 0 to 1."""
        if LineStatus(self.status).is_ending:
            return 1.0
        if self.status == LineStatus.MADE:
            return GENERATED_FRACTION
        return 0.9 * self.fraction


class BatchProgress:
    """States of all lines, by id (``lines.stem_of``), and what follows from them."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self.states = {line: LineState() for line in ids}

    @property
    def fraction(self) -> float:
        """Completed part of the batch, 0 to 1."""
        if not self.states:
            return 0.0
        return sum(state.done for state in self.states.values()) / len(self.states)

    def count(self, *names: str) -> int:
        """Return how many lines are in one of some states."""
        return sum(state.status in names for state in self.states.values())

    def count_text(self) -> str:
        """Return how many lines have ended, in words."""
        ended = self.count(LineStatus.DONE, LineStatus.SKIPPED, LineStatus.FAILED)
        return f"{ended} of {len(self.states)} lines"

    def set_running(self, fractions: Mapping[str, float]) -> None:
        """Set the generated part of the lines that are being generated.

        Args:
            fractions: Generated part of each, 0 to 1, by line; other lines are left as they are.
        """
        for line, fraction in fractions.items():
            state = self.states.get(line)
            if state is not None and state.status in (LineStatus.WAITING, LineStatus.RUNNING):
                state.status, state.fraction = LineStatus.RUNNING, fraction

    def end_line(self, event: protocol.LineEnded) -> LineState | None:
        """Take over how the worker ended a line, and return its state; None for another's line."""
        state = self.states.get(event.id)
        if state is None:
            return None
        state.fraction, state.score = 1.0, event.score
        state.text_matched = event.text_matched
        state.length_s, state.digest = event.duration_s, event.digest
        state.detected_emotion = event.detected_emotion
        state.detected_emotion_at = lines.keys_text(event.emotion_keys)
        if event.outcome is protocol.LineOutcome.FAILED:
            state.status, state.message, state.hint = LineStatus.FAILED, event.error, event.hint
        else:
            state.status, state.is_made, state.message = LineStatus.MADE, True, event.warning
            state.was_made = event.outcome is protocol.LineOutcome.SKIPPED
        return state

    def cancel_open(self, *also: str) -> None:
        """Set lines that have not been generated to CANCELLED.

        Args:
            also: Further states that count as open.
        """
        for state in self.states.values():
            if state.status in (LineStatus.WAITING, LineStatus.RUNNING, *also):
                state.status = LineStatus.CANCELLED

    def summary(self) -> str:
        """Return one sentence about the batch."""
        done = self.count(LineStatus.DONE)
        parts = [f"{done} line{'' if done == 1 else 's'} made"]
        rest = (
            (LineStatus.SKIPPED, "unchanged"),
            (LineStatus.FAILED, "failed"),
            (LineStatus.CANCELLED, "left for the next time"),
        )
        parts += [f"{count} {words}" for name, words in rest if (count := self.count(name))]
        return ", ".join(parts)
