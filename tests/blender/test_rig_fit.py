"""Faces without ARKit names perform: a FLAME stand-in, visemes only, eyes by bones."""

from __future__ import annotations

import sys

import bpy
import numpy as np
import pytest

from cstalk_blender import compat
from cstalk_blender.demo_head import build_demo_head, demo_head_geometry
from cstalk_blender.errors import BadTarget
from cstalk_blender.package import track
from cstalk_blender.rig.binding import basis as solver_basis
from cstalk_blender.rig.binding import library, solved, targets
from cstalk_blender.rig.drive.mouth import mouth_of
from cstalk_blender.rig.fitting import flame
from cstalk_blender.rig.keys import bake
from cstalk_blender.rig.verify import check
from cstalk_blender.rig.verify.evaluation import evaluate_mesh
from cstalk_blender.scene import result
from cstalk_blender.ui.operators import rig as operators_rig
from cstalk_blender.ui.panels import rig as panels_rig
from tests.fakes.faces import ARKIT, make_face
from tests.fakes.flame_heads import make_flame_head, make_viseme_head
from tests.fakes.panel_layouts import said

FRAMES_BETWEEN_POSES = 6
LARGEST_ERROR = 0.10
"""Root mean square of the landmarks' error, part of that of their motion."""


def spoken_track(*, poses: int = 8, seed: int = 1) -> track.CurveTrack:
    """Random poses with eased ways between them; lips close only as far as the jaw is open."""
    random = np.random.default_rng(seed)
    keys = random.random((poses, 52)) * (random.random((poses, 52)) < 0.25)
    keys[0] = 0.0
    keys[:, ARKIT.index("tongueOut")] = 0.0
    jaw, close = ARKIT.index("jawOpen"), ARKIT.index("mouthClose")
    keys[1::2, jaw] = random.uniform(0.3, 0.8, len(keys[1::2]))
    keys[1::4, close] = keys[1::4, jaw]
    keys[:, close] = np.minimum(keys[:, close], keys[:, jaw])
    place = np.arange((poses - 1) * FRAMES_BETWEEN_POSES) / FRAMES_BETWEEN_POSES
    before = place.astype(int)
    part = (0.5 - 0.5 * np.cos(np.pi * (place - before)))[:, None]
    values = keys[before] * (1.0 - part) + keys[before + 1] * part
    return track.CurveTrack(values.astype(np.float32), ARKIT, 24.0)


def evaluated(face, frame):
    """Vertices of the evaluated mesh, (V, 3)."""
    points, _values = evaluate_mesh(face, bpy.context.scene, frame)
    return points.astype(np.float64)


def landmark_error(stand_in, curves) -> float:
    """Error of the landmarks' motion against the demo head's, as large as the stand-in."""
    head = demo_head_geometry()
    marks = [vertex for group in head.landmarks.values() for vertex in group]
    marks.append(solver_basis.demo_source().head.landmarks.chin)
    place = {int(vertex): number for number, vertex in enumerate(stand_in.origin)}
    own = [place[vertex] for vertex in marks]
    size = solver_basis.fit_face(stand_in.face).found.laid_over.size
    rest = evaluated(stand_in.face, 1.0)[own]
    moved = np.stack([evaluated(stand_in.face, 1.0 + n)[own] for n in range(curves.frame_count)])
    wanted = size * np.tensordot(curves.values, head.deltas[:, marks], axes=1)
    return float(np.sqrt(((moved - rest - wanted) ** 2).sum() / (wanted**2).sum()))


@pytest.mark.parametrize("rotation_mode", ["XYZ", "AXIS_ANGLE"])
def test_landmarks_of_the_flame_stand_in_move_as_the_source_does(rotation_mode):
    stand_in, curves = make_flame_head(rotation_mode=rotation_mode), spoken_track()
    operators_rig.solve_face(stand_in.face)
    assert targets.is_face(stand_in.face)
    report = bake.bake_track([stand_in.face], curves, start_frame=1, frame_rate=24.0, line="x")
    assert report.channels == 52
    error = landmark_error(stand_in, curves)
    sys.stderr.write(f"FLAME stand-in, {rotation_mode}: landmark error {100 * error:.1f} % RMS\n")
    assert error < LARGEST_ERROR


def test_flame_fit_uses_expressions_and_jaw_and_never_who_it_is():
    stand_in = make_flame_head()
    fit = solver_basis.fit_face(stand_in.face).fit
    names = [target.name for target in fit.targets]
    assert "jaw:rotation_x" in names
    assert "Exp100" in names
    assert not [name for name in names if name.startswith(("Shape", "Pose"))]


