"""Map emotions of the corpora to the names of ``choices.EMOTIONS`` or ``unknown``."""

from __future__ import annotations

import re
from typing import Final

from ...choices import EMOTIONS
from .clip import UNKNOWN_EMOTION
from .speech import EMOTION_NAMES

OTHER_WORDS: Final[dict[str, str]] = {
    **{name: name for name in EMOTIONS},
    # MEAD and ProbTalk3D
    **{"surprised": "surprised", "disgusted": "disgusted"},
    # RAVDESS; calm is its second neutral
    **{"calm": "neutral"},
    # Audio2Face: cheekiness, out of breath and pain have no counterpart
    **{"amazement": "surprised", "grief": "sad"},
    # folder and file names that people give
    **{"mad": "angry", "scared": "fearful", "afraid": "fearful", "happily": "happy"},
}
"""Beside ``speech.EMOTION_NAMES``, which has the nouns."""

BEAT_LAST_IDS: Final = (
    (64, "neutral"),
    (72, "happy"),
    (80, "angry"),
    (86, "sad"),
    (94, "contemptuous"),
    (102, "surprised"),
    (110, "fearful"),
    (118, "disgusted"),
)
"""Last sentence number, inclusive, of each emotion (BEAT's own read-me)."""

RAVDESS_CODES: Final = {
    1: "neutral", 2: "neutral", 3: "happy", 4: "sad",
    5: "angry", 6: "fearful", 7: "disgusted", 8: "surprised",
}  # fmt: skip
RAVDESS_INTENSITIES: Final = {1: 0.5, 2: 1.0}
"""Normal and strong. That normal is half of strong is our convention."""

MEAD_CODES: Final = (
    "neutral", "happy", "sad", "surprised", "fearful", "disgusted", "angry", "contemptuous",
)  # fmt: skip
"""ProbTalk3D's numbers of MEAD's emotions."""
MEAD_LEVELS: Final = 3

EMOFACE_PREFIXES: Final = {
    "ang": "angry", "dis": "disgusted", "fea": "fearful", "hap": "happy",
    "neu": "neutral", "sad": "sad", "sur": "surprised",
}  # fmt: skip


def emotion_of(word: str) -> str:
    """Return the emotion that ``word`` names, in any case; ``unknown`` for none."""
    word = word.strip().lower()
    return OTHER_WORDS.get(word) or EMOTION_NAMES.get(word, UNKNOWN_EMOTION)


def emotion_in(text: str) -> str:
    """Return the one emotion that stands as a word in ``text``; ``unknown`` for none or several.

    ``anger_take2``, ``MySlate-Happy`` and ``takes/sad/3`` name one.
    """
    # Camel case is split too: "MySlate-HappyTake" names happy.
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)
    found = {emotion_of(word) for word in words} - {UNKNOWN_EMOTION}
    # Two different emotions in one name are no statement.
    return found.pop() if len(found) == 1 else UNKNOWN_EMOTION


def intensity_of(emotion: str, share: float = 1.0) -> float:
    """Return ``share`` of full strength, but 0 for neutral and unknown.

    Corpora that state no strength are acted at full strength: 1.

    Args:
        emotion: Name of an emotion, or ``unknown``.
        share: Within [0, 1].
    """
    # Weights of neutral and unknown are zeros in the generator, whatever the strength.
    return 0.0 if emotion in (EMOTIONS[0], UNKNOWN_EMOTION) else share


def beat_emotion(first_id: int, last_id: int) -> str:
    """Return the emotion of a range of BEAT's sentences; unknown where they differ.

    Args:
        first_id: Number of the first sentence.
        last_id: Number of the last sentence.
    """
    # Ranges across a border of emotions occur in long takes.
    found = {_beat_emotion(first_id), _beat_emotion(last_id)}
    return found.pop() if len(found) == 1 else UNKNOWN_EMOTION


def _beat_emotion(number: int) -> str:
    if number < 0:
        return UNKNOWN_EMOTION
    # Inclusive ends, as BEAT's read-me gives them.
    return next((name for last, name in BEAT_LAST_IDS if number <= last), UNKNOWN_EMOTION)
