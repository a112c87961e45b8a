"""Settings of a face are baked as they change, in place, and hand edits stay."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender import compat
from cstalk_blender.direct.direction import Direction, RegionSettings
from cstalk_blender.direct.prediction import BadPrediction, Prediction
from cstalk_blender.jobs import direct, open_jobs
from cstalk_blender.package import layered
from cstalk_blender.rig.binding import targets
from cstalk_blender.rig.keys import bake, ownership
from cstalk_blender.scene import direction, predictions, result
from cstalk_blender.ui.operators import generate as operators
from tests.blender.test_fitted_keys import FPS, curves_of, played, talking
from tests.fakes.faces import evaluated_heights, make_face, write_wav

TOLERANCE = 0.01


def perform(face: bpy.types.Object, tolerance: float | None = TOLERANCE) -> Prediction:
    """Bake and store six seconds whose emotion is half of each curve."""
    scene = bpy.context.scene
    scene.render.fps = int(FPS)
    scene.cstalk.key_rate = "SCENE" if tolerance is None else "FITTED"
    full = talking()
    made = Prediction.of(layered.LayeredCurves(full, full.replaced(values=full.values / 2)))
    report = bake.bake_track(
        targets.face_objects(face, with_companions=True),
        made.curves(),
        start_frame=1,
        frame_rate=FPS,
        line="line",
        tolerance=tolerance,
    )
    result.store(face, report, title="line", settings={"start_frame": 1, "frame_rate": FPS})
    predictions.save(face, made, line="line")
    result.add_note(face, result.DIRECTION, direction.fingerprint(face))
    return made


@pytest.fixture
def face(addon):
    """A face with a performance in fitted keys."""
    face = make_face()
    perform(face)
    bpy.ops.ed.undo_push(message="Generated")
    return face


def brows(made: Prediction) -> list[int]:
    return [i for i, name in enumerate(made.channels) if name.startswith("brow")]


def error_of(face: bpy.types.Object, expected: np.ndarray) -> float:
    """Largest deviation of what Blender plays."""
    return float(np.abs(played(face, talking()) - expected).max())


@pytest.mark.parametrize("tolerance", [None, TOLERANCE])
def test_a_slider_bakes_its_region_at_once(addon, tolerance):
    face = make_face()
    made = perform(face, tolerance)
    face.cstalk_direction.brows.strength = 0.25
    expected = made.values.copy()
    expected[:, brows(made)] *= 0.25
    assert error_of(face, expected) <= (tolerance or 0.0) + 5e-4
    face.cstalk_direction.brows.strength = 1.0
    assert error_of(face, made.values) <= (tolerance or 0.0) + 5e-4


def test_the_action_and_other_regions_are_not_touched(face):
    key = face.data.shape_keys
    action = ownership.own_action_or_none(key)
    before = {name: ownership.digest(curve) for name, curve in curves_of(face).items()}
    face.cstalk_direction.brows.strength = 0.5
    assert ownership.own_action_or_none(key) == action
    after = {name: ownership.digest(curve) for name, curve in curves_of(face).items()}
    changed = {name for name in before if before[name] != after[name]}
    assert changed
    assert all(name.startswith("brow") for name in changed)
    assert not ownership.edited_curves(action)


def test_back_to_neutral_is_as_it_was_bit_by_bit(face):
    before = {name: ownership.digest(curve) for name, curve in curves_of(face).items()}
    face.cstalk_direction.overall.strength = 0.5
    face.cstalk_direction.mouth.timing_ms = 40.0
    face.cstalk_direction.overall.strength = 1.0
    face.cstalk_direction.mouth.timing_ms = 0.0
    assert {n: ownership.digest(c) for n, c in curves_of(face).items()} == before


def test_the_mesh_follows_without_a_change_of_frame(face):
    bpy.context.scene.frame_set(30)
    brow = talking().channels.index("browInnerUp") + 1
    before = evaluated_heights(face, 30)[brow]
    face.cstalk_direction.brows.mute = True
    bpy.context.view_layer.update()
    evaluated = face.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert before > 0.01
    assert evaluated.data.vertices[brow].co.z == pytest.approx(0.0, abs=1e-6)


def test_emotion_0_plays_the_speech(face):
    face.cstalk_direction.overall.emotion = 0.0
    assert error_of(face, talking().values / 2) <= TOLERANCE + 5e-4


def test_one_undo_step_takes_slider_and_keys_back(face):
    face.cstalk_direction.brows.strength = 0.0
    bpy.ops.ed.undo_push(message="Strength")
    bpy.ops.ed.undo()
    face = bpy.data.objects["Face"]
    assert face.cstalk_direction.brows.strength == 1.0
    assert error_of(face, talking().values) <= TOLERANCE + 5e-4
    assert not direct.is_stale(face)
    bpy.ops.ed.redo()
    face = bpy.data.objects["Face"]
    assert face.cstalk_direction.brows.strength == 0.0
    assert max(abs(curves_of(face)["browInnerUp"].evaluate(f)) for f in range(140)) < 1e-6
    assert not direct.is_stale(face)


@pytest.mark.parametrize("tolerance", [None, TOLERANCE])
def test_hand_edits_stay_through_every_slider(addon, tolerance):
    face = make_face()
    perform(face, tolerance)
    curve = curves_of(face)["browInnerUp"]
    point = curve.keyframe_points.insert(31.0, 0.9)
    point.interpolation = "LINEAR"
    curve.update()
    for strength in (0.5, 0.25, 0.0):
        face.cstalk_direction.brows.strength = strength
        assert curves_of(face)["browInnerUp"].evaluate(31.0) == pytest.approx(0.9, abs=0.011)
    far = curves_of(face)["browInnerUp"].evaluate(100.0)
    assert far == pytest.approx(0.0, abs=0.011)
    assert "browInnerUp" in result.details_of(face.cstalk_result)["edits"]
    face.cstalk_direction.mouth.strength = 0.5
    assert "browInnerUp" in result.details_of(face.cstalk_result)["edits"]
    assert curves_of(face)["browInnerUp"].evaluate(31.0) == pytest.approx(0.9, abs=0.011)


def test_keys_on_a_strength_are_sampled_over_time(face):
    settings = face.cstalk_direction.brows
    for frame, strength in ((1, 0.0), (144, 1.0)):
        settings.strength = strength
        settings.keyframe_insert("strength", frame=frame)
    curve = next(c for c in compat.curves_of(face) if c.data_path.endswith("brows.strength"))
    for point in curve.keyframe_points:
        point.interpolation = "LINEAR"
    curve.update()
    assert direction.keyed_settings(face) == ["brows strength"]
    assert direct.is_stale(face)
    direct.redirect(face, bpy.context.scene)
    assert not direct.is_stale(face)
    expected = talking().values.copy()
    expected[:, brows(predictions.load_or_none(face))] *= np.linspace(0, 1, 144)[:, None]
    assert error_of(face, expected) <= TOLERANCE + 1e-3


def test_a_frame_change_does_not_bake(face):
    face.cstalk_direction.brows.keyframe_insert("strength", frame=1)
    direct.redirect(face, bpy.context.scene)
    noted = result.details_of(face.cstalk_result)
    bpy.context.scene.frame_set(50)
    assert not direct.is_stale(face)
    assert result.details_of(face.cstalk_result) == noted


def test_a_duplicate_is_directed_alone(face):
    twin = face.copy()
    twin.data = face.data.copy()
    bpy.context.scene.collection.objects.link(twin)
    twin.cstalk_direction.brows.strength = 0.0
    assert error_of(face, talking().values) <= TOLERANCE + 5e-4
    assert max(abs(curves_of(twin)["browInnerUp"].evaluate(f)) for f in range(140)) < 1e-6
    assert face.cstalk_direction.brows.strength == 1.0


def test_settings_survive_saving_and_direct_again(face, work):
    face.cstalk_direction.brows.strength = 0.5
    path = str(work / "directed.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    again = bpy.data.objects["Face"]
    assert again.cstalk_direction.brows.strength == 0.5
    assert not direct.is_stale(again)
    again.cstalk_direction.brows.strength = 1.0
    assert error_of(again, talking().values) <= TOLERANCE + 5e-4


def test_an_appended_face_can_be_directed(face, work):
    path = str(work / "face.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.context.scene.render.fps = int(FPS)
    with bpy.data.libraries.load(path) as (_there, here):
        here.objects = ["Face"]
    bpy.context.scene.collection.objects.link(here.objects[0])
    here.objects[0].cstalk_direction.brows.strength = 0.0
    assert (
        max(abs(curves_of(here.objects[0])["browInnerUp"].evaluate(f)) for f in range(140)) < 1e-6
    )


def test_another_tolerance_is_a_whole_bake(face):
    bpy.context.scene.cstalk.key_rate = "SCENE"
    face.cstalk_direction.brows.strength = 0.5
    assert len(curves_of(face)["jawOpen"].keyframe_points) == 144
    assert len([a for a in bpy.data.actions if ownership.is_ours(a)]) == 1


def test_a_renamed_action_is_kept_as_it_is(face):
    action = ownership.own_action_or_none(face.data.shape_keys)
    action.name = "Mine"
    before = [
        ownership.digest(curve) for _handle, bag in compat.curve_bags(action) for curve in bag
    ]
    face.cstalk_direction.brows.strength = 0.0
    after = [ownership.digest(curve) for _handle, bag in compat.curve_bags(action) for curve in bag]
    assert after == before
    assert max(abs(curves_of(face)["browInnerUp"].evaluate(f)) for f in range(140)) < 1e-6


def test_settings_without_a_performance_change_nothing(addon):
    face = make_face()
    face.cstalk_direction.brows.strength = 0.0
    assert face.data.shape_keys.animation_data is None
    with pytest.raises(BadPrediction, match="no stored prediction"):
        direct.redirect(face, bpy.context.scene)


def test_write_sets_all_settings_and_bakes_nothing(face):
    given = Direction(
        overall=RegionSettings(strength=0.5, is_mirrored=True),
        regions={"head": RegionSettings(is_muted=True, timing_ms=20.0)},
        lip_tightness=0.5,
    )
    direction.write(face, given)
    assert direction.direction_of(face).overall == given.overall
    assert direction.direction_of(face).region("head") == given.region("head")
    assert direction.direction_of(face).lip_tightness == 0.5
    assert direct.is_stale(face)
    assert error_of(face, talking().values) <= TOLERANCE + 5e-4
    direction.write(face, Direction())
    assert direction.is_neutral(face)
    assert not direct.is_stale(face)


def test_a_long_line_is_baked_when_its_slider_rests_with_one_undo_step(face, monkeypatch):
    with direction.held_changes():
        face.cstalk_direction.brows.strength = 0.0
    bpy.ops.ed.undo_push(message="Strength")
    job = open_jobs.DIRECT.current
    monkeypatch.setattr(direct, "REST_S", 3600.0)
    job.defer(face)
    job.advance()
    assert job.is_busy
    assert error_of(face, talking().values) <= TOLERANCE + 5e-4
    monkeypatch.setattr(direct, "REST_S", 0.0)
    job.advance()
    assert not job.is_busy
    assert max(abs(curves_of(face)["browInnerUp"].evaluate(f)) for f in range(140)) < 1e-6
    bpy.ops.ed.undo()
    assert error_of(bpy.data.objects["Face"], talking().values) <= TOLERANCE + 5e-4


def test_opening_a_file_forgets_the_face_that_waits(face):
    job = open_jobs.DIRECT.current
    job.defer(face)
    job.file_opened()
    assert not job.is_busy
    job.advance()


def test_a_removed_face_is_named(face, monkeypatch):
    monkeypatch.setattr(direct, "REST_S", 0.0)
    job = open_jobs.DIRECT.current
    job.defer(face)
    bpy.data.objects.remove(face)
    job.tick()
    assert "removed" in str(job.error)
    assert not job.is_busy


def test_generate_bakes_with_the_settings_of_the_face(studio, work):
    face = make_face()
    bpy.context.scene.cstalk.key_rate = "SCENE"
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    face.cstalk_direction.jaw.mute = True
    bpy.ops.cstalk.generate()
    jaw = curves_of(face)["jawOpen"]
    assert max(abs(jaw.evaluate(frame)) for frame in range(48)) == 0.0
    assert not direct.is_stale(face)
    face.cstalk_direction.jaw.mute = False
    assert max(jaw.evaluate(frame) for frame in range(48)) > 0.9
