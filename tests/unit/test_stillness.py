"""Laws of lips that hold still without speech."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from model_runtime.postprocess.stillness import hold_still, speech_presence

RATE = 50.0


def spoken(frames: int, *parts: tuple[int, int], silence: float = 1.0) -> np.ndarray:
    """Probability of silence over ``frames``, 0 within each part (first, one past the last)."""
    out = np.full(frames, silence, np.float32)
    for first, stop in parts:
        out[first:stop] = 0
    return out


def test_a_short_word_and_its_surroundings_are_fully_present() -> None:
    presence = speech_presence(spoken(500, (250, 262)), RATE)  # a "no" of 0.24 s
    assert (presence[245:267] == 1).all()
    assert presence[:200].max() == presence[300:].max() == 0


def test_pauses_between_words_leave_the_lips_alone() -> None:
    presence = speech_presence(spoken(500, (100, 140), (155, 200)), RATE)
    assert (presence[95:205] == 1).all()


@pytest.mark.parametrize("burst", [1, 2, 3])
def test_bursts_shorter_than_a_syllable_are_no_speech(burst: int) -> None:
    parts = [(start, start + burst) for start in range(20, 480, 40)]
    assert speech_presence(spoken(500, *parts), RATE).max() == 0


def test_doubt_all_along_is_no_speech() -> None:
    assert speech_presence(spoken(500, silence=0.9), RATE).max() == 0


def test_a_model_that_cannot_tell_silence_moves_freely() -> None:
    assert (speech_presence(np.zeros(40, np.float32), RATE) == 1).all()


def test_presence_comes_and_goes_without_a_jump() -> None:
    presence = speech_presence(spoken(500, (200, 300)), RATE)
    assert np.abs(np.diff(presence)).max() < 0.35


@pytest.mark.parametrize("frames", [0, 1, 2, 7])
def test_very_short_sounds_keep_their_length(frames: int) -> None:
    presence = speech_presence(np.ones(frames, np.float32), RATE)
    values = np.ones((frames, 2), np.float32)
    assert presence.shape == (frames,)
    assert hold_still(values, [0], presence, RATE).shape == (frames, 2)


def test_frames_of_speech_stay_bit_by_bit_and_other_channels_everywhere() -> None:
    values = np.random.default_rng(1).normal(size=(400, 3)).astype(np.float32)
    presence = speech_presence(spoken(400, (150, 250)), RATE)
    held = hold_still(values, [0, 2], presence, RATE)
    speaking = presence == 1
    assert speaking.sum() > 100
    assert (held[speaking] == values[speaking]).all()
    assert (held[:, 1] == values[:, 1]).all()
    assert (held[~speaking][:, 0] != values[~speaking][:, 0]).any()


def test_twitches_in_silence_vanish_and_the_posture_of_an_emotion_stays() -> None:
    posture = np.interp(np.arange(1000), [0, 480, 520, 1000], [0.1, 0.1, 0.6, 0.6])
    values = posture.copy()
    values[50::60] += 0.3  # a twitch at each dropped pan
    values[51::60] += 0.2
    held = hold_still(values[:, None].astype(np.float32), [0], np.zeros(1000, np.float32), RATE)
    away = np.abs(np.arange(1000) - 500) > 100
    assert np.abs(held[away, 0] - posture[away]).max() < 1e-6
    assert np.abs(held[:, 0] - posture).max() < 0.3  # the change itself is softened, not lost
    assert np.abs(np.diff(held[:, 0])).max() < 0.05


def test_half_a_second_of_movement_in_silence_does_not_move_the_held_pose() -> None:
    values = np.zeros((500, 1), np.float32)
    values[240:265] = 1  # 0.5 s, less than half of the 3 s around any of its frames
    held = hold_still(values, [0], np.zeros(500, np.float32), RATE)
    assert held.max() == 0
    values[200:300] = 1  # 2 s: a posture of its own
    assert hold_still(values, [0], np.zeros(500, np.float32), RATE)[250, 0] == 1


def test_a_pause_is_held_in_its_own_pose_not_in_that_of_the_words_around_it() -> None:
    values = np.full((400, 1), 0.8, np.float32)
    values[170:230] = 0.1  # a pause of 1.2 s amid talk
    presence = np.ones(400, np.float32)
    presence[180:220] = 0
    held = hold_still(values, [0], presence, RATE)
    np.testing.assert_allclose(held[180:220, 0], 0.1, atol=1e-6)


def test_a_long_silence_is_held_within_little_memory() -> None:
    frames = 20 * 60 * 50
    values = np.zeros((frames, 30), np.float32)
    tracemalloc.start()
    hold_still(values, list(range(30)), np.zeros(frames, np.float32), RATE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * values.nbytes
