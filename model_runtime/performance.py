"""Define a performance: everything that one generated clip depends on.

Standard library only, and part of the protocol (``protocol`` offers all names): the panel, a batch
and the command line fill a :class:`Performance`, and the worker reads it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

from .choices import NATURAL


@dataclasses.dataclass(frozen=True)
class EmotionKey:
    """An emotion from ``start_s`` on, in seconds of the audio file, until the next key."""

    start_s: float
    emotion: str
    """An emotion, a named expression, or a blend: ``happy:0.6+surprised:0.4``."""
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
class EmotionShare:
    """One emotion of an expression."""

    emotion: str
    weight: float
    """0 to ``MAX_INTENSITY``, at intensity 1 of the expression."""


@dataclasses.dataclass(frozen=True)
class ChannelOffset:
    """What an expression adds to one channel."""

    channel: str
    value: float
    """-1 to 1, at intensity 1 of the expression."""


@dataclasses.dataclass(frozen=True)
class Expression:
    """A named mixture of emotions, with what it adds to channels and to articulation."""

    name: str
    """Small letters, digits and underscores."""
    shares: tuple[EmotionShare, ...] = ()
    offsets: tuple[ChannelOffset, ...] = ()
    amplitude: float = 1.0
    """Factor on the channels that open the mouth, at intensity 1."""
    description: str = ""
    """Tooltip."""


@dataclasses.dataclass(frozen=True)
class LookKey:
    """Where a face looks at a time: the direction that its gaze moves around."""

    time_s: float
    """Seconds of the audio file."""
    yaw_deg: float
    """Degrees to the face's own left of straight ahead."""
    pitch_deg: float
    """Degrees above straight ahead."""


@dataclasses.dataclass(frozen=True)
class Pronunciation:
    """An entry of the user's dictionary."""

    word: str
    """Lower case."""
    phones: str
    """Names of ``config.PHONES``, separated by blanks."""


@dataclasses.dataclass(frozen=True)
class Correction:
    """A word that the user corrected, or a stretch of closed lips, in seconds of the audio file."""

    start_s: float
    end_s: float
    text: str = ""
    """The word that is spoken here; empty: no word is."""
    phones: tuple[str, ...] = ()
    """Its phones; empty: those of dictionary and spelling."""
    was_start_s: float | None = None
    """Where the word was found before, if it was moved."""
    was_end_s: float | None = None
    is_closed: bool = False
    """Hold the lips closed; no word is changed."""


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
    """What is spoken; empty means that the phones are recognised alone. Subtitles (SRT or WebVTT)
    are sought around the times of their cues."""
    language: str = ""
    """Language of the script, ISO 639-1; empty is English. A script in a language that neither
    rules nor espeak-ng read is not used, and a warning says so."""
    pronunciations: tuple[Pronunciation, ...] = ()
    """The user's, which come before those of the dictionary."""
    corrections: tuple[Correction, ...] = ()
    """Later ones win."""
    acting: Acting = Acting()
    """Off, so that the curves are those of the model alone."""
    smoothing_s: float = 0.0
    """Standard deviation of the Gaussian smoothing; 0 means none."""
    commit: bool = True
    """Commit the mouth to one phone where the network is in doubt between several; False leaves its
    curves as they are."""
    idle_before_s: float = 0.0
    """Seconds before the clip in which the face waits; frame 0 is that much earlier."""
    idle_after_s: float = 0.0
    """Seconds after the clip in which the face waits."""
    expressions: tuple[Expression, ...] = ()
    """Named expressions of the user; those of the runtime need not be sent."""
    look: tuple[LookKey, ...] = ()
    """Directions to look in, sorted by time, with straight lines between; empty is straight ahead.
    Eyes and head follow by their strengths in ``acting``."""

    def as_json(self) -> dict[str, Any]:
        """Return every parameter as plain JSON, without the folder of the audio file."""
        values = dataclasses.asdict(self)
        values["audio"] = self.audio.name
        for name in ("emotion_keys", "pronunciations", "corrections"):
            values[name] = [dataclasses.asdict(one) for one in getattr(self, name)]
        return values
