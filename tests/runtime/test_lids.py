"""Strong expressions leave the eyes open; weak ones and blinks are as they were."""

from __future__ import annotations

import numpy as np
import pytest

from model_runtime.postprocess.lids import KNEE, LIMIT, SHARES, open_lids

CHANNELS = (
    *("jawOpen", "eyeBlinkLeft", "eyeSquintLeft", "cheekSquintLeft"),
    *("eyeBlinkRight", "eyeSquintRight", "cheekSquintRight"),
)


def covered(values: np.ndarray, side: str) -> np.ndarray:
    return sum(share * values[:, CHANNELS.index(name + side)] for name, share in SHARES.items())


def test_disgust_at_intensity_one_and_a_half_leaves_the_eyes_open():
    values = np.tile(np.float32([0.5, 0.31, 0.67, 0.77, 0.31, 0.67, 0.77]), (5, 1))
    assert covered(values, "Left")[0] > 0.65
    opened = open_lids(values, CHANNELS)
    for side in ("Left", "Right"):
        assert np.all(covered(opened, side) <= LIMIT)
    # The kind of expression stays: all three by one factor, the jaw not at all.
    ratios = opened[0, 1:4] / values[0, 1:4]
    assert ratios == pytest.approx(ratios[0])
    assert opened[0, 0] == np.float32(0.5)


def test_one_side_does_not_change_the_other():
    values = np.float32([[0, 0.9, 0.9, 0, 0.1, 0.1, 0]])
    opened = open_lids(values, CHANNELS)
    assert opened[0, 1] < 0.5
    np.testing.assert_array_equal(opened[0, 4:], values[0, 4:])


def test_lids_close_further_the_stronger_the_expression_without_a_step():
    rising = np.zeros((200, len(CHANNELS)), np.float32)
    rising[:, 1] = np.linspace(0, 1, 200)
    opened = open_lids(rising, CHANNELS)[:, 1]
    below = rising[:, 1] <= KNEE
    np.testing.assert_array_equal(opened[below], rising[below, 1])
    steps = np.diff(opened)
    assert np.all(steps >= 0)
    assert steps.max() <= 1.01 / 199


def test_a_rig_without_lids_passes_through():
    values = np.ones((3, 2), np.float32)
    np.testing.assert_array_equal(open_lids(values, ("jawOpen", "browInnerUp")), values)
