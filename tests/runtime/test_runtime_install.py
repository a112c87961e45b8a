"""Install the GPU runtime: an environment, wheels, a test by real inference, the switch.

Small wheels stand in for torch and lead to the real one of this environment, so that nothing large
is downloaded. ``CSTALK_TEST_DOWNLOADS=1`` adds the true PyTorch of this environment, from pip.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cstalk_blender.errors import InstallFailed
from cstalk_blender.runtime_install import plan, state
from cstalk_blender.runtime_install.commands import InstallCancelled, Stop
from cstalk_blender.runtime_install.plan import Source
from cstalk_blender.runtime_install.steps import Installation, Progress
from tests.conftest import ROOT
from tests.fakes.package_index import PackageIndex, serve
from tests.fakes.wheels import make_broken_torch, make_torch

torch = pytest.importorskip("torch")
PACKAGES = Path(torch.__file__).parents[1]
KILLS = 3
"""Number of random moments at which the installer is killed."""
PADDING = 3_000_000
LIMIT_S = 600.0
INSTALLER = (sys.executable, "-m", "cstalk_blender.runtime_install", "--json")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a folder of wheels with a torch that works."""
    folder = tmp_path_factory.mktemp("wheels ü")
    make_torch(folder, "2.99.1+cpu", PACKAGES)
    return folder


@pytest.fixture(scope="module")
def broken_wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a folder of wheels with a torch that does not load."""
    folder = tmp_path_factory.mktemp("broken")
    make_broken_torch(folder, "2.99.2", PACKAGES, "libcudart.so.99 cannot be opened")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the runtime's folder, with other alphabets in its path."""
    return tmp_path / "ユーザー ü" / "runtime"


