"""Laws of the engines: one interface, one result."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model_runtime.checkpoint.folder import Checkpoint, load_checkpoint, shipped_checkpoints
from model_runtime.config import AttentionConfig
from model_runtime.engines.factory import check_names, open_engine
from model_runtime.engines.numpy_engine import NumpyEngine
from model_runtime.engines.numpy_layers import gelu, hard_swish, softmax
from model_runtime.errors import BadArgument, EngineUnavailable
from tests.fakes.checkpoints import write_tiny_checkpoint

TOLERANCE = 1e-4


def inputs(checkpoint: Checkpoint, frames: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    config, random = checkpoint.config, np.random.default_rng(seed)
    features = random.uniform(-2, 2, (2 * frames, config.features.mel_bands))
    emotion = random.uniform(0, 1, (frames, len(config.emotions)))
    style = random.standard_normal((frames, config.style_dim))
    return tuple(x.astype(np.float32) for x in (features, emotion, style))


@pytest.mark.parametrize("frames", [1, 2, 3, 7, 50, 333])
def test_numpy_equals_torch(checkpoint: Path, frames: int) -> None:
    pytest.importorskip("torch")
    loaded = load_checkpoint(checkpoint)
    ours, theirs = (
        open_engine(loaded, engine=name, device="cpu").run(*inputs(loaded, frames))
        for name in ("numpy", "torch")
    )
    np.testing.assert_allclose(ours.curves, theirs.curves, atol=TOLERANCE)
    np.testing.assert_allclose(ours.phones, theirs.phones, atol=TOLERANCE)
    assert ours.curves.dtype == theirs.curves.dtype == np.float32


@pytest.mark.parametrize(
    "changes",
    [
        {"encoder_dilations": (), "decoder_dilations": ()},
        {"encoder_dilations": (64, 1)},
        {"region_of": tuple(i % 7 for i in range(52))},
        {"style_dim": 1, "emotion_dim": 1},
        {"head_taps": 5},
        {"head_taps": 3, "conditioned_heads": True},
        {"activation": "hard_swish"},
        {"attention": AttentionConfig(layers=2, heads=2, feed_forward=24, reach=7)},
        {"attention": AttentionConfig(layers=1, heads=4, feed_forward=8, reach=90)},
    ],
)
def test_numpy_equals_torch_for_any_shape(tmp_path: Path, changes: dict[str, object]) -> None:
    pytest.importorskip("torch")
    loaded = load_checkpoint(write_tiny_checkpoint(tmp_path / "a", **changes))
    ours, theirs = (
        open_engine(loaded, engine=name, device="cpu").run(*inputs(loaded, 60))
        for name in ("numpy", "torch")
    )
    np.testing.assert_allclose(ours.curves, theirs.curves, atol=TOLERANCE)


@pytest.mark.parametrize("folder", shipped_checkpoints(), ids=lambda folder: folder.name)
def test_numpy_equals_torch_on_shipped_weights(folder: Path) -> None:
    pytest.importorskip("torch")
    if json.loads((folder / "config.json").read_text(encoding="utf-8"))["kind"] != "generator":
        pytest.skip("not a generator")
    loaded = load_checkpoint(folder)
    ours, theirs = (
        open_engine(loaded, engine=name, device="cpu").run(*inputs(loaded, 120))
        for name in ("numpy", "torch")
    )
    np.testing.assert_allclose(ours.curves, theirs.curves, atol=TOLERANCE)
    np.testing.assert_allclose(ours.phones, theirs.phones, atol=TOLERANCE)


@pytest.mark.parametrize("attention", [None, AttentionConfig(2, 2, 24, reach=9)])
def test_frames_beyond_the_context_cannot_change_a_frame(
    tmp_path: Path, attention: AttentionConfig | None
) -> None:
    loaded = load_checkpoint(write_tiny_checkpoint(tmp_path / "model", attention=attention))
    context = loaded.config.context_frames
    engine = NumpyEngine(loaded)
    features, emotion, style = inputs(loaded, 100)
    before = engine.run(features, emotion, style).curves
    other = inputs(loaded, 100, seed=9)
    features[2 * (50 + context + 1) :] = other[0][2 * (50 + context + 1) :]
    emotion[50 + context + 1 :] = other[1][50 + context + 1 :]
    features[: 2 * (50 - context)] = other[0][: 2 * (50 - context)]
    style[: 50 - context] = other[2][: 50 - context]
    after = engine.run(features, emotion, style).curves
    np.testing.assert_allclose(after[50], before[50], atol=1e-6)
    assert np.abs(after - before).max() > 0.01


def test_neutral_intensity_is_nothing(checkpoint: Path) -> None:
    loaded = load_checkpoint(checkpoint)
    engine = NumpyEngine(loaded)
    features, emotion, style = inputs(loaded, 40)
    emotion[:] = 0
    silent = engine.run(features, emotion, style).curves
    emotion[:, 0] = 1.5
    np.testing.assert_array_equal(engine.run(features, emotion, style).curves, silent)


def test_an_engine_leaves_its_inputs_alone(checkpoint: Path) -> None:
    loaded = load_checkpoint(checkpoint)
    given = inputs(loaded, 40)
    kept = [x.copy() for x in given]
    NumpyEngine(loaded).run(*given)
    for before, after in zip(kept, given, strict=True):
        np.testing.assert_array_equal(before, after)


def test_gelu_is_exact_to_a_millionth() -> None:
    x = np.concatenate([np.linspace(-9, 9, 40_001), [-1e4, 1e4, 0]]).astype(np.float32)
    exact = [value * 0.5 * math.erfc(-value / math.sqrt(2)) for value in x.astype(float)]
    np.testing.assert_allclose(gelu(x.copy()[:, None])[:, 0], exact, atol=1e-6, rtol=1e-6)


def test_hard_swish_is_zero_below_minus_3_and_the_identity_above_3() -> None:
    x = np.array([[-1e4, -3.0, -1.5, 0.0, 1.5, 3.0, 1e4]], np.float32)
    expected = [[0.0, 0.0, -0.375, 0.0, 1.125, 3.0, 1e4]]
    np.testing.assert_allclose(hard_swish(x.copy()), expected, atol=1e-6, rtol=1e-6)


def test_softmax_sums_to_one_however_large_its_input() -> None:
    out = softmax(np.array([[1000, 999, -1000], [0, 0, 0]], np.float32))
    np.testing.assert_allclose(out.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    "engine, device", [("tensorflow", "auto"), ("auto", "gpu"), ("numpy", "cuda"), ("numpy", "mps")]
)
def test_unknown_names_and_clashes_are_refused(engine: str, device: str) -> None:
    with pytest.raises(BadArgument) as caught:
        check_names(engine, device)
    assert caught.value.hint


def test_a_device_that_is_not_here_is_refused_with_the_reason(checkpoint: Path) -> None:
    torch = pytest.importorskip("torch")
    loaded = load_checkpoint(checkpoint)
    for kind, is_here in (
        ("cuda", torch.cuda.is_available()),
        ("mps", torch.backends.mps.is_available()),
    ):
        if not is_here:
            with pytest.raises(EngineUnavailable, match=kind):
                open_engine(loaded, engine="torch", device=kind)


def test_without_torch_auto_takes_numpy_and_torch_is_refused(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_runtime.engines.factory.torch_is_installed", lambda: False)
    loaded = load_checkpoint(checkpoint)
    assert open_engine(loaded).name == "numpy"
    with pytest.raises(EngineUnavailable, match="needs torch"):
        open_engine(loaded, device="cuda")


def test_a_torch_that_does_not_load_leaves_numpy(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setattr("model_runtime.engines.factory.torch_is_installed", lambda: True)
    monkeypatch.setitem(sys.modules, "model_runtime.engines.torch_engine", None)
    loaded = load_checkpoint(checkpoint)
    assert open_engine(loaded).name == "numpy"
    with pytest.raises(EngineUnavailable, match="does not load"):
        open_engine(loaded, engine="torch")


@pytest.mark.fault("GPU out of memory (simulated): smaller windows, then the CPU")
def test_out_of_gpu_memory_means_smaller_windows_then_the_cpu(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, observed: Callable[[object], None]
) -> None:
    torch = pytest.importorskip("torch")
    from model_runtime.engines import torch_engine

    loaded = load_checkpoint(checkpoint)
    given = inputs(loaded, 3000)
    expected = open_engine(loaded, engine="torch", device="cpu").run(*given)
    engine = torch_engine.TorchEngine(loaded, "cpu")
    engine._device = torch.device("meta")  # stands for a card
    engine.window_frames = 4000
    limits = [900]
    whole = engine._run_whole

    def run_whole(features: np.ndarray, emotion: np.ndarray, style: np.ndarray) -> object:
        if engine._device.type != "cpu" and len(emotion) > limits[0]:
            raise torch.OutOfMemoryError("CUDA out of memory")
        kept, engine._device = engine._device, torch.device("cpu")
        try:
            return whole(features, emotion, style)
        finally:
            engine._device = kept

    monkeypatch.setattr(engine, "_run_whole", run_whole)
    output = engine.run(*given)
    np.testing.assert_allclose(output.curves, expected.curves, atol=1e-5)
    assert engine._device.type == "meta"
    assert engine.window_frames < 2000
    observed(f"windows of {engine.window_frames} frames in place of 4000")
    limits[0] = 0
    output = engine.run(*given)
    np.testing.assert_allclose(output.curves, expected.curves, atol=1e-5)
    assert engine.device.startswith("cpu")
    observed(f"then it went on on {engine.device}")
