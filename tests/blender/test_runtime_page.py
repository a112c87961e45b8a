"""The page Runtime: what it says, what its buttons refuse, and the way back when PyTorch fails."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy
import pytest

from cstalk_blender.errors import InstallFailed, RequestRefused, StartFailed, WorkerDied
from cstalk_blender.jobs import generate as jobs
from cstalk_blender.jobs import install as runtime_jobs
from cstalk_blender.jobs import open_jobs
from cstalk_blender.package import ADDON_ID
from cstalk_blender.runtime_install import machine, plan, runtime_choice, state
from cstalk_blender.runtime_install.ownership import Ownership
from cstalk_blender.ui import launch
from cstalk_blender.ui.operators import runtime as operators_runtime
from cstalk_blender.ui.panels import runtime as panels_runtime
from tests.fakes.panel_layouts import said
from tests.fakes.sessions import fake_launch


@pytest.fixture
def home(addon, tmp_path, monkeypatch):
    """A runtime's folder of this test's own."""
    folder = tmp_path / "runtime ü"
    folder.mkdir()
    monkeypatch.setattr(launch, "runtime_home", lambda: folder)
    monkeypatch.delenv("CSTALK_PYTHON", raising=False)
    operators_runtime._detected.clear()
    return folder


@pytest.fixture
def chosen(home):
    entry = bpy.context.preferences.addons.new()
    entry.module = ADDON_ID
    yield launch.preferences_or_none()
    bpy.context.preferences.addons.remove(entry)


@pytest.fixture
def online():
    system = bpy.context.preferences.system
    before = system.use_online_access
    yield lambda allowed: setattr(system, "use_online_access", allowed)
    system.use_online_access = before


def put(home: Path, *, python: str = sys.executable, note: str = "") -> state.Installed:
    """Let ``python`` be the installed runtime."""
    source = {"kind": plan.DOWNLOAD, "tag": "cu126"}
    installed = state.Installed(
        python, True, "2.9+cu126", "cuda (Card)", "PyTorch for CUDA 12.6", source, 10**9, 0.1, note
    )
    state.write_installed(home, installed)
    return installed


def page(chosen) -> str:
    class Drawn:
        def draw(self, _context):
            panels_runtime.draw_runtime(self.layout, chosen, launch.runtime_home())

    return said(Drawn)


def test_without_a_runtime_the_built_in_engine_runs_and_nothing_is_missing(chosen):
    text = page(chosen)
    assert "In use: Built-in engine" in text
    assert "it is optional" in text
    assert "Install GPU Runtime" in text
    assert launch.worker_launch().argv[0] == sys.executable


def test_an_installed_runtime_runs_the_model_and_is_shown_with_its_size(chosen, home):
    installed = put(home)
    text = page(chosen)
    assert "In use: PyTorch 2.9+cu126 on cuda (Card)" in text
    assert "1.0 GB on disk" in text
    for button in ("Test", "Repair", "Remove"):
        assert button in text
    assert launch.worker_launch().argv[0] == installed.python
    chosen.engine = "numpy"
    assert "In use: Built-in engine" in page(chosen)
    assert launch.worker_launch().argv[-3] == "numpy"


def test_a_python_of_the_persons_own_comes_before_the_runtime(chosen, home, tmp_path):
    put(home, python=str(tmp_path / "absent"))
    chosen.python_path = sys.executable
    assert launch.worker_launch().argv[0] == sys.executable
    assert "in the Python chosen below" in page(chosen)


def test_a_runtime_whose_python_is_gone_leaves_the_built_in_engine(chosen, home, tmp_path):
    put(home, python=str(tmp_path / "absent"))
    assert launch.worker_launch().argv[0] == sys.executable
    text = page(chosen)
    assert "In use: Built-in engine" in text
    assert "The Python of the runtime is missing" in text
    assert "The built-in engine is used instead" in text


def test_what_was_cut_off_can_be_resumed(chosen, home, online):
    state.write_pending(home, state.Pending({"kind": "download"}, "Downloading", 5 * 10**8))
    text = page(chosen)
    assert "interrupted (downloading); 500 MB downloaded" in text
    assert "Resume" in text
    resume = operators_runtime.CSTALK_OT_runtime_resume
    online(True)
    assert resume.disabled_reason(bpy.context) is None
    online(False)
    assert "Online access is disabled" in resume.disabled_reason(bpy.context)


def test_nothing_is_downloaded_while_blender_is_offline(chosen, home, online, monkeypatch):
    found = machine.Machine(
        "linux", "x86_64", machine.Card("nvidia", "RTX 4090", (580, 65), (8, 9))
    )
    monkeypatch.setattr(machine, "detect", lambda: found)
    operators_runtime.detect_machine()
    online(False)
    with pytest.raises(InstallFailed, match="Online access is disabled") as caught:
        operators_runtime.install_command(plan.DOWNLOAD, "")
    assert "folder of wheels" in caught.value.hint
    assert any(
        "Online access is disabled" in text
        for text, _ in operators_runtime.consent_lines(plan.DOWNLOAD)
    )
    online(True)
    command = operators_runtime.install_command(plan.DOWNLOAD, "")
    assert command == ("install", "--tag", "cu130", "--torch-index", plan.TORCH_INDEX)
    chosen.torch_index = "https://mirror.example/torch"
    command = operators_runtime.install_command(plan.DOWNLOAD, "")
    assert command[-1] == "https://mirror.example/torch"


def test_the_question_names_card_build_size_and_source(chosen, home, online, monkeypatch):
    found = machine.Machine(
        "linux", "x86_64", machine.Card("nvidia", "RTX 4090", (580, 65), (8, 9))
    )
    monkeypatch.setattr(machine, "detect", lambda: found)
    operators_runtime.detect_machine()
    online(True)
    text = " ".join(line for line, _ in operators_runtime.consent_lines(plan.DOWNLOAD))
    for part in (
        "RTX 4090, driver 580.65",
        "CUDA 13.0",
        "3.0 GB",
        "download.pytorch.org",
        "6.0 GB",
    ):
        assert part in text
    assert str(home) in text


def test_a_folder_that_is_not_there_is_refused(chosen, home, tmp_path):
    for kind in (plan.FOLDER, plan.ENVIRONMENT):
        with pytest.raises(InstallFailed, match="Folder not found"):
            operators_runtime.install_command(kind, str(tmp_path / "absent"))


def test_buttons_say_why_they_are_off(chosen, home):
    reasons = {cls.bl_idname: cls.disabled_reason(bpy.context) for cls in operators_runtime.CLASSES}
    assert reasons.pop("cstalk.runtime_install") is None
    assert all(reasons.values())


def test_a_failed_installer_is_an_error_with_a_way_out(chosen, home, tmp_path):
    job = runtime_jobs.current_job()
    job.start(home, ("install", "--wheels", str(tmp_path / "no such")))
    assert job.is_busy
    assert "Cancel" in page(chosen)
    job.wait()
    assert not job.is_busy
    assert "No folder at" in str(job.error)
    assert job.error.hint in page(chosen)
    assert state.read_installed(home) is None


def test_cancel_ends_the_installer_and_leaves_what_worked(chosen, home, tmp_path):
    before = put(home)
    job = runtime_jobs.current_job()
    job.start(home, ("install", "--wheels", str(tmp_path)))
    child = job._child
    job.cancel()
    assert job.stage == "Stopping"
    job.wait()
    assert child.exit_code is not None
    assert job.error is None
    assert state.read_installed(home) == before


def test_removing_takes_everything_but_the_built_in_engine(chosen, home):
    put(home)
    for name in ("env-1", "wheels"):
        Ownership(home).claim(home / name)
        (home / name).mkdir()
    (home / "of_the_user.txt").write_text("kept")
    assert bpy.ops.cstalk.runtime_remove() == {"FINISHED"}
    assert sorted(path.name for path in home.iterdir()) == ["lock", "of_the_user.txt"]
    assert "Built-in engine" in page(chosen)


def test_unregistering_ends_the_installer(tmp_path):
    import cstalk_blender

    cstalk_blender.register()
    job = runtime_jobs.current_job()
    job.start(tmp_path, ("install", "--wheels", str(tmp_path)))
    child = job._child
    cstalk_blender.unregister()
    assert child.exit_code is not None
    assert open_jobs.INSTALL.current_or_none is None


@pytest.mark.skipif(
    not os.environ.get("CSTALK_TEST_RUNTIME_PYTHON"),
    reason="CSTALK_TEST_RUNTIME_PYTHON names no Python with torch: use build.py test",
)
def test_an_environment_with_torch_is_tested_and_then_runs_the_model(chosen, home):
    python = Path(os.environ["CSTALK_TEST_RUNTIME_PYTHON"])
    result = bpy.ops.cstalk.runtime_install(source=plan.ENVIRONMENT, folder=str(python.parents[1]))
    assert result == {"FINISHED"}
    installed = state.read_installed(home)
    assert installed.device
    assert not installed.is_ours
    assert launch.worker_launch().argv[0] == str(installed.python)
    assert f"In use: PyTorch {installed.torch}" in page(chosen)


@pytest.mark.parametrize(
    "error",
    [
        StartFailed("it ended"),
        WorkerDied("it crashed"),
        RequestRefused("engine-unavailable", "torch does not load"),
        RequestRefused("internal", "no kernel image"),
    ],
    ids=lambda error: error.error_code,
)
def test_what_fails_with_pytorch_falls_back_and_says_so(chosen, home, error):
    put(home)
    launch.worker_launch()
    line = runtime_choice.current.fall_back(error)
    assert str(error) in line
    assert "built-in engine was used" in line
    assert launch.worker_launch().argv[0] == sys.executable
    assert launch.worker_launch().argv[-3] == "numpy"
    assert f"PyTorch failed: {error}" in page(chosen)
    assert runtime_choice.current.fall_back(error) == ""
    assert bpy.ops.cstalk.runtime_retry() == {"FINISHED"}
    assert "PyTorch failed" not in page(chosen)


@pytest.mark.parametrize(
    "error", [RequestRefused("bad-audio", "no sound"), InstallFailed("x")], ids=str
)
def test_what_no_engine_can_do_is_not_tried_again(chosen, home, error):
    put(home)
    launch.worker_launch()
    assert runtime_choice.current.fall_back(error) == ""


def test_an_order_whose_pytorch_dies_is_carried_out_by_the_built_in_engine(
    chosen, home, tmp_path, work
):
    from cstalk_blender.jobs.request import request_for
    from cstalk_blender.package import protocol
    from tests.fakes.faces import make_face, write_wav

    put(home)
    studio = jobs.current_job()

    def fake():
        choice = launch.runtime_of(chosen)
        return fake_launch("good" if choice.engine == "numpy" else "die_at_start", tmp_path)

    studio.launch = fake
    performance = protocol.Performance(write_wav(work / "line.wav"))
    order = request_for(bpy.context.scene, make_face(), performance, start_frame=1)
    studio.start(order)
    studio.wait()
    assert studio.error is None
    assert studio.outcome is not None
    assert "The built-in engine was used" in studio.notice
    assert runtime_choice.REPAIR_HINT in studio.notice
