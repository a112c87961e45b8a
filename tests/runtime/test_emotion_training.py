"""``train emotion`` on a generated miniature, and the shipped judge on real voices."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_runtime.audio.store import SpeechStore
from model_runtime.checkpoint.folder import CONFIG_NAME
from model_runtime.emotion.classifier import (
    default_emotion_model,
    load_emotion_model,
    shipped_emotion_model,
)
from model_runtime.emotion.detect import detect_emotion
from model_runtime.training.corpora.speech import EMOTION_NAMES, read_speech_corpus
from model_runtime.training.emotion.voice_data import said_emotions
from tests.fakes.sounds import RATE, write_wav

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib")

MOODS = {"neutral": (110.0, 2.0, 0.0), "anger": (190.0, 5.0, 0.4), "sadness": (130.0, 1.2, -0.4)}
"""Pitch in hertz, syllables a second, tilt of the spectrum."""
SHIPPED = default_emotion_model() / CONFIG_NAME
needs_weights = pytest.mark.skipif(not SHIPPED.is_file(), reason=f"no weights at {SHIPPED}")


def speak(mood: str, speaker: int, take: int) -> Any:
    """A second and a half of a voice in a mood; speakers differ in pitch, takes in detail."""
    hertz, rate, tilt = MOODS[mood]
    random = np.random.default_rng(100 * speaker + take)
    times = np.arange(round(1.5 * RATE)) / RATE
    pitch = (
        hertz * 1.15**speaker * (1 + 0.1 * np.sin(2 * np.pi * rate * times + random.uniform(0, 6)))
    )
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    buzz = sum(np.sin(k * phase) * k ** (tilt - 1) for k in range(1, 15))
    swell = 0.3 + np.maximum(0, np.sin(2 * np.pi * rate * times + random.uniform(0, 6)))
    return (0.05 * buzz * swell + 0.001 * random.standard_normal(len(times))).astype(np.float32)


def write_corpus(folder: Path, rows: list[tuple[str, int, int]], *, read: bool) -> None:
    lines = ["file\tspeaker\tlanguage\temotion\tduration_s\ttext"]
    for mood, speaker, take in rows:
        name = f"{mood}_{speaker}_{take}.wav"
        write_wav(folder / name, speak(mood, speaker, take))
        lines.append(f"{name}\tS{speaker}\ten\t{'neutral' if read else mood}\t1.5\tla")
    (folder / "metadata.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judge trained from the command line on two acted speakers and a read corpus."""
    from model_runtime.cli.main import main

    root = tmp_path_factory.mktemp("emotion")
    for name in ("acted", "read"):
        (root / "data" / "speech" / name).mkdir(parents=True)
    acted = [(mood, who, take) for mood in MOODS for who in (0, 1, 2) for take in range(3)]
    write_corpus(root / "data" / "speech" / "acted", acted, read=False)
    read = [("neutral", who, take) for who in (3, 4) for take in range(2)]
    write_corpus(root / "data" / "speech" / "read", read, read=True)
    (root / "run.toml").write_text('data = "data"\nwork = "work"\n', encoding="utf-8")
    words = ["train", "emotion", "--config", root / "run.toml", "--output", root / "judge"]
    assert main([str(word) for word in words]) == 0
    return root / "judge"


def test_training_tells_moods_apart_in_speakers_it_left_out(trained: Path) -> None:
    record = json.loads((trained / CONFIG_NAME).read_text(encoding="utf-8"))["training"]
    scores = record["left_out"]
    assert scores["accuracy"] > 0.8 > scores["most_common_share"] == pytest.approx(1 / 3)
    assert set(scores["recall"]) == {"neutral", "sad", "angry"}
    assert set(scores["speakers"]) == {"S0", "S1", "S2"}
    assert sum(sum(row.values()) for row in scores["confusion"].values()) == 27
    assert record["clips"] == {"acted": 27, "read": 4}


@pytest.mark.parametrize("mood, emotion", [("anger", "angry"), ("sadness", "sad")])
def test_a_trained_judge_names_the_mood_of_a_new_take(
    trained: Path, tmp_path: Path, mood: str, emotion: str
) -> None:
    sound = write_wav(tmp_path / "new.wav", speak(mood, 1, 77))
    with SpeechStore.open(sound) as store:
        heard = detect_emotion(store, load_emotion_model(trained))
    assert heard.emotion == emotion
    assert heard.intensity > 0
    assert {key.emotion for key in heard.keys} <= {emotion, "neutral"}


@needs_weights
def test_the_shipped_judge_gives_ordinary_keys_for_any_voice(
    tmp_path: Path, in_process: Callable[..., None], speech: Path, checkpoint: Path
) -> None:
    out = tmp_path / "out.npz"
    in_process(
        *("generate", speech, "-o", out, "--emotion", "auto", "--model", checkpoint),
        *("--engine", "numpy"),
    )
    request = json.loads(str(np.load(out)["request"]))
    assert request["emotion_keys"][0]["emotion"] == "auto"
    assert request["detected_emotion"]["title"]
    assert sum(request["detected_emotion"]["probabilities"].values()) == pytest.approx(1)
    assert all(0 <= key["intensity"] <= 1 for key in request["detected_emotion"]["keys"])


@needs_weights
@pytest.mark.data
def test_the_shipped_judge_hears_what_actors_meant(data_folder: Path) -> None:
    folder = data_folder / "speech" / "emodb"
    said = said_emotions(folder)
    clips = read_speech_corpus(folder)[::9]
    hits = [_heard(clip.path) == EMOTION_NAMES[said[clip.file]] for clip in clips]
    assert np.mean(hits) > 0.8  # it has heard these very clips


@needs_weights
@pytest.mark.data
def test_the_shipped_judge_hears_plain_reading_as_neutral(data_folder: Path) -> None:
    clips = read_speech_corpus(data_folder / "speech" / "librispeech_testother6")[::5]
    assert np.mean([_heard(clip.path) == "neutral" for clip in clips]) > 0.7


def _heard(path: Path) -> str:
    with SpeechStore.open(path) as store:
        return detect_emotion(store, shipped_emotion_model()).emotion
