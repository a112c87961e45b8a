"""Laws of evaluating on a split: which clips are read, and what is kept of a run on test."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from model_runtime.errors import BadArgument
from model_runtime.evaluation import report, report_json, selection, suite
from model_runtime.evaluation.cli import main as evaluate
from model_runtime.evaluation.data import clips, sounds
from model_runtime.evaluation.data.telephone import through_telephone
from model_runtime.evaluation.metrics.measures import MEASURE_BY_KEY, Figure
from model_runtime.evaluation.metrics.phone_classes import CLASSES
from model_runtime.training.corpora.speech import SpeechClip
from tests.fakes.sounds import voice, write_wav

TALKERS = {"ls32_F": "dev", "ls669_F": "dev", "ls2136_M": "test", "ls1_F": "train"}


def write_corpus(data: Path, *, clips_each: int) -> None:
    """librispeech_mini in small: speakers of each split."""
    folder = data / "speech" / "librispeech_mini"
    folder.mkdir(parents=True)
    lines = ["file\tspeaker\tlanguage\temotion\tduration_s\ttext"]
    for speaker in TALKERS:
        for number in range(clips_each):
            name = f"{speaker}-{number}.wav"
            write_wav(folder / name, voice(0.1))
            lines.append(f"{name}\t{speaker}\ten\tneutral\t0.1\tHELLO")
    (folder / "metadata.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = [
        f"librispeech_mini\t{who}\t{split}" for who, split in TALKERS.items() if split != "train"
    ]
    table = "\n".join(["corpus\tspeaker\tsplit", *rows])
    (data / "splits.tsv").write_text(table + "\n", encoding="utf-8")


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips are listed without being aligned."""

    def unaligned(chosen: list[SpeechClip], _cache: Path) -> clips.ClipSet:
        return clips.ClipSet(tuple(chosen))  # type: ignore[arg-type]

    monkeypatch.setattr(clips, "_aligned", unaligned)


@pytest.mark.usefixtures("listed")
def test_a_split_holds_its_own_speakers_fifteen_clips_of_each(tmp_path: Path):
    write_corpus(tmp_path, clips_each=40)

    def counts(split: str) -> dict[str, int]:
        found = clips.english_clips(tmp_path, tmp_path, split=split).clips
        return dict(Counter(clip.speaker for clip in found))

    assert counts("dev") == {"ls32_F": 15, "ls669_F": 15}
    assert counts("test") == {"ls2136_M": 15}


@pytest.mark.usefixtures("listed")
def test_only_trained_speakers_teach_the_classifier_of_the_table(tmp_path: Path):
    write_corpus(tmp_path, clips_each=8)
    found = clips.other_english_clips(tmp_path, tmp_path, count=4).clips
    assert {clip.speaker for clip in found} == {"ls1_F"}
    assert len(found) == 4


def test_a_corpus_that_is_not_there_is_named(tmp_path: Path):
    found = clips.english_clips(tmp_path, tmp_path)
    assert "librispeech_mini: not there" in found.left_out


@pytest.mark.parametrize(
    "corpus, speaker, group",
    [
        ("speechocean762", "soc3636_M9", "accents, children"),
        ("speechocean762", "soc0001_F15", "accents, children"),
        ("speechocean762", "soc0001_F16", "accents, adults"),
        ("librispeech_mini", "ls32_F", "read English"),
        ("kathleen", "kathleen_F50", "read English"),
    ],
)
def test_speakers_up_to_fifteen_years_of_age_are_children(corpus: str, speaker: str, group: str):
    assert clips.group_of(corpus, speaker) == group


def test_the_mouth_is_tried_on_eight_kinds_of_sound_at_least(tmp_path: Path):
    written = sounds.write_sounds(tmp_path)
    assert len(written) >= 8
    assert {"kitchen", "traffic", "typing", "breath", "near silence"} <= {p.stem for p in written}
    assert {path.stat().st_size for path in written} == {44 + 2 * 6 * 16_000}


def test_a_telephone_takes_what_lies_outside_its_band():
    times = np.arange(16_000) / 16_000
    for pitch, kept in ((100.0, False), (1000.0, True), (5000.0, False)):
        tone = 0.3 * np.sin(2 * np.pi * pitch * times)
        level = through_telephone(tone).std() / tone.std()
        assert bool(level > 0.9) is kept


def test_a_run_on_test_is_recorded_in_one_line_each(tmp_path: Path):
    column = suite.Column("model", {"closure": Figure(0.95, count=7), "auc": Figure(math.nan)}, 3)
    evaluation = suite.Evaluation((column,), (), clips=3, quick=False, split="test")
    record = tmp_path / "evaluations.jsonl"
    for digest in ("aa", "bb"):
        report_json.append_record(column, evaluation, digest=digest, record=record)
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert [line["checkpoint"] for line in lines] == ["aa", "bb"]
    assert lines[0]["figures"]["closure"] == [0.95, None, None, 7]
    assert lines[0]["figures"]["auc"][0] is None
    assert (lines[0]["split"], lines[0]["clips"], lines[0]["model"]) == ("test", 3, "model")
    assert lines[0]["date"].startswith("20")
    assert lines[0]["commit"]


@pytest.mark.parametrize("flag", ["--quick", "--references-only"])
def test_the_test_split_is_not_looked_at_in_part(flag: str, checkpoint: Path):
    with pytest.raises(BadArgument, match="all clips"):
        evaluate(["--model", str(checkpoint), "--split", "test", flag])


def test_the_score_is_one_where_every_bar_is_met_and_falls_with_the_weightiest_first():
    met = {
        key: Figure(bar.low if bar.low is not None else bar.high or 0.0)
        for key in selection.WEIGHTS
        if (bar := MEASURE_BY_KEY[key].bar("dev")) is not None
    }
    assert set(met) == set(selection.WEIGHTS), "every weighted measure has a bar"
    assert selection.score_of(met) == pytest.approx(1.0)
    worse = {**met, "readability": Figure(0.4), "doubt_roll": Figure(1.0)}
    assert selection.score_of(worse) < 1.0
    assert selection.Selection(0.0, worse).missed() == ["readability", "doubt_roll"]
    assert selection.score_of({}) == 0.0


def test_groups_and_phone_classes_have_tables_of_their_own():
    figures = {
        key: Figure(0.5)
        for key in (
            *("closure", "unrounded", "r_narrow", "protrusion"),
            *("labiodental", "rolled", "tongue", "readability"),
        )
    }
    means = {row.key: (0.9, 0.1, 0.2, 0.3, 0.4, 0.5) for row in CLASSES}
    column = suite.Column(
        "model", {}, by_group={"read English": figures}, classes={"neutral": means}
    )
    text = report.as_text(suite.Evaluation((column,), (), clips=1, quick=False))
    assert "Lips by group: model" in text
    row = next(line for line in text.splitlines() if line.startswith("uw ow w uh"))
    assert "  0.84 0.96 | 0.90  " in row, "Audio2Face, a person, the model"
