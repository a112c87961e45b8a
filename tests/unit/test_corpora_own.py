"""Our own data as clips: ``metadata.tsv`` speech and fitted captures; and the real folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from model_runtime.curves.rig import load_rig
from model_runtime.training.corpora.clip import CorpusReading
from model_runtime.training.corpora.reading import read_corpus
from tests.fakes.corpora import write_npz, write_text, write_wav

NAMES = load_rig("arkit52").channel_names
HEADER = "file\tspeaker\tlanguage\temotion\tduration_s\ttext"


def reasons(found: CorpusReading) -> dict[str, str]:
    return {skip.file.name: skip.reason for skip in found.skipped}


def test_speech_rows_become_clips_without_a_face(tmp_path: Path) -> None:
    folder = tmp_path / "emodb"
    rows = [
        "a.wav\tm31\tde\thappiness\t1.9\tDer Lappen liegt.",
        'b.wav\tm32\tde\tneutral\t1.9\tder  lappen "liegt.',
        "c.wav\tm32\tde\tneutral\t1.9\tIst nicht da.",
        "a.wav\tm31\tde\tpuzzlement\t1.9\tUnd dann?",
        "d.wav\tm33",
    ]
    write_text(folder / "metadata.tsv", "\n".join([HEADER, *rows]) + "\n")
    write_text(folder / "SOURCE.txt", "Corpus: mini\nLicence: CC0 1.0\n")
    write_wav(folder / "a.wav")
    write_wav(folder / "b.wav")
    found = read_corpus("speech", tmp_path)
    clips = {clip.clip_id: clip for clip in found.clips}
    assert set(clips) == {"emodb/a.wav", "emodb/b.wav"}
    clip = clips["emodb/a.wav"]
    assert (clip.emotion, clip.intensity, clip.speaker, clip.rig) == ("happy", 1.0, "m31", "")
    assert (clip.sentence, clip.text) == ("der lappen liegt.", "Der Lappen liegt.")
    assert clip.licence == "CC0 1.0"
    said = reasons(found)
    assert "line 4" in said["c.wav"]
    assert "puzzlement" in said["a.wav"]
    assert "Line 6" in said["metadata.tsv"]


def test_speech_kept_for_evaluation_is_never_trained_on(tmp_path: Path) -> None:
    folder = tmp_path / "librispeech_testother6"
    table = "corpus\tspeaker\tsplit\nlibrispeech_testother6\t*\tdev\n"
    write_text(tmp_path / "splits.tsv", table)
    rows = [f"{i}.wav\ts{i}\ten\tneutral\t1\tText {i}" for i in range(6)]
    write_text(folder / "metadata.tsv", "\n".join([HEADER, *rows]))
    for i in range(6):
        write_wav(folder / f"{i}.wav")
    found = read_corpus("speech", tmp_path)
    assert len(found.clips) == 6
    assert {clip.split for clip in found.clips} <= {"test", "unused"}


def test_a_table_without_its_columns_is_skipped(tmp_path: Path) -> None:
    write_text(tmp_path / "metadata.tsv", "file\ttext\na.wav\thello\n")
    found = read_corpus("speech", tmp_path)
    assert "speaker" in found.skipped[0].reason


def write_captures(folder: Path, **changes: object) -> None:
    observed = np.array([name.startswith(("jaw", "mouth")) for name in NAMES])
    curves = np.random.default_rng(3).uniform(size=(25, 52)).astype(np.float16)
    write_npz(folder / "grid_s1.npz", channels=np.array(NAMES), observed=observed,
              fps=np.array([25.0]), lag_s=np.array([0.04]), curves_bbaf2n=curves)  # fmt: skip
    clip = {
        "clip": "bbaf2n", "audio": "capture/grid_s1/audio/bbaf2n.opus", "speaker": "grid_s1",
        "emotion": "neutral", "duration_s": 0.5, "frames": 25, "held_out": True,
        "words": [[0.0, 0.2, "bin"], [0.2, 0.4, "blue"]],
    }  # fmt: skip
    corpora = {"grid_s1": {"file": "grid_s1.npz", "clips": [clip, {**clip, "clip": "lost"}]}}
    index = {"format": 1, "rig": "arkit52", "corpora": corpora, **changes}
    write_text(folder / "index.json", json.dumps(index))


def test_captures_give_only_the_channels_they_tell_about(tmp_path: Path) -> None:
    write_captures(tmp_path)
    found = read_corpus("captures", tmp_path)
    (clip,) = found.clips
    assert all(name.startswith(("jaw", "mouth")) for name in clip.channels)
    assert (clip.clip_id, clip.fps, clip.frames) == ("grid_s1/bbaf2n", 50.0, 25)
    assert (clip.emotion, clip.sentence) == ("neutral", "bin blue")
    assert clip.split in ("test", "unused")
    assert "Lacks curves_lost" in found.skipped[0].reason


@pytest.mark.parametrize("changes", [{"rig": "nobody"}, {"corpora": 3}, {"corpora": {"a": {}}}])
def test_a_broken_index_of_captures_is_skipped(tmp_path: Path, changes: dict[str, object]) -> None:
    write_captures(tmp_path, **changes)
    found = read_corpus("captures", tmp_path)
    assert found.clips == ()
    assert found.skipped[0].file.name == "index.json"


@pytest.mark.data
def test_real_live_link_takes_are_read(data_folder: Path) -> None:
    found = read_corpus("livelink", data_folder / "capture" / "livelink_rom")
    assert len(found.clips) == 3
    assert found.skipped == ()
    assert all(len(clip.channels) == 61 and clip.duration_s > 5 for clip in found.clips)
    assert {clip.licence for clip in found.clips} == {"MIT License"}


@pytest.mark.data
def test_real_speech_has_a_file_for_every_row(data_folder: Path) -> None:
    found = read_corpus("speech", data_folder / "speech" / "emodb")
    assert found.skipped == ()
    assert len({clip.emotion for clip in found.clips}) == 6
    assert found.clips[0].licence.startswith("CC0")
