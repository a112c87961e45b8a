"""Prepare the audio files of a batch for its worker.

Blender decodes what the worker cannot, a few files per timer callback, so that the window stays
responsive. The decoded files are in a folder that is removed when the batch has ended.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ...dialogue.lines import Line
from ...errors import BadBatch, SessionError
from ...scene import audio_decode

PREFIX = "cstalk-batch-"


class BatchAudio:
    """The lines of one batch, with audio files that the worker can decode. Close it."""

    def __init__(self, lines: Sequence[Line], temporary_folder: Path) -> None:
        """Start; nothing is read yet.

        Args:
            lines: Lines with the audio files that the user chose.
            temporary_folder: Existing folder that Blender empties when it ends.

        Raises:
            BadBatch: No folder can be made in it.
        """
        self._lines = tuple(lines)
        self._ready: list[Line] = []
        try:
            temporary_folder.mkdir(parents=True, exist_ok=True)  # a clean-up tool may delete it
            self._folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=temporary_folder))
        except OSError as error:
            raise BadBatch(
                f"No temporary folder could be created: {error}",
                hint="Free some space, or choose another temporary folder in Blender's preferences",
            ) from error

    @property
    def is_ready(self) -> bool:
        """True when every line has been prepared."""
        return len(self._ready) == len(self._lines)

    @property
    def ready(self) -> Sequence[Line]:
        """The lines that have been prepared so far."""
        return self._ready

    def step(self, budget_s: float) -> None:
        """Prepare lines, at least one, until the budget is used up.

        Args:
            budget_s: Time to spend, in seconds.
        """
        stop_at = time.perf_counter() + budget_s
        for line in self._lines[len(self._ready) :]:
            self._ready.append(self._prepared(line))
            if time.perf_counter() >= stop_at:
                return

    def close(self) -> None:
        """Remove the decoded files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _prepared(self, line: Line) -> Line:
        if line.row.problem:
            return line
        try:
            path = audio_decode.for_model(Path(line.row.audio), self._folder)
        except SessionError as error:  # this line fails, the others go on
            row = dataclasses.replace(line.row, problem=str(error), hint=error.hint)
            return Line(row, line.targets)
        return Line(dataclasses.replace(line.row, audio=str(path)), line.targets)
