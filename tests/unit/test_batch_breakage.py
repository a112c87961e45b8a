"""Laws of a batch under wrong lists, names and files: one bad item fails its line alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from model_runtime.batch.lines.fingerprint import audio_print
from model_runtime.batch.lines.journal import JOURNAL_NAME, Entry, Journal
from model_runtime.batch.lines.lock import locked
from model_runtime.batch.lines.manifest import read_rows
from model_runtime.batch.lines.ownership import Inputs
from model_runtime.batch.lines.plan import make_plan
from model_runtime.batch.lines.table import read_table
from model_runtime.errors import BadArgument, BadAudio, BadOutput
from model_runtime.files import check_writable
from model_runtime.text.formats.files import read_script
from tests.fakes.sounds import voice, write_wav


@pytest.mark.fault("a list with the line ends of an old Mac, in UTF-32, or without any mark")
@pytest.mark.parametrize(
    "text, encoding",
    [
        ("file,emotion\rone.wav,happy\rtwo.wav,sad\r", "utf-8"),
        ('file,emotion\r\none.wav,happy\r\n"two.wav",sad\r', "utf-8-sig"),
        ("file,emotion\none.wav,happy\ntwo.wav,sad\n", "utf-32"),
        ("sep=;\rfile;emotion\rone.wav;happy\rtwo.wav;sad", "utf-16"),
    ],
)
def test_a_list_is_read_in_every_form(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode(encoding))
    assert [row.cells for row in read_table(path)] == [
        {"file": "one.wav", "emotion": "happy"},
        {"file": "two.wav", "emotion": "sad"},
    ]


@pytest.mark.fault("a sidecar names an output outside the folder")
def test_an_output_outside_fails_its_line_alone(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_wav(tmp_path / f"{name}.wav", voice(0.2))
    (tmp_path / "one.json").write_text('{"out": "../../evil"}', encoding="utf-8")
    first, second = make_plan(read_rows(tmp_path))
    leads_out = "Line 1 has the output '../../evil', which leads out of the output folder"
    assert first.row.problem == leads_out
    assert (first.row.output, first.targets) == ("", ("one.npz",))
    assert (second.row.problem, second.targets) == ("", ("two.npz",))


@pytest.mark.parametrize("cell, problem", [("80", "'80'"), ("-0,1", "'-0,1'")])
def test_an_intensity_out_of_range_names_its_row(tmp_path: Path, cell: str, problem: str) -> None:
    write_wav(tmp_path / "one.wav", voice(0.2))
    (tmp_path / "list.csv").write_text(
        f'file,emotion,intensity\none.wav,sad,150%\n\none.wav,sad,"{cell}"\n', encoding="utf-8"
    )
    first, second = read_rows(tmp_path / "list.csv")
    assert (first.problem, first.acting.intensity) == ("", 1.5)
    assert second.problem == f"Row 4: intensity is {problem}"


@pytest.mark.fault("a list names a pipe or a device")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs and devices")
@pytest.mark.timeout(20)
def test_a_line_that_is_a_pipe_or_device_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "line.wav")
    for path in (tmp_path / "line.wav", Path("/dev/zero"), tmp_path):
        with pytest.raises(BadAudio, match="is not a file"):
            audio_print(path)


@pytest.mark.fault("the journal of a batch is a folder")
def test_a_journal_that_cannot_be_read_is_an_error_of_the_output(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_NAME).mkdir()
    with pytest.raises(BadOutput, match="Cannot read"):
        Journal(tmp_path).thin_entries()


@pytest.mark.fault("an output has a name that no system can write")
@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "a\0b.csv"])
def test_an_impossible_output_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadOutput, match="Cannot write"):
        check_writable(tmp_path / name)
    assert not Inputs([tmp_path / "one.wav"]).holds(tmp_path / name)


@pytest.mark.fault("a sidecar is a pipe, a folder or a link to itself")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
@pytest.mark.timeout(20)
def test_a_sidecar_that_is_no_file_is_passed_over(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        write_wav(tmp_path / f"{name}.wav", voice(0.2))
    os.mkfifo(tmp_path / "one.json")
    (tmp_path / "two.json").mkdir()
    (tmp_path / "three.json").symlink_to("three.json")
    assert [row.problem for row in read_rows(tmp_path)] == ["", "", ""]


@pytest.mark.fault("a script is a device without an end")
@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs devices")
@pytest.mark.timeout(20)
def test_a_script_without_an_end_is_too_large() -> None:
    with pytest.raises(BadArgument, match="is larger than"):
        read_script(Path("/dev/zero"))


def test_an_audio_file_in_place_of_a_list_is_named(tmp_path: Path) -> None:
    write_wav(tmp_path / "one.wav", voice(0.2))
    with pytest.raises(BadArgument, match="is an audio file, not a list"):
        read_rows(tmp_path / "one.wav")


@pytest.mark.fault("the disk is full when a batch takes its folder or writes its journal")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_error_of_the_journal_and_no_obstacle_to_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_handle: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        with locked(tmp_path / "out") as state:
            assert state.is_dir()
    journal = Journal(tmp_path)
    journal.start()
    assert journal._stream is not None
    journal._stream.close()
    journal._stream = open("/dev/full", "ab")  # noqa: SIM115 - the journal closes it
    with pytest.raises(BadOutput, match="No space left"):
        journal.append(Entry("a.npz", "a", "done"))
    with pytest.raises(BadOutput, match="Cannot write"):
        journal.close()
    journal.close()  # it is closed, whatever happened


@pytest.mark.parametrize("name", ["lines.xlsx", "lines.ods", "renamed.csv", "old.xls"])
def test_a_workbook_in_place_of_a_list_is_named_with_the_way_out(tmp_path: Path, name: str) -> None:
    start = b"\xd0\xcf\x11\xe0" if name.endswith("xls") else b"PK\x03\x04"
    (tmp_path / name).write_bytes(start + bytes(300))
    with pytest.raises(BadArgument, match="is a workbook, not a list") as told:
        list(read_table(tmp_path / name))
    assert "Save the sheet as CSV" in told.value.hint


@pytest.mark.parametrize(
    "output, problem",
    [
        ("CON", "is a device name on Windows"),
        ("a.", "ends in a dot or space"),
        ("C:x", "leads out of the output folder"),
        ("\\\\server\\share\\x", "leads out of the output folder"),
        ("a|b", "contains a forbidden character"),
        ("x" * 300, "is longer than 255 bytes"),
        (".cstalk-batch/x", "keeps its state"),
    ],
)
def test_an_impossible_output_says_what_is_wrong(tmp_path: Path, output: str, problem: str) -> None:
    write_wav(tmp_path / "one.wav", voice(0.2))
    (tmp_path / "one.json").write_text(json.dumps({"out": output}), encoding="utf-8")
    (line,) = make_plan(read_rows(tmp_path))
    assert problem in line.row.problem
