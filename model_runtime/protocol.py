"""Define the messages between the add-on and its worker: one JSON object a line, UTF-8.

Standard library only. Both processes import this module and nothing else of each other. Guarantees:

* The worker's first line is :class:`Hello`. A client that reads another ``protocol`` number stops.
* Every :class:`Generate` ends in exactly one of :class:`Result`, :class:`Failure` and
  :class:`Stopped`, with any number of :class:`Progress` before it. Nothing with that id follows
  the ending.
* A batch worker takes :class:`BatchLine` messages, then one :class:`StartBatch`. It answers with
  :class:`BatchStarted`, one :class:`LineEnded` a line, any number of :class:`BatchProgress`, and
  last :class:`BatchEnded`; or with a :class:`Failure` when nothing could be done.
* Curves never travel in a message. The worker writes an npz into ``output_folder`` under a
  temporary name, renames it, and only then sends its path.
* Closing the worker's stdin means exit.
"""

from __future__ import annotations

import dataclasses
import enum
import typing
from pathlib import Path
from typing import Any, Final, TypeAlias

from . import wire
from .choices import NATURAL

PROTOCOL_VERSION: Final = 2
"""Raised whenever a message changes in a way that an older peer cannot read.

2: the parameters of ``generate`` moved into ``performance``; version 1 is still read.
"""

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""Longest line either side accepts: an hour of emotion keys fits many times over."""

DEFAULT_RIG: Final = "arkit52"
"""Rig of the shipped weights; no other place in the code names one."""

ProtocolError = wire.ProtocolError


@dataclasses.dataclass(frozen=True)
class EmotionKey:
    """An emotion from ``start_s`` on, in seconds of the audio file, until the next key."""

    start_s: float
    emotion: str
    intensity: float
    """0 to ``MAX_INTENSITY``."""


@dataclasses.dataclass(frozen=True)
class Acting:
    """Strengths of what a face does beyond its speech; 0 is off, 1 natural, 2 the most."""

    dynamics: float = 0.0
    """Rise and fall of the emotion over the line; 0 holds the emotion as a pose."""
    eyes: float = 0.0
    """Gaze: saccades, looks away and back, lids that follow."""
    head: float = 0.0
    """Head motion, in channels of its own: ``headYaw``, ``headPitch``, ``headRoll`` in radians."""
    asymmetry: float = 0.0
    favoured_side: str = "auto"
    """Stronger half of the face: ``left``, ``right``, or ``auto`` to draw it by the seed."""


NATURAL_ACTING: Final = Acting(
    dynamics=NATURAL["dynamics"],
    eyes=NATURAL["eyes"],
    head=NATURAL["head"],
    asymmetry=NATURAL["asymmetry"],
)
"""Default of panel, batch and command line."""


@dataclasses.dataclass(frozen=True)
class Performance:
    """All parameters of one generated clip: what the panel, a batch and the command line fill."""

    audio: Path
    """Absolute where it travels in a message."""
    fps: float = 60.0
    """Frame rate of the curves."""
    emotion_keys: tuple[EmotionKey, ...] = ()
    """Sorted by time; empty means neutral. From a key of ``AUTO_EMOTION`` on the emotion is
    detected in the voice until the next key, scaled by the key's intensity."""
    rig: str = ""
    """Rig definition of the curves; empty means that of the model."""
    seed: int = 0
    blink: bool = True
    start_s: float = 0.0
    """Where the used part of the audio file begins."""
    duration_s: float | None = None
    """Length of the used part; None means to the end of the file."""
    script: str = ""
    """What is spoken, in English; empty means that the phones are recognised alone."""
    acting: Acting = Acting()
    """Off, so that the curves are those of the model alone."""
    smoothing_s: float = 0.0
    """Standard deviation of the Gaussian smoothing; 0 means none."""
    commit: bool = True
    """Commit the mouth to one phone where the network is in doubt between several; False leaves its
    curves as they are."""

    def as_json(self) -> dict[str, Any]:
        """Return every parameter as plain JSON, without the folder of the audio file."""
        values = dataclasses.asdict(self)
        values["audio"] = self.audio.name
        values["emotion_keys"] = [dataclasses.asdict(key) for key in self.emotion_keys]
        return values


