"""The speech is on the sequencer where it was asked for, once, and nothing else is touched."""

from __future__ import annotations

import math
import struct
import sys

import bpy
import pytest

from cstalk_blender import compat
from cstalk_blender.errors import BadSound
from cstalk_blender.rig.keys import bake
from cstalk_blender.scene import audio as sound
from tests.fakes.faces import make_face, wave_track, write_wav

try:
    import aud
except ImportError:
    aud = None

NEEDS_SOUND = pytest.mark.skipif(aud is None, reason="this bpy was built without sound")


def own_strips():
    """Our strips, with their spans."""
    strips = compat.placed_strips(bpy.context.scene)
    return [compat.strip_span(strip) for strip in strips if strip.get(sound.MARK)]


@NEEDS_SOUND
def test_sound_is_placed_at_the_start_frame_and_playback_follows_it(work):
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end = 24, 20
    placed = sound.place(scene, write_wav(work / "a.wav", seconds=2.0), 10)
    assert (placed.seconds, placed.channel, placed.sound.name) == (2.0, 1, "a.wav")
    assert own_strips() == [(10, 58)]
    assert scene.sync_mode == "AUDIO_SYNC"
    assert scene.frame_end == 58


def test_strips_are_reached_and_moved_in_every_blender():
    scene = bpy.context.scene
    assert compat.placed_strips(scene) == []
    image = compat.strips_of(scene).new_image("Card", "//absent.png", 1, 10)
    assert compat.placed_strips(scene) == [image]
    first, end = compat.strip_span(image)
    compat.move_strip(image, 30)
    assert compat.strip_span(image) == (first + 20, end + 20) == (30, end + 20)


@NEEDS_SOUND
def test_loading_again_moves_and_another_file_replaces(work):
    scene = bpy.context.scene
    scene.render.fps = 24
    path = write_wav(work / "a.wav")
    sound.place(scene, path, 10)
    sound.place(scene, path, 30)
    assert own_strips() == [(30, 78)]
    sound.place(scene, write_wav(work / "b.wav", seconds=1.0), 5)
    assert own_strips() == [(5, 29)]
    assert [s.name for s in bpy.data.sounds] == ["b.wav"]
    assert compat.placed_strips(scene)[0].name == sound.STRIP_NAME


@NEEDS_SOUND
def test_artists_strips_are_left_alone(work):
    scene = bpy.context.scene
    path = write_wav(work / "music.wav", seconds=8.0)
    theirs = compat.strips_of(scene).new_sound("Music", str(path), 1, 1)
    span = compat.strip_span(theirs)
    sound.place(scene, write_wav(work / "a.wav"), 1)
    sound.place(scene, write_wav(work / "b.wav"), 1)
    channels = {strip.name: strip.channel for strip in compat.placed_strips(scene)}
    assert channels == {"Music": 1, sound.STRIP_NAME: 2}
    assert compat.strip_span(theirs) == span


@NEEDS_SOUND
def test_own_strip_that_the_artist_put_into_a_meta_strip_is_the_artists(work):
    scene = bpy.context.scene
    sound.place(scene, write_wav(work / "a.wav"), 1)
    meta = compat.strips_of(scene).new_meta("Meta", 5, 1)
    compat.placed_strips(scene)[0].move_to_meta(meta)
    sound.place(scene, write_wav(work / "b.wav"), 10)
    assert own_strips() == [(10, 58)]
    inside = meta.strips if hasattr(meta, "strips") else meta.sequences
    assert [strip.sound.name for strip in inside] == ["a.wav"]


@NEEDS_SOUND
def test_file_that_is_no_sound_is_refused_and_changes_nothing(work):
    path = work / "text.flac"
    path.write_text("this is no sound")
    with pytest.raises(BadSound, match="No audio can be decoded"):
        sound.place(bpy.context.scene, path, 1)
    assert compat.placed_strips(bpy.context.scene) == []
    assert bpy.context.scene.sync_mode != "AUDIO_SYNC"


def test_blender_without_sound_still_knows_the_length_of_a_wav(work, monkeypatch):
    monkeypatch.setitem(sys.modules, "aud", None)
    assert sound.length_s(write_wav(work / "a.wav", seconds=1.5)) == 1.5
    compressed = work / "a.mp3"
    compressed.write_bytes(b"\xff\xfb" + bytes(100))
    assert sound.length_s(compressed) == 0.0


