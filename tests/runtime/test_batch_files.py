"""Laws of the files of a batch: nothing of the user's is replaced, and what was edited is kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from model_runtime.batch.lines.control import Control
from model_runtime.batch.lines.journal import JOURNAL_NAME, Entry, read_entries
from model_runtime.batch.lines.lock import STATE_FOLDER
from model_runtime.batch.local_pool import LocalPool
from model_runtime.batch.run import BatchRequest, run
from model_runtime.checkpoint.folder import load_checkpoint
from model_runtime.cli.main import main
from model_runtime.engines.numpy_engine import NumpyEngine
from model_runtime.errors import BadOutput
from model_runtime.files import is_marked
from model_runtime.protocol import BatchEnded, BatchOutcome, LineEnded
from model_runtime.written import Record, check_replaceable
from tests.conftest import ROOT
from tests.fakes.sounds import voice, write_wav
from tests.runtime.conftest import COMMAND
from tests.runtime.test_batch_trouble import order_for, run_in_process


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Two short lines."""
    folder = tmp_path / "lines"
    folder.mkdir()
    for name in ("one", "two"):
        write_wav(folder / f"{name}.wav", voice(0.4, seed=len(name)))
    return folder


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out"


def ended(request: BatchRequest) -> dict[str, dict[str, Any]]:
    """Run a batch; how each line ended, by name."""
    _, said = run_in_process(request)
    return {one["name"]: one for one in said if one["type"] == "line_ended"}


@pytest.mark.fault("curves of a batch are edited, then the batch is resumed")
def test_resume_keeps_edited_curves_and_says_so(
    lines: Path, output: Path, checkpoint: Path
) -> None:
    ended(order_for(lines, output, checkpoint))
    edited = output / "one.npz"
    shutil.copy(output / "two.npz", edited)
    data = edited.read_bytes()
    again = ended(order_for(lines, output, checkpoint, resume=True))
    assert {name: one["outcome"] for name, one in again.items()} == {
        "one.wav": "skipped",
        "two.wav": "skipped",
    }
    assert again["one.wav"]["warning"] == "kept one.npz, which was edited after it was generated"
    assert again["one.wav"]["digest"] == again["two.wav"]["digest"]  # what stands there now
    assert again["two.wav"]["warning"] == ""
    write_wav(lines / "one.wav", voice(0.5, seed=9))  # the audio changes: still the user's curves
    assert ended(order_for(lines, output, checkpoint, resume=True))["one.wav"]["warning"]
    assert edited.read_bytes() == data


def test_without_resume_an_edited_file_fails_its_line_and_stays(
    lines: Path, output: Path, checkpoint: Path
) -> None:
    ended(order_for(lines, output, checkpoint))
    assert {one["outcome"] for one in ended(order_for(lines, output, checkpoint)).values()} == {
        "done"
    }  # files as they were written are replaced
    shutil.copy(output / "two.npz", output / "one.npz")
    data = (output / "one.npz").read_bytes()
    for _ in range(2):  # a failure does not make the file ours
        again = ended(order_for(lines, output, checkpoint))
        assert again["one.wav"]["error"].endswith("one.npz was edited after it was generated")
        assert "--overwrite" in again["one.wav"]["hint"]
        assert again["two.wav"]["outcome"] == "done"
        assert (output / "one.npz").read_bytes() == data
    over = ended(order_for(lines, output, checkpoint, overwrite=True))
    assert over["one.wav"]["outcome"] == "done"
    assert (output / "one.npz").read_bytes() != data


@pytest.mark.fault("a file of the user stands where a batch would write")
@pytest.mark.parametrize("name", ["one.npz", "one.csv"])
def test_a_file_of_the_user_is_not_replaced(
    name: str, lines: Path, output: Path, checkpoint: Path
) -> None:
    output.mkdir()
    (output / name).write_text("mine", encoding="utf-8")
    options = ["--model", str(checkpoint), "--engine", "numpy", "--fps", "24"]
    command = ["batch", str(lines), "-o", str(output), "--format", "npz,csv", *options]
    assert main(command) == 2
    assert (output / name).read_text(encoding="utf-8") == "mine"
    assert (output / "two.npz").is_file()
    assert main([*command, "--overwrite"]) == 0
    assert (output / name).read_bytes() != b"mine"


