"""What a batch's child reads: the list, and sounds that it has a decoder for.

What it cannot decode, Blender does: little by little, so that the window stays usable. All of it
lies in a folder of its own that goes when the batch has ended.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ...dialogue import lines as line_files
from ...dialogue.lines import Line
from ...scene import audio_decode as sound_decode

PREFIX = "cstalk-batch-"
LIST_NAME = "lines.csv"


class BatchSounds:
    """The lines of one batch on their way to its child. Close it."""

    def __init__(self, lines: Sequence[Line], temporary_folder: Path) -> None:
        """Begin; nothing is read yet.

        Args:
            lines: With the sounds as they were chosen.
            temporary_folder: Existing folder that Blender empties when it ends.
        """
        self._lines = tuple(lines)
        self._ready: list[Line] = []
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=temporary_folder))

    @property
    def is_ready(self) -> bool:
        """True when the child can read every sound, as far as it can be read at all."""
        return len(self._ready) == len(self._lines)

    @property
    def ready(self) -> Sequence[Line]:
        """The lines that were looked at so far, with sounds that the child can read."""
        return self._ready

    def step(self, budget_s: float) -> None:
        """Go on for a while; one sound at least."""
        stop_at = time.perf_counter() + budget_s
        for line in self._lines[len(self._ready) :]:
            self._ready.append(self._readable(line))
            if time.perf_counter() >= stop_at:
                return

    def write_list(self) -> Path:
        """Write the child's list and say where.

        Here and not in the output folder: another Blender may be at work there.

        Raises:
            BadBatch: The file cannot be written.
        """
        path = self._folder / LIST_NAME
        line_files.write_list(path, self._ready)
        return path

    def close(self) -> None:
        """Remove the files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _readable(self, line: Line) -> Line:
        if line.row.problem:
            return line
        path = sound_decode.for_model(Path(line.row.audio), self._folder)
        return Line(dataclasses.replace(line.row, audio=str(path)), line.targets)
