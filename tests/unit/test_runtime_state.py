"""The record of the runtime's folder is complete or absent, and nothing else is read as one."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from cstalk_blender.errors import InstallFailed
from cstalk_blender.runtime_install import state
from cstalk_blender.runtime_install.ownership import Ownership
from cstalk_blender.runtime_install.plan import Source


def installed(home: Path, name: str = "env-1", *, is_ours: bool = True) -> state.Installed:
    Ownership(home).claim(home / name)
    python = state.python_of(home / name)
    python.parent.mkdir(parents=True)
    python.write_bytes(b"#!")
    return state.Installed(
        str(python), is_ours, "2.9", "cpu", "PyTorch", dataclasses.asdict(Source(tag="cu126"))
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    given = installed(tmp_path)
    state.write_installed(tmp_path, given)
    assert state.read_installed(tmp_path) == given
    assert state.source_of(given.source) == Source(tag="cu126")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"python": 1}', '{"x": {}}', "[" * 100_000, "\x00" * 9]
)
def test_a_damaged_record_is_no_runtime_and_loses_none(tmp_path: Path, text: str) -> None:
    given = installed(tmp_path)
    (tmp_path / state.CURRENT).write_text(text, encoding="utf-8")
    assert state.read_installed(tmp_path) is None
    state.sweep(tmp_path, keep_downloads=False)
    assert Path(given.python).is_file()


def test_the_switch_ends_what_was_pending(tmp_path: Path) -> None:
    state.write_pending(tmp_path, state.Pending({"tag": "cpu"}, "Downloading", 5))
    assert state.read_pending(tmp_path) == state.Pending({"tag": "cpu"}, "Downloading", 5)
    state.write_installed(tmp_path, installed(tmp_path))
    assert state.read_pending(tmp_path) is None


def test_a_sweep_keeps_what_counts_and_nothing_else(tmp_path: Path) -> None:
    given = installed(tmp_path)
    state.write_installed(tmp_path, given)
    for name in ("env-2", "wheels"):
        Ownership(tmp_path).claim(tmp_path / name)
        (tmp_path / name).mkdir()
    (tmp_path / "mine.txt").write_text("kept")
    state.sweep(tmp_path, keep_downloads=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "created.json", "current.json", "env-1", "mine.txt", "wheels",
    ]  # fmt: skip
    state.sweep(tmp_path, keep_downloads=False)
    assert not (tmp_path / "wheels").exists()


def test_removing_leaves_an_environment_of_somebody_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    other = installed(tmp_path, "theirs", is_ours=False)
    state.write_installed(home, other)
    ours = home / "env-9"
    Ownership(home).claim(ours)
    ours.mkdir()
    state.remove(home)
    assert Path(other.python).is_file()
    assert not ours.exists()
    assert state.read_installed(home) is None


def test_a_runtime_whose_python_is_gone_says_so(tmp_path: Path) -> None:
    given = installed(tmp_path)
    assert given.problem == ""
    Path(given.python).unlink()
    assert given.python in given.problem


def test_two_installations_cannot_share_a_folder(tmp_path: Path) -> None:
    holding = state.locked(tmp_path)
    refused = pytest.raises(InstallFailed, match="is running")
    with holding, refused, state.locked(tmp_path):
        pass
    with state.locked(tmp_path):
        pass


def test_disk_use_counts_files_and_no_links(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/x").write_bytes(b"1" * 10)
    (tmp_path / "a/b/y").write_bytes(b"1" * 5)
    if sys.platform != "win32":
        (tmp_path / "a/link").symlink_to(tmp_path / "a")
    assert state.disk_bytes(tmp_path) == 15
    assert state.disk_bytes(tmp_path / "absent") == 0


def test_unknown_keys_of_a_newer_source_are_left_out() -> None:
    values = json.loads('{"kind": "folder", "path": "/w", "new": "thing"}')
    assert state.source_of(values) == Source("folder", "/w")
