"""The installer deletes what it created, by its record, and nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cstalk_blender.errors import InstallFailed
from cstalk_blender.runtime_install import __main__ as installer
from cstalk_blender.runtime_install import commands, ownership, state
from cstalk_blender.runtime_install.ownership import Ownership


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its contents."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder of the user with names like ours in it."""
    folder = tmp_path / "mine"
    for name in ("env-1/bin/python", "env-20260101-101010-7/thesis.txt", "wheels/own.whl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "current.json").write_text('{"python": "/usr/bin/python3", "theme": "dark"}')
    (folder / "install.log").write_text("of another program")
    return folder


@pytest.mark.fault("the runtime is removed from a foreign folder")
def test_remove_refuses_a_foreign_folder_and_changes_nothing_in_it(
    foreign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(foreign)
    assert installer.main(["--json", "remove", "--home", str(foreign)]) == 1
    message = json.loads(capsys.readouterr().out)
    assert message["message"] == f"No CSTalk runtime is installed in {foreign}, nothing was removed"
    assert message["hint"] == "Choose the folder that the runtime was installed into"
    assert tree(foreign) == before


def test_remove_creates_no_folder_that_was_absent(tmp_path: Path) -> None:
    assert installer.main(["remove", "--home", str(tmp_path / "absent")]) == 1
    assert list(tmp_path.iterdir()) == []


def test_installing_refuses_a_folder_with_files_of_the_user(foreign: Path) -> None:
    with pytest.raises(InstallFailed, match="did not create") as caught:
        Ownership(foreign).open()
    assert caught.value.hint == "Choose an empty folder, or one that holds a CSTalk runtime"


def test_removing_leaves_every_file_that_was_put_beside_ours(tmp_path: Path) -> None:
    Ownership(tmp_path).open()
    ours = state.new_environment(tmp_path)
    (ours / "bin").mkdir(parents=True)
    Ownership(tmp_path).claim(tmp_path / "wheels")
    (tmp_path / "wheels").mkdir()
    Ownership(tmp_path).claim(tmp_path / "wheels" / "torch-2.whl")
    for name in ("wheels/torch-2.whl", "wheels/of_the_user.whl", "notes.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "env-mine").mkdir()
    state.remove(tmp_path)
    assert sorted(tree(tmp_path)) == [
        "created.json",  # it still names the folder of downloads, which is not empty
        "lock",
        "notes.txt",
        "wheels/of_the_user.whl",
    ]
    assert (tmp_path / "env-mine").is_dir()
    assert not ours.exists()


def test_a_file_that_exists_is_never_claimed(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a.whl").write_text("of the user")
    with pytest.raises(InstallFailed, match="was not created by CSTalk"):
        Ownership(tmp_path).claim(tmp_path / "wheels" / "a.whl")


def test_a_folder_that_the_user_installs_from_is_theirs_from_then_on(tmp_path: Path) -> None:
    record = Ownership(tmp_path)
    for name in ("wheels", "wheels/a.whl"):
        record.claim(tmp_path / name)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a.whl").write_text("x")
    record.release(tmp_path / "wheels")
    state.sweep(tmp_path, keep_downloads=False)
    assert (tmp_path / "wheels" / "a.whl").read_text() == "x"


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_is_not_followed(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    (elsewhere / "pip").mkdir(parents=True)
    (elsewhere / "pip" / "kept").write_text("x")
    home.mkdir()
    record = Ownership(home)
    for name in ("wheels", "wheels/pip"):
        record.claim(home / name)
    (home / "wheels").symlink_to(elsewhere, target_is_directory=True)
    state.sweep(home, keep_downloads=False)
    assert (elsewhere / "pip" / "kept").read_text() == "x"


@pytest.mark.fault("the record of the runtime leads out of its folder")
@pytest.mark.parametrize("entry", ["../kept", "/etc", "a/../../kept", "C:/kept", "a\\..\\kept", ""])
def test_a_record_that_leads_out_of_the_folder_deletes_nothing(tmp_path: Path, entry: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "kept").write_text("x")
    (home / "created.json").write_text(json.dumps({"format": 1, "created": [entry]}))
    assert Ownership(home).entries() == []
    state.remove(home)
    assert (tmp_path / "kept").read_text() == "x"


def test_a_folder_of_version_0_1_is_recognised_by_its_records(tmp_path: Path) -> None:
    for name in ("env-20260101-101010-7", "env-of-the-user", "wheels"):
        (tmp_path / name).mkdir()
    (tmp_path / "env-20260101-101010-7" / "pyvenv.cfg").write_text("")
    (tmp_path / "wheels" / "torch.whl.part").write_text("")
    (tmp_path / "wheels" / "own.whl").write_text("of the user")
    record = {"source": {"kind": "download"}, "stage": "Downloading", "kept_bytes": 5}
    (tmp_path / "pending.json").write_text(json.dumps(record))
    state.remove(tmp_path)
    assert not (tmp_path / "env-20260101-101010-7").exists()
    assert (tmp_path / "env-of-the-user").is_dir()
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == ["own.whl"]


def test_an_environment_in_use_is_kept_though_the_user_named_it(tmp_path: Path) -> None:
    Ownership(tmp_path).open()
    folder = state.new_environment(tmp_path)
    python = state.python_of(folder)
    python.parent.mkdir(parents=True)
    python.write_bytes(b"")
    state.write_installed(
        tmp_path, state.Installed(str(python), False, "2.9", "cpu", "PyTorch", {"kind": "x"})
    )
    state.sweep(tmp_path, keep_downloads=False)
    assert python.is_file()


def test_a_write_that_was_cut_off_leaves_the_record_as_it_was(tmp_path: Path) -> None:
    ownership.write_whole(tmp_path / "a.json", {"a": 1})
    with pytest.raises(TypeError):
        ownership.write_whole(tmp_path / "a.json", {"a": object()})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


def test_an_isolated_pip_sees_no_setting_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONSTRAINT", "/home/user/constraints.txt")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/home/user/pip.conf")
    values = commands.isolated_environment()
    assert {name: text for name, text in values.items() if name.startswith("PIP_")} == {
        "PIP_CONFIG_FILE": os.devnull
    }


def test_indexes_of_the_user_count_where_packages_are_resolved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://company/simple")
    monkeypatch.setenv("PIP_PROXY", "http://proxy:8")
    with_them = commands.pip_environment(has_user_indexes=True, cache=tmp_path)
    without = commands.pip_environment(has_user_indexes=False, cache=tmp_path)
    assert with_them["PIP_INDEX_URL"] == "https://company/simple"
    assert "PIP_INDEX_URL" not in without
    assert without["PIP_PROXY"] == "http://proxy:8"


def test_connection_settings_of_a_pip_configuration_stay_without_its_indexes() -> None:
    listing = (
        "global.cert='/etc/ssl/company.pem'\n"
        "global.index-url='https://company/simple'\n"
        "install.constraint='/home/user/constraints.txt'\n"
        "global.proxy='http://proxy:8'\n"
        "global.client-cert='C:\\\\certs\\\\me.pem'\n"
    )
    assert commands.connection_variables(listing) == {
        "PIP_CERT": "/etc/ssl/company.pem",
        "PIP_PROXY": "http://proxy:8",
        "PIP_CLIENT_CERT": "C:\\certs\\me.pem",
    }
