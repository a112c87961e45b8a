"""The zip: the same twice, refused before it replaces the last good one, pure and small."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from buildtools import extension
from buildtools.console import BuildError


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of this checkout."""
    return extension.make_zip(tmp_path_factory.mktemp("zip"))


@pytest.fixture
def with_entry(good: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may add to."""
    return Path(shutil.copy(good, tmp_path / "copy.zip"))


def refuse(_path: Path) -> None:
    raise BuildError("not good enough")


def test_a_refused_zip_leaves_the_last_good_one(tmp_path: Path) -> None:
    target = tmp_path / "cstalk.zip"
    target.write_bytes(b"the last good one")
    with pytest.raises(BuildError, match="not good enough"):
        extension.make_zip(target, checks=(refuse,))
    assert target.read_bytes() == b"the last good one"
    assert [path.name for path in tmp_path.iterdir()] == ["cstalk.zip"]


def test_a_refused_zip_appears_nowhere(tmp_path: Path) -> None:
    with pytest.raises(BuildError):
        extension.make_zip(tmp_path, checks=(refuse,))
    assert list(tmp_path.iterdir()) == []


def test_the_checks_see_the_zip_that_will_stand_there(tmp_path: Path) -> None:
    seen: list[bytes] = []
    made = extension.make_zip(tmp_path, checks=(lambda path: seen.append(path.read_bytes()),))
    assert seen == [made.read_bytes()]


def test_times_and_modes_of_the_checkout_do_not_reach_the_zip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = []
    for name in ("one", "two"):
        root = tmp_path / name
        for package in extension.PACKAGES:
            shutil.copytree(
                extension.ROOT / package,
                root / package,
                copy_function=shutil.copyfile if name == "one" else shutil.copy2,
                ignore=shutil.ignore_patterns("__pycache__", "training", "evaluation"),
            )
        for file in extension.ROOT_FILES:
            shutil.copyfile(extension.ROOT / file, root / file)
        if name == "two":
            (root / "LICENSE").chmod(0o600)
        monkeypatch.setattr(extension, "ROOT", root)
        copies.append(extension.make_zip(tmp_path / f"{name}.zip").read_bytes())
    assert copies[0] == copies[1]


def test_every_entry_has_one_time_one_mode_and_is_no_link(good: Path) -> None:
    with zipfile.ZipFile(good) as archive:
        entries = archive.infolist()
    assert {entry.date_time for entry in entries} == {extension.TIMESTAMP}
    assert {entry.external_attr >> 16 for entry in entries} == {extension.FILE_MODE}


@pytest.mark.parametrize(
    "name",
    [
        "../evil.py",
        "/etc/evil.py",
        "model_runtime/../../evil.py",
        "C:/evil.py",
        "a\\evil.py",
        "model_runtime/fast.so",
        "model_runtime/fast.cp311-win_amd64.pyd",
        "wheels/torch-2.0-cp311-manylinux.whl",
        "model_runtime/weights/model.pt",
        "MODEL_RUNTIME/protocol.py",
    ],
)
def test_a_zip_that_escapes_or_is_not_pure_is_refused(with_entry: Path, name: str) -> None:
    extension.check_contents(with_entry)
    with zipfile.ZipFile(with_entry, "a") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(BuildError):
        extension.check_contents(with_entry)


def test_a_zip_that_is_too_large_or_broken_or_empty_is_refused(
    with_entry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = bytearray(with_entry.read_bytes())
    broken[len(broken) // 2] ^= 0xFF
    (tmp_path / "broken.zip").write_bytes(broken)
    (tmp_path / "text.zip").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    for name in ("broken.zip", "text.zip", "empty.zip"):
        with pytest.raises(BuildError, match=name):
            extension.check_contents(tmp_path / name)
    monkeypatch.setattr(extension, "MOST_BYTES", 1000)
    with pytest.raises(BuildError, match="the limit is"):
        extension.check_contents(with_entry)
