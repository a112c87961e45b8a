"""Laws of the fade of a line's emotion."""

from __future__ import annotations

import numpy as np

from cstalk_blender.dialogue.fade import faded
from cstalk_blender.package import track


def line(frames: int, *channels: str) -> track.CurveTrack:
    """Curves that are 1 everywhere."""
    return track.CurveTrack(np.ones((frames, len(channels)), np.float32), channels, 10.0)


def test_emotion_rises_and_falls_within_the_seconds_and_articulation_stays() -> None:
    found = faded(line(20, "jawOpen", "mouthSmileLeft", "browInnerUp", "eyeBlinkLeft"), 0.4)
    smile = [0.0, 0.1464, 0.5, 0.8536, *[1.0] * 12, 0.8536, 0.5, 0.1464, 0.0]
    for name in ("mouthSmileLeft", "browInnerUp"):
        np.testing.assert_allclose(found.column(name), smile, atol=1e-4)
    for name in ("jawOpen", "eyeBlinkLeft"):
        assert (found.column(name) == 1).all()


def test_a_short_line_has_its_emotion_in_the_middle() -> None:
    found = faded(line(8, "mouthSmileLeft"), 2.0).column("mouthSmileLeft")
    np.testing.assert_allclose(found, [0, 0.5, 1, 1, 1, 1, 0.5, 0], atol=1e-6)


def test_a_line_of_three_frames_and_other_channels_are_left_alone() -> None:
    assert faded(line(3, "mouthSmileLeft"), 0.3).values.all()
    assert faded(line(30, "expr_001"), 0.3).values.all()
