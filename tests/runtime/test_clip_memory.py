"""What the worker keeps of the last clip: equal curves, less work, bounded memory."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from model_runtime.arrays import FloatArray
from model_runtime.checkpoint.folder import default_checkpoint, load_checkpoint
from model_runtime.clip_memory import ClipMemory
from model_runtime.curves.layered import LayeredCurves
from model_runtime.engines.encodings import Encodings
from model_runtime.engines.numpy_engine import NumpyEngine
from model_runtime.errors import BadAudio, Cancelled
from model_runtime.generate import perform_layered
from model_runtime.performance import NATURAL_ACTING
from model_runtime.protocol import Correction, EmotionKey, Performance
from tests.fakes.sounds import voice, write_wav

SPEECH = Path(__file__).resolve().parents[2] / "demo" / "speech"
SCRIPT = (SPEECH / "line.txt").read_text(encoding="utf-8")
BASE = Performance(
    SPEECH / "line.wav",
    script=SCRIPT,
    emotion_keys=(EmotionKey(0.0, "happy", 1.0),),
    acting=NATURAL_ACTING,
    duration_s=4.0,
)
WORD = Correction(1.0, 1.4, "mamma")


class CountingEngine(NumpyEngine):
    """The built-in engine; counts the runs of its encoder and its decoder."""

    encoded = decoded = 0

    def _encode(self, features: FloatArray) -> FloatArray:
        self.encoded += 1
        return super()._encode(features)

    def _decode(self, speech: FloatArray, phones: FloatArray, condition: FloatArray) -> FloatArray:
        self.decoded += 1
        return super()._decode(speech, phones, condition)


@pytest.fixture
def engine() -> CountingEngine:
    """The shipped weights."""
    made = CountingEngine(load_checkpoint(default_checkpoint()))
    made.keep_encodings(1 << 24)
    return made


@pytest.fixture(scope="module")
def fresh_engine() -> NumpyEngine:
    """The shipped weights in an engine that keeps nothing."""
    return NumpyEngine(load_checkpoint(default_checkpoint()))


@pytest.fixture
def memory() -> Iterator[ClipMemory]:
    """An empty memory."""
    made = ClipMemory()
    yield made
    made.clear()


def assert_equal(kept: LayeredCurves, fresh: LayeredCurves) -> None:
    """Bit by bit, and all that was recognised too."""
    assert np.array_equal(kept.full.values, fresh.full.values)
    assert np.array_equal(kept.speech.values, fresh.speech.values)
    assert kept.full.request == fresh.full.request


def test_curves_of_a_kept_clip_are_those_of_a_fresh_run(
    engine: CountingEngine, fresh_engine: NumpyEngine, memory: ClipMemory
) -> None:
    sad = (EmotionKey(0.0, "sad", 1.0),)
    for changed in (
        BASE,
        dataclasses.replace(BASE, corrections=(WORD,)),
        dataclasses.replace(BASE, script="", corrections=(WORD,)),
        dataclasses.replace(BASE, smoothing_s=0.02, fps=24.0, blink=False),
        dataclasses.replace(BASE, emotion_keys=(EmotionKey(0.0, "auto", 1.0),)),
        dataclasses.replace(BASE, emotion_keys=sad, corrections=(WORD,), idle_after_s=1.0),
        dataclasses.replace(BASE, seed=5),
        dataclasses.replace(BASE, start_s=1.0),
        BASE,
    ):
        kept = perform_layered(changed, engine, memory=memory)
        assert_equal(kept, perform_layered(changed, fresh_engine))


def test_a_correction_runs_neither_encoder_nor_decoder(
    engine: CountingEngine, memory: ClipMemory
) -> None:
    perform_layered(BASE, engine, memory=memory)
    assert (engine.encoded, engine.decoded) == (1, 2)
    for changed in (
        dataclasses.replace(BASE, corrections=(WORD,)),
        dataclasses.replace(BASE, script=""),
        dataclasses.replace(BASE, smoothing_s=0.02, fps=24.0),
    ):
        perform_layered(changed, engine, memory=memory)
    assert (engine.encoded, engine.decoded) == (1, 2)


def test_another_emotion_runs_the_decoder_alone(engine: CountingEngine, memory: ClipMemory) -> None:
    perform_layered(BASE, engine, memory=memory)
    sad = dataclasses.replace(BASE, emotion_keys=(EmotionKey(0.0, "sad", 1.0),))
    perform_layered(sad, engine, memory=memory)
    assert (engine.encoded, engine.decoded) == (1, 4)


def test_changed_audio_under_the_same_name_is_read_again(
    engine: CountingEngine, fresh_engine: NumpyEngine, memory: ClipMemory, tmp_path: Path
) -> None:
    audio = tmp_path / "line.wav"
    asked = Performance(audio, duration_s=1.0)
    shutil.copy(SPEECH / "line.wav", audio)
    perform_layered(asked, engine, memory=memory)
    # Same length and same size: the contents alone tell.
    data = bytearray(audio.read_bytes())
    data[44:] = data[44:][::-1]
    audio.write_bytes(data)
    assert_equal(
        perform_layered(asked, engine, memory=memory), perform_layered(asked, fresh_engine)
    )
    audio.unlink()
    with pytest.raises(BadAudio):
        perform_layered(asked, engine, memory=memory)


def test_a_cancelled_run_leaves_nothing_wrong(
    engine: CountingEngine, fresh_engine: NumpyEngine, memory: ClipMemory
) -> None:
    asked = dataclasses.replace(BASE, duration_s=1.0)
    with pytest.raises(Cancelled):
        perform_layered(asked, engine, memory=memory, cancelled=lambda: True)
    assert_equal(
        perform_layered(asked, engine, memory=memory), perform_layered(asked, fresh_engine)
    )


def test_a_clip_that_is_too_long_is_not_kept(engine: CountingEngine) -> None:
    memory = ClipMemory(longest_s=0.5)
    asked = dataclasses.replace(BASE, duration_s=1.0)
    perform_layered(asked, engine, memory=memory)
    assert memory._store is None
    assert memory._stages == {}


def test_results_of_the_clip_before_are_forgotten(memory: ClipMemory, tmp_path: Path) -> None:
    first, second = tmp_path / "a.wav", tmp_path / "b.wav"
    for path in (first, second):
        write_wav(path, voice(0.5))
    made: list[int] = []
    for path in (first, first, second, first):
        with memory.opened(path, start_s=0.0, duration_s=None, watch=lambda _s: None):
            made.append(memory.kept("stage", 1, lambda: len(made)))
    assert made == [0, 0, 2, 3]


def test_changing_a_result_leaves_what_is_kept(memory: ClipMemory, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, voice(0.5))
    with memory.opened(path, start_s=0.0, duration_s=None, watch=lambda _s: None):
        memory.kept("stage", 1, lambda: np.zeros(3))[:] = 5
        memory.kept("stage", 1, lambda: np.ones(3))[:] = 6
        assert memory.kept("stage", 1, lambda: np.ones(3)).tolist() == [0, 0, 0]


def test_encodings_stay_within_their_bounds() -> None:
    kept = Encodings(limit_bytes=2000)
    made: list[float] = []

    def of(value: float) -> float:
        features = np.full((10, 4), value, np.float32)

        def encode() -> tuple[FloatArray, FloatArray]:
            made.append(value)
            # 800 bytes each: two fit.
            return np.full((10, 10), value, np.float32), np.full((10, 10), value, np.float32)

        return float(kept.of(features, encode)[0][0, 0])

    assert [of(v) for v in (1, 2, 2, 3, 2, 1)] == [1, 2, 2, 3, 2, 1]
    assert made == [1, 2, 3, 1]
    assert kept._size <= 2000
