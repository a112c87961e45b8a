"""Laws of emotions in a batch: who says what, and what the voice says where it is asked."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from model_runtime import generate as infer
from model_runtime.batch.clip import emotion_words
from model_runtime.batch.lines.keys import keys_text
from model_runtime.batch.lines.lock import STATE_FOLDER
from model_runtime.cli.main import main
from model_runtime.curves.formats.registry import read_curves
from model_runtime.emotion.detect import DetectedEmotion
from model_runtime.protocol import EmotionKey, Performance
from tests.conftest import ROOT
from tests.fakes.sounds import voice, write_wav

LINE = ROOT / "demo" / "speech" / "line.wav"


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """The demo's line, once plain and once with an emotion in its name, and a hum."""
    folder = tmp_path / "lines"
    folder.mkdir()
    shutil.copy(LINE, folder / "plain.wav")
    shutil.copy(LINE, folder / "named__sad.wav")
    write_wav(folder / "hum.wav", voice(0.5))
    return folder


def bake(
    source: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> dict[str, dict[str, Any]]:
    """Run the command; what it said of each line, with its row of the report, by name."""
    out = source.parent / "out"
    report = out / "report.csv"
    arguments = ["batch", str(source), "-o", str(out), "--report", str(report), "--json"]
    arguments += ["--model", str(checkpoint), "--engine", "numpy", "--fps", "24", "--jobs", "1"]
    assert main([*arguments, "--resume", *options]) == 0
    said = map(json.loads, capsys.readouterr().out.splitlines())
    found = {one["name"]: one for one in said if one["type"] == "line_ended"}
    with report.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found[row["audio"]]["row"] = row
    return found


def text_of(found: list[dict[str, Any]]) -> str:
    """Return the keys of an event as text."""
    return keys_text([EmotionKey(**key) for key in found])


def keys(out: Path) -> list[dict[str, Any]]:
    """Emotion keys that a file of curves was asked for."""
    found: list[dict[str, Any]] = read_curves(out).request["emotion_keys"]
    return found


def test_auto_is_told_line_by_line_and_only_where_it_was_asked_for(
    lines: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = bake(lines, checkpoint, capsys, "--emotion", "auto")
    plain = said["plain.wav"]
    assert (
        plain["detected_emotion"]
        == read_curves(lines.parent / "out" / "plain.npz").detected_title
        != ""
    )
    assert plain["row"]["detected"] == plain["detected_emotion"]
    assert plain["row"]["emotion"] == "auto 1"
    assert plain["emotion_keys"][0]["start_s"] == 0.0
    assert all(key["emotion"] != "auto" for key in plain["emotion_keys"])
    assert said["named__sad.wav"]["detected_emotion"] == ""
    assert said["named__sad.wav"]["emotion_keys"] == []
    page = (lines.parent / "out" / "report.html").read_text(encoding="utf-8")
    assert f"detected {plain['detected_emotion']}" in page


def test_what_was_heard_is_told_again_when_the_line_is_left_as_it_is(
    lines: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = bake(lines, checkpoint, capsys, "--emotion", "auto")["plain.wav"]
    again = bake(lines, checkpoint, capsys, "--emotion", "auto")["plain.wav"]
    assert (first["outcome"], again["outcome"]) == ("done", "skipped")
    assert {k: again[k] for k in ("detected_emotion", "emotion_keys")} == {
        k: first[k] for k in ("detected_emotion", "emotion_keys")
    }


@pytest.fixture
def anger(monkeypatch: pytest.MonkeyPatch) -> DetectedEmotion:
    """A judge that hears calm, then anger, in everything: synthetic voices are neutral."""
    moods = (EmotionKey(0.0, "neutral", 0.0), EmotionKey(0.4, "angry", 0.8))
    heard = DetectedEmotion(moods, "angry", 0.8, {"angry": 1.0})
    monkeypatch.setattr(infer, "detect_emotion", lambda *_a, **_k: heard)
    return heard


def test_a_column_leaves_one_line_to_the_voice_and_its_strength_scales_what_is_heard(
    lines: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str], anger: DetectedEmotion
) -> None:
    table = lines / "list.csv"
    table.write_text(
        "file,emotion,intensity,emotion_at,out\n"
        "plain.wav,auto,1,,whole\nplain.wav,auto,0.5,,half\nplain.wav,auto,0.5,1:happy:1,mixed\n"
        "hum.wav,,,,\n",
        encoding="utf-8",
    )
    out, report = lines.parent / "out", lines.parent / "out" / "report.csv"
    arguments = ["--model", str(checkpoint), "--engine", "numpy", "--fps", "24", "--json"]
    assert main(["batch", str(table), "-o", str(out), "--report", str(report), *arguments]) == 0
    said = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    told = {
        one["outputs"][0]: (one["detected_emotion"], text_of(one["emotion_keys"]))
        for one in said
        if one["type"] == "line_ended"
    }
    assert told == {
        "whole.npz": (anger.title(), "0:neutral:0 0.4:angry:0.8"),
        "half.npz": (anger.title(), "0:neutral:0 0.4:angry:0.4"),
        "mixed.npz": (anger.title(), "0:neutral:0 0.4:angry:0.4 1:happy:1"),
        "hum.npz": ("", ""),
    }


def test_another_judge_of_voices_makes_lines_anew_that_were_left_to_it(
    lines: Path,
    checkpoint: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from model_runtime.batch import line_work
    from model_runtime.emotion import classifier as emotion_model

    bake(lines, checkpoint, capsys, "--emotion", "auto")
    other = tmp_path / "judge"
    shutil.copytree(emotion_model.default_emotion_model(), other)
    config = other / "config.json"
    config.write_text(config.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    monkeypatch.setattr(line_work, "default_emotion_model", lambda: other)
    said = bake(lines, checkpoint, capsys, "--emotion", "auto")
    assert {name: one["outcome"] for name, one in said.items()} == {
        "plain.wav": "done",
        "hum.wav": "done",
        "named__sad.wav": "skipped",
    }


def test_an_emotion_is_as_strong_as_its_own_place_says(
    lines: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (lines / "hum.json").write_text('{"intensity": 0.2}', encoding="utf-8")
    bake(lines, checkpoint, capsys, "--emotion", "happy", "--intensity", "0.6")
    out = lines.parent / "out"
    assert keys(out / "plain.npz") == [{"start_s": 0.0, "emotion": "happy", "intensity": 0.6}]
    assert keys(out / "named__sad.npz") == [{"start_s": 0.0, "emotion": "sad", "intensity": 1.0}]
    assert keys(out / "hum.npz") == [{"start_s": 0.0, "emotion": "happy", "intensity": 0.2}]
    assert (out / STATE_FOLDER).is_dir()


def test_an_animated_emotion_is_told_in_a_few_words() -> None:
    def words(*keys: EmotionKey) -> str:
        return emotion_words(Performance(Path("line.wav"), emotion_keys=keys))

    assert words(EmotionKey(0, "sad", 0.5), EmotionKey(1, "happy", 1)) == "sad 0.5, happy 1"
    rising = [EmotionKey(i / 10, "happy", i / 20) for i in range(15)]
    assert words(*rising, EmotionKey(2, "angry", 0.3)) == "happy up to 0.7, angry up to 0.3"
    calm = [EmotionKey(i / 10, "happy", 0.0) for i in range(9)]
    assert words(*calm) == "neutral"
