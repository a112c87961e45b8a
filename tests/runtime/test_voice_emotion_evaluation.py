"""Laws of fitting the emotion classifier and of the table of detected emotions."""

from __future__ import annotations

import numpy as np
import pytest

from model_runtime.emotion.classifier import kernel, standardised
from model_runtime.emotion.voice_statistics import STATISTICS
from model_runtime.errors import BadArgument
from model_runtime.evaluation.scores import detected_emotion
from model_runtime.training.emotion.fit import cross_validate, fit, fitted_sharpness
from model_runtime.training.emotion.stage import left_out_scores
from model_runtime.training.emotion.voice_augment import VoiceTake, loud_spectrum, recorded_as
from model_runtime.training.emotion.voice_data import Voices

EMOTIONS = ("neutral", "happy", "sad")


def voices(*, speakers: int = 3, takes: int = 4) -> Voices:
    """Actors whose emotions differ in one statistic each, and two read corpora near neutral."""
    random = np.random.default_rng(2)
    rows, labels, emotions, who, corpora = [], [], [], [], []
    for speaker in range(speakers):
        for number, emotion in enumerate(EMOTIONS):
            for _take in range(takes):
                row = random.normal(size=STATISTICS)
                row[:40] += 6.0 * (number == 1)
                row[40:80] += 6.0 * (number == 2)
                rows.append(row)
                labels.append(emotion)
                emotions.append(emotion)
                who.append(f"actor{speaker}")
                corpora.append("acted")
    for corpus in ("books", "news"):
        for take in range(takes):
            rows.append(random.normal(size=STATISTICS))
            labels.append("read")
            emotions.append("neutral")
            who.append(f"{corpus}{take}")
            corpora.append(corpus)
    count = len(rows)
    return Voices(
        statistics=np.stack(rows),
        clip=np.arange(count),
        copy=np.zeros(count, bool),
        labels=tuple(labels),
        emotions=tuple(emotions),
        speakers=tuple(who),
        corpora=tuple(corpora),
    )


def test_the_fit_solves_weighted_kernel_ridge_regression():
    known = voices()
    model = fit(known, np.ones(len(known.clip), bool))
    standard = standardised(known.statistics, model.centre, model.spread)
    names = ["neutral", "read", "happy", "sad"]  # classes: by emotion, then by label
    label = np.array([names.index(name) for name in known.labels])
    weight = 1 / np.bincount(label)[label]
    weight /= weight.mean()
    matrix = kernel(standard, standard, 0.3) + np.diag(0.5 / weight)
    expected = np.linalg.solve(matrix, 2 * np.eye(4)[label] - 1 - model.bias)
    assert model.coefficients == pytest.approx(expected, abs=1e-6)
    assert model.classes == ("neutral", "neutral", "happy", "sad")


def test_every_clip_is_scored_without_its_speaker_or_corpus():
    known = voices()
    validation = cross_validate(known)
    assert validation.clips.tolist() == list(range(len(known.clip)))
    sharpness = fitted_sharpness(validation, known.emotions)
    scores = left_out_scores(known, validation, sharpness)
    assert scores["accuracy"] > 0.9
    assert set(scores["speakers"]) == {"actor0", "actor1", "actor2"}
    assert scores["false_alarms"] == {"books": 0.0, "news": 0.0}


def test_a_voice_takes_on_the_spectrum_of_another_microphone_and_keeps_its_level():
    random = np.random.default_rng(4)
    features = random.normal(size=(60, 80)).astype(np.float32)
    take = VoiceTake(features, np.zeros(9600, np.float32))
    tilt = np.linspace(-2, 2, 80).astype(np.float32)
    moved = recorded_as(take, loud_spectrum(take) + tilt + 5.0, np.random.default_rng(0))
    shift = moved.features - features
    assert np.ptp(shift, axis=0) == pytest.approx(np.zeros(80), abs=1e-5), "the same in every frame"
    assert shift.mean() == pytest.approx(0.0, abs=1e-4), "louder or softer is no microphone"
    slope = np.polyfit(np.arange(80), shift[0], 1)[0] / (4 / 79)
    assert 0.55 < slope < 1.1


def test_one_speaker_alone_cannot_be_left_out():
    with pytest.raises(BadArgument, match="one speaker"):
        cross_validate(
            Voices(
                statistics=np.zeros((2, STATISTICS)),
                clip=np.arange(2),
                copy=np.zeros(2, bool),
                labels=("happy", "sad"),
                emotions=("happy", "sad"),
                speakers=("one", "one"),
                corpora=("acted", "acted"),
            )
        )


def test_the_table_shows_each_way_to_train_and_the_confusions():
    known = voices()
    validation = cross_validate(known)
    scores = left_out_scores(known, validation, 4.0)
    evaluation = detected_emotion.VoiceEmotionEvaluation({"voice": scores}, {"news": 0.25})
    text = detected_emotion.as_text(evaluation)
    assert "acted clips named rightly" in text
    assert "false alarms, books left out" in text
    assert text.splitlines()[-1].split() == ["news", "0.250"]
