"""Laws of a performance from sound file to finished curves."""

from __future__ import annotations

import dataclasses
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from model_runtime.audio.store import SpeechStore
from model_runtime.checkpoint.folder import load_checkpoint
from model_runtime.curves.rig import load_rig
from model_runtime.engines.base import Engine, EngineOutput
from model_runtime.engines.numpy_engine import NumpyEngine
from model_runtime.errors import BadArgument, BadAudio, Cancelled
from model_runtime.generate import generate_raw, perform
from model_runtime.protocol import EmotionKey, Performance
from tests.fakes.checkpoints import write_tiny_checkpoint
from tests.fakes.sounds import voice, write_wav

GOLDEN = Path(__file__).with_name("golden_curve.npz")
GOLDEN_TOLERANCE = 2e-3
"""Between processors and numpy releases; a change of the pipeline moves curves by far more."""


@pytest.fixture
def engine(checkpoint: Path) -> NumpyEngine:
    """A tiny engine."""
    return NumpyEngine(load_checkpoint(checkpoint))


@pytest.fixture
def acted(speech: Path) -> Performance:
    """Four seconds that change from happy to sad."""
    keys = (EmotionKey(0, "happy", 1), EmotionKey(2, "sad", 0.8))
    return Performance(speech, emotion_keys=keys, seed=3)


@pytest.mark.parametrize("window_frames", [1, 17, 60, 150])
def test_windowed_equals_whole(engine: NumpyEngine, acted: Performance, window_frames: int) -> None:
    whole = perform(acted, engine)
    engine.window_frames = window_frames
    np.testing.assert_allclose(perform(acted, engine).values, whole.values, atol=1e-5)


def test_every_window_is_equalised_as_the_whole_clip(
    engine: NumpyEngine, acted: Performance, tmp_path: Path
) -> None:
    colour = tuple(np.linspace(0.6, -0.6, 80).tolist())
    folder = write_tiny_checkpoint(tmp_path / "coloured", reference_spectrum=colour)
    coloured = NumpyEngine(load_checkpoint(folder))
    whole = perform(acted, coloured).values
    assert np.abs(whole - perform(acted, engine).values).max() > 0.01
    coloured.window_frames = 17
    np.testing.assert_allclose(perform(acted, coloured).values, whole, atol=1e-5)


def test_the_same_seed_gives_the_same_curves_and_another_others(
    engine: NumpyEngine, acted: Performance
) -> None:
    first = perform(acted, engine)
    np.testing.assert_array_equal(perform(acted, engine).values, first.values)
    other = perform(dataclasses.replace(acted, seed=4), engine)
    assert np.abs(other.values - first.values).max() > 0.01


@pytest.mark.parametrize("fps", [12, 23.976, 24, 29.97, 60, 120])
def test_frames_are_duration_times_fps_rounded_up_within_bounds(
    engine: NumpyEngine, acted: Performance, fps: float
) -> None:
    track = perform(dataclasses.replace(acted, fps=fps), engine)
    assert track.values.shape == (math.ceil(4 * fps), 52)
    assert track.channels == load_rig("arkit52").channel_names
    assert track.fps == fps
    assert track.values.min() >= 0
    assert track.values.max() <= 1


def test_frame_rates_agree_in_time(engine: NumpyEngine, acted: Performance) -> None:
    acted = dataclasses.replace(acted, blink=False)
    fine = perform(dataclasses.replace(acted, fps=120), engine)
    coarse = perform(dataclasses.replace(acted, fps=60), engine)
    np.testing.assert_allclose(coarse.values, fine.values[::2], atol=1e-6)


def test_blinks_are_added_and_can_be_left_out(engine: NumpyEngine, acted: Performance) -> None:
    acted = dataclasses.replace(acted, fps=24)
    with_blinks = perform(acted, engine)
    without = perform(dataclasses.replace(acted, blink=False), engine)
    assert with_blinks.column("eyeBlinkLeft").max() == pytest.approx(1)
    moved = [n for n in without.channels if (with_blinks.column(n) != without.column(n)).any()]
    assert set(moved) <= {
        f"{name}{side}"
        for name in ("eyeBlink", "eyeSquint", "cheekSquint", "browDown")
        for side in ("Left", "Right")
    }


def test_intensity_zero_is_neutral(engine: NumpyEngine, speech: Path) -> None:
    neutral = perform(Performance(speech), engine)
    for emotion in ("happy", "angry", "neutral"):
        keys = (EmotionKey(0, emotion, 0.0),)
        track = perform(Performance(speech, emotion_keys=keys), engine)
        np.testing.assert_array_equal(track.values, neutral.values)
    full = perform(Performance(speech, emotion_keys=(EmotionKey(0, "angry", 1),)), engine)
    assert np.abs(full.values - neutral.values).max() > 0.01


