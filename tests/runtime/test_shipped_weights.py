"""The weights that ship act the demo's line: lips meet, vowels open, emotions show."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from model_runtime.checkpoint.folder import default_checkpoint, load_checkpoint  # noqa: E402
from model_runtime.choices import EMOTIONS  # noqa: E402
from model_runtime.curves.track import CurveTrack  # noqa: E402
from model_runtime.emotion.keys import EmotionKey  # noqa: E402
from model_runtime.engines.base import Engine  # noqa: E402
from model_runtime.engines.factory import open_engine  # noqa: E402
from model_runtime.generate import perform  # noqa: E402
from model_runtime.protocol import Performance  # noqa: E402
from model_runtime.training.reference.lips import lips_on  # noqa: E402
from tests.conftest import ROOT  # noqa: E402

SPEECH = ROOT / "demo" / "speech"
FPS = 24.0  # of the demo: the hardest rate, where a closure is one frame long
OPEN_VOWELS = ("aa", "ae", "ao", "aw", "ay")
LIP_SOUNDS = ("m", "b", "p")
MET = 0.15
"""Lips count as met under this share of the 90th percentile of the line's opening."""
CLOSING = 0.7
"""Share of m, b and p that must close, at the demo's frame rate and in every emotion: by sound
alone, "move" right after a th and the p that opens a clause may be missed."""
RESTING = 0.05
"""Jaw opening of a mouth at rest."""
OPEN = 0.07
"""Least of a vowel that is spoken quickly; stressed ones open three times as far."""
MISSED_VOWELS = 1
"""Of seven: the vowel of "my" before "mouth" stays nearly closed between its two m's."""
SHOWN = 0.15
"""How much more of a shape than neutral speech has, on average, one sees."""
SIGNS = {
    "happy": ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight"),
    "sad": ("mouthFrownLeft", "mouthFrownRight", "browInnerUp"),
    "angry": ("browDownLeft", "browDownRight"),
    "surprised": ("browInnerUp", "eyeWideLeft", "eyeWideRight"),
    "fearful": ("browInnerUp", "eyeWideLeft", "eyeWideRight"),
    "disgusted": ("noseSneerLeft", "noseSneerRight"),
}


@functools.cache
def engine() -> Engine:
    """The shipped checkpoint on numpy."""
    return open_engine(load_checkpoint(default_checkpoint()), engine="numpy", device="cpu")


@functools.cache
def acted(emotion: str) -> CurveTrack:
    """The demo's line in an emotion of full strength."""
    keys = (EmotionKey(0.0, emotion, 1.0),)
    return perform(Performance(SPEECH / "line.wav", fps=FPS, emotion_keys=keys), engine())


def moments(phones: tuple[str, ...]) -> Iterator[slice]:
    """Frames of each of the line's ``phones``."""
    words = json.loads((SPEECH / "line.json").read_text(encoding="utf-8"))["words"]
    for word in words:
        for phone in word["phones"]:
            if phone["phone"] in phones:
                first = int(phone["start_s"] * FPS)
                yield slice(first, int(np.ceil(phone["end_s"] * FPS)) + 1)


def openings(track: CurveTrack, phones: tuple[str, ...]) -> Iterator[np.ndarray]:
    """Yield the opening of the lips by the jaw in each frame of each of the line's ``phones``."""
    opening = track.column("jawOpen") - track.column("mouthClose")
    return (opening[part] for part in moments(phones))


def lip_gap(track: CurveTrack) -> np.ndarray:
    """Gap of the lips on the public heads' meshes, mean of the three, shape (frames,)."""
    return lips_on(track.channels).gaps(torch.from_numpy(track.values)).mean(1).numpy()


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_lips_meet_on_m_b_and_p(emotion: str) -> None:
    track = acted(emotion)
    gap = lip_gap(track)
    reference = float(np.percentile(gap, 90))
    met = [float(gap[part].min()) < MET * reference for part in moments(LIP_SOUNDS)]
    assert len(met) >= 6
    assert np.mean(met) >= CLOSING


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_mouth_opens_on_open_vowels(emotion: str) -> None:
    widths = [float(part.max()) for part in openings(acted(emotion), OPEN_VOWELS)]
    assert len(widths) >= 5
    assert sum(width <= OPEN for width in widths) <= MISSED_VOWELS


@pytest.mark.parametrize("emotion", SIGNS)
def test_emotion_shows(emotion: str) -> None:
    for channel in SIGNS[emotion]:
        more = acted(emotion).column(channel) - acted("neutral").column(channel)
        assert float(more.mean()) > SHOWN, channel


def test_mouth_rests_before_and_after_the_line() -> None:
    jaw = acted("neutral").column("jawOpen")
    assert float(jaw[:3].max()) < RESTING
    assert float(jaw[-3:].max()) < RESTING
