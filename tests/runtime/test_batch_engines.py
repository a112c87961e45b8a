"""Laws of batches on one engine: as if each line ran alone, and no memory is ever too small."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from model_runtime.batch.shared_engine import OutOfGpuMemory, SharedEngine, Window
from model_runtime.checkpoint.folder import load_checkpoint
from model_runtime.config import GeneratorConfig
from model_runtime.engines.base import EngineOutput
from model_runtime.engines.numpy_engine import NumpyEngine
from tests.fakes.checkpoints import write_tiny_checkpoint

TOLERANCE = 1e-4
"""Of channel values in [0, 1]; what engines may differ by, and far under what can be seen."""


def windows(config: GeneratorConfig, lengths: Sequence[int], seed: int = 0) -> list[Window]:
    random = np.random.default_rng(seed)

    def numbers(rows: int, columns: int) -> np.ndarray:
        return random.standard_normal((rows, columns)).astype(np.float32)

    return [
        (
            numbers(2 * frames, config.features.mel_bands),
            np.abs(numbers(frames, len(config.emotions))) / 4,
            numbers(frames, config.style_dim),
        )
        for frames in lengths
    ]


class SmallGpu:
    """An engine that counts its batches and runs out of memory over some frames."""

    name, device, note, window_frames = "torch", "cuda (small)", "", 10_000

    def __init__(self, inner: NumpyEngine, memory_frames: int) -> None:
        self.inner, self.config = inner, inner.config
        self.memory_frames = memory_frames
        self.sizes: list[int] = []
        self.refused = 0
        self.gate = threading.Event()
        self.gate.set()

    def run(self, *window: np.ndarray) -> EngineOutput:
        """One window; the engine's own ways out of memory are its own tests' matter."""
        self.gate.wait()
        self.sizes.append(1)
        return self.inner.run(*window)

    def run_many(self, batch: Sequence[Window]) -> list[EngineOutput]:
        """Several, or OutOfGpuMemory."""
        if len(batch) * max(len(emotion) for _, emotion, _ in batch) > self.memory_frames:
            self.refused += 1
            raise OutOfGpuMemory("simulated")
        self.sizes.append(len(batch))
        return [self.inner.run(*window) for window in batch]


def run_together(gpu: SmallGpu, todo: Sequence[Window]) -> tuple[SharedEngine, list[EngineOutput]]:
    """Each window in a thread of its own, all waiting while the first is held at the gate."""
    shared = SharedEngine(gpu)
    outputs: dict[int, EngineOutput] = {}

    def work(index: int) -> None:
        outputs[index] = shared.run(*todo[index])

    gpu.gate.clear()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(todo))]
    threads[0].start()
    while not shared._turn.locked():
        pass
    for thread in threads[1:]:
        thread.start()
    while len(shared._waiting) < len(todo) - 1:
        pass
    gpu.gate.set()
    for thread in threads:
        thread.join()
    return shared, [outputs[i] for i in range(len(todo))]


@pytest.mark.parametrize("head_taps", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_a_line_in_a_padded_batch_comes_out_as_if_it_ran_alone(
    tmp_path: Path, seed: int, head_taps: int
) -> None:
    pytest.importorskip("torch", reason="torch is not installed here")
    from model_runtime.batch.torch_batches import TorchBatches

    folder = write_tiny_checkpoint(tmp_path / "tiny", head_taps=head_taps)
    engine = TorchBatches(load_checkpoint(folder), "cpu")
    todo = windows(engine.config, [40, 1, 133, 40, 7, 99], seed)
    together = engine.run_many(todo)
    for window, output in zip(todo, together, strict=True):
        alone = engine.run(*window)
        assert output.curves.shape == alone.curves.shape
        assert np.abs(output.curves - alone.curves).max() < TOLERANCE
        assert np.abs(output.phones - alone.phones).max() < TOLERANCE


def test_without_the_zeros_beyond_its_end_a_short_line_would_differ(checkpoint: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed here")
    from model_runtime.batch.torch_batches import TorchBatches

    engine = TorchBatches(load_checkpoint(checkpoint), "cpu")
    engine._cut = lambda *_: None  # type: ignore[method-assign]
    for module in engine._model.modules():
        module._forward_pre_hooks.clear()
    short, long = windows(engine.config, [40, 133])
    padded = engine.run_many([short, long])[0]
    assert np.abs(padded.curves - engine.run(*short).curves).max() > TOLERANCE


def test_what_waits_at_the_same_time_runs_as_one_batch_of_like_lengths(checkpoint: Path) -> None:
    gpu = SmallGpu(NumpyEngine(load_checkpoint(checkpoint)), memory_frames=10_000)
    todo = windows(gpu.config, [50, 100, 101, 102, 20, 21, 103])
    _, outputs = run_together(gpu, todo)
    for window, output in zip(todo, outputs, strict=True):
        assert np.array_equal(output.curves, gpu.inner.run(*window).curves)
    assert sorted(gpu.sizes) == [1, 2, 4]  # the one at the gate; 20 and 21; about 100


def test_out_of_memory_halves_the_batch_and_loses_no_line(checkpoint: Path) -> None:
    gpu = SmallGpu(NumpyEngine(load_checkpoint(checkpoint)), memory_frames=210)
    todo = windows(gpu.config, [100] * 9)
    shared, outputs = run_together(gpu, todo)
    for window, output in zip(todo, outputs, strict=True):
        assert np.array_equal(output.curves, gpu.inner.run(*window).curves)
    assert sum(gpu.sizes) == 9
    assert max(gpu.sizes) == 2  # 8 and 4 were too many
    assert shared.max_frames == 200
    assert gpu.refused == 3  # 8, then twice 4: from then on batches are small enough


def test_a_gpu_too_small_for_any_batch_runs_lines_one_by_one(checkpoint: Path) -> None:
    gpu = SmallGpu(NumpyEngine(load_checkpoint(checkpoint)), memory_frames=1)
    todo = windows(gpu.config, [30] * 6)
    shared, outputs = run_together(gpu, todo)
    assert len(outputs) == 6
    assert set(gpu.sizes) == {1}
    assert shared.max_frames == 30


def test_a_failing_line_of_a_batch_fails_alone(checkpoint: Path) -> None:
    class Faulty(SmallGpu):
        def run_many(self, batch: Sequence[Window]) -> list[EngineOutput]:
            raise ValueError("a fault of ours")

    gpu = Faulty(NumpyEngine(load_checkpoint(checkpoint)), memory_frames=10_000)
    shared = SharedEngine(gpu)
    only = windows(gpu.config, [30])[0]
    assert shared.run(*only).curves.shape[0] == 30


def test_out_of_memory_of_torch_itself_is_understood(checkpoint: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed here")
    from model_runtime.batch.torch_batches import TorchBatches

    class Full(TorchBatches):
        def _run_padded(self, batch: Sequence[Window]) -> list[EngineOutput]:
            raise torch.OutOfMemoryError("CUDA out of memory")

    engine = Full(load_checkpoint(checkpoint), "cpu")
    with pytest.raises(OutOfGpuMemory):
        engine.run_many(windows(engine.config, [10, 10]))
    shared = SharedEngine(engine)
    outputs = [shared.run(*window) for window in windows(engine.config, [10, 10])]
    assert [len(output.curves) for output in outputs] == [10, 10]
