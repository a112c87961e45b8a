"""Measure how much of an emotion's pose shows on the face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from model_runtime.choices import EMOTIONS
from model_runtime.curves.track import CurveTrack
from model_runtime.evaluation.data.clips import SpokenClip
from model_runtime.evaluation.metrics.measures import MEASURE_BY_KEY, verdict
from model_runtime.evaluation.performers.base import EVALUATION_FPS, Direction
from model_runtime.evaluation.scores.emotion import strength_figure
from model_runtime.training.reference.motion import prototype_poses
from model_runtime.training.reference.rig import reference_rig

CLIP = SpokenClip("clip", Path("clip.wav"), "someone", "en", ())


class PosePerformer:
    """Shows a share of the pose of each emotion over a neutral face."""

    name = "pose"

    def __init__(self, share: float, weaker: str = "") -> None:
        self.share, self.weaker = share, weaker

    def perform(self, path: Path, direction: Direction) -> CurveTrack:
        share = self.share / 2 if direction.emotion == self.weaker else self.share
        pose = prototype_poses()[EMOTIONS.index(direction.emotion)].numpy()
        values = np.tile(0.1 + share * direction.intensity * pose, (20, 1)).astype(np.float32)
        return CurveTrack(values, reference_rig().channel_names, EVALUATION_FPS)


def test_strength_of_an_emotion_is_the_share_of_its_pose_and_names_the_weakest():
    full = strength_figure(PosePerformer(1.0), [CLIP])
    assert full.value == pytest.approx(1.0, abs=1e-6)
    faint = strength_figure(PosePerformer(0.7, weaker="sad"), [CLIP])
    assert (faint.worst_name, faint.value) == ("sad", pytest.approx(0.35, abs=1e-6))
    bar = MEASURE_BY_KEY["emotion_strength"]
    assert verdict(bar, full) is True
    assert verdict(bar, strength_figure(PosePerformer(0.4), [CLIP])) is False
