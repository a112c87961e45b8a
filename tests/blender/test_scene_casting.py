"""Strips of the sequencer as lines, and emotion over time, on real Blender."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from cstalk_blender import compat
from cstalk_blender.cli import bake as command_line
from cstalk_blender.dialogue import emotion_keys
from cstalk_blender.dialogue.casting import Role
from cstalk_blender.errors import BadBatch
from cstalk_blender.package import protocol
from cstalk_blender.rig.clips import strips
from cstalk_blender.scene import emotion_track
from cstalk_blender.scene import strip_lines as casting
from cstalk_blender.ui import line_list, line_requests
from model_runtime import choices
from tests.fakes.faces import make_face, write_wav

PATTERN = "{name}__{emotion}[_{intensity}]"


@pytest.fixture
def sound():
    """Skip where this bpy was built without sound."""
    pytest.importorskip("aud", exc_type=ImportError)


@pytest.fixture
def scene(addon):
    """Two faces at 24 frames a second."""
    scene = bpy.context.scene
    scene.render.fps = 24
    make_face("Bob")
    make_face("Anna")
    return scene


@pytest.fixture
def add(scene, work):
    """Put ten seconds of sound on the sequencer."""

    def add(name, frame, channel=1):
        path = work / "ten seconds.wav"
        if not path.exists():
            write_wav(path, seconds=10.0)
        strip = compat.add_sound_or_none(scene, name, str(path), channel, frame)
        if strip is None:
            pytest.skip("this build of Blender has no sound")
        return strip

    return add


@pytest.fixture
def sequencer_batch(batch, scene, work):
    """A batch that bakes the sequencer's lines with a fake runtime."""
    scene.cstalk_batch.source_kind = "SEQUENCER"
    scene.cstalk_batch.output_folder = str(work / "curves")
    return batch


def found(scene, *roles):
    """Lines of the sequencer by name."""
    return {one.line.row.name: one for one in casting.scene_lines(scene, list(roles), PATTERN)}


def test_trimmed_strip_is_the_piece_that_is_heard_where_it_is_heard(scene, add):
    compat.set_span(add("Anna 1", 11), 35, 83)
    (line,) = found(scene).values()
    assert line.character == "Anna"
    assert line.start_frame == 11.0
    acting = line.line.row.acting
    assert acting.cut_start_s == pytest.approx(1.0)
    assert acting.cut_duration_s == pytest.approx(2.0)


def test_strips_are_cast_by_list_name_and_channel(scene, add):
    add("012__sad_0.5", 1, 1)
    add("anna_7", 1, 2)
    add("013", 1, 3)
    scene.sequence_editor.channels[3].name = "Bob"
    lines = found(scene, Role("Bob", channel=1))
    assert {name: one.character for name, one in lines.items()} == {
        "012__sad_0.5": "Bob",
        "anna_7": "Anna",
        "013": "Bob",
    }
    acting = lines["012__sad_0.5"].line.row.acting
    assert (acting.emotion, acting.intensity) == ("sad", 0.5)


def test_muted_strips_and_channels_are_listed_without_a_tick(scene, add):
    add("Anna 1", 1, 1).mute = True
    add("Anna 2", 1, 2)
    add("Anna 3", 1, 3)
    scene.sequence_editor.channels[3].mute = True
    assert {name: one.is_muted for name, one in found(scene).items()} == {
        "Anna 1": True,
        "Anna 2": False,
        "Anna 3": True,
    }


def test_only_a_moved_strip_is_placed_again(scene, add, sequencer_batch):
    batch = sequencer_batch
    first, second = add("Anna 1", 1, 1), add("Anna 2", 300, 1)
    line_list.fill(scene)
    bpy.ops.cstalk.batch_bake()
    assert {state.status for state in batch.states.values()} == {"DONE"}
    compat.move_strip(second, 400)
    bpy.ops.cstalk.batch_bake()
    assert {name: state.status for name, state in batch.states.items()} == {
        "Anna 1": "SKIPPED",
        "Anna 2": "DONE",
    }
    assert batch.states["Anna 2"].was_made  # the curves are the same
    key = bpy.data.objects["Anna"].data.shape_keys
    (nla_track,) = strips.our_tracks(key)
    assert [strip.frame_start for strip in nla_track.strips] == [1.0, 400.0]
    assert len(compat.placed_strips(scene)) == 2  # its own sounds are not doubled
    assert first.mute is False


