"""Acting in generated curves: off is off, the emotion follows the voice, the head has channels."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from model_runtime.checkpoint.folder import default_checkpoint, load_checkpoint
from model_runtime.curves.track import CurveTrack
from model_runtime.engines.base import Engine
from model_runtime.engines.factory import open_engine
from model_runtime.errors import BadArgument
from model_runtime.generate import perform
from model_runtime.protocol import NATURAL_ACTING, Acting, EmotionKey, Performance

SPEECH = Path(__file__).resolve().parents[2] / "demo" / "speech" / "line.wav"


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The shipped weights in the built-in engine."""
    return open_engine(load_checkpoint(default_checkpoint()), engine="numpy", device="cpu")


def generated(engine: Engine, acting: Acting, emotion: str = "happy", seed: int = 1) -> CurveTrack:
    """The demo's line."""
    keys = (EmotionKey(0.0, emotion, 1.0),)
    return perform(Performance(SPEECH, emotion_keys=keys, seed=seed, acting=acting), engine)


@pytest.fixture(scope="module")
def plain(engine: Engine) -> CurveTrack:
    """Without acting."""
    return generated(engine, Acting())


@pytest.fixture(scope="module")
def acted(engine: Engine) -> CurveTrack:
    """With natural acting."""
    return generated(engine, NATURAL_ACTING)


def test_natural_acting_adds_head_channels_and_moves_the_eyes(
    plain: CurveTrack, acted: CurveTrack
) -> None:
    assert acted.channels == (*plain.channels, "headYaw", "headPitch", "headRoll")
    assert acted.column("eyeLookOutLeft").std() > 0.03
    assert np.rad2deg(acted.column("headPitch").std()) > 1.0


def test_a_smile_rises_with_the_voice(plain: CurveTrack, acted: CurveTrack) -> None:
    first = slice(0, 15)  # 0.25 s at 60 fps
    held, directed = (t.column("cheekSquintLeft") for t in (plain, acted))
    assert directed[first].mean() < 0.75 * held[first].mean()
    assert directed.std() > held.std()


def test_lips_speak_alike_with_and_without_acting(plain: CurveTrack, acted: CurveTrack) -> None:
    together = np.corrcoef(plain.column("jawOpen"), acted.column("jawOpen"))[0, 1]
    assert together > 0.97


def test_the_same_seed_gives_the_same_bits(engine: Engine, acted: CurveTrack) -> None:
    np.testing.assert_array_equal(generated(engine, NATURAL_ACTING).values, acted.values)


def test_a_neutral_line_keeps_its_mouth_bit_by_bit(engine: Engine) -> None:
    held, directed = (
        generated(engine, acting, emotion="neutral") for acting in (Acting(), NATURAL_ACTING)
    )
    for name in ("jawOpen", "mouthClose", "mouthPucker", "mouthFunnel"):
        np.testing.assert_array_equal(held.column(name), directed.column(name))


@pytest.mark.parametrize("field", ["dynamics", "eyes", "head", "asymmetry"])
def test_a_strength_out_of_range_is_named(engine: Engine, field: str) -> None:
    acting = dataclasses.replace(NATURAL_ACTING, **{field: 2.5})
    with pytest.raises(BadArgument, match=field):
        generated(engine, acting)


def test_waiting_before_and_after_leaves_the_mouth_of_the_clip_as_it_was(engine: Engine) -> None:
    clip = Performance(SPEECH, seed=1, acting=NATURAL_ACTING)
    waiting = dataclasses.replace(clip, idle_before_s=2.0, idle_after_s=1.5)
    alone, whole = perform(clip, engine), perform(waiting, engine)
    assert whole.start_s == -2.0
    assert whole.frame_count == alone.frame_count + 120 + 90
    inside = slice(120, 120 + alone.frame_count)
    for name in ("jawOpen", "mouthPucker"):
        np.testing.assert_array_equal(whole.column(name)[inside], alone.column(name))
    assert whole.column("eyeLookOutLeft")[:120].std() > 0.01
    assert whole.column("jawOpen")[0] < 0.01
