"""Laws of one training run: gradients, schedule, averaged and best weights, resumption."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from model_runtime.errors import BadArgument  # noqa: E402
from model_runtime.training.stages.run import (  # noqa: E402
    ScheduleSettings,
    TrainingRun,
    forget,
    seconds_of,
)

SETTINGS = ScheduleSettings(
    steps=8, learning_rate=0.1, weight_decay=0.0, warmup_steps=2, evaluate_every=0, ema_decay=0.5
)


def line() -> torch.nn.Linear:
    torch.manual_seed(3)
    return torch.nn.Linear(2, 1)


def run_of(module: torch.nn.Module, folder: Path, **changes: float) -> TrainingRun:
    settings = dataclasses.replace(SETTINGS, **changes)
    return TrainingRun(module, settings, folder, identity="a")


def step_of(module: torch.nn.Module):
    def step(number: int):
        loss = (module(torch.tensor([[1.0, number / 4]])) - 3).square().sum()
        return loss, {"error": float(loss.detach())}

    return step


def test_a_gradient_is_scaled_down_to_the_clip_norm(tmp_path: Path) -> None:
    module = line()
    run = run_of(module, tmp_path, clip_norm=0.5)
    run.descend(1e6 * module.weight.sum())
    assert float(module.weight.grad.norm()) == pytest.approx(0.5, rel=1e-4)


def test_the_rate_rises_then_falls_to_its_end(tmp_path: Path) -> None:
    module = line()
    run = run_of(module, tmp_path, final_rate=0.25)
    rates = []
    for number in range(8):
        rates.append(run.optimiser.param_groups[0]["lr"])
        run.descend(step_of(module)(number)[0])
    assert rates[0] == pytest.approx(0.05)
    assert rates[2] == pytest.approx(0.1)
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert run.optimiser.param_groups[0]["lr"] == pytest.approx(0.025, rel=1e-3)


def test_a_killed_run_ends_in_the_bits_of_an_unbroken_one(tmp_path: Path) -> None:
    whole = line()
    unbroken = run_of(whole, tmp_path / "whole")
    unbroken.train(step_of(whole))
    broken = line()
    first = run_of(broken, tmp_path / "broken")
    for number in range(3):
        first.descend(step_of(broken)(number)[0])
    first.save()
    again = torch.nn.Linear(2, 1)
    second = run_of(again, tmp_path / "broken")
    second.train(step_of(again))
    for name, value in unbroken.best_weights().items():
        assert torch.equal(second.best_weights()[name], value), name


def test_the_best_weights_by_score_are_kept(tmp_path: Path) -> None:
    module = line()
    run = run_of(module, tmp_path, evaluate_every=2)
    seen: list[torch.Tensor] = []
    scores = iter([0.1, 0.9, 0.3, 0.2])

    def evaluate() -> dict[str, float]:
        seen.append(module.weight.detach().clone())
        return {"score": next(scores)}

    run.train(step_of(module), evaluate=evaluate)
    assert run.best == {"score": 0.9}
    assert torch.equal(run.best_weights()["weight"], seen[1])


@pytest.mark.parametrize("decay, kept", [(0.125, 0.125), (0.75, 2 / 11)])
def test_averaged_weights_follow_by_the_decay(tmp_path: Path, decay: float, kept: float) -> None:
    module = line()
    run = run_of(module, tmp_path, ema_decay=decay)
    run.descend(step_of(module)(0)[0])
    first = module.weight.detach().clone()
    run.descend(step_of(module)(1)[0])
    expected = kept * first + (1 - kept) * module.weight.detach()
    torch.testing.assert_close(run.best_weights()["weight"], expected)


def test_a_state_of_another_run_is_refused_until_it_is_forgotten(tmp_path: Path) -> None:
    module = line()
    run_of(module, tmp_path).save()
    other = TrainingRun(module, SETTINGS, tmp_path, identity="b")
    with pytest.raises(BadArgument, match="other settings") as caught:
        other.resume()
    assert "--fresh" in caught.value.hint
    forget(tmp_path)
    assert not other.resume()


def test_the_time_of_killed_sessions_is_kept(tmp_path: Path) -> None:
    module = line()
    run = run_of(module, tmp_path)
    run.seconds = 1000.0
    run.save()
    again = run_of(module, tmp_path)
    assert again.resume()
    assert again.seconds == pytest.approx(run.seconds, abs=0.1)
    assert seconds_of(tmp_path) >= 1000.0
    assert seconds_of(tmp_path / "none") == 0.0