def test_an_emotion_change_makes_no_jump(engine: NumpyEngine, speech: Path) -> None:
    def largest_step(*keys: EmotionKey) -> float:
        track = perform(Performance(speech, emotion_keys=keys, blink=False), engine)
        return float(np.abs(np.diff(track.values[90:150], axis=0)).max())

    steady = max(largest_step(EmotionKey(0, name, 1)) for name in ("happy", "sad"))
    assert largest_step(EmotionKey(0, "happy", 1), EmotionKey(2, "sad", 1)) < 1.5 * steady + 0.02


def test_loudness_of_the_recording_does_not_matter(engine: NumpyEngine, tmp_path: Path) -> None:
    tracks = [
        perform(Performance(write_wav(tmp_path / "a.wav", voice(2, level=level), bits=24)), engine)
        for level in (0.02, 0.2)
    ]
    np.testing.assert_allclose(tracks[0].values, tracks[1].values, atol=1e-3)


def test_a_piece_of_the_sound_starts_where_it_was_cut(
    engine: NumpyEngine, acted: Performance
) -> None:
    piece = perform(dataclasses.replace(acted, start_s=1.5, duration_s=1.25), engine)
    assert piece.start_s == 1.5
    assert piece.frame_count == 75


@pytest.mark.parametrize(
    "change",
    [{"fps": 0}, {"rig": "flame"}, {"rig": "none"}, {"start_s": 9.0}, {"smoothing_s": -1.0}]
    + [{"emotion_keys": (EmotionKey(0, name, 1),)} for name in ("AUTO", "hungry")],
)
def test_a_setting_that_cannot_be_is_refused(
    engine: NumpyEngine, acted: Performance, change: dict[str, object]
) -> None:
    with pytest.raises(BadArgument) as caught:
        perform(dataclasses.replace(acted, **change), engine)  # type: ignore[arg-type]
    assert caught.value.hint


def test_a_bad_sound_is_refused(engine: NumpyEngine, tmp_path: Path) -> None:
    with pytest.raises(BadAudio):
        perform(Performance(tmp_path / "none.wav"), engine)


def test_progress_rises_to_one(engine: NumpyEngine, acted: Performance) -> None:
    engine.window_frames = 20
    told: list[tuple[float, str]] = []
    perform(acted, engine, progress=lambda fraction, stage: told.append((fraction, stage)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert len([stage for _, stage in told if stage == "generating curves"]) == 10


def test_cancel_takes_effect_between_windows_and_leaves_the_engine_usable(
    engine: NumpyEngine, acted: Performance
) -> None:
    engine.window_frames = 20
    runs = 0
    run = engine.run

    def counted(*arrays: np.ndarray) -> EngineOutput:
        nonlocal runs
        runs += 1
        return run(*arrays)

    engine.run = counted  # type: ignore[method-assign]
    with pytest.raises(Cancelled):
        perform(acted, engine, cancelled=lambda: runs == 3)
    assert runs == 3
    assert perform(acted, engine).frame_count == 240


class MeanEngine:
    """Answers with the mean feature: costs nothing, so that an hour can be tried."""

    name, device, window_frames = "mean", "cpu", 1000

    def __init__(self, engine: Engine) -> None:
        self.config = engine.config

    def run(self, features: np.ndarray, emotion: np.ndarray, style: np.ndarray) -> EngineOutput:
        """The mean of both feature frames, in every channel."""
        mean = features.reshape(len(emotion), -1).mean(axis=1, dtype=np.float32)
        curves = np.repeat(mean[:, None], len(self.config.channels), axis=1)
        phones = np.full((len(emotion), len(self.config.phones)), 0.02, np.float32)
        return EngineOutput(curves, phones)


def test_memory_grows_by_the_curves_alone(engine: NumpyEngine, tmp_path: Path) -> None:
    """Ten minutes more cost what their curves do (23 MB each hour at 30 fps), not their sound."""

    def peak(minutes: float) -> float:
        path = write_wav(
            tmp_path / "long.wav", np.tile(voice(15, rate=8000), int(minutes * 4)), rate=8000
        )
        tracemalloc.start()
        perform(Performance(path, fps=30), MeanEngine(engine))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most / 2**20

    # Beyond 8.7 minutes the sound is on the disk. Raw and finished curves, a copy of each and masks
    # are 15 kB a second; the sound itself would be 64 kB.
    growth = (peak(22) - peak(12)) / 600
    assert growth < 0.05


def test_raw_curves_do_not_depend_on_the_cut(engine: NumpyEngine, acted: Performance) -> None:
    with SpeechStore.open(acted.audio) as store:
        whole = generate_raw(store, engine, acted)
        engine.window_frames = 33
        cut = generate_raw(store, engine, acted)
    np.testing.assert_allclose(cut.values, whole.values, atol=1e-5)
    np.testing.assert_allclose(cut.silence, whole.silence, atol=1e-5)


def test_the_golden_curve_has_not_moved(engine: NumpyEngine, acted: Performance) -> None:
    track = perform(acted, engine)
    with np.load(GOLDEN, allow_pickle=False) as golden:
        np.testing.assert_allclose(track.values, golden["values"], atol=GOLDEN_TOLERANCE)