@pytest.mark.usefixtures("batch")
def test_command_gives_strips_that_tell_nobody_to_the_character_it_names(scene, add, work):
    add("Anna 1", 1, 1)
    add("012", 300, 1)
    options = ["bake", "--sequencer", "--out", str(work / "curves"), "--no-save"]
    assert command_line.execute(options) == 2
    assert command_line.execute([*options, "--character", "Bob"]) == 0
    told = {item.title: item.character.name for item in scene.cstalk_batch.lines}
    assert told == {"Anna 1": "Anna", "012": "Bob"}


def test_strip_that_cannot_be_acted_as_it_plays_fails_and_says_why(
    scene, add, sequencer_batch, monkeypatch
):
    batch = sequencer_batch
    add("Anna 1", 1, 1)
    line_list.fill(scene)
    monkeypatch.setattr(
        compat, "is_retimed", lambda _strip: True
    )  # Blender's own way needs a window
    bpy.ops.cstalk.batch_bake()
    assert batch.states["Anna 1"].status == "FAILED"
    assert "is retimed" in batch.states["Anna 1"].message
    assert not strips.has_lines(bpy.data.objects["Anna"])
    monkeypatch.undo()
    bpy.ops.cstalk.batch_bake()  # as it was mended, without reading the list again
    assert batch.states["Anna 1"].status == "DONE"


def test_strip_that_was_removed_is_not_made_any_more(scene, add, sequencer_batch):
    batch = sequencer_batch
    first, _second = add("Anna 1", 1, 1), add("Anna 2", 300, 1)
    line_list.fill(scene)
    compat.strips_of(scene).remove(first)
    bpy.ops.cstalk.batch_bake()
    assert batch.states["Anna 1"].message == "The strip was deleted"
    assert batch.states["Anna 2"].status == "DONE"


def keys(scene, face=None, **changes):
    """Keys of a line of four seconds that begins on frame 1."""
    asked = {
        "zero_frame": 1.0,
        "start_s": 0.0,
        "duration_s": 4.0,
        "has_own_emotion": False,
        **changes,
    }
    return emotion_track.keys_for(scene, face, **asked)


def test_weights_are_those_of_the_protocol(addon):
    properties = emotion_track.CSTALK_PG_emotions.bl_rna.properties
    names = {p.identifier for p in properties} - {"rna_type", "name", "use", "intensity"}
    assert names == set(emotion_track.WEIGHTS) == set(choices.EMOTIONS[1:])


def test_keyed_weights_direct_a_line_and_the_character_s_count_first(scene):
    group = scene.cstalk_emotions
    group.use, group.happy = True, 0.0
    scene.keyframe_insert("cstalk_emotions.happy", frame=1)
    group.happy = 1.0
    scene.keyframe_insert("cstalk_emotions.happy", frame=97)
    made = keys(scene)
    assert {key.emotion for key in made if key.intensity} == {"happy"}
    assert made[-1].intensity == pytest.approx(1.0, abs=0.05)
    middle = [key.intensity for key in made if abs(key.start_s - 2.0) < 0.06]
    assert middle[0] == pytest.approx(0.5, abs=0.06)
    face = bpy.data.objects["Anna"]
    face.cstalk_emotions.use, face.cstalk_emotions.sad = True, 0.5
    assert keys(scene, face) == (protocol.EmotionKey(0.0, "sad", 0.5),)
    assert keys(scene, bpy.data.objects["Bob"]) == made


def test_markers_direct_from_their_frame_on_and_only_whom_they_name(scene):
    for name, frame in (("happy 0.7", 1), ("Bob: angry", 49), ("sad", 73), ("F_90", 80)):
        scene.timeline_markers.new(name, frame=frame)
    anna, bob = bpy.data.objects["Anna"], bpy.data.objects["Bob"]
    happy = protocol.EmotionKey(0.0, "happy", 0.7)
    sad = protocol.EmotionKey(3.0, "sad", 1.0)
    assert keys(scene, anna) == (happy, sad)
    assert keys(scene, bob) == (happy, protocol.EmotionKey(2.0, "angry", 1.0), sad)
    assert keys(scene, anna, has_own_emotion=True) == (sad,)
    (held,) = keys(scene, anna, zero_frame=201.0)
    assert (held.start_s, held.emotion) == (0.0, "sad")


def test_band_colours_every_key_that_is_sent(scene):
    scene.timeline_markers.new("disgust", frame=49)
    band = emotion_keys.band(keys(scene), 0.0, 4.0, 16)
    assert band[-1] == pytest.approx(emotion_keys.COLOURS["disgusted"], abs=1e-3)


