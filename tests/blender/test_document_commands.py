"""Every Blender command of README and guide runs as it is printed, on the scene it names."""

from __future__ import annotations

import shlex

import bpy
import pytest

from cstalk_blender.cli import bake
from cstalk_blender.compat import strips_of
from tests.fakes.document_commands import BLENDER, documented_commands
from tests.fakes.faces import make_face, write_wav

COMMANDS = documented_commands(BLENDER)
PREFIX = ("blender", "-b", "scene.blend", "--command", "cstalk")


@pytest.fixture
def folder(batch, work, monkeypatch):
    """The current folder, with the scene, the lines and the list that the documents speak of."""
    pytest.importorskip("aud", reason="this Blender was built without sound strips")
    monkeypatch.chdir(work)
    for name in ("lines/anna_01.wav", "lines/bob_01.wav"):
        (work / name).parent.mkdir(exist_ok=True)
        write_wav(work / name)
    (work / "scene_04.csv").write_text(
        "file,character\nlines/anna_01.wav,Anna\nlines/bob_01.wav,Bob\n", encoding="utf-8"
    )
    for name in ("Face", "Anna", "Bob"):
        make_face(name)
    strips = strips_of(bpy.context.scene)
    for channel, name in enumerate(("anna_01", "bob_01"), 1):
        strips.new_sound(name, str(work / "lines" / f"{name}.wav"), channel, 1)
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "scene.blend"))
    return work


def test_there_are_blender_commands_in_the_documents() -> None:
    assert len(COMMANDS) >= 3


@pytest.mark.parametrize("command", COMMANDS)
def test_a_blender_command_makes_every_line(folder, command, capsys):
    words = shlex.split(command)
    assert tuple(words[:5]) == PREFIX
    assert bake.execute(words[5:]) == 0, capsys.readouterr().err
    written = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"anna_01.npz", "bob_01.npz"} <= written
    if "--out" in words:
        assert any((folder / words[words.index("--out") + 1]).rglob("*.glb"))
