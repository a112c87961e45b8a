"""Laws of edits to finished curves."""

from __future__ import annotations

import numpy as np
import pytest

from model_runtime.curves.edit import scale_regions, shift, smooth, within_bounds
from model_runtime.curves.rig import load_rig
from model_runtime.curves.track import CurveTrack
from model_runtime.errors import BadArgument

RIG = load_rig("arkit52")


def random_track(frames: int = 120, fps: float = 60.0) -> CurveTrack:
    values = np.random.default_rng(0).random((frames, 52)).astype(np.float32)
    return CurveTrack(values, RIG.channel_names, fps)


def test_a_gain_moves_its_region_and_no_other() -> None:
    track = random_track()
    out = scale_regions(track, RIG, {"mouth": 0.5, "brow": 2.0})
    for region, factor in (("mouth", 0.5), ("brow", 2.0), ("eye", 1.0), ("jaw", 1.0)):
        columns = list(RIG.region_columns(region))
        np.testing.assert_allclose(out.values[:, columns], factor * track.values[:, columns])


@pytest.mark.parametrize("gains", [{"mouht": 1.0}, {"mouth": -1.0}, {"mouth": float("nan")}])
def test_a_gain_that_cannot_be_is_refused(gains: dict[str, float]) -> None:
    with pytest.raises(BadArgument):
        scale_regions(random_track(), RIG, gains)


def test_smoothing_has_no_delay_keeps_constants_and_calms() -> None:
    pulse = np.zeros((101, 1), np.float32)
    pulse[50] = 1
    track = CurveTrack(pulse, ("jawOpen",), 60.0)
    out = smooth(track, 0.05).values[:, 0]
    assert out.argmax() == 50
    np.testing.assert_allclose(out, out[::-1], atol=1e-7)
    assert out.sum() == pytest.approx(1, abs=1e-5)
    flat = track.replaced(values=np.full((9, 1), 0.3, np.float32))
    np.testing.assert_allclose(smooth(flat, 0.2).values, 0.3, rtol=1e-6)
    rough = random_track()
    assert (
        np.diff(smooth(rough, 0.05).values, axis=0).std()
        < 0.2 * np.diff(rough.values, axis=0).std()
    )


def test_smoothing_of_zero_and_of_other_columns_changes_nothing() -> None:
    track = random_track()
    assert smooth(track, 0) is track
    out = smooth(track, 0.1, columns=[3])
    assert (out.values != track.values).any(axis=0).nonzero()[0].tolist() == [3]
    with pytest.raises(BadArgument):
        smooth(track, -0.1)


def test_a_shift_delays_the_face() -> None:
    track = random_track()
    np.testing.assert_allclose(shift(track, 0.5).values[30:], track.values[:-30], atol=1e-6)
    np.testing.assert_allclose(shift(track, -0.5).values[:-30], track.values[30:], atol=1e-6)


def test_values_are_cut_to_the_rigs_bounds() -> None:
    wild = random_track().replaced(
        values=np.random.default_rng(1).normal(0, 5, (9, 52)).astype("f4")
    )
    out = within_bounds(wild, RIG)
    low, high = RIG.bounds()
    assert (out.values >= low).all()
    assert (out.values <= high).all()
    strange = wild.replaced(channels=tuple(f"x{i}" for i in range(52)))
    np.testing.assert_array_equal(within_bounds(strange, RIG).values, wild.values)
