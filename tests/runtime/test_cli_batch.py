"""Laws of ``batch``: each line by itself, resumable, reported."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import pytest

from model_runtime.batch.lines.lock import STATE_FOLDER
from model_runtime.cli.main import main
from model_runtime.curves.formats.registry import read_curves
from tests.fakes.sounds import voice, wav_bytes, write_wav


@pytest.fixture
def options(checkpoint: Path) -> tuple[str, ...]:
    """The tiny model on numpy at a low frame rate."""
    return ("--model", str(checkpoint), "--engine", "numpy", "--fps", "24")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three sounds, one of them broken, and a text."""
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    write_wav(sounds / "one.wav", voice(0.5))
    write_wav(sounds / "zwei ü.WAV", voice(0.7, seed=2))
    (sounds / "broken.wav").write_text("no sound")
    (sounds / "notes.txt").write_text("not meant")
    return sounds


def rows(path: Path) -> list[dict[str, str]]:
    """Of a report, by name: the report itself begins with the worst."""
    with path.open(encoding="utf-8", newline="") as stream:
        return sorted(csv.DictReader(stream), key=lambda row: row["audio"])


def made(folder: Path) -> list[str]:
    """Names of the files, without the batch's own folder."""
    return sorted(path.name for path in folder.iterdir() if path.name != STATE_FOLDER)


def test_a_bad_file_does_not_stop_the_others(
    folder: Path, options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "out", tmp_path / "report.csv"
    status = main(["batch", str(folder), "-o", str(out), "--report", str(report), *options])
    assert status == 2
    assert made(out) == ["one.npz", "zwei ü.npz"]
    table = rows(report)
    assert [row["status"] for row in table] == ["failed", "done", "done"]
    assert "cannot be decoded" in table[0]["error"]
    assert [row["frames"] for row in table] == ["0", "12", "17"]
    assert "2 of 3 lines done, 1 failed" in capsys.readouterr().out


def test_missing_samples_are_a_note_of_the_line_in_the_report(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    (clips / "cut.wav").write_bytes(wav_bytes(voice(1))[:-8000])
    report = tmp_path / "report.csv"
    out = str(tmp_path / "out")
    assert main(["batch", str(clips), "-o", out, "--report", str(report), *options]) == 0
    [row] = rows(report)
    assert row["notes"].startswith("cut.wav: the last 0.25 s that its header states are missing")


def test_resume_makes_only_what_is_missing_or_asked_for_otherwise(
    folder: Path, options: tuple[str, ...], tmp_path: Path
) -> None:
    (folder / "broken.wav").unlink()
    out, report = tmp_path / "out", tmp_path / "report.csv"
    arguments = [
        "batch",
        str(folder),
        "-o",
        str(out),
        "--report",
        str(report),
        "--resume",
        *options,
    ]

    def statuses(*more: str) -> list[str]:
        assert main([*arguments, *more]) == 0
        return [row["status"] for row in rows(report)]

    assert statuses() == ["done", "done"]
    assert statuses() == ["skipped", "skipped"]
    (out / "one.npz").unlink()
    assert statuses() == ["done", "skipped"]
    (out / "one.npz").write_bytes(b"edited")
    assert statuses() == ["skipped", "skipped"]
    assert statuses("--emotion", "happy") == ["skipped", "done"]  # edited curves are kept
    assert (out / "one.npz").read_bytes() == b"edited"
    assert statuses("--overwrite") == ["done", "done"]
    assert statuses("--emotion", "happy") == ["done", "done"]
    later = (out / "one.npz").stat().st_mtime + 10
    os.utime(folder / "one.wav", (later, later))  # another time, the same sound
    assert statuses("--emotion", "happy") == ["skipped", "skipped"]
    write_wav(folder / "one.wav", voice(0.5, seed=9))
    assert statuses("--emotion", "happy") == ["done", "skipped"]


def test_a_list_says_how_each_line_is_acted(
    folder: Path, options: tuple[str, ...], tmp_path: Path
) -> None:
    table = tmp_path / "lines.csv"
    table.write_text(
        "Audio,emotion,intensity,output,seed,start_s,duration_s\n"
        "sounds/one.wav,angry,0.6,hello.json,9,,\n"
        "sounds/one.wav,,,,,0.1,0.25\n"
        "sounds/one.wav,sad,,,,,\n",
        encoding="utf-8",
    )
    out = tmp_path / "out"
    assert main(["batch", str(table), "-o", str(out), "--emotion", "happy", *options]) == 0
    assert made(out) == ["hello.json", "one-2.npz", "one.npz"]
    assert read_curves(out / "one.npz").frame_count == 6
    first, third = (read_curves(out / name).request for name in ("one.npz", "one-2.npz"))
    assert first["emotion_keys"][0]["emotion"] == "happy"
    assert third["emotion_keys"][0] == {"start_s": 0.0, "emotion": "sad", "intensity": 1.0}


@pytest.mark.parametrize("text", ["", "audio\n"])
def test_a_list_that_cannot_be_read_is_refused_before_any_work(
    text: str, options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "lines.csv"
    table.write_text(text, encoding="utf-8")
    assert main(["batch", str(table), "-o", str(tmp_path / "out"), *options]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_an_output_outside_of_the_folder_fails_its_line(
    options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "lines.csv"
    table.write_text("audio,output\none.wav,../evil.npz\n", encoding="utf-8")
    assert main(["batch", str(table), "-o", str(tmp_path / "out"), *options]) == 2
    assert "Line 1 has the output '../evil.npz'" in capsys.readouterr().out
    assert not (tmp_path / "evil.npz").exists()


def test_a_folder_without_sound_and_a_missing_one_are_refused(
    options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", tmp_path / "none", tmp_path / "none.csv"):
        assert main(["batch", str(source), "-o", str(tmp_path / "out"), *options]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_sounds_of_one_name_get_files_of_their_own(
    folder: Path, options: tuple[str, ...], tmp_path: Path
) -> None:
    (folder / "broken.wav").unlink()
    shutil.copy(folder / "one.wav", folder / "one.aif")  # a WAV whatever its ending says
    out = tmp_path / "out"
    assert main(["batch", str(folder), "-o", str(out), "--format", "csv", *options]) == 0
    assert made(out) == ["one-2.csv", "one.csv", "zwei ü.csv"]


@pytest.mark.parametrize("to_list", [["--report", "lines.csv"], ["-o", "."]])
def test_the_list_itself_is_never_written_over(
    to_list: list[str],
    folder: Path,
    options: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "audio,output\nsounds/one.wav,lines.csv\n"
    Path("lines.csv").write_text(text, encoding="utf-8")
    assert main(["batch", "lines.csv", "-o", "out", *options, *to_list]) == 2
    assert Path("lines.csv").read_text(encoding="utf-8") == text