def test_pose_correctives_follow_the_keyed_jaw():
    stand_in, curves = make_flame_head(), spoken_track()
    operators_rig.solve_face(stand_in.face)
    bake.bake_track([stand_in.face], curves, start_frame=1, frame_rate=24.0, line="x")
    blocks = stand_in.face.data.shape_keys.key_blocks
    jaw = stand_in.face.parent.pose.bones["jaw"]
    bpy.context.scene.frame_set(1 + int(np.argmax(curves.column("jawOpen"))))
    wanted = flame.jaw_corrections(np.array([jaw.rotation_euler[:]]))
    assert jaw.rotation_euler.x > 0.05
    for name, values in wanted.items():
        assert blocks[name].value == pytest.approx(float(values[0]), abs=1e-4)


def test_saved_fit_is_found_by_another_face_of_the_same_keys(addon, tmp_path, monkeypatch):
    monkeypatch.setattr(library, "folder", lambda kind: tmp_path / kind)
    first = make_flame_head().face
    bpy.context.scene.cstalk.target = first
    bpy.context.scene.cstalk_mapping_view.preset_name = "My FLAME"
    assert not bpy.ops.cstalk.mapping_save.poll(), "there is nothing to save yet"
    operators_rig.solve_face(first)
    assert bpy.ops.cstalk.mapping_save() == {"FINISHED"}
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    stand_in, curves = make_flame_head(), spoken_track()
    assert targets.problem_or_none(stand_in.face) is None, "found by its fingerprint"
    report = bake.bake_track([stand_in.face], curves, start_frame=1, frame_rate=24.0, line="x")
    assert report.channels == 52
    bpy.context.scene.frame_set(1 + int(np.argmax(curves.column("jawOpen"))))
    corrective = stand_in.face.data.shape_keys.key_blocks["Pose14"]
    assert corrective.value < -0.001, "the jaw's correctives follow it here too"
    error = landmark_error(stand_in, curves)
    sys.stderr.write(f"FLAME stand-in by its saved fit: landmark error {100 * error:.1f} % RMS\n")
    assert error < LARGEST_ERROR


def test_clear_takes_keys_off_bones_and_puts_their_pose_back():
    stand_in, curves = make_flame_head(), spoken_track(poses=3)
    jaw = stand_in.face.parent.pose.bones["jaw"]
    jaw.rotation_euler.x = 0.125
    operators_rig.solve_face(stand_in.face)
    bake.bake_track([stand_in.face], curves, start_frame=1, frame_rate=24.0, line="x")
    bpy.context.scene.frame_set(10)
    assert bake.clear_bake([stand_in.face]).objects == ("FLAME-generic",)
    assert jaw.rotation_euler.x == pytest.approx(0.125)
    assert len(bpy.data.actions) == 0
    assert stand_in.face.data.shape_keys.key_blocks["Exp1"].slider_min == 0.0


def test_one_action_with_a_slot_for_keys_and_bones_where_there_are_slots():
    stand_in, curves = make_flame_head(), spoken_track(poses=3)
    operators_rig.solve_face(stand_in.face)
    report = bake.bake_track([stand_in.face], curves, start_frame=1, frame_rate=24.0, line="x")
    assert len(report.actions) == (1 if compat.shares_actions() else 2)


def test_viseme_head_opens_and_closes_its_mouth_and_says_what_is_lost():
    stand_in, curves = make_viseme_head(), spoken_track()
    loss = operators_rig.solve_face(stand_in.face)
    assert loss.regions["jaw"] < 0.7
    assert loss.regions["brow"] > 0.9
    assert "browInnerUp" in loss.channels
    assert any("brow" in line.lower() for line in loss.sentences())
    bake.bake_track([stand_in.face], curves, start_frame=1, frame_rate=24.0, line="x")
    mouth = mouth_of(stand_in.face)
    gaps = [mouth.gap(evaluated(stand_in.face, 1.0 + n)) for n in range(curves.frame_count)]
    opening = curves.column("jawOpen") - curves.column("mouthClose")
    assert np.corrcoef(gaps, opening)[0, 1] > 0.8
    values = [b.value for b in stand_in.face.data.shape_keys.key_blocks]
    assert min(values) >= 0.0


def test_left_and_right_of_a_viseme_head_move_alike_for_central_channels():
    fit = solver_basis.fit_face(make_viseme_head().face).fit
    left = fit.channels.index("mouthSmileLeft")
    right = fit.channels.index("mouthSmileRight")
    np.testing.assert_allclose(fit.cross[:, left], fit.cross[:, right], rtol=1e-6, atol=1e-12)


