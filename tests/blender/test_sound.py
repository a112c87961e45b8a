"""The speech is on the sequencer where it was asked for, once, and nothing else is touched."""

from __future__ import annotations

import sys

import bpy
import pytest

from cstalk_blender import compat
from cstalk_blender.errors import BadSound
from cstalk_blender.scene import audio as sound
from tests.fakes.faces import write_wav

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
    assert placed == sound.PlacedSound(seconds=2.0, channel=1)
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
    with pytest.raises(BadSound, match="reads no sound"):
        sound.place(bpy.context.scene, path, 1)
    assert compat.placed_strips(bpy.context.scene) == []
    assert bpy.context.scene.sync_mode != "AUDIO_SYNC"


def test_blender_without_sound_still_knows_the_length_of_a_wav(work, monkeypatch):
    monkeypatch.setitem(sys.modules, "aud", None)
    assert sound.length_s(write_wav(work / "a.wav", seconds=1.5)) == 1.5
    compressed = work / "a.mp3"
    compressed.write_bytes(b"\xff\xfb" + bytes(100))
    assert sound.length_s(compressed) == 0.0


@pytest.mark.parametrize("name,words", [("absent.wav", "missing"), ("", "a folder")])
def test_missing_file_and_folder_are_said(work, name, words):
    with pytest.raises(BadSound, match=words):
        sound.place(bpy.context.scene, work / name, 1)


def test_empty_file_is_said(work):
    (work / "empty.wav").touch()
    with pytest.raises(BadSound, match="empty"):
        sound.length_s(work / "empty.wav")


def test_range_grows_and_never_shrinks():
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 50, 100
    sound.extend_range(scene, 10.5, 99.2)
    assert (scene.frame_start, scene.frame_end) == (10, 100)
    sound.extend_range(scene, 60, 120.1)
    assert (scene.frame_start, scene.frame_end) == (10, 121)
