"""Check the random emotion weights that training draws."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from model_runtime.choices import EMOTIONS  # noqa: E402
from model_runtime.training.data.emotion_tracks import draw_track  # noqa: E402


def tracks(count: int, labelled: str = "neutral") -> torch.Tensor:
    rng = np.random.default_rng(5)
    return torch.stack(
        [draw_track(rng, 200, frame_rate=50.0, labelled=labelled) for _ in range(count)]
    )


def test_weights_stay_in_range_and_neutral_has_none() -> None:
    drawn = tracks(300)
    assert drawn.min() >= 0
    assert drawn.max() <= 1.4
    assert drawn[..., 0].abs().max() == 0


def test_about_half_of_the_windows_change_over_time_and_a_quarter_is_neutral() -> None:
    drawn = tracks(600)
    changing = (drawn.sum(2).std(1) > 0.02).float().mean()
    neutral = (drawn.amax((1, 2)) == 0).float().mean()
    assert 0.4 < changing < 0.65
    assert 0.18 < neutral < 0.30


def test_no_weight_jumps() -> None:
    assert tracks(300).diff(dim=1).abs().max() < 0.3


def test_two_emotions_occur_at_once() -> None:
    both = ((tracks(300) > 0.05).sum(2) >= 2).any(1).float().mean()
    assert both > 0.1


def test_labelled_emotion_is_drawn_most() -> None:
    felt = (tracks(400, "sad").amax(1) > 0).float().mean(0)
    assert int(felt.argmax()) == EMOTIONS.index("sad")