def test_eye_bones_turn_towards_where_the_channels_look():
    stand_in = make_flame_head(components=12)
    operators_rig.solve_face(stand_in.face)
    values = np.zeros((3, 52), np.float32)
    values[1, [ARKIT.index("eyeLookOutLeft"), ARKIT.index("eyeLookInRight")]] = 1.0
    values[2, [ARKIT.index("eyeLookUpLeft"), ARKIT.index("eyeLookUpRight")]] = 1.0
    curves = track.CurveTrack(values, ARKIT, 24.0)
    bake.bake_track([stand_in.face], curves, start_frame=1, frame_rate=24.0, line="x")
    for side in ("left_eye", "right_eye"):
        bone = stand_in.face.parent.pose.bones[side]
        ahead = []
        for frame in (1, 2, 3):
            bpy.context.scene.frame_set(frame)
            turned = bone.matrix.to_3x3() @ bone.bone.matrix_local.to_3x3().inverted()
            ahead.append(np.array(turned) @ np.array([0.0, -1.0, 0.0]))
        np.testing.assert_allclose(ahead[0], [0.0, -1.0, 0.0], atol=1e-5)
        assert ahead[1][0] > 0.4  # to the head's own left, +X
        assert ahead[2][2] > 0.4  # upwards


def test_fit_survives_saving_and_is_dropped_on_request(work):
    stand_in = make_viseme_head()
    operators_rig.solve_face(stand_in.face)
    before = solved.fit_or_none(stand_in.face)
    path = str(work / "fit.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    face = bpy.data.objects["Visemes"]
    after = solved.fit_or_none(face)
    assert after is not None
    np.testing.assert_array_equal(after.gram, before.gram)
    assert solved.remove_fit(face)
    assert solved.fit_or_none(face) is None


def test_fit_of_other_keys_is_not_used():
    face = make_viseme_head().face
    operators_rig.solve_face(face)
    face.data.shape_keys.key_blocks["AI"].name = "Renamed"
    assert solved.fit_or_none(face) is None
    face[solved.PROPERTY] = "{broken"
    assert solved.fit_or_none(face) is None


def test_face_that_cannot_open_its_mouth_is_refused_with_a_hint():
    with pytest.raises(BadTarget, match="No shape key") as caught:
        solver_basis.fit_face(make_face("Face", ["Smile", "Blink"]))
    assert caught.value.hint


def test_buttons_fit_seal_and_forget(addon, studio):
    face = make_viseme_head().face
    bpy.context.scene.cstalk.target = face
    assert bpy.ops.cstalk.solve_face() == {"FINISHED"}
    assert bpy.ops.cstalk.forget_solution() == {"FINISHED"}
    assert not bpy.ops.cstalk.forget_solution.poll()
    assert not bpy.ops.cstalk.seal_lips.poll()
    head = bpy.context.scene.cstalk.target = build_demo_head()
    bake.bake_track([head], spoken_track(), start_frame=1, frame_rate=24.0, line="x")
    assert bpy.ops.cstalk.seal_lips() == {"FINISHED"}


def test_another_head_in_the_file_is_what_a_fit_learns_from(addon, studio):
    face = bpy.context.scene.cstalk.target = make_viseme_head().face
    for other in bpy.context.selected_objects:
        other.select_set(False)
    assert not bpy.ops.cstalk.solve_face_from.poll()
    head = build_demo_head()
    blocks = head.data.shape_keys.key_blocks
    for smile in ("mouthSmileLeft", "mouthSmileRight"):
        for point, rest in zip(blocks[smile].data, blocks["Basis"].data, strict=True):
            point.co = rest.co
    head.select_set(True)
    assert bpy.ops.cstalk.solve_face_from() == {"FINISHED"}
    fit = solved.fit_or_none(face)
    smile, stretch = (fit.channels.index(c) for c in ("mouthSmileLeft", "mouthStretchLeft"))
    assert fit.energy[smile] < 1e-6 * fit.energy[stretch], "this head does not smile"


def test_page_says_what_a_fit_loses_and_what_the_mesh_did(addon, studio):
    face = bpy.context.scene.cstalk.target = make_viseme_head().face
    assert "Fit This Face" in said(panels_rig.CSTALK_PT_rig)
    operators_rig.solve_face(face)
    curves = spoken_track()
    report = bake.bake_track([face], curves, start_frame=1, frame_rate=24.0, line="x")
    checked = check.check_faces([face], curves, bpy.context.scene, start_frame=1, frame_rate=24.0)
    result.store(face, report, title="x", settings={})
    result.store_check(face, checked)
    words = said(panels_rig.CSTALK_PT_rig)
    assert "Brow: " in words
    assert "Not shown: " in words
    assert "The face moves by up to" in words
    assert "Seal the Lips" in words
