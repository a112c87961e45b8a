"""Laws of the seeded style noise."""

from __future__ import annotations

import numpy as np
import pytest

from model_runtime.style import style_noise


def noise(seed: int, *, first: int = 0, frames: int = 2000) -> np.ndarray:
    return style_noise(seed, channels=4, frame_rate=50.0, first_frame=first, frames=frames)


def test_any_range_equals_the_whole() -> None:
    np.testing.assert_array_equal(noise(7)[333:777], noise(7, first=333, frames=444))


def test_it_has_mean_zero_and_variance_one_at_every_phase() -> None:
    out = noise(1, frames=200_000).reshape(-1, 25, 4)  # 25 frames from knot to knot
    np.testing.assert_allclose(out.mean(axis=(0, 2)), 0, atol=0.03)
    np.testing.assert_allclose(out.var(axis=(0, 2)), 1, atol=0.05)
    assert np.abs(out).max() <= 3


def test_it_is_smooth() -> None:
    assert np.abs(np.diff(noise(2), axis=0)).max() < 0.5


def test_seeds_and_channels_are_independent() -> None:
    table = np.concatenate([noise(seed, frames=20_000) for seed in (0, 1, -1, 2**63)], axis=1)
    correlation = np.corrcoef(table.T) - np.eye(16)
    assert np.abs(correlation).max() < 0.15


def test_a_seed_means_the_same_for_ever() -> None:
    # Changing these numbers changes every performance that anyone has kept a seed of.
    out = style_noise(42, channels=2, frame_rate=50.0, first_frame=0, frames=1)
    assert out[0] == pytest.approx([0.0334902, 0.5328891], abs=1e-5)
