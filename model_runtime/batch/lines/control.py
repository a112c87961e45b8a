"""Pause, go on, cancel: what a running batch is told, from another thread. Stdlib only."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable

POLL_S = 0.2
"""How often a paused line looks whether it was cancelled."""


class Control:
    """Told by one thread, asked by all others."""

    def __init__(self) -> None:
        self._going = threading.Event()
        self._going.set()
        self._cancelled = threading.Event()

    @property
    def is_paused(self) -> bool:
        """Whether lines wait."""
        return not self._going.is_set()

    @property
    def is_cancelled(self) -> bool:
        """Whether no line may go on."""
        return self._cancelled.is_set()

    def pause(self) -> None:
        """Hold every line at its next window."""
        self._going.clear()

    def go_on(self) -> None:
        """End a pause."""
        self._going.set()

    def cancel(self) -> None:
        """End the batch; finished lines stay, the others are left for ``--resume``."""
        self._cancelled.set()
        self._going.set()

    def should_stop(self) -> bool:
        """Wait while paused, then say whether to stop. The ``cancelled`` test of ``perform``."""
        while not self._cancelled.is_set() and not self._going.wait(POLL_S):
            pass
        return self._cancelled.is_set()

    def obey(self, commands: Iterable[str]) -> None:
        """Follow commands, one a line, to their end, which cancels: whoever gave them is gone.

        Args:
            commands: ``pause``, ``continue``, ``cancel``, or JSON objects with that as ``type``;
                anything else is passed over.
        """
        actions = {"pause": self.pause, "continue": self.go_on, "cancel": self.cancel}
        for text in commands:
            action = actions.get(_command(text))
            if action is not None:
                action()
        self.cancel()

    def obey_in_background(self, commands: Iterable[str]) -> None:
        """``obey`` in a thread that does not keep the process alive."""
        threading.Thread(target=self.obey, args=(commands,), daemon=True).start()


def _command(text: str) -> str:
    word = text.strip()
    if word.startswith("{"):
        try:
            return str(json.loads(word).get("type", ""))
        except ValueError:
            return ""
    return word
