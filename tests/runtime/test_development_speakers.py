"""The speakers who check what was chosen with the main table's clips in view."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from model_runtime.evaluation import report, suite
from model_runtime.evaluation.data import clips
from model_runtime.evaluation.metrics.speech import LipCurves
from model_runtime.evaluation.scores.speech import score_speech
from model_runtime.training.alignment.forced import PhoneTime
from tests.fakes.sounds import voice, write_wav

FPS = 100.0
DEVELOPMENT = ("ls32_F", "ls669_F", "ls7312_M")


def write_corpus(data: Path, *, clips_each: int) -> None:
    """librispeech_mini in small: the development speakers and one who is trained on."""
    folder = data / "speech" / clips.MINI
    folder.mkdir(parents=True)
    lines = ["file\tspeaker\tlanguage\temotion\tduration_s\ttext"]
    for speaker in (*DEVELOPMENT, "ls1_F"):
        for number in range(clips_each):
            name = f"{speaker}-{number}.wav"
            write_wav(folder / name, voice(0.1))
            lines.append(f"{name}\t{speaker}\ten\tneutral\t0.1\tHELLO")
    rows = [f"librispeech_mini\t{speaker}\tdev" for speaker in DEVELOPMENT]
    table = "\n".join(["corpus\tspeaker\tsplit", *rows])
    (data / "splits.tsv").write_text(table + "\n", encoding="utf-8")
    (folder / "metadata.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_development_clips_are_of_the_speakers_kept_from_training_as_many_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_corpus(tmp_path, clips_each=40)
    monkeypatch.setattr(clips, "_aligned", lambda listed: clips.ClipSet(tuple(listed)))
    chosen = clips.development_clips(tmp_path).clips
    counts = Counter(clip.speaker for clip in chosen)
    assert counts == dict.fromkeys(DEVELOPMENT, 15)


def test_without_the_corpus_the_report_says_that_they_were_left_out(tmp_path: Path):
    found = clips.development_clips(tmp_path)
    assert not found.clips
    assert "development speakers left out" in found.left_out[0]


def test_development_speakers_have_a_table_of_their_own():
    phones = [("m", 0.0, 0.2), ("aa", 0.2, 0.6), ("b", 0.6, 1.0)]
    clip = clips.SpokenClip(
        name="a",
        path=Path("a.wav"),
        speaker="someone",
        language="en",
        phones=tuple(PhoneTime(p, start, end, "", 0.0) for p, start, end in phones),
    )
    gap = np.concatenate([np.zeros(20), np.ones(40), np.zeros(40)])
    scores = {"someone": score_speech([(clip, LipCurves(FPS, gap, 1 + gap, gap, gap))])}
    column = suite.Column("model", {}, development=scores)
    evaluation = suite.Evaluation((column,), (), clips=1, quick=False)
    text = report.as_text(evaluation)
    title = "By development speaker (not trained on, in no row above): model"
    assert "someone" in text[text.index(title) :]
    kept_back = json.loads(report.as_json(evaluation))["columns"][0]["development"]
    assert kept_back["someone"]["closure"] == 1.0
