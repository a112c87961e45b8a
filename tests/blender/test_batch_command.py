"""The batch from a shell, on a fake child: what it says, what it saves, how it ends."""

from __future__ import annotations

import json

import bpy
import pytest

from cstalk_blender.cli import bake as command_line
from cstalk_blender.rig.clips import strips
from cstalk_blender.ui import line_list
from tests.fakes.faces import make_face, write_wav

LINES = ("anna_01__happy_0.5", "bob_01", "sub/anna_02")


@pytest.fixture
def folder(batch, work):
    """Three lines of two seconds, one in a subfolder, for two faces at 24 frames a second."""
    (work / "lines" / "sub").mkdir(parents=True)
    for name in LINES:
        write_wav(work / "lines" / f"{name}.wav")
    bpy.context.scene.render.fps = 24
    for name in ("bob", "anna"):
        make_face(name)
    return work / "lines"


@pytest.fixture
def settings(folder, work):
    """The list of the folder, as a person has read it."""
    settings = bpy.context.scene.cstalk_batch
    settings.folder, settings.output_folder = str(folder), str(work / "curves")
    line_list.fill(bpy.context.scene)
    return settings


def shell(*arguments):
    """Run the command as Blender does."""
    return command_line.execute(["bake", *map(str, arguments)])


def objects_said(capsys):
    """Return the JSON objects that ``--json`` wrote."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[:1] == "{"]


def strips_by_face():
    """Name, first and last frame of each strip on our tracks, by face."""
    return {
        face.name: [
            (strip.name, strip.frame_start, strip.frame_end)
            for nla_track in strips.our_tracks(face.data.shape_keys)
            for strip in nla_track.strips
        ]
        for face in bpy.data.objects
    }


def test_command_makes_what_the_panel_makes_and_saves_it(settings, folder, work):
    bpy.ops.cstalk.batch_bake()
    by_panel = strips_by_face()
    assert [len(found) for found in by_panel.values()] == [2, 1]
    bpy.ops.cstalk.batch_clear()
    saved = work / "szene.blend"
    assert shell("--folder", folder, "--out", work / "curves", "--save-as", saved) == 0
    assert strips_by_face() == by_panel
    bpy.ops.wm.open_mainfile(filepath=str(saved))
    assert strips_by_face() == by_panel


@pytest.mark.parametrize("to", ["nla", "timeline", "actions"])
def test_each_line_is_told_once_as_it_ended(folder, work, capsys, to):
    listed = work / "list.csv"
    rows = [f"{folder}/{LINES[0]}.wav,anna", f"{folder}/{LINES[1]}.wav,Clara", "gone.wav,bob"]
    listed.write_text("\n".join(["file,character", *rows]), encoding="utf-8")
    options = ("--list", listed, "--out", work / "curves", "--to", to, "--json", "--no-save")
    assert shell(*options) == 2
    said = objects_said(capsys)
    assert [one["type"] for one in said if one["type"] != "batch_progress"] == [
        *("batch_started", "line_ended", "line_ended", "line_ended", "batch_ended")
    ]
    told = [(one["id"], one["outcome"]) for one in said if one["type"] == "line_ended"]
    assert sorted(told) == [(LINES[0], "done"), (LINES[1], "failed"), ("gone", "failed")]
    assert (said[-1]["done"], said[-1]["failed"]) == (1, 2)


def test_bad_option_ends_with_status_2_and_says_what_to_do(folder, work, capsys):
    assert shell("--folder", folder, "--character", "Nobody", "--no-save") == 2
    assert "has no character 'Nobody'" in capsys.readouterr().err
    assert shell("--folder", work / "nowhere", "--no-save") == 2
    assert shell("--unknown") == 2
    assert shell("--folder", folder) == 2
    assert "No .blend file is open to save" in capsys.readouterr().err


def test_cast_of_the_command_counts_before_that_of_the_file_and_is_not_doubled(folder, work):
    make_face("clara")
    settings = bpy.context.scene.cstalk_batch
    role = settings.roles.add()
    role.pattern, role.character = "*anna_*", bpy.data.objects["clara"]
    options = ("--folder", folder, "--out", work / "curves", "--no-save")
    for _ in range(2):
        assert shell(*options, "--cast", "*_02=bob", "--cast", "bob_*=anna") == 0
    told = [(role.pattern, role.character.name) for role in settings.roles]
    assert told == [("*_02", "bob"), ("bob_*", "anna"), ("*anna_*", "clara")]
    assert [item.character.name for item in settings.lines] == ["clara", "anna", "bob"]


def test_folder_that_is_taken_is_said_once_and_left_alone(folder, work, use_child, capsys):
    use_child("busy")
    assert shell("--folder", folder, "--out", work / "curves", "--no-save") == 2
    complaints = [t for t in capsys.readouterr().err.splitlines() if "Another batch" in t]
    assert len(complaints) == 1
    assert complaints[0].startswith("cstalk: Another batch is writing into")
    assert not (work / "curves").exists()  # nothing was put under the other's feet
