"""Pause, resume and cancel a running batch from another thread. Standard library only."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from ... import protocol

POLL_S = 0.2
"""Seconds between two checks of a paused line whether it was cancelled."""


class Control:
    """Set by one thread, read by all others."""

    def __init__(self) -> None:
        self._running = threading.Event()
        self._running.set()
        self._cancelled = threading.Event()

    @property
    def is_paused(self) -> bool:
        """True while lines are held."""
        return not self._running.is_set()

    @property
    def is_cancelled(self) -> bool:
        """True once the batch is to end."""
        return self._cancelled.is_set()

    def pause(self) -> None:
        """Hold every line at its next window."""
        self._running.clear()

    def resume(self) -> None:
        """End a pause."""
        self._running.set()

    def cancel(self) -> None:
        """End the batch; finished lines stay, the others are left for ``--resume``."""
        self._cancelled.set()
        # Cancelling ends a pause as well, or waiting threads would never see it.
        self._running.set()

    def should_stop(self) -> bool:
        """Wait while paused, then return whether to stop: the ``cancelled`` of ``perform``."""
        # In short waits, so that a cancelled pause is noticed.
        while not self._cancelled.is_set() and not self._running.wait(POLL_S):
            pass
        return self._cancelled.is_set()

    def obey(self, commands: Iterable[str]) -> None:
        """Follow commands until they end, then cancel: whoever gave them is gone.

        Args:
            commands: One per line: ``pause``, ``continue`` or ``cancel``, or the protocol's
                `PauseBatch`, `ResumeBatch`, `CancelBatch`; anything else is ignored.
        """
        actions = {"pause": self.pause, "continue": self.resume, "cancel": self.cancel}
        for text in commands:
            action = actions.get(_command(text))
            if action is not None:
                action()
        # The end of the commands is the end of whoever gave them.
        self.cancel()

    def obey_in_background(self, commands: Iterable[str]) -> None:
        """Run ``obey`` in a thread that does not keep the process alive."""
        # A daemon: a blocked read must not keep the process alive.
        threading.Thread(target=self.obey, args=(commands,), daemon=True).start()


def _command(text: str) -> str:
    word = text.strip()
    if not word.startswith("{"):
        return word
    try:
        message = protocol.decode(word)
    except protocol.ProtocolError:
        return ""
    words = {
        protocol.PauseBatch: "pause",
        protocol.ResumeBatch: "continue",
        protocol.CancelBatch: "cancel",
    }
    return words.get(type(message), "")
