"""Edits of the artist survive generating again: moved, added and deleted keys, and moved clips."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender.rig.keys import bake
from tests.blender.test_fitted_keys import baked, curves_of, played, talking
from tests.fakes.faces import make_face


@pytest.fixture
def face(addon):
    """A face with ARKit's shape keys."""
    return make_face()


def edit(face, channel="jawOpen", frame=31.0, value=0.9):
    """Set a key of the artist, as with I over the graph."""
    curve = curves_of(face)[channel]
    point = curve.keyframe_points.insert(frame, value)
    point.interpolation = "LINEAR"
    curve.update()


@pytest.mark.parametrize("tolerance", [None, 0.01])
def test_a_fixed_frame_stays_when_the_line_is_generated_again(face, tolerance):
    baked(face, talking(seed=1), tolerance)
    edit(face)
    report = baked(face, talking(seed=2), tolerance)
    assert curves_of(face)["jawOpen"].evaluate(31.0) == pytest.approx(0.9, abs=0.011)
    assert report.edits
    assert "jawOpen" in report.edit_sentence()


def test_it_stays_through_many_generations(face):
    baked(face, talking(seed=1))
    edit(face)
    for seed in range(2, 6):
        baked(face, talking(seed=seed))
    assert curves_of(face)["jawOpen"].evaluate(31.0) == pytest.approx(0.9, abs=0.03)


def test_other_channels_and_frames_are_as_generated(face):
    baked(face, talking(seed=1))
    edit(face)
    track = talking(seed=2)
    baked(face, track)
    error = np.abs(played(face, track) - track.values)
    jaw = track.channels.index("jawOpen")
    far = np.ones(track.frame_count, bool)
    far[10:52] = False  # an interval of fitted keys around the edit, and its borders
    assert np.delete(error, jaw, 1).max() < 0.0105
    assert error[far, jaw].max() < 0.0105


def test_deleted_keys_stay_deleted(face):
    baked(face, talking(seed=1), None)
    curve = curves_of(face)["jawOpen"]
    for point in [p for p in curve.keyframe_points if 40 <= p.co.x <= 60][::-1]:
        curve.keyframe_points.remove(point)
    curve.update()
    middle = curve.evaluate(50.0)
    baked(face, talking(seed=2), None)
    assert curves_of(face)["jawOpen"].evaluate(50.0) == pytest.approx(middle, abs=2e-3)


def test_edits_move_with_the_clip(face):
    baked(face, talking(seed=1), None)
    edit(face)
    baked(face, talking(seed=2), None, start=101.0)
    assert curves_of(face)["jawOpen"].evaluate(131.0) == pytest.approx(0.9, abs=2e-3)


def test_an_unedited_line_keeps_nothing(face):
    baked(face, talking(seed=1))
    assert baked(face, talking(seed=2)).edits == ()


def test_clear_discards_the_edits(face):
    baked(face, talking(seed=1))
    edit(face)
    bake.clear_bake([face])
    assert baked(face, talking(seed=2)).edits == ()


def test_damaged_records_do_not_stop_a_bake(face):
    baked(face, talking(seed=1))
    face.data.shape_keys.animation_data.action["cstalk_generated"] = "{broken"
    assert baked(face, talking(seed=2)).edits == ()


def test_edits_survive_saving_and_loading(face, work):
    baked(face, talking(seed=1))
    edit(face)
    path = str(work / "edited.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    again = bpy.data.objects["Face"]
    assert baked(again, talking(seed=2)).edits
    assert curves_of(again)["jawOpen"].evaluate(31.0) == pytest.approx(0.9, abs=0.011)
