"""Name what users choose from: emotions, sides, strengths, file names and file types.

The add-on builds its panels from these at each start of Blender. They are apart from ``protocol``,
whose dataclasses take longer to create than all else that is read then. Standard library only.
"""

from __future__ import annotations

from typing import Final

MAX_INTENSITY: Final = 1.5
"""Hard upper limit of emotion intensity; 1.0 is full strength."""

AUTO_EMOTION: Final = "auto"
"""Detect the emotion in the voice."""

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
"""Emotions that a model is conditioned on, in the order of its embedding table."""

AUTO_DESCRIPTION: Final = "Emotion detected in the voice, as it changes; Intensity scales it"
"""Tooltip of ``AUTO_EMOTION``."""

EMOTIONS: Final[tuple[str, ...]] = tuple(EMOTION_DESCRIPTIONS)

FAVOURED_SIDES: Final = ("auto", "left", "right")
MAX_ACTING: Final = 2.0
"""Greatest strength of acting."""

NATURAL: Final[dict[str, float]] = {"dynamics": 1.0, "eyes": 1.0, "head": 1.0, "asymmetry": 0.5}
"""Default strength of each layer of acting, in panel, batch and command line."""

DEFAULT_PATTERN: Final = "{name}__{emotion}[_{intensity}]"
"""Default pattern of the names of audio files."""

CURVE_SUFFIXES: Final = (".npz", ".csv", ".json")
"""Extensions of curve files: CSTalk, Live Link Face, Audio2Face; ``curves.formats`` has them."""
