"""The curve view shows what the face plays, draws nothing headless, and its drags limit layers."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

import cstalk_blender
from cstalk_blender.direct import curve_view as geometry
from cstalk_blender.direct.direction import RegionSettings
from cstalk_blender.jobs import curve_view as contents
from cstalk_blender.scene import direction
from cstalk_blender.ui import curve_view
from cstalk_blender.ui.panels import direct as panels
from tests.blender.test_direct import TOLERANCE, error_of, face, perform  # noqa: F401
from tests.blender.test_fitted_keys import curves_of, played, talking
from tests.fakes.faces import make_face, write_wav
from tests.fakes.panel_layouts import said

VIEW = geometry.View(left=0, right=1000, bottom=0, scale=1, first_frame=1, last_frame=101)


def shown() -> contents.Content:
    """Return what the view of the scene shows."""
    bpy.context.scene.cstalk.show_curves = True
    found = curve_view.content_or_none(bpy.context)
    assert found is not None
    return found


def test_it_comes_and_goes_with_the_add_on_and_draws_nothing_headless():
    for _ in range(2):
        cstalk_blender.register()
        assert bpy.types.GizmoGroup.bl_rna_get_subclass_py("CSTALK_GGT_curve_view") is not None
        assert bpy.types.Gizmo.bl_rna_get_subclass_py("CSTALK_GT_curve_view") is not None
        perform(make_face())
        bpy.context.scene.cstalk.show_curves = True
        assert not curve_view.CSTALK_GGT_curve_view.poll(bpy.context)
        cstalk_blender.unregister()
        assert bpy.types.GizmoGroup.bl_rna_get_subclass_py("CSTALK_GGT_curve_view") is None
        assert bpy.types.Gizmo.bl_rna_get_subclass_py("CSTALK_GT_curve_view") is None


def test_no_handler_and_no_operator_is_left_by_it(face):  # noqa: F811
    before = {name: len(found) for name, found in handlers().items()}
    shown()
    assert {name: len(found) for name, found in handlers().items()} == before


def handlers() -> dict[str, list[object]]:
    """Return Blender's lists of handlers."""
    found = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    return {name: value for name, value in found.items() if isinstance(value, list)}


def test_it_is_off_and_empty_without_a_performance(addon):
    assert curve_view.content_or_none(bpy.context) is None
    bpy.context.scene.cstalk.show_curves = True
    assert curve_view.content_or_none(bpy.context) is None
    make_face()
    assert curve_view.content_or_none(bpy.context) is None


def test_it_shows_the_opened_region_as_directed(face):  # noqa: F811
    content = shown()
    assert content.region == "brows"
    assert all(name.startswith("brow") for name in content.curves.channels)
    columns = [talking().channels.index(name) for name in content.curves.channels]
    full = talking().values[:, columns]
    np.testing.assert_allclose(content.curves.values, full, atol=1e-3)
    assert shown().curves is content.curves  # not computed again
    face.cstalk_direction.brows.strength = 0.5
    np.testing.assert_allclose(shown().curves.values, full * 0.5, atol=1e-3)
    face.cstalk_direction.opened = "jaw"
    assert "jawOpen" in shown().curves.channels


def test_it_marks_words_and_hand_edits(face):  # noqa: F811
    held = face.cstalk_words
    held.zero_frame, held.frame_rate = 1, 24
    for text, start, confidence in (("sure", 0.0, 0.9), ("doubtful", 1.0, 0.3)):
        word = held.words.add()
        word.text, word.start_s, word.end_s, word.confidence = text, start, start + 0.5, confidence
    curves_of(face)["browInnerUp"].keyframe_points[2].co.y += 0.4
    marks = shown().marks
    assert [(word.text, word.is_doubtful) for word in marks.words] == [
        ("sure", False),
        ("doubtful", True),
    ]
    assert (marks.words[1].first_frame, marks.words[1].last_frame) == (25, 37)
    assert [edit.channel for edit in marks.edits] == ["browInnerUp"]


def test_it_reads_the_audio_file_of_the_clip(tmp_path):
    path = write_wav(tmp_path / "line.wav", seconds=1.0)
    peaks = contents._peaks_or_none(path)
    assert peaks is not None
    assert len(peaks.low) == 200
    assert contents._peaks_or_none(tmp_path / "none.wav") is None


def test_a_click_jumps(face):  # noqa: F811
    curve_view.finish(bpy.context, shown(), VIEW, (500, 502), is_overall=False)
    assert bpy.context.scene.frame_current == 51
    assert not face.cstalk_direction.brows.range_end_s


@pytest.mark.parametrize("is_overall, region", [(False, "brows"), (True, "overall")])
def test_a_drag_limits_the_region_or_the_face(face, is_overall, region):  # noqa: F811
    curve_view.finish(bpy.context, shown(), VIEW, (700, 400), is_overall=is_overall)
    content = shown()
    expected = (41.0, 71.0)
    assert content.ranges[0 if is_overall else 1] == pytest.approx(expected)
    assert content.ranges[1 if is_overall else 0] is None
    part = getattr(face.cstalk_direction, region)
    part.strength = 0.0
    frames, values = content.curves.frames, played_brows(face)
    assert np.abs(values[(frames >= 41) & (frames <= 71)]).max() <= TOLERANCE + 5e-4
    beyond = (frames < 38) | (frames > 74)
    made = talking().values[:, brows_columns()]
    assert np.abs(values[beyond] - made[beyond]).max() <= TOLERANCE + 5e-4
    assert "Frames 41-71" in said(panels.CSTALK_PT_direct)
    bpy.ops.cstalk.direct_range_clear(region=region)
    assert not part.range_end_s
    assert np.abs(played_brows(face)).max() <= TOLERANCE + 5e-4
    assert "Frames 41-71" not in said(panels.CSTALK_PT_direct)


def brows_columns() -> list[int]:
    """Return the columns of the brows."""
    return [i for i, name in enumerate(talking().channels) if name.startswith("brow")]


def played_brows(face: bpy.types.Object) -> np.ndarray:  # noqa: F811
    """Return what Blender plays on the brows."""
    return played(face, talking())[:, brows_columns()]


def test_the_button_takes_the_second_around_the_frame(face):  # noqa: F811
    scene = bpy.context.scene
    scene.frame_set(61)
    bpy.ops.cstalk.direct_range(region="jaw")
    half = scene.render.fps / 2
    curves = shown().curves
    assert contents.range_of_or_none(face, "jaw", curves) == pytest.approx((61 - half, 61 + half))


def test_a_range_is_kept_by_presets_and_removed_by_reset(face):  # noqa: F811
    bpy.ops.cstalk.direct_range(region="overall", first_frame=20, last_frame=40)
    bpy.ops.cstalk.direct_preset(preset="whisper")
    assert face.cstalk_direction.overall.range_end_s > 0
    bpy.ops.cstalk.direct_reset()
    assert direction.is_neutral(face)
    assert error_of(face, talking().values) <= TOLERANCE + 5e-4


def test_another_range_makes_the_keys_stale(face):  # noqa: F811
    face.cstalk_direction.brows.strength = 0.5
    before = direction.fingerprint(face)
    direction.set_range(face, "brows", 1.0, 2.0)
    assert direction.fingerprint(face) != before
    assert direction.direction_of(face).region("brows") == RegionSettings(
        strength=0.5, range_start_s=1.0, range_end_s=2.0
    )
