"""A clip is generated with and without its emotion on one pass of the encoder."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest

from model_runtime.checkpoint.folder import load_checkpoint
from model_runtime.curves.formats.registry import read_curves, read_layered, write_layered
from model_runtime.curves.layered import LayeredCurves
from model_runtime.curves.track import CurveTrack
from model_runtime.engines.base import EngineOutput, run_layered
from model_runtime.engines.factory import open_engine
from model_runtime.engines.numpy_engine import NumpyEngine
from model_runtime.errors import BadArgument, BadCurves
from model_runtime.files import is_marked
from model_runtime.generate import perform, perform_layered
from model_runtime.protocol import Acting, EmotionKey, Performance


@pytest.fixture
def engine(checkpoint: Path) -> NumpyEngine:
    """A tiny engine."""
    return NumpyEngine(load_checkpoint(checkpoint))


@pytest.fixture
def acted(speech: Path) -> Performance:
    """Four seconds that change from happy to sad, with acting."""
    keys = (EmotionKey(0, "happy", 1), EmotionKey(2, "sad", 0.8))
    acting = Acting(dynamics=1.0, eyes=1.0, head=1.0, asymmetry=0.5)
    return Performance(speech, emotion_keys=keys, seed=3, acting=acting)


def test_the_full_track_is_that_of_one_pass(engine: NumpyEngine, acted: Performance) -> None:
    curves = perform_layered(acted, engine)
    np.testing.assert_array_equal(curves.full.values, perform(acted, engine).values)


def test_without_acting_speech_is_the_neutral_performance(
    engine: NumpyEngine, acted: Performance
) -> None:
    acted = dataclasses.replace(acted, acting=Acting())
    curves = perform_layered(acted, engine)
    neutral = perform(dataclasses.replace(acted, emotion_keys=()), engine)
    np.testing.assert_array_equal(curves.speech.values, neutral.values)
    assert np.abs(curves.full.values - curves.speech.values).max() > 0.01


def test_both_tracks_look_and_blink_alike(engine: NumpyEngine, acted: Performance) -> None:
    still = dataclasses.replace(acted, emotion_keys=(EmotionKey(0, "happy", 0.0),))
    curves = perform_layered(acted, engine)
    yaw = curves.full.channels.index("headYaw")
    turns = [track.values[:, yaw] for track in (curves.full, curves.speech)]
    assert np.corrcoef(*turns)[0, 1] > 0.9
    assert perform_layered(still, engine).has_emotion is False


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_engines_decode_twice_on_one_encoding(checkpoint: Path, name: str) -> None:
    if name == "torch":
        pytest.importorskip("torch")
    loaded = load_checkpoint(checkpoint)
    engine = open_engine(loaded, engine=name, device="cpu")
    random, config = np.random.default_rng(0), loaded.config
    features = random.uniform(-2, 2, (80, config.features.mel_bands)).astype(np.float32)
    emotion = random.uniform(0.1, 1, (40, len(config.emotions))).astype(np.float32)
    style = random.standard_normal((40, config.style_dim)).astype(np.float32)
    output = run_layered(engine, features, emotion, style)
    np.testing.assert_allclose(output.curves, engine.run(features, emotion, style).curves)
    assert output.speech is not None
    neutral = engine.run(features, np.zeros_like(emotion), style).curves
    np.testing.assert_allclose(output.speech, neutral)


def test_other_engines_run_twice(engine: NumpyEngine) -> None:
    class Plain:
        """An engine of version 0.1."""

        def run(self, features: np.ndarray, emotion: np.ndarray, style: np.ndarray) -> EngineOutput:
            return EngineOutput(emotion.sum(1, keepdims=True), features)

    emotion = np.ones((3, 2), np.float32)
    output = run_layered(Plain(), emotion, emotion, emotion)  # type: ignore[arg-type]
    assert output.curves.tolist() == [[2], [2], [2]]
    assert output.speech is not None
    assert output.speech.tolist() == [[0], [0], [0]]


def test_recognised_phones_cover_the_clip(engine: NumpyEngine, acted: Performance) -> None:
    phones = perform_layered(acted, engine).full.request["phones"]
    assert phones[0][1] == 0.0
    assert all(a[2] == b[1] for a, b in itertools.pairwise(phones))
    assert all(a[0] != b[0] for a, b in itertools.pairwise(phones))
    assert phones[-1][2] == pytest.approx(4.0, abs=0.03)


def test_files_hold_both_tracks_and_old_readers_find_the_first(
    engine: NumpyEngine, acted: Performance, tmp_path: Path
) -> None:
    curves, path = perform_layered(acted, engine), tmp_path / "a.npz"
    write_layered(curves, path)
    back = read_layered(path)
    np.testing.assert_array_equal(back.full.values, curves.full.values)
    np.testing.assert_array_equal(back.speech.values, curves.speech.values)
    np.testing.assert_array_equal(read_curves(path).values, curves.full.values)
    assert is_marked(path)


def test_a_track_without_layers_is_its_own_speech(tmp_path: Path) -> None:
    track = CurveTrack(np.zeros((3, 1), np.float32), ("jawOpen",), 24.0)
    write_layered(LayeredCurves.without_layers(track), tmp_path / "a.npz")
    assert read_layered(tmp_path / "a.npz").has_emotion is False
    with np.load(tmp_path / "a.npz") as data:
        assert "neutral" not in data
    with pytest.raises(BadArgument, match="with and without emotion"):
        write_layered(LayeredCurves.without_layers(track), tmp_path / "a.csv")


def test_tracks_that_do_not_match_are_refused() -> None:
    track = CurveTrack(np.zeros((3, 1), np.float32), ("jawOpen",), 24.0)
    with pytest.raises(BadCurves, match="match"):
        LayeredCurves(track, track.replaced(values=np.zeros((4, 1), np.float32)))
