"""Files that version 0.1 wrote open with all their settings."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from cstalk_blender.ui.properties import migration

DATA = Path(__file__).resolve().parents[1] / "data"
FILES = sorted(DATA.glob("version_0_1_*.blend"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def scene(addon, request):
    """The scene of an old file; a Blender older than the one that wrote it is passed over."""
    wrote = tuple(map(int, request.param.stem.rpartition("_")[2].split(".")))
    if bpy.app.version[:2] < wrote:
        pytest.skip(f"written by Blender {wrote}")
    bpy.ops.wm.open_mainfile(filepath=str(request.param))
    return bpy.context.scene


def test_there_is_a_file_of_each_way_of_storing_properties():
    assert [path.stem for path in FILES] == ["version_0_1_4.2", "version_0_1_5.0"]


def test_settings_of_an_old_file_are_read(scene):
    settings = scene.cstalk
    assert settings.target.name == "Anna"
    assert settings.audio_path.name == "anna_01.wav"
    assert (settings.emotion, round(settings.intensity, 4)) == ("angry", 0.8)
    assert (settings.seed, settings.start_frame) == (4711, 12)
    row = settings.target.data.shape_keys.cstalk_mapping.rows[0]
    assert (row.channel, row.target, row.gain) == ("mouthStretchLeft", "Wide", 0.5)
    assert settings.target.cstalk_emotions.use
    assert settings.target.cstalk_emotions.happy == 0.25


def test_lines_of_an_old_file_are_read_under_their_new_names(scene):
    batch = scene.cstalk_batch
    assert (batch.source_kind, batch.destination, batch.gap_s) == ("FOLDER", "TIMELINE", 0.25)
    assert [(role.pattern, role.character.name) for role in batch.roles] == [("anna_*", "Anna")]
    item = batch.lines[0]
    assert (item.name, item.title, item.role) == ("anna_01", "anna_01.wav", "Anna")
    assert (item.emotion, item.intensity, item.emotion_at) == ("sad", 0.5, "1.5:happy:1")
    assert (item.has_start, item.start_s, item.length_s) == (True, 2.5, 3.0)
    assert (item.detected_emotion, item.detected_emotion_at) == ("sad 0.7", "0:sad:0.7")
    assert item.placement_token == "0123456789abcdef01234567"
    assert (item.state, item.score, item.seed) == ("DONE", 81.0, 7)
    source = item[migration.SOURCE_VALUES].to_dict()
    assert source["has_start"] is False or source["has_start"] == 0
    assert (source["start_s"], source["character"]) == (0.0, "Anna")


def test_saved_again_an_old_file_has_the_new_names_only(scene, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "new.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "new.blend"))
    item = bpy.context.scene.cstalk_batch.lines[0]
    stored = migration._stored_or_none(item)
    assert {"has_place", "place_s", "heard", "acted_at", "placed"}.isdisjoint(stored.keys())
    assert "told" not in item
    assert item.start_s == 2.5
