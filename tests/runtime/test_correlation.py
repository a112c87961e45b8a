"""The correlation term of the generator's loss: regions that move together as they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from model_runtime.config import CorrelationConfig  # noqa: E402
from model_runtime.model.correlation import CorrelationModule  # noqa: E402
from model_runtime.training.data.batches import Batch  # noqa: E402
from model_runtime.training.settings import Settings, generator_config  # noqa: E402
from model_runtime.training.stages.correlation import (  # noqa: E402
    CorrelationSupervisor,
    correlations,
    curve_correlation,
    learn_moments,
    random_regions,
)

THREE = CorrelationConfig(channels=("a", "b", "c"), regions=("x", "y", "z"), region_of=(0, 1, 2))


def batch_of(curves: torch.Tensor, config: CorrelationConfig = THREE) -> Batch:
    """A neutral batch that wants ``curves`` (B, T, C) and says nothing else."""
    clips, frames, channels = curves.shape
    nothing = torch.zeros(clips, frames)
    return Batch(
        features=nothing,
        emotion=torch.zeros(clips, frames, len(config.emotions)),
        style=nothing,
        curves=curves,
        phones=nothing,
        closure=nothing,
        tuck=nothing,
        still=nothing,
        filmed=nothing,
        observed=torch.ones(clips, channels, dtype=torch.bool),
    )


def test_hidden_regions_cannot_be_seen() -> None:
    config = generator_config(Settings(data=Path(), work=Path()))
    module = CorrelationModule(
        CorrelationConfig(
            channels=config.channels, regions=config.regions, region_of=config.region_of, layers=1
        )
    )
    curves, emotion = torch.rand(2, 40, 52), torch.zeros(2, 40, 8)
    hidden = torch.zeros(2, 7, dtype=torch.bool)
    hidden[:, 5] = True
    other = curves.clone()
    other[..., [c for c, r in enumerate(config.region_of) if r == 5]] = 0.5
    assert torch.equal(module(curves, emotion, hidden), module(other, emotion, hidden))
    assert not torch.equal(module(curves, emotion, ~hidden), module(other, emotion, ~hidden))


def test_one_to_three_regions_are_hidden_and_fixed_by_the_step() -> None:
    hidden = random_regions(50, 7, seed=1, number=3)
    assert set(hidden.sum(1).tolist()) <= {1, 2, 3}
    assert torch.equal(hidden, random_regions(50, 7, seed=1, number=3))


def test_accord_asks_whether_channels_move_together_and_not_how_far() -> None:
    time = torch.linspace(0, 6, 200)[None, :, None]
    motion = torch.cat([0.3 * time.sin(), 0.2 * time.cos()], 2)
    assert bool((curve_correlation(motion, motion) > 0.99).all())
    assert bool((curve_correlation(0.3 * motion + 0.1, motion) > 0.98).all())
    assert bool((curve_correlation(-motion, motion) < -0.98).all())
    assert float(curve_correlation(1e-5 * motion, motion).abs().max()) < 0.1


def test_the_term_asks_for_no_more_than_the_reference_has() -> None:
    torch.manual_seed(0)
    module = CorrelationModule(THREE).requires_grad_(False)
    lead = torch.randn(4, 200, 1).cumsum(1) / 100
    reference = lead + torch.randn(4, 200, 3).cumsum(1) / 100
    batch = batch_of(reference)
    learn_moments(module, [batch])
    judge = CorrelationSupervisor(module, seed=0)
    on_reference, _ = judge(reference, batch, 0)
    puppet = reference[..., :1].expand(-1, -1, 3)
    on_puppet, _ = judge(puppet, batch, 0)
    assert float(on_reference) < 1e-4
    assert float(on_puppet) > 10 * float(on_reference)


def test_correlations_are_those_of_numpy_and_blind_to_still_channels() -> None:
    torch.manual_seed(1)
    curves = torch.randn(2, 200, 4).cumsum(1) / 10
    curves[..., 3] = 0.5
    found = correlations(curves)
    for clip, own in zip(found, curves, strict=True):
        expected = np.corrcoef(own[:, :3].numpy().T)
        np.testing.assert_allclose(clip[:3, :3].numpy(), expected, atol=1e-3)
    assert float(found[:, 3].abs().max()) < 1e-6


def test_regions_that_move_against_each_other_are_told_from_regions_in_step() -> None:
    module = CorrelationModule(THREE).requires_grad_(False)
    judge = CorrelationSupervisor(module, seed=0)
    lead = torch.linspace(0, 9, 200).sin()[None, :, None]
    in_step, against = lead.repeat(1, 1, 3), torch.cat([lead, -lead, lead], 2)
    _, smaller = judge(0.2 * in_step, batch_of(in_step), 0)
    _, opposed = judge(against, batch_of(in_step), 0)
    assert smaller["together"] < 0.01
    assert opposed["together"] > 1000 * smaller["together"]
