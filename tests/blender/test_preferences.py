"""The preferences say what runs the model, and the child is started as they say."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import bpy
import pytest

from cstalk_blender.errors import PythonMissing
from cstalk_blender.jobs import generate as jobs
from cstalk_blender.package import ADDON_ID
from cstalk_blender.ui import launch, preferences
from tests.fakes.panel_layouts import said
from tests.fakes.sessions import DEADLINE_S


@pytest.fixture
def chosen(addon, monkeypatch):
    """The preferences, as if the checkout were an enabled add-on."""
    monkeypatch.delenv("CSTALK_PYTHON", raising=False)
    entry = bpy.context.preferences.addons.new()
    entry.module = ADDON_ID
    yield launch.preferences_or_none()
    bpy.context.preferences.addons.remove(entry)


def test_child_is_started_as_chosen(chosen):
    chosen.engine, chosen.device = "torch", "cuda"
    chosen.python_path = sys.executable
    found = launch.worker_launch()
    assert found.argv[0] == sys.executable
    assert found.argv[-4:] == ("--engine", "torch", "--device", "cuda")
    assert found.log_file == launch.log_file()


def test_blenders_own_python_is_the_default(chosen):
    assert launch.worker_launch().argv[0] == sys.executable


def test_missing_python_fails_with_a_hint(chosen, tmp_path):
    chosen.python_path = str(tmp_path / "no such python")
    with pytest.raises(PythonMissing, match="no such python") as caught:
        launch.worker_launch()
    assert caught.value.hint


def test_preferences_work_without_an_entry_in_blender(addon):
    assert launch.preferences_or_none() is None
    assert launch.worker_launch().argv[-4:] == ("--engine", "auto", "--device", "auto")


def test_log_file_is_never_inside_the_add_on(chosen):
    assert Path(preferences.__file__).parent not in launch.log_file().parents
    assert bpy.app.tempdir.rstrip("/") in str(launch.log_file())


def test_preferences_show_what_they_come_to(chosen, studio, tmp_path):
    class Drawn:
        def draw(self, _context):
            preferences.draw_preferences(self.layout, chosen)

    assert f"The model runs in {sys.executable}" in said(Drawn)
    assert f"Log: {launch.log_file()}" in said(Drawn)
    chosen.python_path = str(tmp_path / "absent")
    assert "No Python at" in said(Drawn)
    assert "clear it to use Blender's own Python" in said(Drawn)


def test_changed_preferences_end_the_idle_child(chosen, studio):
    studio._client = client = jobs.session_client.Client(studio.launch)
    client._start()
    pid = studio.child_pid
    chosen.engine = "numpy"
    assert studio.child_pid is None
    deadline = time.monotonic() + DEADLINE_S  # it ends in the background: a click never waits
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(pid)


def is_running(pid):
    """True while there is a process of this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
