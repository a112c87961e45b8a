"""Laws of emotion keys and their cross-fades."""

from __future__ import annotations

import numpy as np
import pytest

from model_runtime.choices import EMOTIONS
from model_runtime.emotion.keys import checked_keys, emotion_weights
from model_runtime.errors import BadArgument
from model_runtime.protocol import EmotionKey

HAPPY, SAD = EMOTIONS.index("happy"), EMOTIONS.index("sad")


def weights(
    *keys: EmotionKey, first: int = 0, frames: int = 500, start_s: float = 0.0
) -> np.ndarray:
    return emotion_weights(
        checked_keys(keys, EMOTIONS),
        emotions=EMOTIONS,
        frame_rate=50.0,
        first_frame=first,
        frames=frames,
        sound_start_s=start_s,
    )


def test_no_key_neutral_and_intensity_zero_are_all_nothing() -> None:
    assert not weights().any()
    assert not weights(EmotionKey(0, "neutral", 1.5)).any()
    assert not weights(EmotionKey(0, "angry", 0)).any()


def test_a_key_at_the_start_holds_from_the_first_frame() -> None:
    out = weights(EmotionKey(0, "happy", 0.8))
    np.testing.assert_allclose(out[:, HAPPY], 0.8, rtol=1e-6)
    assert out.sum() == pytest.approx(0.8 * 500, rel=1e-5)


def test_a_change_fades_around_its_time_without_a_jump() -> None:
    out = weights(EmotionKey(0, "happy", 1), EmotionKey(4, "sad", 1))
    assert out[200, HAPPY] == pytest.approx(0.5)
    assert out[200, SAD] == pytest.approx(0.5)
    assert out[187, HAPPY] == pytest.approx(1, abs=0.01)
    assert out[213, SAD] == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(out.sum(axis=1), 1, rtol=1e-5)
    assert np.abs(np.diff(out, axis=0)).max() < 0.07
    assert np.abs(np.diff(out, n=2, axis=0)).max() < 0.02


def test_keys_closer_than_a_fade_still_mix_within_their_intensities() -> None:
    keys = [EmotionKey(2 + 0.1 * i, name, 1) for i, name in enumerate(EMOTIONS[1:])]
    out = weights(*keys)
    assert out.min() >= 0
    assert out.sum(axis=1).max() <= 1 + 1e-5
    assert np.abs(np.diff(out, axis=0)).max() < 0.1


def test_any_range_equals_the_whole() -> None:
    keys = (EmotionKey(1, "happy", 1.2), EmotionKey(4, "sad", 0.3))
    np.testing.assert_array_equal(weights(*keys)[123:323], weights(*keys, first=123, frames=200))


def test_keys_are_in_seconds_of_the_file() -> None:
    keys = (EmotionKey(0, "happy", 1), EmotionKey(6, "sad", 1))
    whole, late = weights(*keys), weights(*keys, frames=300, start_s=4.0)
    np.testing.assert_allclose(late, whole[200:], atol=1e-6)


def test_times_far_outside_the_file_give_no_warning() -> None:
    with np.errstate(all="raise"):
        out = weights(EmotionKey(-1e308, "happy", 1), EmotionKey(1e308, "sad", 1))
    np.testing.assert_allclose(out[:, HAPPY], 1, rtol=1e-6)
    assert not out[:, SAD].any()


def test_order_does_not_matter() -> None:
    keys = (EmotionKey(0, "happy", 1), EmotionKey(3, "sad", 1))
    np.testing.assert_array_equal(weights(*keys), weights(*keys[::-1]))


@pytest.mark.parametrize(
    "key",
    [EmotionKey(0, "hapy", 1), EmotionKey(0, "AUTO", 1), EmotionKey(0, "Happy", 1)]
    + [EmotionKey(0, "happy", value) for value in (-0.1, 1.51, float("nan"), float("inf"))]
    + [EmotionKey(float("nan"), "happy", 1)],
)
def test_what_the_model_cannot_act_is_refused_with_a_hint(key: EmotionKey) -> None:
    with pytest.raises(BadArgument) as caught:
        checked_keys([key], EMOTIONS)
    assert caught.value.hint
