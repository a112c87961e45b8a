"""Curves from files, and keys that follow another frame rate or start frame."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender import compat
from cstalk_blender.package import formats, track
from cstalk_blender.rig.keys import bake, ownership
from cstalk_blender.scene import result
from cstalk_blender.ui.operators import generate as operators
from cstalk_blender.ui.panels import generate as panels
from tests.fakes.faces import evaluated_heights, make_face, write_wav
from tests.fakes.panel_layouts import said

JAW = 'key_blocks["jawOpen"].value'


def jaw_keys(face):
    """Frame and value of each key of the jaw."""
    curve = next(c for c in compat.curves_of(face.data.shape_keys) if c.data_path == JAW)
    return [(round(p.co[0], 3), round(p.co[1], 3)) for p in curve.keyframe_points]


def curve_file(folder, suffix):
    """Half a second of an opening jaw at 60 frames a second."""
    values = np.linspace(0.0, 1.0, 31, dtype=np.float32)[:, None]
    path = folder / f"take{suffix}"
    formats.write_curves(track.CurveTrack(values, ("jawOpen",), 60.0), path)
    return path


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".json"])
def test_curve_file_becomes_keys_from_the_start_frame_on(studio, work, suffix):
    face, scene = make_face(), bpy.context.scene
    scene.render.fps, scene.cstalk.start_frame, scene.cstalk.key_rate = 10, 21, "SCENE"
    path = curve_file(work, suffix)
    assert bpy.ops.cstalk.load_curves(filepath=str(path)) == {"FINISHED"}
    frames, values = zip(*jaw_keys(face), strict=True)
    assert frames[0] == pytest.approx(21.0, abs=0.05)
    assert np.interp([21, 23, 26], frames, values) == pytest.approx([0.0, 0.4, 1.0], abs=0.02)
    assert path.name in said(panels.CSTALK_PT_main)
    assert face.cstalk_result.summary.endswith("s")


def test_file_without_curves_is_refused_and_changes_nothing(studio, work):
    face = make_face()
    (work / "take.npz").write_text("no curves")
    with pytest.raises(RuntimeError, match=r"take\.npz"):
        bpy.ops.cstalk.load_curves(filepath=str(work / "take.npz"))
    assert not bake.has_bake(face)
    assert result.result_of_or_none(face) is None


def test_curves_beyond_the_last_frame_are_refused_and_change_nothing(studio, work):
    make_face()
    (work / "take.json").write_text(
        '{"exportFps": 1e-300, "facsNames": ["jawOpen"], "weightMat": [[1], [1]],'
        ' "numFrames": 2, "numPoses": 1}'
    )
    with pytest.raises(RuntimeError, match="beyond Blender's last frame 1048574"):
        bpy.ops.cstalk.load_curves(filepath=str(work / "take.json"))
    assert not bpy.data.actions


@pytest.fixture
def performed(studio, work):
    """A face with a performance of two seconds from frame 1 on, at 24 frames a second."""
    face, scene = make_face(), bpy.context.scene
    scene.render.fps, scene.cstalk.key_rate = 24, "SCENE"
    operators.load_audio(scene, write_wav(work / "line.wav"))
    bpy.ops.cstalk.generate()
    return face


def test_other_frame_rate_is_noticed_and_retiming_scales_the_keys(performed):
    scene, before = bpy.context.scene, jaw_keys(performed)
    assert not bpy.ops.cstalk.retime.poll()
    scene.render.fps = 48
    assert "Changed since: frame rate" in said(panels.CSTALK_PT_main)
    assert bpy.ops.cstalk.retime() == {"FINISHED"}
    expected = [(round(1 + 2 * (frame - 1), 3), value) for frame, value in before]
    assert jaw_keys(performed) == expected
    assert "Changed since" not in said(panels.CSTALK_PT_main)
    assert not bpy.ops.cstalk.retime.poll()


def test_time_stretching_is_noticed_and_retiming_keeps_lips_and_sound_together(performed):
    scene = bpy.context.scene
    before = [evaluated_heights(performed, frame) for frame in (7, 13, 30)]
    scene.render.frame_map_old, scene.render.frame_map_new = 100, 200
    assert "Changed since: time stretching" in said(panels.CSTALK_PT_main)
    for new in (200, 50, 100):
        scene.render.frame_map_new = new
        assert bpy.ops.cstalk.retime() == {"FINISHED"}
        after = [evaluated_heights(performed, frame) for frame in (7, 13, 30)]
        np.testing.assert_allclose(after, before, atol=1e-3)
        assert "Changed since" not in said(panels.CSTALK_PT_main)


def test_other_start_frame_is_noticed_and_retiming_moves_the_keys(performed):
    before = jaw_keys(performed)
    bpy.context.scene.cstalk.start_frame = -30
    assert "Changed since: start frame" in said(panels.CSTALK_PT_main)
    bpy.ops.cstalk.retime()
    assert jaw_keys(performed) == [(frame - 31, value) for frame, value in before]


def test_strip_that_was_moved_is_noticed_and_retiming_follows_it(performed):
    strips = compat.placed_strips(bpy.context.scene)
    if not strips:
        pytest.skip("this bpy was built without sound")
    before = jaw_keys(performed)
    compat.move_strip(strips[0], 41)
    assert "Changed since: start frame" in said(panels.CSTALK_PT_main)
    bpy.ops.cstalk.retime()
    assert bpy.context.scene.cstalk.start_frame == 41
    assert jaw_keys(performed) == [(frame + 40, value) for frame, value in before]


def test_start_frame_of_another_line_does_not_concern_a_performed_face(performed, work):
    if not compat.placed_strips(bpy.context.scene):
        pytest.skip("this bpy was built without sound")
    other = make_face("Other")
    scene = bpy.context.scene
    scene.cstalk.target, scene.cstalk.start_frame = other, 200
    operators.load_audio(scene, write_wav(work / "other.wav"), other)
    scene.cstalk.target = performed
    drawn = said(panels.CSTALK_PT_main)
    assert "Changed since: audio file" in drawn
    assert "start frame" not in drawn.partition("Changed since")[2]
    assert not bpy.ops.cstalk.retime.poll()


def test_retiming_keeps_hand_edits_as_hand_edits(performed):
    action = performed.data.shape_keys.animation_data.action
    curve = next(c for c in compat.curves_of(performed.data.shape_keys) if c.data_path == JAW)
    curve.keyframe_points[10].co[1] = 0.77
    assert [c.data_path for c in ownership.edited_curves(action)] == [JAW]
    bpy.context.scene.cstalk.start_frame = 100
    bpy.ops.cstalk.retime()
    assert [c.data_path for c in ownership.edited_curves(action)] == [JAW]
    assert jaw_keys(performed)[10] == (110.0, 0.77)