def test_character_may_be_the_armature_above_the_face(batch):
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(armature)
    make_face("Head", parent=armature)
    assert casting.face_of_or_none(armature).name == "Head"
    assert set(casting.characters_in(bpy.context.scene)) == {"Rig", "Head"}


def test_order_without_a_place_for_the_curves_is_refused(batch):
    settings = bpy.context.scene.cstalk_batch
    settings.source_kind = "SEQUENCER"
    with pytest.raises(BadBatch, match="No output folder is set"):
        line_requests.request_of(bpy.context.scene)


@pytest.mark.usefixtures("sound")
@pytest.mark.skipif(bpy.app.version < (5, 0), reason="workspaces have no sequencer scene")
def test_lines_are_the_strips_of_the_scene_that_the_sequencer_shows(batch, work):
    stage, edit = bpy.context.scene, bpy.data.scenes.new("Edit")
    make_face("Anna")
    bpy.context.workspace.sequencer_scene = edit
    path = str(write_wav(work / "Anna_001.wav"))
    compat.strips_of(edit).new_sound("Anna_001", path, 1, 10)
    settings = stage.cstalk_batch
    settings.source_kind = "SEQUENCER"
    assert line_list.fill(stage) == 1
    line = settings.lines[0]
    assert (line.title, line.character.name, line.zero_frame) == ("Anna_001", "Anna", 10.0)


@pytest.mark.usefixtures("sound")
def test_packed_sound_of_a_strip_is_a_line_like_any_other(batch, work):
    scene = bpy.context.scene
    make_face("Anna")
    path = write_wav(work / "Anna_001.wav")
    content = path.read_bytes()
    strip = compat.strips_of(scene).new_sound("Anna_001", str(path), 1, 10)
    strip.sound.pack()
    path.unlink()
    scene.cstalk_batch.source_kind = "SEQUENCER"
    line_list.fill(scene)
    line = scene.cstalk_batch.lines[0]
    assert line.problem == ""
    assert Path(line.audio).read_bytes() == content


def test_broken_file_is_marked_when_the_lines_are_read(batch, work):
    folder = work / "lines"
    folder.mkdir()
    write_wav(folder / "good.wav")
    (folder / "empty.wav").touch()
    scene = bpy.context.scene
    scene.cstalk_batch.folder = str(folder)
    line_list.fill(scene)
    found = {item.title: (item.state, item.problem) for item in scene.cstalk_batch.lines}
    assert found["good.wav"] == ("NEW", "")
    assert found["empty.wav"] == ("FAILED", "Audio file is empty: empty.wav")


def test_jump_goes_to_the_first_frame_of_the_selected_line(batch, work):
    folder = work / "lines"
    folder.mkdir()
    for name in ("a", "b"):
        write_wav(folder / f"{name}.wav", seconds=2.0)
    scene = bpy.context.scene
    scene.render.fps, scene.cstalk.start_frame = 24, 11
    scene.cstalk_batch.folder, scene.cstalk_batch.gap_s = str(folder), 0.5
    line_list.fill(scene)
    scene.cstalk_batch.index = 1
    assert bpy.ops.cstalk.batch_jump() == {"FINISHED"}
    assert scene.frame_current == 11 + round(2.5 * 24)


def test_lines_of_a_relative_folder_follow_a_project_that_is_moved(batch, work):
    before, after = work / "before", work / "after"
    (before / "lines").mkdir(parents=True)
    write_wav(before / "lines" / "a.wav")
    face = make_face("Anna")
    scene = bpy.context.scene
    scene.cstalk.target = face
    bpy.ops.wm.save_as_mainfile(filepath=str(before / "film.blend"))
    scene = bpy.context.scene
    scene.cstalk_batch.folder = "//lines"
    line_list.fill(scene)
    scene.cstalk_batch.lines[0].emotion = "sad"
    bpy.ops.wm.save_mainfile()
    before.rename(after)
    bpy.ops.wm.open_mainfile(filepath=str(after / "film.blend"))
    scene = bpy.context.scene
    (assignment,) = line_requests.request_of(scene).assignments
    assert Path(assignment.line.row.audio) == after / "lines" / "a.wav"
    assert scene.cstalk_batch.is_listed
    line_list.fill(scene)
    assert scene.cstalk_batch.lines[0].emotion == "sad"