@pytest.fixture
def index(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PackageIndex]:
    """Serve one index for each build, as PyTorch's site does; pip's own index is disabled."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path_factory.mktemp("index")
    for tag in ("cpu", "cu126", "cu130"):
        (folder / tag).mkdir()
        make_torch(folder / tag, f"2.99.3+{tag}", PACKAGES, padding=PADDING)
    with serve(folder) as running:
        yield running


def install(
    home: Path, source: Source, *, report: Callable[[Progress], None] = lambda _p: None
) -> state.Installed:
    return Installation(home, source, root=ROOT, stop=Stop(), report=report).run()


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> state.Installed:
    """Install this environment as the runtime once, with its real test."""
    folder = Path(sys.executable).parents[1]
    return install(tmp_path_factory.mktemp("tested"), Source(plan.ENVIRONMENT, str(folder)))


@pytest.fixture
def before(home: Path, tested: state.Installed) -> state.Installed:
    """Record a runtime that works, in the state that an installation leaves it in."""
    home.mkdir(parents=True)
    state.write_installed(home, tested)
    return tested


def is_whole(home: Path, installed: state.Installed) -> bool:
    return state.read_installed(home) == installed and Path(installed.python).is_file()


def test_wheels_of_a_folder_become_a_runtime_that_performs(home: Path, wheels: Path) -> None:
    told: list[Progress] = []
    installed = install(home, Source(plan.FOLDER, str(wheels)), report=told.append)
    assert installed.torch == "2.99.1+cpu"
    assert installed.device.startswith(("cpu", "cuda", "mps"))
    assert installed.is_ours
    assert installed.disk_bytes > 1_000_000
    assert is_whole(home, installed)
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert [p.stage for p in told][-1] == "Testing with a real generation"
    assert sorted(path.name for path in home.iterdir()) == sorted(
        ["created.json", "current.json", "install.log", "lock", installed.folder.name]
    )
    assert run(home, "test")["type"] == "done"
    Path(installed.python).unlink()
    repaired = run(home, "repair")
    assert repaired["type"] == "done"
    assert repaired["python"] != installed.python
    assert not installed.folder.exists()
    assert run(home, "remove")["type"] == "done"
    assert sorted(path.name for path in home.iterdir()) == ["lock"]


def test_pytorch_comes_from_the_index_of_its_kind_and_from_no_other(
    home: Path, index: PackageIndex
) -> None:
    index.cut_after = PADDING // 2
    details: list[Progress] = []
    source = Source(tag="cu126", torch_index=index.url)
    installed = install(home, source, report=details.append)
    assert installed.torch == "2.99.3+cu126"
    assert installed.build == "PyTorch for CUDA 12.6"
    assert {path.split("/")[1] for _, path, _ in index.requests} == {"cu126"}
    assert any("torch: " in progress.detail for progress in details)
    if installed.device.startswith("cpu"):
        assert "card is not used" in installed.note


def test_a_torch_that_does_not_load_changes_nothing(
    home: Path, before: state.Installed, broken_wheels: Path
) -> None:
    with pytest.raises(InstallFailed, match=r"libcudart\.so\.99"):
        install(home, Source(plan.FOLDER, str(broken_wheels)))
    assert is_whole(home, before)
    pending = state.read_pending(home)
    assert pending is not None
    assert state.source_of(pending.source).path == str(broken_wheels)


def test_a_folder_without_torch_names_what_is_missing(
    home: Path, before: state.Installed, tmp_path: Path
) -> None:
    with pytest.raises(InstallFailed, match="No matching distribution") as caught:
        install(home, Source(plan.FOLDER, str(tmp_path)))
    assert "another source" in caught.value.hint
    assert is_whole(home, before)


def test_an_unreachable_server_fails_with_a_hint_and_changes_nothing(
    home: Path, before: state.Installed, index: PackageIndex
) -> None:
    with pytest.raises(InstallFailed) as caught:
        install(home, Source(tag="rocm6.4", torch_index=index.url))
    assert caught.value.hint
    assert is_whole(home, before)


def test_a_disk_without_room_is_found_before_the_download(
    home: Path, index: PackageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cstalk_blender.runtime_install.steps.SPARE_BYTES", 1 << 60)
    with pytest.raises(InstallFailed, match="are free"):
        install(home, Source(tag="cpu", torch_index=index.url))
    assert state.read_installed(home) is None


def test_cancel_keeps_the_download_and_resume_goes_on_from_it(
    home: Path, index: PackageIndex
) -> None:
    stop = Stop()

    def report(progress: Progress) -> None:
        if progress.stage == "Downloading" and "torch" in progress.detail:
            stop.set()

    source = Source(tag="cpu", torch_index=index.url)
    with pytest.raises(InstallCancelled):
        Installation(home, source, root=ROOT, stop=stop, report=report).run()
    (part,) = (home / state.WHEELS).glob("torch-*.part")
    kept = part.stat().st_size
    index.requests.clear()
    done = run(home, "resume")
    assert done["type"] == "done", done
    assert any(asked == f"bytes={kept}-" for _, _, asked in index.requests)


def test_killed_at_any_moment_the_old_runtime_works_and_the_next_try_succeeds(
    home: Path, before: state.Installed, index: PackageIndex
) -> None:
    index.pause_s = 0.02
    chance = random.Random(6)
    arguments = ("install", "--tag", "cpu", "--torch-index", index.url)
    stages = set()
    for _ in range(KILLS):
        child = started(home, *arguments)
        time.sleep(chance.uniform(0.1, 9.0))
        os.killpg(child.pid, signal.SIGKILL)
        output, _ = child.communicate(timeout=LIMIT_S)
        stages |= {json.loads(line).get("stage") for line in output.splitlines()[-1:]}
        if not is_whole(home, before):  # it was quicker than the killer
            break
    index.pause_s = 0.0
    done = run(home, *arguments)
    assert done["type"] == "done", done
    assert done["torch"] == "2.99.3+cpu"
    left = [path.name for path in home.iterdir() if path.name.startswith("env-")]
    assert left == [Path(done["python"]).parents[1].name]


def test_a_closed_stdin_ends_the_installer_and_what_it_started(
    home: Path, index: PackageIndex
) -> None:
    index.pause_s = 0.5
    child = started(
        home, "install", "--stop-with-stdin", "--tag", "cpu", "--torch-index", index.url
    )
    assert child.stdin is not None
    assert child.stdout is not None
    for line in child.stdout:
        if json.loads(line)["stage"] == "Resolving packages":
            break
    child.stdin.close()
    rest = child.stdout.read()
    assert child.wait(LIMIT_S) == 130
    child.stdout.close()
    assert json.loads(rest.splitlines()[-1])["type"] == "cancelled"
    assert state.read_installed(home) is None
    assert state.read_pending(home) is not None


def test_an_environment_of_the_user_is_used_and_never_changed(
    home: Path, before: state.Installed
) -> None:
    folder = Path(sys.executable).parents[1]
    assert not before.is_ours
    assert Path(before.python).parents[1] == folder
    assert run(home, "remove")["type"] == "done"
    assert Path(sys.executable).is_file()
    with pytest.raises(InstallFailed, match="No environment"):
        install(home, Source(plan.ENVIRONMENT, str(home)))


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("CSTALK_TEST_DOWNLOADS") != "1",
    reason="downloads PyTorch (200 MB): set CSTALK_TEST_DOWNLOADS=1",
)
def test_true_pytorch_from_pips_own_index_performs(home: Path) -> None:
    version = torch.__version__
    done = run(home, "install", "--torch-index", "", "--torch", f"torch=={version}", limit_s=1800)
    assert done["type"] == "done", done
    assert done["torch"] == version
    assert done["disk_bytes"] > 500_000_000


def started(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the installer as the add-on does, in its own process group."""
    name, *rest = arguments
    return subprocess.Popen(
        [*INSTALLER, name, "--home", str(home), *rest],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def run(home: Path, *arguments: str, limit_s: float = LIMIT_S) -> dict[str, Any]:
    """Run the installer to its end and return its last message."""
    output, _ = started(home, *arguments).communicate(timeout=limit_s)
    message: dict[str, Any] = json.loads(output.splitlines()[-1])
    return message
