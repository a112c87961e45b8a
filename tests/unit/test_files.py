"""Laws of files that are replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from model_runtime.errors import BadOutput
from model_runtime.files import check_writable, replace_file, replacing
from model_runtime.written import Record, write_recorded


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    replace_file(path, b"old")
    replace_file(path, b"new and longer")
    assert path.read_bytes() == b"new and longer"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_what_stood_there_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def write() -> None:
        with replacing(path) as stream:
            stream.write(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(BadOutput, match="No space left"):
        write()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_an_error_of_the_writer_passes_and_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with replacing(tmp_path / "a.bin") as stream:
            stream.write(b"half")
            raise KeyError("mine")

    with pytest.raises(KeyError):
        write()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    (tmp_path / "usual").write_bytes(b"")
    replace_file(tmp_path / "a.bin", b"")
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_place_that_cannot_be_written_is_found_beforehand(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "none" / "a", tmp_path / "file" / "a", tmp_path):
        with pytest.raises(BadOutput):
            check_writable(path)
    check_writable(tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.fault("an output that is write-protected")
def test_a_write_protected_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    # root may write every file, so that the answer of the system is simulated
    monkeypatch.setattr(os, "access", lambda where, _mode: Path(where) != path)
    for write in (check_writable, lambda where: replace_file(where, b"new")):
        with pytest.raises(BadOutput, match="is write-protected") as told:
            write(path)
        assert "write protection" in told.value.hint
    record = Record(tmp_path / "written.txt")
    with pytest.raises(BadOutput, match="is write-protected"):
        write_recorded(path, record, lambda where: replace_file(where, b"new"))
    assert path.read_bytes() == b"old"
    assert record.digest_or_none(path) is None
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_file_that_another_program_has_open_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_old: object, _new: object) -> None:
        raise PermissionError(13, "Access is denied")  # what Windows answers

    path = tmp_path / "report.csv"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(BadOutput, match="Access is denied") as told:
        replace_file(path, b"new")
    assert "Close the program" in told.value.hint
    assert [p.name for p in tmp_path.iterdir()] == ["report.csv"]
