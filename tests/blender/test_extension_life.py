"""Our own repository, an upgrade, and the end of the extension, in real Blender."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from buildtools import extension, repository

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "fakes" / "extension_life.py"
LIMIT_S = 150.0
OLD_VERSION = "0.0.1"


@pytest.fixture(scope="module")
def own_tools():
    """Blender's command for extensions is that of this very Blender."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extension, "_validating_python", lambda: Path(sys.executable))
        yield


def release_of(archive: Path, folder: Path, version: str) -> Path:
    """The zip with another version in its manifest, as an older release had it."""
    target = folder / f"cstalk-{version}.zip"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(target, "w") as copy:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "blender_manifest.toml":
                now = f'version = "{extension.version()}"'.encode()
                assert now in content
                content = content.replace(now, f'version = "{version}"'.encode())
            copy.writestr(entry, content)
    return target


@pytest.fixture(scope="module")
def life(own_tools, tmp_path_factory):
    """Install, update and remove the extension; return what each step left behind."""
    folder = tmp_path_factory.mktemp("leben 日本 x")
    places = {name: folder / name for name in ("old", "new", "site", "user")}
    for place in places.values():
        place.mkdir()
    repository.make_repository(places["new"])
    new = next(places["new"].glob("*.zip"))
    old = release_of(new, places["old"], OLD_VERSION)
    repository.write_index(places["old"])
    steps = [places["site"], old, places["old"] / "index.json", new, places["new"] / "index.json"]
    kept = {k: v for k, v in os.environ.items() if k not in ("CSTALK_PYTHON", "PYTHONPATH")}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, steps)],
        cwd=folder,
        env={**kept, "BLENDER_USER_RESOURCES": str(places["user"]), "HOME": str(folder)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(next(x for x in done.stdout.splitlines()[::-1] if x.startswith("{")))


def test_blender_installs_from_our_repository(life):
    assert life["old_version"] == OLD_VERSION
    assert life["enabled"]["preferences"] == ["bl_ext.our_site.cstalk"]


def test_upgrade_replaces_the_code_and_keeps_settings_and_files(life):
    assert life["new_version"] == extension.version() != OLD_VERSION
    assert life["set"] == {"engine": "numpy", "seed": 4711, "user_file": "a preset of mine"}
    assert life["kept"] == life["set"]


def test_disabling_leaves_nothing_in_blender(life):
    assert life["before"] == {}
    assert life["disabled"] == {}


def test_enabling_again_brings_everything_back(life):
    assert life["enabled_again"] == life["enabled"]
    assert life["seed_again"] == 4711


def test_uninstalling_leaves_nothing_behind(life):
    assert life["uninstalled"] == {}
    assert life["files_left"] == []


def test_older_zips_stay_and_only_the_new_one_is_listed(own_tools, tmp_path):
    (tmp_path / "cstalk-0.0.1.zip").write_bytes(b"an older release")
    index = json.loads(repository.make_repository(tmp_path).read_bytes())
    assert (tmp_path / "cstalk-0.0.1.zip").read_bytes() == b"an older release"
    assert [item["version"] for item in index["data"]] == [extension.version()]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["cstalk-0.0.1.zip", f"cstalk-{extension.version()}.zip", "index.json"]


def test_the_same_zip_gives_the_same_index(own_tools, tmp_path):
    archive = extension.make_zip(tmp_path)
    first = repository.write_index(tmp_path).read_bytes()
    second_folder = tmp_path / "second"
    second_folder.mkdir()
    archive.replace(second_folder / archive.name)
    assert repository.write_index(second_folder).read_bytes() == first


def test_a_repository_whose_zip_is_another_is_refused(own_tools, tmp_path):
    repository.make_repository(tmp_path)
    archive = tmp_path / f"cstalk-{extension.version()}.zip"
    release_of(archive, tmp_path, "9.9.9").replace(archive)
    with pytest.raises(extension.BuildError, match="install"):
        repository.check_repository(tmp_path)
