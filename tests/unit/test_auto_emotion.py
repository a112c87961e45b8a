"""Laws of emotion detection: pitch, voice statistics, the classifier, and the resulting keys."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_runtime.audio.features import log_mel
from model_runtime.choices import EMOTIONS
from model_runtime.config import FeatureConfig
from model_runtime.emotion.classifier import EmotionModel, load_emotion_model, save_emotion_model
from model_runtime.emotion.detect import (
    DetectedEmotion,
    classify_voice,
    resolve_auto,
    uses_auto,
    window_starts,
)
from model_runtime.emotion.keys import checked_keys, emotion_weights
from model_runtime.emotion.pitch import pitch_track
from model_runtime.emotion.timeline import intensity_for, likeliest_path
from model_runtime.emotion.voice_frames import VoiceFrames, joined, voice_frames
from model_runtime.emotion.voice_statistics import PITCH_AND_LOUDNESS, STATISTICS, statistics
from model_runtime.errors import BadWeights
from model_runtime.protocol import EmotionKey
from tests.fakes.sounds import RATE, voice

CLASSES = ("neutral", "happy", "angry", "neutral")


def buzz(hertz: float, seconds: float = 1.0) -> Any:
    """A steady voice with many harmonics."""
    times = np.arange(round(seconds * RATE)) / RATE
    waves = sum(np.sin(2 * np.pi * k * hertz * times) / k for k in range(1, 15))
    return (0.1 * np.asarray(waves)).astype(np.float32)


def described(samples: Any) -> VoiceFrames:
    return voice_frames(log_mel(samples, FeatureConfig()), samples)


def model_that_says(**classes: float) -> EmotionModel:
    """A classifier with constant scores; ``neutral`` goes to both neutral classes."""
    bias = np.array([classes.get(name, -1.0) for name in CLASSES])
    return EmotionModel(
        CLASSES,
        0.3,
        4.0,
        np.zeros(STATISTICS),
        np.ones(STATISTICS),
        np.zeros((1, STATISTICS)),
        np.zeros((1, len(CLASSES))),
        bias,
    )


@pytest.mark.parametrize("hertz", [75.0, 110.0, 220.0, 440.0])
def test_pitch_of_a_steady_voice_is_its_own(hertz: float) -> None:
    semitones, strength = pitch_track(buzz(hertz), 50)
    inside = slice(5, 45)
    expected = 12 * np.log2(hertz / 100)
    np.testing.assert_allclose(semitones[inside], expected, atol=0.3)
    assert strength[inside].min() > 0.9


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert np.median(pitch_track(noise, 50)[1]) < 0.5
    assert pitch_track(np.zeros(RATE, np.float32), 50)[1].max() == 0


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(RATE, np.float32),
        np.zeros(320, np.float32),
        np.full(RATE, 0.5, np.float32),
        np.eye(1, RATE, 5000, dtype=np.float32)[0],
        np.random.default_rng(0).normal(0, 0.3, 3 * RATE).astype(np.float32),
        voice(0.1),
        voice(9),
    ],
    ids=["silence", "one frame", "constant", "click", "noise", "a tenth", "long"],
)
def test_every_sound_has_finite_statistics(samples: Any) -> None:
    described_as = statistics(described(samples))
    assert described_as.shape == (STATISTICS,)
    assert np.isfinite(described_as).all()


def test_pitch_and_loudness_stand_where_they_are_said_to() -> None:
    here = described(voice(3))
    brighter = dataclasses.replace(
        here,
        cepstrum=here.cepstrum + 0.3,
        bands=(here.bands + np.arange(10)).astype(np.float32),
    )
    changed = statistics(here) != statistics(brighter)
    assert changed.any()
    assert not changed[PITCH_AND_LOUDNESS].any()
    higher = dataclasses.replace(here, pitch=here.pitch + 5)
    assert (statistics(here) != statistics(higher))[PITCH_AND_LOUDNESS].any()


def test_windows_are_whole_cover_the_sound_and_lie_within_it() -> None:
    for frames in (1, 10, 149, 150, 151, 700):
        starts = window_starts(frames)
        size = min(150, frames)
        assert starts == sorted(starts)
        assert starts[0] == 0
        assert starts[-1] + size == frames
        assert max(np.diff(starts), default=0) <= 25


def test_a_sound_described_in_pieces_is_the_sound() -> None:
    here = described(voice(3))
    pieces = joined([here.part(0, 40), here.part(40, len(here))])
    np.testing.assert_array_equal(statistics(pieces), statistics(here))


def test_probabilities_are_shares_and_classes_of_one_emotion_add_up() -> None:
    model = model_that_says(neutral=0.5, happy=0.4, angry=-1)
    (row,) = model.probabilities(np.zeros((1, STATISTICS)))
    assert model.emotions == ("neutral", "happy", "angry")
    assert row.sum() == pytest.approx(1)
    one = np.exp(4 * np.array([0.5, 0.4, -1, 0.5]))
    assert row[0] == pytest.approx((one[0] + one[3]) / one.sum())


def test_a_model_survives_its_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    model = EmotionModel(
        CLASSES, 0.3, 3.0, rng.normal(size=STATISTICS), rng.uniform(0.5, 2, STATISTICS),
        rng.normal(size=(7, STATISTICS)), rng.normal(size=(7, 4)), rng.normal(size=4),
    )  # fmt: skip
    save_emotion_model(tmp_path / "judge", model, {})
    again = load_emotion_model(tmp_path / "judge")
    rows = rng.normal(size=(5, STATISTICS))
    assert again.classes == CLASSES
    np.testing.assert_allclose(again.probabilities(rows), model.probabilities(rows), atol=0.01)


def test_a_model_for_other_statistics_is_refused(tmp_path: Path) -> None:
    short = dataclasses.replace(
        model_that_says(happy=1), centre=np.zeros(9), spread=np.ones(9), support=np.zeros((1, 9))
    )
    save_emotion_model(tmp_path / "short", short, {})
    with pytest.raises(BadWeights, match="centre") as caught:
        load_emotion_model(tmp_path / "short")
    assert caught.value.hint
    with pytest.raises(BadWeights):
        load_emotion_model(tmp_path / "none")


def test_a_short_doubt_changes_nothing_and_a_long_change_does() -> None:
    sure, other = [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]
    doubtful = np.array([sure] * 10 + [other] * 2 + [sure] * 10)
    changing = np.array([sure] * 12 + [other] * 12)
    assert set(likeliest_path(doubtful)) == {1}
    assert likeliest_path(changing) == [1] * 12 + [2] * 12


def test_intensity_rises_with_certainty_within_its_range() -> None:
    values = [intensity_for(p) for p in np.linspace(0, 1, 101)]
    assert values == sorted(values)
    assert (values[0], values[-1]) == (0.3, 1.0)


def test_silence_is_neutral_before_between_and_after_speech() -> None:
    quiet, speech = np.zeros(2 * RATE, np.float32), buzz(120, 3)
    sound = np.concatenate([quiet, speech, quiet, speech, quiet])
    heard = classify_voice(described(sound), model_that_says(happy=1))
    weights = emotion_weights(
        heard.keys, emotions=EMOTIONS, frame_rate=50, first_frame=0, frames=600
    )
    happy = weights[:, EMOTIONS.index("happy")]
    assert happy[105:245].min() == happy[355:495].min() == heard.intensity > 0.5
    assert max(happy[:70].max(), happy[280:320].max(), happy[530:].max()) == 0
    assert heard.emotion == "happy"


def test_no_speech_is_surely_neutral() -> None:
    noise = np.zeros(3 * RATE, np.float32)
    heard = classify_voice(described(noise), model_that_says(happy=1))
    assert (heard.emotion, heard.intensity) == ("neutral", 0.0)
    assert heard.title() == "neutral"
    assert all(key.emotion == "neutral" for key in heard.keys)


def test_detected_keys_are_in_seconds_of_the_file() -> None:
    here = described(voice(4))
    now, late = (classify_voice(here, model_that_says(angry=1), start_s=s) for s in (0.0, 7.5))
    assert [k.start_s + 7.5 for k in now.keys] == pytest.approx([k.start_s for k in late.keys])


HEARD = DetectedEmotion(
    (EmotionKey(0, "happy", 0.8), EmotionKey(4, "sad", 0.6), EmotionKey(9, "neutral", 0)),
    "happy",
    0.8,
    {"neutral": 0.1, "happy": 0.7, "sad": 0.2},
)


def test_auto_is_replaced_by_the_detected_keys_until_the_next_key() -> None:
    keys = (EmotionKey(0, "auto", 0.5), EmotionKey(5, "angry", 1), EmotionKey(6, "auto", 1))
    assert uses_auto(keys)
    assert resolve_auto(keys, HEARD) == (
        EmotionKey(0, "happy", 0.4),
        EmotionKey(4, "sad", 0.3),
        EmotionKey(5, "angry", 1),
        EmotionKey(6, "sad", 0.6),
        EmotionKey(9, "neutral", 0),
    )


def test_keys_without_auto_stay_as_they_are() -> None:
    keys = (EmotionKey(0, "happy", 1), EmotionKey(2, "neutral", 0))
    assert not uses_auto(keys)
    assert resolve_auto(keys, HEARD) == keys


def test_auto_at_intensity_0_is_neutral_and_intensity_scales() -> None:
    def weights(intensity: float) -> Any:
        keys = checked_keys(resolve_auto([EmotionKey(0, "auto", intensity)], HEARD), EMOTIONS)
        return emotion_weights(keys, emotions=EMOTIONS, frame_rate=50, first_frame=0, frames=600)

    assert not weights(0).any()
    np.testing.assert_allclose(weights(0.5) * 2, weights(1.0), atol=1e-6)


def test_an_emotion_the_face_cannot_act_becomes_neutral() -> None:
    keys = resolve_auto([EmotionKey(0, "auto", 1)], HEARD, ("neutral", "happy"))
    assert [key.emotion for key in keys] == ["happy", "neutral", "neutral"]
    assert keys[1].intensity == 0


def test_the_title_lists_changes_only_if_there_are_any() -> None:
    assert HEARD.title() == "happy 0.8 at 0.0 s, sad 0.6 at 4.0 s"
    steady = DetectedEmotion(HEARD.keys[:1], "happy", 0.8, {})
    assert steady.title() == "happy 0.8"


def test_an_unlikely_emotion_is_not_believed_and_the_title_says_so() -> None:
    doubtful = classify_voice(
        described(voice(4)), model_that_says(happy=0.02, angry=0, neutral=-0.2)
    )
    assert not doubtful.is_sure
    assert [(key.emotion, key.intensity) for key in doubtful.keys] == [("neutral", 0.0)]
    assert doubtful.title().startswith("unsure, so neutral is used (nearest: ")
    clear = classify_voice(described(voice(4)), model_that_says(happy=1.0))
    assert clear.is_sure
    assert clear.emotion == "happy"


def test_valence_and_arousal_are_the_regression_onto_the_coordinates() -> None:
    model = model_that_says(happy=1.0)  # one class surely, the others surely not
    np.testing.assert_allclose(model.dimensions(np.zeros((2, STATISTICS))), [[0.8, 0.5]] * 2)
    angry = classify_voice(described(voice(4)), model_that_says(angry=1.0))
    assert (angry.valence, angry.arousal) == (-0.5, 0.6)


def test_a_detection_of_version_0_1_is_read_without_what_it_lacks() -> None:
    data = {"keys": [], "emotion": "happy", "intensity": 1.0, "probabilities": {"happy": 1.0}}
    found = DetectedEmotion.from_json(data)
    assert (found.valence, found.arousal, found.is_sure) == (0.0, 0.0, True)
    assert DetectedEmotion.from_json(found.as_json()) == found
