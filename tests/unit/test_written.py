"""Laws of the record of written files: what CSTalk wrote may be replaced, nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from model_runtime.errors import BadOutput
from model_runtime.written import (
    Owner,
    Record,
    check_replaceable,
    state_folder,
    user_record,
    write_recorded,
)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "state" / "written.txt")


def put(path: Path, record: Record, text: str = "ours") -> None:
    """Write a file as CSTalk does."""
    write_recorded(path, record, lambda target: (target.write_text(text), None)[1])


def test_a_written_file_may_be_replaced_until_it_is_edited(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "a.csv"
    assert record.owner_of(path) is Owner.NOBODY
    put(path, record)
    assert path.read_text() == "ours"
    assert record.owner_of(path) is Owner.CSTALK
    again = Record(tmp_path / "state" / "written.txt")  # another process
    check_replaceable(path, again)
    path.write_text("ours, edited")
    assert again.owner_of(path) is Owner.EDITED
    with pytest.raises(BadOutput, match="was changed after CSTalk wrote it"):
        check_replaceable(path, again)
    check_replaceable(path, again, overwrite=True)
    path.unlink()
    assert again.owner_of(path) is Owner.NOBODY


def test_a_copy_under_another_name_is_the_users(tmp_path: Path, record: Record) -> None:
    put(tmp_path / "a.csv", record)
    (tmp_path / "kept.csv").write_bytes((tmp_path / "a.csv").read_bytes())
    assert record.owner_of(tmp_path / "kept.csv") is Owner.USER


def test_an_earlier_take_that_was_put_back_counts_as_edited(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "a.csv"
    put(path, record, "first")
    put(path, record, "second")
    path.write_text("first")
    assert record.owner_of(path) is Owner.EDITED


@pytest.mark.fault("an output is open in another program")
def test_a_file_that_cannot_be_replaced_stays_ours(
    tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    put(path, record)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "open in another program")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(BadOutput, match="open in another program"):
            put(path, record, "new")
    assert path.read_text() == "ours"
    assert record.owner_of(path) is Owner.CSTALK
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a.csv", "state"]


def test_a_folder_that_is_moved_keeps_what_is_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    put(folder / "a.csv", Record(folder / "written.txt", base=folder))
    moved = folder.rename(tmp_path / "moved")
    assert Record(moved / "written.txt", base=moved).owner_of(moved / "a.csv") is Owner.CSTALK


def test_a_path_is_known_behind_a_link_to_its_folder(tmp_path: Path, record: Record) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    put(folder / "a.csv", record)
    assert record.owner_of(tmp_path / "link" / "a.csv") is Owner.CSTALK


@pytest.mark.fault("the record of written files cannot be written")
def test_a_record_that_cannot_be_written_loses_no_output(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    record = Record(tmp_path / "file" / "written.txt")
    put(tmp_path / "a.csv", record)
    assert (tmp_path / "a.csv").read_text() == "ours"
    assert Record(tmp_path / "file" / "written.txt").owner_of(tmp_path / "a.csv") is Owner.USER


@pytest.mark.fault("the record of written files is spoiled")
def test_a_spoiled_record_makes_nothing_ours(tmp_path: Path) -> None:
    (tmp_path / "written.txt").write_bytes(b"\xff\xfe\n \nword\n" + b"x" * 100)
    (tmp_path / "a.csv").write_text("mine")
    record = Record(tmp_path / "written.txt")
    assert record.owner_of(tmp_path / "a.csv") is Owner.USER
    put(tmp_path / "b.csv", record)
    assert Record(tmp_path / "written.txt").owner_of(tmp_path / "b.csv") is Owner.CSTALK


def test_a_large_record_drops_its_older_half(
    tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(10):
        put(tmp_path / f"{index}.csv", record)
    monkeypatch.setattr("model_runtime.written.LARGEST_BYTES", 500)
    fresh = Record(tmp_path / "state" / "written.txt")
    assert fresh.owner_of(tmp_path / "0.csv") is Owner.USER
    assert fresh.owner_of(tmp_path / "9.csv") is Owner.CSTALK
    assert len((tmp_path / "state" / "written.txt").read_bytes().splitlines()) == 6


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
@pytest.mark.timeout(10)
def test_a_fifo_is_the_users_and_is_not_opened(tmp_path: Path, record: Record) -> None:
    os.mkfifo(tmp_path / "a.csv")
    assert record.owner_of(tmp_path / "a.csv") is Owner.USER


def test_the_state_folder_follows_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSTALK_STATE_HOME", str(tmp_path / "state"))
    assert state_folder() == tmp_path / "state"
    put(tmp_path / "a.csv", user_record())
    assert user_record().owner_of(tmp_path / "a.csv") is Owner.CSTALK
