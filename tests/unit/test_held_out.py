"""Laws of the splits: one file decides who is trained on, and everything asks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_runtime.errors import BadArgument
from model_runtime.training.corpora.held_out import Splits, read_splits, splits_above
from model_runtime.training.corpora.speech import read_speech_corpus

TABLE = (
    "corpus\tspeaker\tsplit\n"
    "mini\tanna\tdev\n"
    "mini\tbert\ttest\n"
    "other\t*\tdev\n"
    "capture/grid_s31\t*\tdev\n"
    "capture/film_eval\t*\ttest\n"
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "splits.tsv").write_text(TABLE, encoding="utf-8")
    return tmp_path


def test_a_speaker_is_in_the_split_of_the_row_and_in_train_without_one(data: Path):
    splits = read_splits(data)
    assert splits.of("mini", "anna") == "dev"
    assert splits.of("mini", "bert") == "test"
    assert splits.of("mini", "carl") == "train"
    assert splits.of("other", "anybody") == "dev"
    assert splits.of("third", "anna") == "train"


def test_every_tenth_and_every_fourth_clip_of_a_trained_talker_is_for_development(data: Path):
    names = [f"{i:02}" for i in reversed(range(21))]
    splits = read_splits(data)

    def held(corpus: str, split: str) -> list[str]:
        return sorted(n for n, s in splits.of_films(corpus, names).items() if s == split)

    assert held("grid_s1", "dev") == ["00", "10", "20"]
    assert held("grid_s4", "dev") == ["00", "04", "08", "12", "16", "20"]
    assert held("grid_s31", "dev") == sorted(names)
    assert held("film_eval", "test") == sorted(names)
    assert held("film_pd", "train") == sorted(names)


def test_without_the_file_everything_is_for_training(tmp_path: Path):
    assert read_splits(tmp_path) == Splits()
    assert Splits().of("librispeech_testother6", "anybody") == "train"


@pytest.mark.parametrize("row", ["mini\tanna\tdevelopment\n", "mini\tanna\n", "a\tb\tdev\tx\n"])
def test_a_row_that_names_no_split_is_refused_with_the_columns_it_needs(tmp_path: Path, row: str):
    (tmp_path / "splits.tsv").write_text(f"corpus\tspeaker\tsplit\n{row}", encoding="utf-8")
    with pytest.raises(BadArgument, match="bad row") as refused:
        read_splits(tmp_path)
    assert "corpus, speaker and split" in refused.value.hint


def test_speech_that_is_read_carries_its_split(data: Path):
    folder = data / "speech" / "mini"
    folder.mkdir(parents=True)
    lines = ["file\tspeaker\tlanguage\temotion\tduration_s\ttext"]
    for speaker in ("anna", "bert", "carl"):
        (folder / f"{speaker}.wav").write_bytes(b"")
        lines.append(f"{speaker}.wav\t{speaker}\ten\tneutral\t1.0\tHELLO")
    (folder / "metadata.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    splits = {clip.speaker: clip.split for clip in read_speech_corpus(folder)}
    assert splits == {"anna": "dev", "bert": "test", "carl": "train"}
    assert splits_above(data / "mini").of("mini", "anna") == "dev"
