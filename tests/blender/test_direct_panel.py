"""The page Direct: when it is shown, what it says, and what its buttons do."""

from __future__ import annotations

import bpy
import pytest

from cstalk_blender import api
from cstalk_blender.direct.direction import Direction, RegionSettings
from cstalk_blender.jobs import open_jobs
from cstalk_blender.package import track
from cstalk_blender.rig.binding import library
from cstalk_blender.scene import direction, predictions
from cstalk_blender.ui.operators import generate as operators
from cstalk_blender.ui.panels import direct as panels
from tests.blender.test_direct import TOLERANCE, error_of, face, perform  # noqa: F401
from tests.blender.test_fitted_keys import curves_of, talking
from tests.fakes.faces import make_face, write_wav
from tests.fakes.panel_layouts import said


def test_the_page_appears_with_a_performance_and_goes_with_its_data(addon):
    made = make_face()
    assert not panels.CSTALK_PT_direct.poll(bpy.context)
    perform(made)
    assert panels.CSTALK_PT_direct.poll(bpy.context)
    bpy.ops.cstalk.remove_data()
    assert not panels.CSTALK_PT_direct.poll(bpy.context)
    assert predictions.size_bytes(made) == 0
    assert curves_of(made)["jawOpen"].keyframe_points
    assert not bpy.ops.cstalk.remove_data.poll()


def test_the_page_shows_regions_and_the_size_of_the_data(face):  # noqa: F811
    text = said(panels.CSTALK_PT_direct)
    for name in ("Brows", "Gaze", "Lip Tightness", "Blink Rate", "Presets", "Reset", "Remove Data"):
        assert name in text
    assert f"Stored: {predictions.size_bytes(face) / 1e3:.0f} KB" in text
    said(panels.CSTALK_PT_direct_channels)


def test_the_blink_rate_reaches_the_direction_and_its_stored_form(face):  # noqa: F811
    before = direction.fingerprint(face)
    face.cstalk_direction.blink_rate = 0.3
    assert direction.direction_of(face).blink_rate == 0.3
    assert direction.fingerprint(face) != before
    direction.write(face, Direction(blink_rate=2.0))
    assert face.cstalk_direction.blink_rate == 2.0


def test_a_preset_sets_all_and_reset_restores_the_keys(face):  # noqa: F811
    face.cstalk_direction.nose.strength = 0.0
    assert bpy.ops.cstalk.direct_preset(preset="whisper") == {"FINISHED"}
    assert face.cstalk_direction.jaw_range == pytest.approx(0.55)
    assert face.cstalk_direction.nose.strength == 1.0
    assert error_of(face, talking().values) > 0.1
    assert bpy.ops.cstalk.direct_reset() == {"FINISHED"}
    assert direction.is_neutral(face)
    assert error_of(face, talking().values) <= TOLERANCE + 5e-4


def test_reset_of_a_region_leaves_the_others(face):  # noqa: F811
    face.cstalk_direction.brows.strength = 0.5
    face.cstalk_direction.nose.strength = 0.5
    bpy.ops.cstalk.direct_reset(region="brows")
    assert face.cstalk_direction.brows.strength == 1.0
    assert face.cstalk_direction.nose.strength == 0.5


