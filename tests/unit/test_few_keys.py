"""Few keys stand for many within the error that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from cstalk_blender.direct.few_keys import evaluate, fit_region


def speech_like(frames: int = 540, channels: int = 6, seed: int = 0) -> np.ndarray:
    """Smooth bumps as of a mouth at 60 fps, one to five a second, some channels at rest."""
    random = np.random.default_rng(seed)
    times = np.arange(frames) / 60
    out = np.zeros((frames, channels))
    for channel in range(channels - 1):
        for centre in np.arange(0.1, frames / 60, 0.25):
            height, width = random.uniform(0, 0.7), random.uniform(0.04, 0.12)
            out[:, channel] += height * np.exp(-0.5 * ((times - centre) / width) ** 2)
    return np.clip(out, 0, 1)


@pytest.mark.parametrize("tolerance", [0.005, 0.01, 0.05])
def test_error_stays_within_the_tolerance(tolerance: float) -> None:
    values = speech_like()
    for channel, curve in enumerate(fit_region(values, tolerance=tolerance)):
        error = np.abs(evaluate(curve, len(values)) - values[:, channel]).max()
        assert error <= tolerance + 1e-9
        assert curve.error == pytest.approx(error)


def test_a_talking_mouth_needs_a_quarter_of_the_keys_at_one_per_cent() -> None:
    values = speech_like()
    keys = sum(len(curve.frames) for curve in fit_region(values, tolerance=0.01))
    assert keys < 0.25 * values[:, :-1].size


def test_looser_tolerances_never_need_more_keys() -> None:
    values = speech_like(seed=3)
    counts = [
        sum(len(c.frames) for c in fit_region(values, tolerance=t))
        for t in (0.005, 0.01, 0.02, 0.05)
    ]
    assert counts == sorted(counts, reverse=True)


def test_a_flat_channel_has_one_key() -> None:
    (curve,) = fit_region(np.full((100, 1), 0.3), tolerance=0.01)
    assert (len(curve.frames), curve.values[0]) == (1, 0.3)


def test_exact_samples_are_kept_to_the_bit() -> None:
    values = speech_like()
    for channel, curve in enumerate(fit_region(values, tolerance=0.05, exact=(100, 333))):
        if len(curve.frames) == 1:
            continue
        assert {0, 100, 333, len(values) - 1} <= set(curve.frames.tolist())
        np.testing.assert_array_equal(curve.values, values[curve.frames, channel])


def test_keys_of_a_region_share_their_frames() -> None:
    values = speech_like()
    curves = [c for c in fit_region(values, tolerance=0.01) if len(c.frames) > 1]
    used = sorted({f for c in curves for f in c.frames.tolist()})
    shares = [len(c.frames) / len(used) for c in curves]
    assert min(shares) > 0.3


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5])
def test_short_clips_are_fitted(frames: int) -> None:
    values = np.linspace(0, 1, frames)[:, None] ** 2
    (curve,) = fit_region(values, tolerance=0.01)
    np.testing.assert_allclose(evaluate(curve, frames), values[:, 0], atol=0.01)


def test_a_step_is_kept() -> None:
    values = np.zeros((60, 1))
    values[30:] = 1.0
    (curve,) = fit_region(values, tolerance=0.01)
    np.testing.assert_allclose(evaluate(curve, 60), values[:, 0], atol=0.01)


@pytest.mark.parametrize("values,tolerance", [(np.zeros((0, 2)), 0.01), (np.zeros((5, 2)), 0.0)])
def test_nothing_to_fit_is_refused(values: np.ndarray, tolerance: float) -> None:
    with pytest.raises(ValueError, match="frames with a tolerance"):
        fit_region(values, tolerance=tolerance)


def test_no_interval_is_longer_than_120_frames() -> None:
    (curve,) = fit_region(np.linspace(0, 1, 1000)[:, None], tolerance=0.01)
    assert np.diff(curve.frames).max() <= 120
