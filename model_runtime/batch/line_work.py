"""What is done with one line, wherever it is done: skip it, make it, or say why it failed."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from ..curves.track import CurveTrack
from ..emotion.classifier import default_emotion_model
from ..emotion.detect import uses_auto
from ..engines.base import Engine
from ..errors import Cancelled, RuntimeFault
from ..generate import Progress
from ..protocol import Performance
from .acting import act, formats_of, performance_of, write_line
from .lines.fingerprint import FilePrint, line_key, model_print, sound_print
from .lines.journal import FAILED, Entry
from .lines.plan import Line

log = logging.getLogger(__name__)

REPORT_HINT = "Please report it with the log of --verbose"


@dataclasses.dataclass(frozen=True)
class Task:
    """A line that is to be made."""

    line: Line
    performance: Performance
    sound: FilePrint
    key: str


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a line ended in this run."""

    line: Line
    entry: Entry | None
    """None where the batch was cancelled before the line was done."""
    is_skipped: bool = False
    """Made already by an earlier run; the entry is that run's."""


@dataclasses.dataclass(frozen=True)
class LineWork:
    """What all lines of a batch share. Safe to use from several threads."""

    base: Performance
    """What the options ask for."""
    model: str
    """Of ``fingerprint.model_print``."""
    folder: Path
    """The output folder."""
    earlier: Mapping[str, Entry]
    """Entries of earlier runs, by target; empty without ``--resume``."""

    def task(self, line: Line) -> Task | Ending:
        """What to do for a line; an ending where nothing is to do. Raises RuntimeFault."""
        performance = performance_of(line.row, self.base)
        sound = sound_print(performance.audio)
        settings = performance.as_json()
        model = _with_judge(self.model) if uses_auto(performance.emotion_keys) else self.model
        key = line_key(sound.sha256, settings, model, formats_of(line.targets))
        before = self.earlier.get(line.targets[0])
        if before is not None and before.key == key and before.is_made(self.folder):
            return Ending(line, before, is_skipped=True)
        return Task(line, performance, sound, key)

    def run(
        self, line: Line, engine: Engine, progress: Progress, cancelled: Callable[[], bool]
    ) -> Ending:
        """Do everything for one line on this machine; never raises.

        This is the loop body of a worker: a fault of ours in one line must not end the others.
        """
        try:
            task = self.task(line)
            if isinstance(task, Ending):
                return task
            track, entry = act(
                task.performance, engine, task.sound, progress=progress, cancelled=cancelled
            )
            return self.finished(task, track, entry)
        except Cancelled:
            return Ending(line, None)
        except RuntimeFault as fault:
            return failed(line, fault)
        except Exception as error:
            log.exception("line %s", line.row.name)
            return failed(line, internal(error))

    def finished(self, task: Task, track: CurveTrack, entry: Entry) -> Ending:
        """Write the files of a line that was acted. Raises BadOutput."""
        outputs = write_line(track, task.line, self.folder)
        return Ending(task.line, self.named(task, entry, outputs))

    def named(self, task: Task, entry: Entry, outputs: dict[str, FilePrint]) -> Entry:
        """The entry with what the line is called and which files it has."""
        row = task.line.row
        return dataclasses.replace(
            entry,
            target=task.line.targets[0],
            name=row.name,
            key=task.key,
            character=row.character,
            outputs=outputs,
        )


def _with_judge(model: str) -> str:
    """What a line depends on whose emotion is left to the voice: the judge of voices too."""
    try:
        return model + model_print(default_emotion_model(), "")
    except OSError:
        return model  # acting it says what is missing


def failed(line: Line, fault: RuntimeFault, *, attempts: int = 1, code: str = "") -> Ending:
    """The ending of a line that cannot be made; ``code`` where the fault itself came from afar."""
    entry = Entry(
        target=line.targets[0],
        name=line.row.name,
        state=FAILED,
        character=line.row.character,
        code=code or fault.code,
        error=str(fault),
        hint=fault.hint,
        attempts=attempts,
    )
    return Ending(line, entry)


def internal(error: BaseException) -> RuntimeFault:
    """A fault of ours, in the form of all others."""
    words = " ".join(str(error).split())
    return RuntimeFault(f"{type(error).__name__}: {words}"[:400], hint=REPORT_HINT)