@dataclasses.dataclass(frozen=True)
class Generate:
    """Parent to worker: generate the curves of one clip."""

    id: str
    output_folder: str
    """Existing folder; the worker writes ``<id>.npz`` there."""
    performance: Performance
    model: str = ""
    """Path of a checkpoint folder; empty means the shipped one."""
    is_layered: bool = False
    """Also write the curves without emotion, as entry ``neutral`` of the npz, and the recognised
    phones into its request."""


@dataclasses.dataclass(frozen=True)
class Cancel:
    """Parent to worker: stop the request ``id``. Unknown or ended ids are ignored."""

    id: str


@dataclasses.dataclass(frozen=True)
class Hello:
    """Worker to parent, once, first."""

    protocol: int
    runtime: str
    engine: str
    device: str
    model: str = ""


@dataclasses.dataclass(frozen=True)
class Progress:
    """Worker to parent: ``fraction`` of the request done; ``seconds_left`` is None until known."""

    id: str
    fraction: float
    seconds_left: float | None = None
    stage: str = ""


@dataclasses.dataclass(frozen=True)
class Result:
    """Worker to parent: the curves are in the file ``path``."""

    id: str
    path: str
    frames: int
    channels: int
    fps: float
    seconds: float
    """Wall-clock seconds the request took."""
    engine: str = ""
    device: str = ""
    summary: str = ""
    """One line for the panel."""
    heard: str = ""
    """Emotion detected in the voice, one line for the panel; empty unless it was asked for."""
    emotion_keys: tuple[EmotionKey, ...] = ()
    """Detected emotion over time, unscaled; empty unless it was asked for."""
    note: str = ""
    """What differed from the request, as another engine that was used; mostly empty."""


@dataclasses.dataclass(frozen=True)
class Failure:
    """Worker to parent: the request failed, or the whole batch if ``id`` is empty."""

    id: str
    code: str
    message: str
    hint: str = ""


@dataclasses.dataclass(frozen=True)
class Stopped:
    """Worker to parent: the request ended because of a :class:`Cancel`."""

    id: str


class LineOutcome(enum.StrEnum):
    """Outcome of a line of a batch."""

    DONE = "done"
    SKIPPED = "skipped"
    """Generated by an earlier run, and nothing that it depends on has changed."""
    FAILED = "failed"


class BatchOutcome(enum.StrEnum):
    """Outcome of a batch."""

    DONE = "done"
    FAILED = "failed"
    """At least one line failed."""
    CANCELLED = "cancelled"


@dataclasses.dataclass(frozen=True)
class BatchLine:
    """Parent to batch worker: one line of the batch that `StartBatch` starts."""

    id: str
    """Path of the output without its ending; unique within the output folder."""
    performance: Performance
    targets: tuple[str, ...]
    """Files to write, as POSIX paths relative to the output folder; the first names the line."""
    name: str = ""
    """Display name."""
    character: str = ""
    problem: str = ""
    """Why the line cannot be generated; empty if it can."""
    hint: str = ""
    note: str = ""
    """What the user should check, though the line can be generated; sent back in `LineEnded`."""


@dataclasses.dataclass(frozen=True)
class StartBatch:
    """Parent to batch worker: generate the lines that were sent before."""

    output_folder: str
    model: str = ""
    """Path of a checkpoint folder; empty means the shipped one."""
    overwrite: bool = False
    """Replace files that CSTalk did not write, or that were edited since."""


@dataclasses.dataclass(frozen=True)
class PauseBatch:
    """Parent to batch worker: hold every line at its next window."""


@dataclasses.dataclass(frozen=True)
class ResumeBatch:
    """Parent to batch worker: end a pause."""


@dataclasses.dataclass(frozen=True)
class CancelBatch:
    """Parent to batch worker: end all lines; finished ones are kept."""


