"""Laws of blinking."""

from __future__ import annotations

import numpy as np
import pytest

from model_runtime.postprocess.blinks import add_blinks, blink_times, lid_closure

MINUTE = np.zeros(3000, np.float32)


def times(seed: int = 0, silence: np.ndarray = MINUTE) -> np.ndarray:
    return blink_times(silence, frame_rate=50.0, duration_s=len(silence) / 50, seed=seed)


@pytest.mark.parametrize("seed", range(20))
def test_blinks_are_two_to_six_seconds_apart(seed: int) -> None:
    found = times(seed)
    assert 10 <= len(found) <= 30
    assert found[0] <= 6
    assert found[-1] <= 60
    assert np.diff(found).min() >= 2 - 1e-9
    assert np.diff(found).max() <= 6 + 1e-9


def test_a_seed_repeats_and_another_differs() -> None:
    np.testing.assert_array_equal(times(5), times(5))
    assert len(times(5)) != len(times(6)) or (times(5) != times(6)).any()


def test_blinks_prefer_pauses() -> None:
    pauses = np.zeros(30_000, np.float32)
    for start in range(100, 30_000, 150):  # half a second of pause every three
        pauses[start : start + 25] = 1
    found = times(1, pauses)
    in_pause = pauses[np.round(found * 50).astype(int)] > 0
    assert in_pause.mean() > 0.6  # by chance it were one in six


@pytest.mark.parametrize("fps", [12, 15, 23.976, 24, 30, 60, 120])
def test_every_blink_shuts_the_lids_at_any_frame_rate(fps: float) -> None:
    found = times()
    closure = lid_closure(found, fps=fps, frames=int(60 * fps))
    for blink in found:
        near = closure[max(0, round((blink - 0.05) * fps) - 1) : round((blink + 0.08) * fps) + 2]
        assert near.max() == pytest.approx(1)
    assert closure.min() == 0
    assert closure.mean() < 0.1


def test_a_blink_lasts_a_quarter_of_a_second_and_opens_slower_than_it_closes() -> None:
    closure = lid_closure(np.array([1.0]), fps=1000, frames=2000)
    shut = np.flatnonzero(closure > 0.999)
    moving = np.flatnonzero(closure > 0)
    assert 0.2 < len(moving) / 1000 < 0.3
    assert moving[-1] - shut[-1] > 1.4 * (shut[0] - moving[0])
    assert np.abs(np.diff(closure)).max() < 0.03


def test_a_lowered_lid_just_shuts_and_a_rig_without_lids_is_left_alone() -> None:
    values = np.full((3, 2), 0.4, np.float32)
    closure = np.array([0, 0.5, 1], np.float32)
    out = add_blinks(values, ("eyeBlinkLeft", "jawOpen"), closure)
    np.testing.assert_allclose(out[:, 0], [0.4, 0.7, 1.0], rtol=1e-6)
    np.testing.assert_array_equal(out[:, 1], values[:, 1])
    np.testing.assert_array_equal(add_blinks(values, ("exp0", "exp1"), closure), values)


def test_a_sound_too_short_for_a_blink_has_none() -> None:
    assert not len(blink_times(np.zeros(5, np.float32), frame_rate=50, duration_s=0.1, seed=0))
