"""Laws of emotions in the panel's batch and in its command: who says what, and what is heard."""

from __future__ import annotations

import json

import bpy
import pytest

from cstalk_blender.cli import bake as command_line
from cstalk_blender.jobs.batch.request import LineStatus
from cstalk_blender.ui import emotion_strip as emotion_band
from cstalk_blender.ui import line_list, line_requests
from cstalk_blender.ui.panels import batch as panels_batch
from model_runtime import choices
from tests.fakes.faces import make_face, write_wav
from tests.fakes.panel_layouts import said

HEARD = "sad 0.6"
"""What the fake child hears in every voice."""
NAMES = ("anna_01", "anna_02__happy", "anna_03__happy_0.5")


@pytest.fixture
def folder(work):
    """Three lines, two of which name an emotion."""
    for name in NAMES:
        path = work / "lines" / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        write_wav(path)
    return work / "lines"


@pytest.fixture
def settings(batch, folder, work):
    """A face, and the list of the folder."""
    make_face("anna")
    settings = bpy.context.scene.cstalk_batch
    settings.folder, settings.output_folder = str(folder), str(work / "curves")
    line_list.fill(bpy.context.scene)
    return settings


@pytest.fixture
def main(settings):
    """The main panel."""
    return bpy.context.scene.cstalk


def sent(work):
    """Emotion and intensity of each line that the child was given, by name."""
    given = json.loads((work / "curves" / "fake-lines.json").read_text(encoding="utf-8"))
    first = {one["id"]: one["performance"]["emotion_keys"][0] for one in given}
    return {name: (key["emotion"], key["intensity"]) for name, key in first.items()}


def band(item):
    """Emotions in the band of a line."""
    keys = line_requests.emotion_keys_of(item, bpy.context.scene, None)
    return [key.emotion for key in keys]


def test_auto_of_the_main_panel_is_as_strong_as_its_slider(settings, main, work):
    main.emotion, main.intensity = choices.AUTO_EMOTION, 0.4
    bpy.ops.cstalk.batch_bake()
    assert sent(work) == {
        NAMES[0]: ("auto", 0.4),
        NAMES[1]: ("happy", 1.0),
        NAMES[2]: ("happy", 0.5),
    }


def test_auto_is_one_of_the_emotions_of_a_line_once(settings):
    names = [item[0] for item in settings.lines[0].bl_rna.properties["emotion"].enum_items.items()]
    names = [name for name in names if name]  # without separators
    assert len(names) == len(set(names)) == len(choices.EMOTIONS) + 2 + 6


def test_list_and_band_show_what_was_heard_until_the_line_is_changed(settings, batch):
    item = settings.lines[0]
    item.emotion = choices.AUTO_EMOTION
    assert band(item) == ["auto"]
    bpy.ops.cstalk.batch_bake()
    assert panels_batch.live_state(item).detected_emotion == HEARD
    assert band(item) == ["neutral", "sad"]
    assert panels_batch.live_state(settings.lines[1]).detected_emotion == ""
    bpy.ops.cstalk.batch_bake()
    assert item.state == LineStatus.SKIPPED
    assert panels_batch.live_state(item).detected_emotion == HEARD
    item.intensity = 0.5
    assert panels_batch.live_state(item).detected_emotion == ""
    assert band(item) == ["auto"]


class Chosen:
    """Draw the page below the list; the list itself needs a window."""

    def draw(self, context):
        """Draw it."""
        scene = context.scene
        panels_batch.draw_selected(self.layout, scene, scene.cstalk_batch, letters=60)


def test_panel_says_below_the_list_what_was_heard_in_the_chosen_line(settings):
    settings.lines[0].emotion = choices.AUTO_EMOTION
    settings.index = 0
    assert "Heard:" not in said(Chosen)
    bpy.ops.cstalk.batch_bake()
    assert f"Detected: {HEARD}" in said(Chosen)
    settings.index = 1
    assert "Heard:" not in said(Chosen)


def test_what_was_heard_is_kept_in_the_file(settings, work):
    settings.lines[0].emotion = choices.AUTO_EMOTION
    bpy.ops.cstalk.batch_bake()
    path = str(work / "szene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    item = bpy.context.scene.cstalk_batch.lines[0]
    assert panels_batch.live_state(item).detected_emotion == HEARD
    emotion_band.detach()
    emotion_band.attach()
    assert band(item) == ["neutral", "sad"]


def test_strength_without_an_emotion_is_that_of_the_main_panel_s_emotion(
    settings, main, folder, work
):
    main.emotion, main.intensity = "angry", 0.9
    (folder / f"{NAMES[0]}.json").write_text('{"intensity": 0.2}', encoding="utf-8")
    line_list.fill(bpy.context.scene)
    bpy.ops.cstalk.batch_bake()
    assert sent(work)[NAMES[0]] == ("angry", pytest.approx(0.2))


def test_each_thing_that_was_set_is_kept_unless_the_source_says_otherwise_of_it(settings, folder):
    scene = bpy.context.scene
    make_face("bob")
    first = settings.lines[0]
    first.emotion, first.intensity = "sad", 0.25
    second = settings.lines[1]
    second.emotion = "angry"
    role = settings.roles.add()
    role.pattern, role.character = "*_01", bpy.data.objects["bob"]
    line_list.fill(scene)  # who speaks it is said anew, how is not
    first = settings.lines[0]
    assert (first.character.name, first.emotion, first.intensity) == ("bob", "sad", 0.25)
    settings.emotion_default = "fearful"
    line_list.fill(scene)
    assert [item.emotion for item in settings.lines] == ["fearful", "angry", "happy"]


def test_unknown_emotion_fails_its_line_until_one_is_chosen(settings, batch, folder, work):
    listed = work / "list.csv"
    listed.write_text(f"file,emotion\n{folder}/{NAMES[0]}.wav,grumpy\n", encoding="utf-8")
    settings.source_kind, settings.list_path = "LIST", str(listed)
    line_list.fill(bpy.context.scene)
    (item,) = settings.lines
    assert (item.state, "grumpy" in item.message) == (LineStatus.FAILED, True)
    bpy.ops.cstalk.batch_bake()
    assert "Unknown emotion 'grumpy'" in batch.states[item.name].message
    item.emotion = "angry"
    bpy.ops.cstalk.batch_bake()
    assert batch.states[item.name].status == LineStatus.DONE


def shell(*arguments):
    """Run the command as Blender does, without saving."""
    return command_line.execute(["bake", *map(str, arguments), "--no-save"])


def test_command_takes_auto_and_says_what_was_heard(settings, folder, work, capsys):
    options = ("--folder", folder, "--out", work / "curves", "--emotion", "auto")
    assert shell(*options, "--intensity", 0.5, "--json") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[:1] == "{"]
    heard = {one["id"]: one["detected_emotion"] for one in told if one["type"] == "line_ended"}
    assert heard == {NAMES[0]: HEARD, NAMES[1]: "", NAMES[2]: ""}
    assert sent(work) == {
        NAMES[0]: ("auto", 0.5),
        NAMES[1]: ("happy", 1.0),
        NAMES[2]: ("happy", 0.5),
    }
    assert shell(*options) == 0
    assert f"{NAMES[0]} (detected: {HEARD})" in capsys.readouterr().err


def test_command_run_again_with_another_emotion_obeys(settings, folder, work):
    options = ("--folder", folder, "--out", work / "curves")
    for emotion, strength in (("happy", 1.0), ("sad", 1.0)):
        assert shell(*options, "--emotion", emotion) == 0
        assert sent(work)[NAMES[0]] == (emotion, strength)