@dataclasses.dataclass(frozen=True)
class BatchStarted:
    """Batch worker to parent, once."""

    lines: int
    engine: str
    """Engine, device and lines at a time, in words."""


@dataclasses.dataclass(frozen=True)
class LineEnded:
    """Batch worker to parent: exactly once for each line, unless the batch is cancelled."""

    id: str
    outcome: LineOutcome
    outputs: tuple[str, ...] = ()
    """The files of the line, see `BatchLine.targets`."""
    name: str = ""
    frames: int = 0
    duration_s: float = 0.0
    """Length of the curves."""
    seconds: float = 0.0
    """Wall-clock seconds the line took."""
    digest: str = ""
    """SHA-256 of the first file."""
    score: float | None = None
    """Rating, 0 to 100."""
    notes: tuple[str, ...] = ()
    """What lowered the score."""
    warning: str = ""
    """A file that was kept as it is, or `BatchLine.note`."""
    detected_emotion: str = ""
    """In words; empty unless the emotion was to be detected."""
    emotion_keys: tuple[EmotionKey, ...] = ()
    """Emotion keys of the curves, with the detected ones in the place of ``AUTO_EMOTION``; empty
    unless the emotion was to be detected."""
    code: str = ""
    error: str = ""
    hint: str = ""


@dataclasses.dataclass(frozen=True)
class LineProgress:
    """Progress of one line that is being generated."""

    id: str
    fraction: float


@dataclasses.dataclass(frozen=True)
class BatchProgress:
    """Batch worker to parent, about twice a second."""

    total: int
    done: int
    skipped: int
    failed: int
    fraction: float
    seconds_left: float | None = None
    is_paused: bool = False
    running: tuple[LineProgress, ...] = ()


@dataclasses.dataclass(frozen=True)
class BatchEnded:
    """Batch worker to parent, last."""

    outcome: BatchOutcome
    total: int
    done: int
    skipped: int
    failed: int
    reports: tuple[str, ...] = ()
    """Paths of the reports that were written."""


BatchEvent: TypeAlias = BatchStarted | LineEnded | BatchProgress | BatchEnded
RequestMessage: TypeAlias = Generate | Cancel | Hello | Progress | Result | Failure | Stopped
BatchCommand: TypeAlias = BatchLine | StartBatch | PauseBatch | ResumeBatch | CancelBatch
Message: TypeAlias = RequestMessage | BatchCommand | BatchEvent

_TYPE_NAMES: Final[dict[str, type[Any]]] = {
    "generate": Generate,
    "cancel": Cancel,
    "hello": Hello,
    "progress": Progress,
    "result": Result,
    "error": Failure,
    "cancelled": Stopped,
    "batch_line": BatchLine,
    "start_batch": StartBatch,
    "pause_batch": PauseBatch,
    "resume_batch": ResumeBatch,
    "cancel_batch": CancelBatch,
    "batch_started": BatchStarted,
    "line_ended": LineEnded,
    "batch_progress": BatchProgress,
    "batch_ended": BatchEnded,
}
_NAMES_BY_TYPE: Final = {cls: name for name, cls in _TYPE_NAMES.items()}


def encode(message: Message) -> str:
    """Return one line of JSON without the line end. Floats must be finite.

    Raises:
        ProtocolError: A number is NaN or infinite.
    """
    return wire.dump(_NAMES_BY_TYPE[type(message)], message)


def decode(line: str) -> Message:
    """Parse one line. Unknown fields are ignored, so that a newer peer may add some.

    Raises:
        ProtocolError: The line is too long, not JSON, not an object, of unknown type, or a field is
            missing or of the wrong type.
    """
    payload = wire.load(line, MAX_LINE_BYTES)
    name = payload.get("type")
    cls = _TYPE_NAMES.get(name) if isinstance(name, str) else None
    if cls is None:
        raise ProtocolError(f"Unknown message type {name!r}")
    if cls is Generate and "audio" in payload:  # version 1 had no Performance
        payload = {**payload, "performance": payload}
    return typing.cast(Message, wire.build(cls, payload))
