"""Check the output calibration: a declared linear layer after the heads."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("librosa")

from model_runtime.checkpoint.calibration import calibration_shapes, fold_calibration  # noqa: E402
from model_runtime.checkpoint.folder import (  # noqa: E402
    generator_shapes,
    load_checkpoint,
    save_checkpoint,
)
from model_runtime.config import GeneratorConfig  # noqa: E402
from model_runtime.curves.rig import load_rig  # noqa: E402
from model_runtime.engines.factory import open_engine  # noqa: E402
from model_runtime.errors import BadWeights  # noqa: E402
from model_runtime.model.generator import Generator  # noqa: E402
from model_runtime.training.data.batches import Batch  # noqa: E402
from model_runtime.training.settings import CalibrationSettings, Settings  # noqa: E402
from model_runtime.training.stages.output_calibration import (  # noqa: E402
    OutputCalibration,
    fit_calibration,
)

RIG = load_rig("arkit52")
CONFIG = GeneratorConfig(
    channels=RIG.channel_names,
    regions=RIG.regions,
    region_of=tuple(RIG.regions.index(channel.region) for channel in RIG.channels),
    hidden=16,
    encoder_dilations=(1,),
    latent=4,
    decoder_dilations=(1,),
)
RULES = CalibrationSettings()


def changed_layer() -> OutputCalibration:
    torch.manual_seed(2)
    layer = OutputCalibration(CONFIG)
    with torch.no_grad():
        for value in layer.parameters():
            value.add_(0.2 * torch.randn_like(value))
    layer.constrain(RULES)
    return layer


def network_tensors() -> dict[str, np.ndarray]:
    torch.manual_seed(1)
    return {name: value.numpy() for name, value in Generator(CONFIG).state_dict().items()}


def test_new_layer_changes_nothing() -> None:
    curves = torch.rand(2, 20, 52)
    assert torch.equal(OutputCalibration(CONFIG)(curves), curves)


def test_layer_treats_left_and_right_alike() -> None:
    layer, curves = changed_layer(), torch.rand(1, 20, 52)
    mirrored = layer(curves[..., layer.mirror])
    assert torch.allclose(mirrored, layer(curves)[..., layer.mirror], atol=1e-5)


def test_gains_stay_between_0_8_and_1_3_and_mixing_within_regions() -> None:
    layer = OutputCalibration(CONFIG)
    with torch.no_grad():
        layer.gain.copy_(torch.linspace(0, 5, 52))
        layer.mixing.add_(1.0)
    layer.constrain(RULES)
    assert layer.gain.min() >= 0.8
    assert layer.gain.max() <= 1.3
    region = torch.tensor(CONFIG.region_of)
    assert layer.mixing[region[:, None] != region].abs().max() == 0
    assert (layer.mixing - torch.eye(52)).abs().max() <= 0.15


def test_folded_heads_equal_the_layer_after_the_network(tmp_path: Path) -> None:
    layer, tensors = changed_layer(), network_tensors()
    both = {**tensors, **{n: v.numpy() for n, v in layer.tensors().items()}}
    save_checkpoint(tmp_path / "model", CONFIG, both, {}, half=False)
    plain, calibrated = (
        open_engine(load_checkpoint(tmp_path / "model", calibrated=on), engine="numpy")
        for on in (False, True)
    )
    rng = np.random.default_rng(0)
    given = [rng.normal(size=(n, m)).astype(np.float32) for n, m in ((80, 80), (40, 8), (40, 4))]
    before, after = (engine.run(*given).curves for engine in (plain, calibrated))
    with torch.no_grad():
        wanted = layer(torch.from_numpy(before)[None])[0].numpy()
    np.testing.assert_allclose(after[2:-2], wanted[2:-2], atol=1e-4)
    assert np.abs(after - before).max() > 0.01


def test_without_calibration_the_network_is_as_it_was_trained(tmp_path: Path) -> None:
    layer, tensors = changed_layer(), network_tensors()
    both = {**tensors, **{n: v.numpy() for n, v in layer.tensors().items()}}
    save_checkpoint(tmp_path / "model", CONFIG, both, {}, half=False)
    read = load_checkpoint(tmp_path / "model", calibrated=False)
    assert read.config == CONFIG
    assert all(np.array_equal(read.tensors[name], value) for name, value in tensors.items())


def test_folded_generator_has_the_shape_its_config_asks_for() -> None:
    layer = {n: v.numpy() for n, v in changed_layer().tensors().items()}
    config, tensors = fold_calibration(CONFIG, network_tensors(), layer)
    assert config == dataclasses.replace(CONFIG, head_taps=CONFIG.head_taps + 2)
    assert {n: v.shape for n, v in tensors.items()} == generator_shapes(config)


def test_incomplete_calibration_is_refused(tmp_path: Path) -> None:
    layer = {n: v.numpy() for n, v in changed_layer().tensors().items()}
    assert {n: v.shape for n, v in layer.items()} == calibration_shapes(CONFIG)
    del layer["calibration.bias"]
    with pytest.raises(BadWeights, match=r"calibration\.bias"):
        save_checkpoint(tmp_path / "model", CONFIG, {**network_tensors(), **layer}, {})


def test_fit_takes_back_a_uniform_loss_of_amplitude() -> None:
    torch.manual_seed(3)
    wanted = 0.3 + 0.2 * torch.sin(torch.rand(1, 1, 52) * torch.arange(60)[None, :, None] / 2)
    nothing = torch.zeros(1, 60)
    batch = Batch(
        features=torch.zeros(1, 120, 80),
        emotion=torch.zeros(1, 60, 8),
        style=torch.zeros(1, 60, 4),
        curves=wanted,
        phones=torch.ones(1, 60, dtype=torch.long),
        closure=nothing,
        tuck=nothing,
        still=nothing,
        filmed=torch.zeros(1),
        observed=torch.ones(1, 52, dtype=torch.bool),
    )
    layer = OutputCalibration(CONFIG)
    settings = Settings(data=Path(), work=Path(), calibration=CalibrationSettings(steps=40))
    before, after = fit_calibration(
        layer, settings, [batch], [(0.9 * wanted, torch.zeros(1, 60, 40))]
    )
    assert after < 0.5 * before
    assert 1.005 < layer.gain.mean() < 1.2
