"""Blinks are removed and added by the rate, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest

from cstalk_blender.direct import blink_rate
from cstalk_blender.direct.direction import Direction
from cstalk_blender.direct.layers import apply
from cstalk_blender.direct.prediction import Prediction
from cstalk_blender.direct.ranges import runs
from model_runtime.curves.layered import LayeredCurves
from model_runtime.curves.track import CurveTrack
from model_runtime.postprocess import blinks

CHANNELS = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "eyeSquintLeft", "browDownLeft")
SECONDS = 30


def blinking(fps: float, times: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return slow curves with blinks at some seconds, and the same without."""
    at = np.arange(round(SECONDS * fps)) / fps
    rest = np.repeat((0.1 + 0.05 * np.sin(at))[:, None], len(CHANNELS), 1).astype(np.float32)
    closure = blinks.lid_closure(np.array(times), fps=fps, frames=len(at))
    return blinks.add_blinks(rest, CHANNELS, closure), rest


def count(values: np.ndarray) -> int:
    return len(runs(np.flatnonzero(values[:, 1] > blink_rate.CLOSED_LID).tolist()))


def with_rate(values: np.ndarray, fps: float, rate: float) -> np.ndarray:
    track = CurveTrack(values, CHANNELS, fps, request={"rig": "arkit52"})
    made = Prediction.of(LayeredCurves.without_layers(track))
    return apply(made, Direction(blink_rate=rate)).values


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 1.0, 1.5, 2.0])
def test_the_number_of_blinks_follows_the_rate(fps, rate):
    values, _rest = blinking(fps, (2.0, 5.5, 9.0, 14.0, 17.0, 20.5, 24.0, 27.0))
    changed = with_rate(values, fps, rate)
    assert count(values) == 8
    assert count(changed) == round(8 * rate)
    assert np.array_equal(changed[:, 0], values[:, 0].astype(np.float16))


def test_rate_0_leaves_the_lids_as_they_would_be():
    values, rest = blinking(30.0, (2.0, 9.0, 0.1, 29.85))
    assert np.abs(with_rate(values, 30.0, 0.0) - rest)[30:-30].max() < 2e-3
    assert count(with_rate(values, 30.0, 0.0)) == 0


def test_removed_blinks_are_spread():
    times = tuple(2.0 + 3 * index for index in range(8))
    values, _rest = blinking(30.0, times)
    left = runs(np.flatnonzero(with_rate(values, 30.0, 0.5)[:, 1] > 0.8).tolist())
    seconds = np.array([first for first, _last in left]) / 30
    assert np.diff([0.0, *seconds, SECONDS]).max() <= 9.1


def test_no_blink_is_added_beside_another():
    values, _rest = blinking(30.0, (2.0, 3.5, 5.0, 28.0))
    changed = with_rate(values, 30.0, 3.0)
    starts = np.array([first for first, _ in runs(np.flatnonzero(changed[:, 1] > 0.8).tolist())])
    assert len(starts) == 12
    assert np.diff(starts).min() / 30 >= blink_rate.LEAST_GAP_S - 0.05


def test_closed_eyes_are_no_blink_and_a_clip_without_blinks_gets_none():
    _values, rest = blinking(30.0, (5.0,))
    assert not count(with_rate(rest, 30.0, 3.0))
    rest[100:160, 1:3] = 1.0
    np.testing.assert_array_equal(with_rate(rest, 30.0, 0.0), rest.astype(np.float16))
