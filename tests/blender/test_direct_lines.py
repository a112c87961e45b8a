"""Lines of a batch: their predictions are stored, directed in place, and freed."""

from __future__ import annotations

import bpy
import pytest

from cstalk_blender import api, compat
from cstalk_blender.direct.direction import Direction, RegionSettings
from cstalk_blender.direct.prediction import BadPrediction
from cstalk_blender.jobs import direct_lines
from cstalk_blender.jobs.batch.request import LineStatus
from cstalk_blender.rig.keys import ownership
from cstalk_blender.rig.keys.tracks import our_tracks
from cstalk_blender.scene import line_predictions
from cstalk_blender.ui.panels import direct_lines as panels
from tests.blender.test_batch import JAW, SMILE, bake, ended, folder, settings  # noqa: F401
from tests.fakes.faces import evaluated_heights
from tests.fakes.panel_layouts import said

HALF = Direction(regions={"jaw": RegionSettings(strength=0.5)})


@pytest.fixture
def anna(settings):  # noqa: F811
    """A face with two lines as strips."""
    bake()
    face = bpy.data.objects["anna"]
    bpy.context.view_layer.objects.active = face
    bpy.context.scene.cstalk.target = None
    return face


def strips_of(face):
    return [s for t in our_tracks(face.data.shape_keys) for s in t.strips]


def digests(face):
    return {
        (action.name, handle, curve.data_path): ownership.digest(curve)
        for action in direct_lines.lines_of(face)
        for handle, curves in compat.curve_bags(action)
        for curve in curves
    }


def test_lines_are_directed_in_place_and_reset_exactly(anna):
    lines, before = direct_lines.lines_of(anna), digests(anna)
    assert len(lines) == 2
    open_jaw = evaluated_heights(anna, 13)[JAW]
    strip = strips_of(anna)[1]
    strip.frame_start_ui = 200  # moved by the artist
    places = [(s.frame_start, s.frame_end, s.blend_in) for s in strips_of(anna)]
    found = direct_lines.direct(anna, HALF, lines)
    assert sorted(found.lines) == ["anna_01__happy_0.5", "sub/anna_02"]
    assert not found.notes
    assert evaluated_heights(anna, 13)[JAW] == pytest.approx(open_jaw / 2, abs=1e-3)
    assert evaluated_heights(anna, 20)[SMILE] == pytest.approx(0.5, abs=1e-3)
    assert [(s.frame_start, s.frame_end, s.blend_in) for s in strips_of(anna)] == places
    assert digests(anna) != before
    direct_lines.direct(anna, Direction(), lines)
    assert digests(anna) == before


def test_only_selected_strips_are_written_in_one_undo_step(anna):
    first, second = strips_of(anna)
    first.select, second.select = False, True
    other = first.action.name
    before = digests(anna)
    anna.cstalk_direction.jaw.strength = 0.5
    bpy.ops.ed.undo_push(message="Slider")
    assert bpy.ops.cstalk.direct_lines() == {"FINISHED"}
    changed = {key[0] for key, value in digests(anna).items() if before[key] != value}
    assert changed
    assert other not in changed
    bpy.ops.ed.undo_push(message="Lines")
    bpy.ops.ed.undo()
    assert digests(bpy.data.objects["anna"]) == before


def test_curves_with_hand_edits_stay(anna):
    action = strips_of(anna)[0].action
    (jaw,) = (
        curve
        for _handle, curves in compat.curve_bags(action)
        for curve in curves
        if '"jawOpen"' in curve.data_path
    )
    jaw.keyframe_points[12].co.y = 0.77
    jaw.update()
    kept = ownership.digest(jaw)
    mute = Direction(regions={name: RegionSettings(is_muted=True) for name in ("jaw", "mouth")})
    found = direct_lines.direct(anna, mute, direct_lines.lines_of(anna))
    assert ownership.digest(jaw) == kept
    assert found.notes == (f"{action.name!r}: 1 curves with hand edits were kept",)
    assert evaluated_heights(anna, 20)[SMILE] == pytest.approx(0.0, abs=1e-3)


def test_a_line_that_is_generated_again_stays_directed(anna, settings, batch):  # noqa: F811
    direct_lines.direct(anna, HALF, direct_lines.lines_of(anna))
    settings.lines[0].emotion, settings.lines[0].intensity = "happy", 0.8
    bake()
    assert list(ended(batch).values()).count(LineStatus.DONE) == 1
    assert evaluated_heights(anna, 20)[SMILE] == pytest.approx(0.8, abs=1e-2)
    assert evaluated_heights(anna, 13)[JAW] == pytest.approx(0.5, abs=1e-2)
    assert all(line_predictions.direction_of(a) == HALF for a in direct_lines.lines_of(anna))


def test_stored_lines_survive_saving_renaming_and_appending(anna, work):
    direct_lines.direct(anna, HALF, direct_lines.lines_of(anna))
    ids = {line_predictions.load(a).id for a in direct_lines.lines_of(anna)}
    anna.name = "renamed"
    path = str(work / "lines.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(path) as (_there, here):
        here.objects = ["renamed"]
    face = here.objects[0]
    bpy.context.scene.collection.objects.link(face)
    lines = direct_lines.lines_of(face)
    assert {line_predictions.load(a).id for a in lines} == ids
    half = digests(face)
    direct_lines.direct(face, Direction(), lines)
    assert digests(face) != half
    direct_lines.direct(face, HALF, lines)
    assert digests(face) == half


def test_remove_data_frees_them_and_a_damaged_one_changes_nothing(anna):
    size = direct_lines.size_bytes(anna)
    assert size > 0
    lines, before = direct_lines.lines_of(anna), digests(anna)
    whole = lines[1][line_predictions.DATA]
    lines[1][line_predictions.DATA] = "broken"
    with pytest.raises(BadPrediction):
        direct_lines.direct(anna, HALF, lines)
    assert digests(anna) == before
    lines[1][line_predictions.DATA] = whole
    assert api.remove_data(anna) == size
    assert not direct_lines.can_direct(anna)
    with pytest.raises(BadPrediction):
        direct_lines.direct(anna, HALF, [])


def test_a_clip_that_another_face_plays_too_is_left(anna):
    copy = anna.copy()
    copy.data = anna.data.copy()
    bpy.context.scene.collection.objects.link(copy)
    before = digests(anna)
    found = direct_lines.direct(anna, HALF, direct_lines.lines_of(anna))
    assert not found.lines
    assert all("another face" in note for note in found.notes)
    assert len(found.notes) == 2
    assert digests(anna) == before


def test_page_shows_settings_size_and_buttons(anna):
    assert panels.CSTALK_PT_direct_lines.poll(bpy.context)
    words = said(panels.CSTALK_PT_direct_lines)
    assert "Selected strips: 2" in str(words)
    assert "Stored: " in str(words)