@pytest.mark.parametrize("name,words", [("absent.wav", "not found"), ("", "a folder")])
def test_missing_file_and_folder_are_said(work, name, words):
    with pytest.raises(BadSound, match=words):
        sound.place(bpy.context.scene, work / name, 1)


def test_empty_file_is_said(work):
    (work / "empty.wav").touch()
    with pytest.raises(BadSound, match="empty"):
        sound.length_s(work / "empty.wav")


def face(name):
    """An object that stands for a face."""
    thing = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def spans():
    """Our strips by file name, with first frame and end."""
    return sorted(
        (strip.sound.name, *compat.strip_span(strip))
        for strip in compat.placed_strips(bpy.context.scene)
    )


@NEEDS_SOUND
def test_audio_of_another_face_takes_no_strip_away(work):
    scene, anna, bob = bpy.context.scene, face("Anna"), face("Bob")
    scene.render.fps = 24
    sound.place(scene, write_wav(work / "a.wav"), 1, anna)
    sound.place(scene, write_wav(work / "b.wav"), 10, bob)
    assert spans() == [("a.wav", 1, 49), ("b.wav", 10, 58)]
    sound.place(scene, write_wav(work / "c.wav"), 20, bob)
    assert spans() == [("a.wav", 1, 49), ("c.wav", 20, 68)]


@NEEDS_SOUND
def test_second_line_of_a_face_leaves_the_first_that_was_performed(work):
    scene, anna = bpy.context.scene, face("Anna")
    scene.render.fps = 24
    first = write_wav(work / "a.wav")
    sound.place(scene, first, 1, anna)
    sound.mark_used(scene, first, anna)
    sound.place(scene, write_wav(work / "b.wav"), 100, anna)
    assert spans() == [("a.wav", 1, 49), ("b.wav", 100, 148)]
    sound.move(scene, work / "b.wav", 120, anna)
    assert spans() == [("a.wav", 1, 49), ("b.wav", 120, 168)]


@NEEDS_SOUND
def test_strip_that_was_cut_is_replaced_and_moved_whole(work):
    scene = bpy.context.scene
    scene.render.fps = 24
    path = write_wav(work / "a.wav")
    sound.place(scene, path, 10)
    compat.placed_strips(scene)[0].split(frame=30, split_method="SOFT")
    assert spans() == [("a.wav", 10, 30), ("a.wav", 30, 58)]
    sound.move(scene, path, 20, None)
    assert spans() == [("a.wav", 20, 40), ("a.wav", 40, 68)]
    sound.place(scene, write_wav(work / "b.wav"), 5)
    assert spans() == [("b.wav", 5, 53)]


@NEEDS_SOUND
def test_strip_can_start_before_frame_0(work):
    scene = bpy.context.scene
    scene.render.fps, scene.frame_start = 24, 1
    sound.place(scene, write_wav(work / "a.wav"), -20)
    assert spans() == [("a.wav", -20, 28)]
    assert scene.frame_start == 0


@NEEDS_SOUND
@pytest.mark.skipif(bpy.app.version < (5, 0), reason="workspaces have no sequencer scene")
def test_strip_goes_to_the_scene_that_the_sequencer_shows(work):
    stage, edit = bpy.context.scene, bpy.data.scenes.new("Edit")
    bpy.context.workspace.sequencer_scene = edit
    sound.place(stage, write_wav(work / "a.wav"), 1)
    assert compat.placed_strips(stage) == []
    assert [strip.sound.name for strip in compat.placed_strips(edit)] == ["a.wav"]


@NEEDS_SOUND
def test_packed_sound_is_unpacked_to_a_temporary_file(work, tmp_path):
    path = write_wav(work / "a.wav")
    content = path.read_bytes()
    packed = bpy.data.sounds.load(str(path))
    packed.pack()
    path.unlink()
    found = sound.source_path(packed, tmp_path)
    assert (found.name, found.read_bytes()) == ("a.wav", content)
    assert sound.source_path(packed, tmp_path) == found


