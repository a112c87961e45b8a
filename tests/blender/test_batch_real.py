"""A batch in Blender on the real child and the shipped weights: as a person's machine has it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import bpy
import pytest

from cstalk_blender.cli import bake as command_line
from cstalk_blender.jobs.batch import job as batch_job
from cstalk_blender.jobs.batch.request import LineStatus
from cstalk_blender.rig.clips import strips
from cstalk_blender.ui import line_list, line_requests
from tests.fakes.faces import make_face
from tests.fakes.sessions import DEADLINE_S
from tests.fakes.sounds import voice, write_wav

ROOT = Path(__file__).resolve().parents[2]
COUNT = 6
HOLD = """
import sys
from pathlib import Path
from model_runtime.batch.lines.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def settings(addon, work, monkeypatch):
    """A face and a folder of lines of a second or two."""
    monkeypatch.delenv("CSTALK_PYTHON", raising=False)
    make_face("anna")
    (work / "lines").mkdir()
    for number in range(COUNT):
        write_wav(work / "lines" / f"anna_{number}.wav", voice(1 + number / 4, seed=number))
    settings = bpy.context.scene.cstalk_batch
    settings.folder, settings.output_folder = str(work / "lines"), str(work / "curves")
    line_list.fill(bpy.context.scene)
    return settings


@pytest.fixture
def taken(work):
    """The output folder, held by another process: its id."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(work / "curves")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    yield holder.pid
    holder.kill()
    holder.communicate()


def made(folder):
    """Contents of the finished curves in a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*.npz")}


def test_folder_that_another_batch_holds_is_refused_naming_it_and_the_scene_is_as_before(
    settings, work, taken
):
    batch = batch_job.current_job()
    with pytest.raises(RuntimeError, match="Another batch is writing"):
        bpy.ops.cstalk.batch_bake()
    assert f"process {taken} on" in str(batch.error)
    assert str(batch.error).startswith("Another batch")
    assert not bpy.data.actions
    assert made(work / "curves") == {}
    assert settings.lines[0].state == LineStatus.NEW


def test_batch_whose_child_is_killed_goes_on_to_the_bytes_of_an_unbroken_one(settings, work):
    batch = batch_job.current_job()
    batch.start(line_requests.request_of(bpy.context.scene))
    deadline = time.monotonic() + DEADLINE_S
    while batch.is_busy and not batch.count(LineStatus.MADE, LineStatus.DONE):
        assert time.monotonic() < deadline
        batch.tick()
    batch._worker._process._popen.kill()
    batch.wait()
    bpy.ops.cstalk.batch_bake()
    assert {state.status for state in batch.states.values()} <= {
        LineStatus.DONE,
        LineStatus.SKIPPED,
    }
    broken = made(work / "curves")
    assert len(broken) == COUNT
    (nla_track,) = strips.our_tracks(bpy.data.objects["anna"].data.shape_keys)
    assert len(nla_track.strips) == COUNT
    settings.output_folder = str(work / "unbroken")
    bpy.ops.cstalk.batch_bake()
    assert made(work / "unbroken") == broken


def test_shell_panel_and_a_run_without_blender_make_the_same_curves(settings, work, capsys):
    settings.destination = "FILES"
    bpy.context.scene.render.fps = 24
    bpy.context.scene.cstalk.emotion = "auto"
    bpy.ops.cstalk.batch_bake()
    by_panel = made(work / "curves")
    options = ("--folder", str(work / "lines"), "--out", str(work / "shell"), "--to", "files")
    assert command_line.execute(["bake", *options, "--emotion", "auto", "--json"]) == 0
    assert made(work / "shell") == by_panel
    said = [json.loads(t) for t in capsys.readouterr().out.splitlines() if t[:1] == "{"]
    heard = {one["id"]: one["detected_emotion"] for one in said if one["type"] == "line_ended"}
    assert len(heard) == COUNT
    assert all(heard.values())
    arguments = (str(work / "lines"), "-o", str(work / "plain"), "--emotion", "auto")
    arguments = (*arguments, "--head", "0")  # the face has no bone that turns
    arguments = (*arguments, "--fps", "24", "--report", str(work / "plain.csv"))
    launch = batch_job.current_job().launch()
    command = launch.argv.index("batch-worker")
    argv = (*launch.argv[:command], "batch", *arguments, *launch.argv[command + 1 :])
    subprocess.run(argv, cwd=launch.folder, env=launch.environment, check=True, capture_output=True)
    assert made(work / "plain") == by_panel
    with (work / "plain.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["audio"]: row["detected"] for row in csv.DictReader(stream)}
    assert rows == {f"{name}.wav": emotion for name, emotion in heard.items()}