def test_own_presets_are_saved_and_applied(face, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(library, "folder", lambda kind: tmp_path / kind)
    face.cstalk_direction.brows.strength = 0.5
    assert bpy.ops.cstalk.direct_save(name="Calm") == {"FINISHED"}
    bpy.ops.cstalk.direct_reset()
    assert said(panels.CSTALK_MT_direct_presets).split()[-1] == "Calm"
    assert bpy.ops.cstalk.direct_preset(preset="Calm.json", is_own=True) == {"FINISHED"}
    assert face.cstalk_direction.brows.strength == 0.5
    assert bpy.ops.cstalk.direct_preset_delete(preset="Calm.json") == {"FINISHED"}
    assert not list(tmp_path.rglob("*.json"))
    assert "Calm" not in said(panels.CSTALK_MT_direct_presets)
    with pytest.raises(RuntimeError, match="not found"):
        bpy.ops.cstalk.direct_preset_delete(preset="Calm.json")
    with pytest.raises(RuntimeError, match="no name"):
        bpy.ops.cstalk.direct_save(name=" ")
    with pytest.raises(RuntimeError, match="not found"):
        bpy.ops.cstalk.direct_preset(preset="Gone.json", is_own=True)


def test_a_channel_is_corrected_alone(face):  # noqa: F811
    assert bpy.ops.cstalk.direct_channel_add(channel="browInnerUp") == {"FINISHED"}
    item = face.cstalk_direction.channels[0]
    item.gain = 0.5
    expected = talking().values.copy()
    expected[:, talking().channels.index("browInnerUp")] *= 0.5
    assert error_of(face, expected) <= TOLERANCE + 5e-4
    bpy.ops.cstalk.direct_channel_add(channel="browInnerUp")
    assert len(face.cstalk_direction.channels) == 1
    assert "browInnerUp" in said(panels.CSTALK_PT_direct_channels)
    assert bpy.ops.cstalk.direct_channel_remove(channel="browInnerUp") == {"FINISHED"}
    assert not face.cstalk_direction.channels
    assert error_of(face, talking().values) <= TOLERANCE + 5e-4


def test_keys_on_settings_are_named_and_update_samples_them(face):  # noqa: F811
    settings = face.cstalk_direction.brows
    settings.strength = 0.0
    settings.keyframe_insert("strength", frame=1)
    settings.strength = 1.0
    bpy.context.scene.frame_set(1)
    assert "Keys on: brows strength" in said(panels.CSTALK_PT_direct)
    assert bpy.ops.cstalk.direct_update() == {"FINISHED"}
    assert max(abs(curves_of(face)["browInnerUp"].evaluate(f)) for f in range(140)) < 1e-6


def test_damaged_data_are_named_in_the_panel(face):  # noqa: F811
    predictions.entry_or_none(face).data = "AAAA"
    face.cstalk_direction.brows.strength = 0.5
    assert open_jobs.DIRECT.current.error is not None
    assert "Generate the performance again" in said(panels.CSTALK_PT_direct)
    assert error_of(face, talking().values) <= TOLERANCE + 5e-4


def test_scripts_generate_direct_and_bake(studio, work):
    made = make_face()
    bpy.context.scene.cstalk.key_rate = "SCENE"
    report = api.generate(made, write_wav(work / "line.wav"), emotion="happy", intensity=0.5)
    assert report.channels == 5
    assert made.cstalk_result.title == "Happy 0.5, line.wav"
    assert api.prediction_of(made).channels[0] == "jawOpen"
    api.direct(made, Direction(regions={"jaw": RegionSettings(is_muted=True)}))
    assert api.direction_of(made).region("jaw").is_muted
    assert max(abs(curves_of(made)["jawOpen"].evaluate(f)) for f in range(48)) == 0.0
    full = talking()
    api.bake(made, track.CurveTrack(full.values, full.channels, full.fps), name="mine.csv")
    assert max(abs(curves_of(made)["jawOpen"].evaluate(f)) for f in range(48)) == 0.0
    assert api.remove_data(made) > 0
    with pytest.raises(api.SessionError, match="no stored prediction"):
        api.direct(made)
    with pytest.raises(api.SessionError, match="no preset"):
        api.preset("loud")
    assert api.preset("Whisper").jaw_range == 0.55


def test_clear_takes_the_page_away(studio, work):
    make_face()
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    bpy.ops.cstalk.generate()
    assert panels.CSTALK_PT_direct.poll(bpy.context)
    bpy.ops.cstalk.clear()
    assert not panels.CSTALK_PT_direct.poll(bpy.context)