def wav(data_size, *, odd_chunk=b"", samples=16000):
    """A mono WAV file of 16 kHz whose header states ``data_size`` bytes."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16)
    data = struct.pack("<4sI", b"data", data_size) + bytes(2 * samples)
    return struct.pack("<4sI4s", b"RIFF", 0xFFFFFFFF, b"WAVE") + form + odd_chunk + data


@pytest.mark.parametrize(
    "content",
    [
        wav(32000),
        wav(0),
        wav(0x7FFFFFFF),
        wav(0xFFFFFFFF),
        wav(32000, odd_chunk=struct.pack("<4sI3s", b"note", 3, b"abc")),
        wav(32000, odd_chunk=struct.pack("<4sI4s", b"note", 3, b"abc\0")),
    ],
    ids=["whole", "size 0", "huge", "of a pipe", "odd chunk without padding", "odd chunk"],
)
def test_length_of_a_wav_is_what_the_file_holds(work, content):
    path = work / "a.wav"
    path.write_bytes(content)
    assert sound.length_s(path) == 1.0


def test_range_grows_and_never_shrinks():
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 50, 100
    sound.extend_range(scene, 10.5, 99.2)
    assert (scene.frame_start, scene.frame_end) == (10, 100)
    sound.extend_range(scene, 60, 120.1)
    assert (scene.frame_start, scene.frame_end) == (10, 121)


@NEEDS_SOUND
def test_a_shorter_file_takes_back_the_end_that_a_longer_one_set(work):
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end = 24, 50
    sound.place(scene, write_wav(work / "long.wav", seconds=10), 1)
    assert scene.frame_end == 241
    sound.place(scene, write_wav(work / "short.wav", seconds=4), 1)
    assert scene.frame_end == 97
    sound.place(scene, write_wav(work / "tiny.wav", seconds=1), 1)
    assert scene.frame_end == 50


@NEEDS_SOUND
def test_an_end_of_the_user_and_what_still_plays_are_not_cut(work):
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end = 24, 50
    sound.place(scene, write_wav(work / "long.wav", seconds=10), 1)
    scene.frame_end = 200
    short = write_wav(work / "short.wav", seconds=4)
    sound.place(scene, short, 1)
    assert scene.frame_end == 200
    scene.frame_end = 50
    sound.place(scene, short, 301)
    assert scene.frame_end == 397
    sound.mark_used(scene, short, None)
    sound.place(scene, write_wav(work / "next.wav", seconds=1), 1)
    assert scene.frame_end == 397


@NEEDS_SOUND
def test_the_end_that_a_performance_needs_is_not_cut(work):
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end = 24, 50
    sound.place(scene, write_wav(work / "long.wav", seconds=10), 1)
    bake.bake_track([make_face()], wave_track(), start_frame=150, frame_rate=24.0, line="line")
    (action,) = bpy.data.actions
    sound.place(scene, write_wav(work / "short.wav", seconds=1), 1)
    assert scene.frame_end == math.ceil(action.frame_range[1]) > 150


@NEEDS_SOUND
def test_audio_of_a_saved_project_follows_it_when_it_is_moved(addon, work):
    from cstalk_blender.ui.operators import generate as operators

    before, after = work / "before", work / "after"
    before.mkdir()
    write_wav(before / "a.wav")
    bpy.ops.wm.save_as_mainfile(filepath=str(before / "film.blend"))
    operators.load_audio(bpy.context.scene, before / "a.wav")
    bpy.ops.wm.save_mainfile()
    before.rename(after)
    bpy.ops.wm.open_mainfile(filepath=str(after / "film.blend"))
    assert bpy.context.scene.cstalk.audio_path == after / "a.wav"
    assert bpy.context.scene.cstalk.has_audio


@NEEDS_SOUND
def test_audio_that_is_relinked_in_the_sequencer_is_that_of_the_next_generate(addon, work):
    from cstalk_blender.ui.operators import generate as operators

    operators.load_audio(bpy.context.scene, write_wav(work / "a.wav"))
    other = write_wav(work / "other.wav")
    compat.placed_strips(bpy.context.scene)[0].sound.filepath = str(other)
    assert bpy.context.scene.cstalk.audio_path == other
