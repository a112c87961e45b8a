"""Laws of the level: the same speech at the same level, whatever surrounds it."""

from __future__ import annotations

import numpy as np
import pytest

from model_runtime.arrays import FloatArray
from model_runtime.audio.level import LevelMeter, level_gain
from tests.fakes.sounds import RATE, voice


def db(decibels: float) -> np.float32:
    return np.float32(10 ** (decibels / 20))


def noise(seconds: float, decibels: float) -> FloatArray:
    samples = np.random.default_rng(0).standard_normal(round(seconds * RATE))
    return (samples * db(decibels)).astype(np.float32)


def gain_db(samples: FloatArray, start_s: float = 0.0, stop_s: float | None = None) -> float:
    """Mean gain of a part of a clip."""
    gain = level_gain(samples)[
        round(start_s * RATE) : None if stop_s is None else round(stop_s * RATE)
    ]
    return float(20 * np.log10(gain).mean())


SPEECH = voice(9, level=0.05)
ALONE = gain_db(SPEECH)


def test_any_loudness_comes_to_23_db_below_full_scale() -> None:
    for factor in (1e-3, 0.05, 1.0, 30.0, 1e9):
        samples = (np.float64(factor) * SPEECH).astype(np.float32)
        levelled = samples * level_gain(samples)
        np.testing.assert_allclose(levelled, SPEECH * level_gain(SPEECH), rtol=2e-3, atol=1e-5)
    frames = (SPEECH * level_gain(SPEECH)).reshape(-1, 320)
    levels = 10 * np.log10((frames**2).mean(axis=1) + 1e-9)
    assert np.median(levels[levels > levels.max() - 15]) == pytest.approx(-23, abs=1.0)


def test_ordinary_speech_has_one_gain_so_that_its_dynamics_stay() -> None:
    gain = level_gain(SPEECH)
    assert (gain == gain[0]).all()
    emphasised = SPEECH.copy()
    emphasised[4 * RATE : 5 * RATE] *= db(8)
    gain = level_gain(emphasised)
    assert 20 * np.log10(gain.max() / gain.min()) < 0.01


def test_silence_has_a_gain_of_one() -> None:
    assert (level_gain(np.zeros(RATE, np.float32)) == 1).all()
    assert level_gain(np.zeros(0, np.float32)).shape == (0,)


def test_a_click_a_pause_and_an_offset_do_not_change_the_level() -> None:
    clicked = SPEECH.copy()
    clicked[RATE : RATE + 20] = 1
    paused = np.concatenate([SPEECH, np.zeros(20 * RATE, np.float32)])
    for changed in (clicked, paused, SPEECH + np.float32(0.2)):
        assert gain_db(changed) == pytest.approx(ALONE, abs=0.5)


def test_speech_20_db_under_a_shout_is_raised_to_within_5_db() -> None:
    shout, gap = voice(5, level=0.5), np.zeros(RATE // 2, np.float32)
    quiet = SPEECH  # 20 dB lower
    for clip, start_s in (
        (np.concatenate([shout, gap, quiet]), 6.5),
        (np.concatenate([quiet, gap, shout]), 0.0),
    ):
        assert ALONE - 5 <= gain_db(clip, start_s, start_s + 7) <= ALONE + 0.5
    middle = np.concatenate([quiet[: 4 * RATE], gap, shout, gap, quiet[4 * RATE :]])
    assert ALONE - 5 <= gain_db(middle, 0, 3) <= ALONE + 0.5
    assert ALONE - 5 <= gain_db(middle, 11.5, 14) <= ALONE + 0.5


@pytest.mark.parametrize("tone_db", [-40.0, -18.0, -1.0])
def test_a_line_up_tone_does_not_count(tone_db: float) -> None:
    times = np.arange(10 * RATE) / RATE
    tone = (db(tone_db) * np.sin(2 * np.pi * 1000 * times)).astype(np.float32)
    clip = np.concatenate([tone, np.zeros(RATE // 2, np.float32), SPEECH])
    assert gain_db(clip, 11) == pytest.approx(ALONE, abs=0.5)
    levelled = clip * level_gain(clip)
    assert np.abs(levelled[: 9 * RATE]).max() <= db(-23 + 10 + 3.1)  # headroom, and crest of a sine


@pytest.mark.parametrize("start_s", [0, 100, 351])
def test_nine_seconds_of_speech_in_six_minutes_of_room_tone_keep_their_level(start_s: int) -> None:
    clip = noise(360, -62)
    clip[start_s * RATE : (start_s + 9) * RATE] += SPEECH
    assert gain_db(clip, start_s, start_s + 9) == pytest.approx(ALONE, abs=0.7)


def test_a_float_take_60_db_too_quiet_is_raised_by_60_db() -> None:
    assert gain_db(SPEECH * db(-60)) == pytest.approx(ALONE + 60, abs=0.3)


@pytest.mark.parametrize("level_db", [-90, -60, -40])
def test_noise_alone_is_not_raised(level_db: float) -> None:
    assert gain_db(noise(10, level_db)) == pytest.approx(0, abs=1.0)


def test_more_of_a_shout_changes_the_gain_of_the_rest_without_a_step() -> None:
    gap, shouted = np.zeros(RATE // 2, np.float32), voice(8, level=0.5)
    gains = []
    for tenths in range(0, 80, 5):
        clip = np.concatenate([SPEECH, gap, shouted[: tenths * RATE // 10]])
        gains.append(gain_db(clip, 0, 8))
    assert np.abs(np.diff(gains)).max() < 3.0
    assert np.ptp(gains) < 5.0


def test_the_level_of_blocks_equals_the_level_of_the_whole() -> None:
    clip = np.concatenate([voice(5, level=0.5), SPEECH])
    meter = LevelMeter()
    for part in np.array_split(clip, 37):
        meter.push(part)
    gain = level_gain(clip)
    np.testing.assert_array_equal(meter.envelope().range(0, len(clip)), gain)
    np.testing.assert_array_equal(meter.envelope().range(50_000, 70_000), gain[50_000:120_000])
