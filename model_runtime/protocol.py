"""Define the messages between the add-on and its worker: one JSON object a line, UTF-8.

Standard library only. Both processes import this module and nothing else of each other. Guarantees:

* The worker's first line is :class:`Hello`. A client that reads another ``protocol`` number stops.
* Every :class:`Generate` ends in exactly one of :class:`Result`, :class:`Failure` and
  :class:`Stopped`, with any number of :class:`Progress` before it. Nothing with that id follows
  the ending.
* Curves never travel in a message. The worker writes an npz into ``output_folder`` under a
  temporary name, renames it, and only then sends its path.
* Closing the worker's stdin means exit.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any, Final, TypeAlias, Union, get_args, get_origin

__all__ = [
    "AUTO_DESCRIPTION",
    "AUTO_EMOTION",
    "DEFAULT_RIG",
    "EMOTIONS",
    "EMOTION_DESCRIPTIONS",
    "FAVOURED_SIDES",
    "MAX_ACTING",
    "MAX_INTENSITY",
    "NATURAL_ACTING",
    "PROTOCOL_VERSION",
    "Acting",
    "Cancel",
    "EmotionKey",
    "Failure",
    "Generate",
    "Hello",
    "Message",
    "Performance",
    "Progress",
    "ProtocolError",
    "Result",
    "Stopped",
    "decode",
    "encode",
]

PROTOCOL_VERSION: Final = 2
"""Raised whenever a message changes in a way that an older peer cannot read.

2: the parameters of ``generate`` moved into ``performance``; version 1 is still read.
"""

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""Longest line either side accepts: an hour of emotion keys fits many times over."""

MAX_INTENSITY: Final = 1.5
"""Hard upper limit of emotion intensity; 1.0 is full strength."""

AUTO_EMOTION: Final = "auto"
"""Ask the runtime to hear the emotion in the voice."""

DEFAULT_RIG: Final = "arkit52"
"""The rig of the shipped weights: the only place in the code that names one."""

EMOTION_DESCRIPTIONS: Final[dict[str, str]] = {
    "neutral": "No emotion: lips, jaw, blinks and the small brow movements of plain speech",
    "happy": "Smile, raised cheeks, lower lids lifted, open brows",
    "sad": "Inner brows raised and drawn together, mouth corners down, heavy lids",
    "angry": "Brows lowered and drawn together, hard stare, pressed lips, flared nose",
    "surprised": "Brows high, eyes wide, jaw dropped and loose",
    "fearful": "Brows high and drawn together, eyes wide, mouth corners stretched",
    "disgusted": "Nose wrinkled, upper lip raised, cheeks lifted, eyes narrowed",
    "contemptuous": "One mouth corner tightened and raised, lids lowered, one brow up",
}
"""Emotions a model is conditioned on, in the order of its embedding table."""

AUTO_DESCRIPTION: Final = "What is heard in the voice, as it changes; Intensity scales it"
"""What ``AUTO_EMOTION`` looks like, for people."""

EMOTIONS: Final[tuple[str, ...]] = tuple(EMOTION_DESCRIPTIONS)


class ProtocolError(ValueError):
    """A line that is not a message: broken JSON, an unknown type, a missing or mistyped field."""


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


FAVOURED_SIDES: Final = ("auto", "left", "right")
MAX_ACTING: Final = 2.0
"""Greatest strength of acting."""

NATURAL_ACTING: Final = Acting(dynamics=1.0, eyes=1.0, head=1.0, asymmetry=0.5)
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
    """The emotion heard in the voice, one line for the panel; empty where it was not asked for."""
    emotion_keys: tuple[EmotionKey, ...] = ()
    """What was heard over time, unscaled; empty where it was not asked for."""
    note: str = ""
    """What was not as chosen, as an engine that had to stand in for another; mostly empty."""


@dataclasses.dataclass(frozen=True)
class Failure:
    """Worker to parent: it could not be done. ``id`` is empty when no request is to blame."""

    id: str
    code: str
    message: str
    hint: str = ""


@dataclasses.dataclass(frozen=True)
class Stopped:
    """Worker to parent: the request ended because of a :class:`Cancel`."""

    id: str


Message: TypeAlias = Generate | Cancel | Hello | Progress | Result | Failure | Stopped

_TYPE_NAMES: Final[dict[str, type[Any]]] = {
    "generate": Generate,
    "cancel": Cancel,
    "hello": Hello,
    "progress": Progress,
    "result": Result,
    "error": Failure,
    "cancelled": Stopped,
}
_NAMES_BY_TYPE: Final = {cls: name for name, cls in _TYPE_NAMES.items()}


def encode(message: Message) -> str:
    """Return one line of JSON without the line end. Floats must be finite.

    Raises:
        ProtocolError: A number is NaN or infinite.
    """
    payload = {"type": _NAMES_BY_TYPE[type(message)], **dataclasses.asdict(message)}
    try:
        return json.dumps(
            payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
        )
    except ValueError as error:
        raise ProtocolError(f"Message holds a number JSON cannot carry: {error}") from error


def decode(line: str) -> Message:
    """Parse one line. Unknown fields are ignored, so that a newer peer may add some.

    Raises:
        ProtocolError: The line is too long, not JSON, not an object, of unknown type, or a field is
            missing or of the wrong type.
    """
    if len(line) > MAX_LINE_BYTES:
        raise ProtocolError(f"Line of {len(line)} characters is over the limit of {MAX_LINE_BYTES}")
    try:
        payload = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"Not a JSON line: {line[:80]!r}") from error
    if not isinstance(payload, dict):
        raise ProtocolError(f"Not a JSON object: {line[:80]!r}")
    name = payload.get("type")
    cls = _TYPE_NAMES.get(name) if isinstance(name, str) else None
    if cls is None:
        raise ProtocolError(f"Unknown message type {name!r}")
    if cls is Generate and "audio" in payload:  # version 1 had no Performance
        payload = {**payload, "performance": payload}
    return typing.cast(Message, _build(cls, payload))


def _plain(value: object) -> str:
    """Return what JSON has no type for: a path as text."""
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def _build(cls: type[Any], payload: dict[str, Any]) -> Any:
    hints = typing.get_type_hints(cls)
    values = {}
    for field in dataclasses.fields(cls):
        if field.name in payload:
            values[field.name] = _convert(payload[field.name], hints[field.name], field.name)
        elif field.default is dataclasses.MISSING:
            raise ProtocolError(f"{cls.__name__} lacks the field {field.name!r}")
    return cls(**values)


def _convert(value: Any, hint: Any, name: str) -> Any:
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):
        if value is None:
            return None
        return _convert(value, get_args(hint)[0], name)
    if origin is tuple:
        if not isinstance(value, list):
            raise ProtocolError(f"Field {name!r} must be a list, not {type(value).__name__}")
        return tuple(_convert(item, get_args(hint)[0], name) for item in value)
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _build(typing.cast(type[Any], hint), value)
    if hint is Path and type(value) is str:
        return Path(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and is_number:
        try:
            return float(value)
        except OverflowError as error:
            raise ProtocolError(f"Field {name!r} is too large") from error
    if type(value) is not hint:
        raise ProtocolError(f"Field {name!r} must be {hint.__name__}, not {type(value).__name__}")
    return value
