"""Emotion weights over time, sent as keys, are the weights that the runtime uses."""

from __future__ import annotations

import numpy as np
import pytest

from cstalk_blender.dialogue import emotion_keys
from cstalk_blender.package import protocol
from model_runtime import choices
from model_runtime.emotion import keys as emotion

RATE = 50.0
RIPPLE = 0.02


def played(keys, seconds: float, start_s: float = 0.0):
    """Return the weights that the runtime uses, shape (frames, emotions)."""
    return emotion.emotion_weights(
        emotion.checked_keys(keys, choices.EMOTIONS),
        emotions=choices.EMOTIONS,
        frame_rate=RATE,
        first_frame=0,
        frames=round(seconds * RATE),
        sound_start_s=start_s,
    )


def column(weights, name: str):
    """Return one emotion."""
    return weights[:, choices.EMOTIONS.index(name)]


def test_cross_fade_is_the_runtime_s():
    assert emotion_keys.CROSS_FADE_S == emotion.CROSS_FADE_S


def test_two_emotions_at_once_are_heard_at_once():
    keys = emotion_keys.keys_of(lambda _s: {"happy": 0.6, "sad": 0.3}, 0.0, 4.0)
    weights = played(keys, 4.0)[50:-50]
    np.testing.assert_allclose(column(weights, "happy"), 0.6, atol=RIPPLE)
    np.testing.assert_allclose(column(weights, "sad"), 0.3, atol=RIPPLE)
    np.testing.assert_allclose(weights.sum(axis=1), 0.9, atol=1e-3)


def test_ramp_is_followed_within_a_fade():
    keys = emotion_keys.keys_of(lambda s: {"angry": min(1.0, s / 4)}, 0.0, 4.0)
    weights = column(played(keys, 4.0), "angry")[25:-25]
    times = np.arange(25, 175) / RATE
    np.testing.assert_allclose(weights, times / 4, atol=0.02)


def test_course_of_a_cut_line_is_in_seconds_of_its_file():
    keys = emotion_keys.keys_of(lambda s: {"sad": 1.0 if s > 12 else 0.0}, 10.0, 4.0)
    weights = column(played(keys, 4.0, start_s=10.0), "sad")
    assert weights[50] == 0.0
    assert weights[-10] == pytest.approx(1.0)


def test_steady_weights_need_one_key_and_none_need_neutral():
    assert emotion_keys.keys_of(lambda _s: {"happy": 0.5}, 0.0, 60.0) == (
        protocol.EmotionKey(0.0, "happy", 0.5),
    )
    assert emotion_keys.keys_of(lambda _s: {}, 0.0, 60.0) == (
        protocol.EmotionKey(0.0, "neutral", 0.0),
    )


def test_sum_of_weights_is_held_to_the_highest_intensity():
    keys = emotion_keys.keys_of(lambda _s: {"happy": 1.5, "angry": 1.5}, 0.0, 1.0)
    assert {key.intensity for key in keys} == {choices.MAX_INTENSITY}


@pytest.mark.parametrize(
    "name,said",
    [
        ("happy", ("", "happy", 1.0)),
        ("Happy 0.7", ("", "happy", 0.7)),
        ("anger 70%", ("", "angry", 0.7)),
        ("Anna: sad 1.2", ("Anna", "sad", 1.2)),
        ("fearful_9", ("", "fearful", 1.5)),
        ("neutral", ("", "neutral", 0.0)),
        ("auto", ("", "auto", 1.0)),
    ],
)
def test_marker_that_names_an_emotion_is_read(name, said):
    assert emotion_keys.read_marker(name) == emotion_keys.Mark(*said)


@pytest.mark.parametrize("name", ["F_12", "camera 2", "", "Anna:", "happy days 3 x", "0.7"])
def test_other_markers_are_left_alone(name):
    assert emotion_keys.read_marker(name) is None


def test_band_shows_the_colours_in_their_order():
    keys = (
        protocol.EmotionKey(0.0, "happy", 1.0),
        protocol.EmotionKey(2.0, "sad", 1.0),
        protocol.EmotionKey(3.0, "neutral", 0.0),
    )
    band = emotion_keys.band(keys, 0.0, 4.0, 32)
    assert band.shape == (32, 3)
    np.testing.assert_allclose(band[0], emotion_keys.COLOURS["happy"], atol=1e-5)
    np.testing.assert_allclose(band[20], emotion_keys.COLOURS["sad"], atol=1e-2)
    np.testing.assert_allclose(band[-1], emotion_keys.COLOURS["neutral"], atol=1e-5)


def test_every_emotion_has_a_colour_of_its_own():
    names = (*choices.EMOTIONS, choices.AUTO_EMOTION)
    assert set(emotion_keys.COLOURS) == set(names)
    assert len(set(emotion_keys.COLOURS.values())) == len(names)