def test_curves_of_a_lost_journal_are_known_by_their_mark(
    lines: Path, output: Path, checkpoint: Path
) -> None:
    ended(order_for(lines, output, checkpoint))
    shutil.rmtree(output / STATE_FOLDER)
    again = ended(order_for(lines, output, checkpoint))
    assert {one["outcome"] for one in again.values()} == {"done"}


@pytest.mark.fault("an output is an input under another name or link")
@pytest.mark.parametrize("alias", ["link", "hard link", "case"])
def test_no_output_leads_to_an_input_under_any_name(
    alias: str, lines: Path, tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "list.csv"
    table.write_text("file,out\nlines/one.wav,one\n", encoding="utf-8")
    output = tmp_path / "out"
    output.mkdir()
    if alias == "link":
        (output / "one.npz").symlink_to(lines / "one.wav")
    elif alias == "hard link":
        os.link(lines / "one.wav", output / "one.npz")
    else:
        (tmp_path / "linked").symlink_to(tmp_path, target_is_directory=True)
        os.rename(lines / "one.wav", lines / "one.npz")
        table.write_text("file,out\nlines/one.npz,one\n", encoding="utf-8")
        output = tmp_path / "linked" / "lines"
    data = (lines / ("one.npz" if alias == "case" else "one.wav")).read_bytes()
    options = ["--model", str(checkpoint), "--overwrite"]
    assert main(["batch", str(table), "-o", str(output), *options]) == 2
    assert "is an input of the batch" in capsys.readouterr().err
    assert (lines / ("one.npz" if alias == "case" else "one.wav")).read_bytes() == data


@pytest.mark.fault("an output is the dictionary, the expressions or the script that is read")
@pytest.mark.parametrize(
    "name, option, text",
    [
        ("own.json", "--dictionary", '{"Xanthe": "z ae n th iy"}'),
        ("own.json", "--expressions", '{"format": 1, "expressions": []}'),
        ("one.txt", "", "hello"),
    ],
)
@pytest.mark.parametrize("command", ["generate", "batch", "batch report"])
def test_no_output_replaces_a_file_that_an_option_names(
    command: str, name: str, option: str, text: str, lines: Path, tmp_path: Path
) -> None:
    path = lines / name
    path.write_text(text, encoding="utf-8")
    options = ["--overwrite", *((option, str(path)) if option else ())]
    if command == "generate":
        outputs = ["-o", str(path)] if option else ["-o", "x.npz", "--words", str(path)]
        arguments = ["generate", str(lines / "one.wav"), *outputs]
    elif command == "batch report" or not option:  # no curves end in .txt
        output = str(tmp_path / "out")
        arguments = ["batch", str(lines), "-o", output, "--report", str(path)]
    else:
        table = tmp_path / "list.csv"
        table.write_text(f"file,out\nlines/one.wav,{name}\n", encoding="utf-8")
        arguments = ["batch", str(table), "-o", str(lines)]
    assert main([*arguments, *options]) == 2
    assert path.read_text(encoding="utf-8") == text


def test_fewer_formats_replace_the_files_of_more(
    lines: Path, output: Path, checkpoint: Path
) -> None:
    options = ["--model", str(checkpoint), "--engine", "numpy", "--fps", "24"]
    command = ["batch", str(lines), "-o", str(output), *options]
    assert main([*command, "--format", "npz,csv,json"]) == 0
    assert main([*command, "--format", "csv,json"]) == 0
    shutil.move(output, output.with_name("moved"))
    command[3] = str(output.with_name("moved"))
    assert main([*command, "--format", "json"]) == 0
    (output.with_name("moved") / "one.json").write_text("{}", encoding="utf-8")
    assert main([*command, "--format", "json"]) == 2


@pytest.mark.fault("a batch is killed between a file and its journal entry")
def test_files_of_a_batch_that_was_killed_before_its_journal_are_its_own(
    lines: Path, output: Path, checkpoint: Path
) -> None:
    options = ["--model", str(checkpoint), "--engine", "numpy", "--fps", "24"]
    command = ["batch", str(lines), "-o", str(output), "--format", "csv", *options]
    assert main(command) == 0
    journal = output / STATE_FOLDER / JOURNAL_NAME
    before = journal.read_bytes()
    for path in lines.glob("*.wav"):
        write_wav(path, voice(0.5, seed=9))
    assert main(command) == 0
    journal.write_bytes(before)  # the kill: new files, old journal
    assert main([*command, "--resume"]) == 0
    assert [entry.duration_s for entry in read_entries(journal)][-2:] == [0.5, 0.5]
    journal.unlink()
    assert main([*command, "--resume"]) == 0


@pytest.mark.fault("the report has the name of a line's curves")
@pytest.mark.parametrize("report", ["one.csv", "ONE/../one.html", "link/two.csv"])
def test_a_report_never_replaces_the_curves_of_a_line(
    report: str,
    lines: Path,
    output: Path,
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (output / "ONE").mkdir(parents=True)
    (output / "link").symlink_to(output, target_is_directory=True)
    options = ["--model", str(checkpoint), "--engine", "numpy", "--fps", "24"]
    command = ["batch", str(lines), "-o", str(output), "--format", "csv", *options]
    assert main([*command, "--report", str(output / report)]) == 2
    assert "is an output of a line" in capsys.readouterr().err


@pytest.mark.fault("a report is edited, then written again")
def test_an_edited_report_is_not_replaced(
    lines: Path, output: Path, checkpoint: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    options = ["--model", str(checkpoint), "--engine", "numpy", "--fps", "24"]
    command = ["batch", str(lines), "-o", str(output), "--report", str(report), *options]
    assert main(command) == main([*command, "--resume"]) == 0
    edited = report.read_text(encoding="utf-8") + "note of the producer\n"
    report.write_text(edited, encoding="utf-8")
    assert main([*command, "--resume"]) == 2
    assert report.read_text(encoding="utf-8") == edited


@pytest.mark.parametrize("name", ["report.csv", "report.html"])
def test_a_table_or_page_of_the_user_is_not_replaced_by_a_report(
    name: str, lines: Path, output: Path, checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / name).write_text("a,b\n<html>mine", encoding="utf-8")
    report = tmp_path / "report.csv"
    options = ["--model", str(checkpoint), "--engine", "numpy", "--fps", "24"]
    command = ["batch", str(lines), "-o", str(output), "--report", str(report), *options]
    assert main(command) == 2
    assert (tmp_path / name).read_text(encoding="utf-8") == "a,b\n<html>mine"
    (tmp_path / name).unlink()
    assert main(command) == 0
    assert main([*command, "--resume"]) == 0  # its own report is replaced


@pytest.mark.fault("generate over its own, edited and foreign files")
def test_generate_replaces_its_own_files_alone(
    lines: Path, tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def generate(name: str, *more: str) -> int:
        options = ["--model", str(checkpoint), "--engine", "numpy", "--fps", "24", *more]
        return main(["generate", str(lines / "one.wav"), "-o", str(tmp_path / name), *options])

    for name in ("a.npz", "a.csv", "a.json"):
        assert generate(name) == generate(name) == 0
        with (tmp_path / name).open("ab") as stream:
            stream.write(b" ")
        assert generate(name) == 2
        assert "was changed after CSTalk wrote it" in capsys.readouterr().err
        assert (tmp_path / name).read_bytes().endswith(b" ")
    (tmp_path / "b.npz").write_bytes(b"mine")
    assert generate("b.npz") == 2
    assert "was not written by CSTalk" in capsys.readouterr().err
    assert (tmp_path / "b.npz").read_bytes() == b"mine"
    assert generate("b.npz", "--overwrite") == 0
    assert is_marked(tmp_path / "b.npz")
    os.link(lines / "one.wav", tmp_path / "c.npz")
    assert generate("c.npz", "--overwrite") == 2
    assert "would be replaced" in capsys.readouterr().err


@pytest.mark.fault("a file name that a spreadsheet takes for a formula")
def test_formulas_of_names_are_text_in_the_report(
    lines: Path, output: Path, checkpoint: Path, tmp_path: Path
) -> None:
    os.rename(lines / "one.wav", lines / "=HYPERLINK(1).wav")
    os.rename(lines / "two.wav", lines / "@two.wav")
    report = tmp_path / "report.csv"
    ended(order_for(lines, output, checkpoint, csv=report))
    cells = [row.split(",")[0] for row in report.read_text(encoding="utf-8").splitlines()[1:]]
    assert sorted(cells) == ["'=HYPERLINK(1).wav", "'@two.wav"]
    assert is_marked(report)


@pytest.mark.fault("the output folder vanishes during a batch")
def test_an_output_folder_that_vanishes_ends_the_batch_with_an_error(
    lines: Path, output: Path, checkpoint: Path
) -> None:
    from model_runtime.batch.lines.control import Control
    from model_runtime.batch.run import run

    def remove(event: object) -> None:
        shutil.rmtree(output, ignore_errors=True)

    with pytest.raises(BadOutput, match="disappeared during the batch"):
        run(order_for(lines, output, checkpoint, jobs=1), Control(), remove)


@pytest.mark.fault("the reader of stdout closes its end")
def test_a_closed_reader_ends_the_command_quietly(
    lines: Path, output: Path, checkpoint: Path
) -> None:
    options = ["--model", str(checkpoint), "--engine", "numpy", "--fps", "24", "--json"]
    child = subprocess.Popen(
        [*COMMAND, "batch", str(lines), "-o", str(output), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    child.stdout.close()
    assert child.stderr is not None
    with child.stderr:
        assert child.stderr.read() == b""
    assert child.wait() == 141


def test_a_journal_of_release_0_1_is_read(tmp_path: Path) -> None:
    found = {"sha256": "ab", "state": {"size": 5, "modified_ns": 7}}
    entry = {
        **{"v": 1, "target": "a.npz", "name": "a.wav", "state": "done", "key": "k"},
        **{"sound": found, "outputs": {"a.npz": found}, "frames": 9, "fps": 24.0},
        **{"duration_s": 0.4, "seconds": 0.1, "character": "Anna", "acting": "auto 1"},
        **{"heard": "sad 0.6", "acted_at": "0:sad:0.6", "code": "", "error": "", "hint": ""},
        **{"attempts": 1, "quality": {"score": 91.0}, "spark": [0, 99]},
    }
    path = tmp_path / JOURNAL_NAME
    path.write_text(json.dumps(entry) + "\n", encoding="utf-8")
    (read,) = read_entries(path)
    assert isinstance(read, Entry)
    assert (read.emotion, read.detected_emotion) == ("auto 1", "sad 0.6")
    assert (read.detected_emotion_at, read.opening) == ("0:sad:0.6", (0, 99))
    assert read.audio is not None
    assert (read.audio.sha256, read.outputs["a.npz"].sha256, read.score) == ("ab", "ab", 91.0)


def test_reports_of_release_0_1_are_known(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(
        "audio,output,status,character,acting,heard,duration_s\n", encoding="utf-8"
    )
    (tmp_path / "r.html").write_text(
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        "<title>CSTalk batch: curves</title><style>",
        encoding="utf-8",
    )
    for name in ("r.csv", "r.html"):
        check_replaceable(tmp_path / name, Record(tmp_path / "written.txt"))


def test_a_report_that_cannot_be_written_keeps_neither_the_other_nor_the_lines(
    lines: Path, output: Path, checkpoint: Path
) -> None:
    order = order_for(lines, output, checkpoint, csv=output / "r.csv", html=output / "r.html")
    said: list[Any] = []

    def send(event: Any) -> None:
        said.append(event)
        if isinstance(event, LineEnded):  # a file of the user comes while the batch runs
            (output / "r.csv").write_text("mine", encoding="utf-8")

    engines = [NumpyEngine(load_checkpoint(checkpoint))]
    with pytest.raises(BadOutput, match=r"r\.csv exists and was not written by CSTalk"):
        run(order, Control(), send, lambda: LocalPool(engines))
    assert (output / "r.csv").read_text(encoding="utf-8") == "mine"
    assert is_marked(output / "r.html")
    assert isinstance(said[-1], BatchEnded)
    assert (said[-1].outcome, said[-1].done) == (BatchOutcome.FAILED, 2)
    assert said[-1].reports == (str(output / "r.html"),)


def test_a_protected_output_fails_its_line_before_the_work(
    lines: Path, output: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(order_for(lines, output, checkpoint))
    before = (output / "one.npz").read_bytes()
    # root may write every file, so that the answer of the system is simulated
    monkeypatch.setattr(os, "access", lambda where, _mode: Path(where).name != "one.npz")
    again = ended(order_for(lines, output, checkpoint))
    assert {name: one["outcome"] for name, one in again.items()} == {
        "one.wav": "failed",
        "two.wav": "done",
    }
    assert "write-protected" in again["one.wav"]["error"]
    assert (output / "one.npz").read_bytes() == before
