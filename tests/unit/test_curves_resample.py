"""Laws of frame rates: sampling in time, and closures that stay."""

from __future__ import annotations

import numpy as np
import pytest

from model_runtime.curves.resample import (
    checked_fps,
    closure_frames,
    frames_for,
    lip_opening,
    resample,
    resample_speech,
)
from model_runtime.curves.track import CurveTrack
from model_runtime.errors import BadArgument


def track_of(values: np.ndarray, fps: float = 50.0) -> CurveTrack:
    table = values.reshape(len(values), -1).astype(np.float32)
    return CurveTrack(table, tuple(f"c{i}" for i in range(table.shape[1])), fps)


@pytest.mark.parametrize(
    "duration_s, fps, frames",
    [
        (1.0, 60, 60),
        (1.1, 60, 66),
        (10.0, 23.976, 240),
        (10.0, 29.97, 300),
        (0.1, 12, 2),
        (3600.0, 59.94, 215784),
        (0.101, 1, 1),
        (2.0, 24, 48),
        (2.0001, 24, 49),
    ],
)
def test_frame_count_is_the_duration_rounded_up(duration_s: float, fps: float, frames: int) -> None:
    assert frames_for(duration_s, fps) == frames


@pytest.mark.parametrize("fps", [0, -1, 1e-9, float("nan"), float("inf"), 1001, 1e9])
def test_a_frame_rate_that_cannot_be_is_refused(fps: float) -> None:
    with pytest.raises(BadArgument, match="out of range"):
        checked_fps(fps)


@pytest.mark.parametrize("fps", [12, 23.976, 30, 59.94, 60, 120])
def test_a_frame_shows_the_pose_of_its_own_time(fps: float) -> None:
    times = np.arange(500) / 50
    curve = track_of(0.5 + 0.5 * np.sin(2 * np.pi * 1.3 * times))
    out = resample(curve, fps)
    inner = out.times_s() < 9.9
    expected = 0.5 + 0.5 * np.sin(2 * np.pi * 1.3 * out.times_s())
    np.testing.assert_allclose(out.values[inner, 0], expected[inner], atol=0.005)


def test_the_same_rate_changes_nothing() -> None:
    curve = track_of(np.random.default_rng(0).random((100, 3)))
    np.testing.assert_array_equal(resample(curve, 50).values, curve.values)


def test_it_never_overshoots_and_keeps_what_rises_rising() -> None:
    steps = track_of(np.repeat([0, 0, 1, 1, 0.2, 0.3, 0.9], 3))
    out = resample(steps, 731).values[:, 0]
    assert out.min() == 0
    assert out.max() == 1
    rise = track_of(np.cumsum(np.random.default_rng(1).random(60)))
    assert (np.diff(resample(rise, 313).values[:, 0]) >= 0).all()


def test_beyond_the_end_the_last_pose_holds() -> None:
    out = resample(track_of(np.array([0.1, 0.7])), 50, frames=6)
    np.testing.assert_allclose(out.values[:, 0], [0.1, 0.7, 0.7, 0.7, 0.7, 0.7])
    assert (
        resample(track_of(np.array([0.4])), 24, frames=3).values.tolist() == [[np.float32(0.4)]] * 3
    )


def test_blocks_equal_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    curve = track_of(np.random.default_rng(2).random((300, 2)))
    whole = resample(curve, 97)
    monkeypatch.setattr("model_runtime.curves.resample.BLOCK_FRAMES", 13)
    np.testing.assert_array_equal(resample(curve, 97).values, whole.values)


def speech(closed_at: list[int], frames: int = 200) -> CurveTrack:
    """A mouth that is open but for 60 ms around some frames, and a brow that rises all along."""
    jaw = np.full(frames, 0.6)
    close = np.zeros(frames)
    for frame in closed_at:
        jaw[frame - 1 : frame + 2] = [0.3, 0.1, 0.3]
        close[frame] = 0.1
    brow = np.linspace(0, 1, frames)
    values = np.stack([jaw, close, brow], axis=1).astype(np.float32)
    return CurveTrack(values, ("jawOpen", "mouthClose", "browInnerUp"), 50.0)


CLOSURES = [17, 44, 71, 103, 130, 166]


@pytest.mark.parametrize("fps", [12, 15, 23.976, 24, 25, 30])
def test_every_closure_shows_at_low_frame_rates(fps: float) -> None:
    track = speech(CLOSURES)
    out = resample_speech(track, fps, frames=frames_for(4, fps), lip_columns=[0, 1])
    shown = lip_opening(out)
    for frame in CLOSURES:
        near = round(frame / 50 * fps)
        assert shown[near] == pytest.approx(0, abs=1e-6)
        assert abs(near / fps - frame / 50) <= 0.5 / fps + 1e-9
    plain = lip_opening(resample(track, 12, frames=48))
    assert (plain < 0.05).sum() < len(CLOSURES)  # so the law is worth stating


@pytest.mark.parametrize("first, second", [(0.0, 0.3), (0.3, 0.0)])
def test_of_two_closures_in_one_interval_the_tighter_one_shows(first: float, second: float) -> None:
    opening = np.full(300, 0.6, np.float32)
    opening[101], opening[104] = first, second
    curve = CurveTrack(opening[:, None], ("jawOpen",), 50.0)
    out = resample_speech(curve, 5.0, frames=30, lip_columns=[0])
    assert out.values[10, 0] == 0.0
    assert np.delete(out.values[:, 0], 10).min() == np.float32(0.6)


def test_a_closure_moves_only_the_lips_and_only_around_it() -> None:
    track = speech([44])
    plain = resample(track, 12, frames=48)
    out = resample_speech(track, 12, frames=48, lip_columns=[0, 1])
    np.testing.assert_array_equal(out.column("browInnerUp"), plain.column("browInnerUp"))
    assert (out.values != plain.values).any(axis=1).sum() == 1


def test_at_the_models_rate_and_above_sampling_is_plain() -> None:
    track = speech(CLOSURES)
    for fps in (50, 60):
        plain = resample(track, fps, frames=200)
        out = resample_speech(track, fps, frames=200, lip_columns=[0, 1])
        np.testing.assert_array_equal(out.values, plain.values)


def test_a_resting_mouth_has_no_closures() -> None:
    assert not len(closure_frames(speech([])))
    still = CurveTrack(np.zeros((100, 1), np.float32), ("jawOpen",), 50.0)
    assert not len(closure_frames(still))
    assert closure_frames(speech(CLOSURES)).tolist() == CLOSURES
