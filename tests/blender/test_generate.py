"""From the button to the keys, on a fake worker: operator equals function, every way to end."""

from __future__ import annotations

import time

import bpy
import numpy as np
import pytest

from cstalk_blender import compat
from cstalk_blender.errors import BadSound, JobOverlap, SceneChanged, WorkerDied, WorkerGarbled
from cstalk_blender.jobs import generate as jobs
from cstalk_blender.jobs import pump
from cstalk_blender.rig.keys import bake
from cstalk_blender.session.request import Limits
from cstalk_blender.ui import generate_requests
from tests.fakes.faces import ARKIT, evaluated_heights, make_action
from tests.fakes.sessions import DEADLINE_S, start_generate, tick_until

JAW = ARKIT.index("jawOpen")


def scene_state():
    """Return what a failed or cancelled job must not change."""
    face = bpy.data.objects["Face"]
    key = face.data.shape_keys
    action = None if key.animation_data is None else key.animation_data.action
    ranges = [(block.slider_min, block.slider_max, block.value) for block in key.key_blocks]
    scene = bpy.context.scene
    return (
        sorted(action.name for action in bpy.data.actions),
        action,
        ranges,
        sorted(key.keys()),
        (scene.frame_start, scene.frame_end, scene.frame_current),
        bpy.data.objects["Face"].cstalk_result.summary,
    )


def test_button_makes_the_face_move_at_the_start_frame(ready, face):
    assert bpy.ops.cstalk.generate() == {"FINISHED"}
    assert face.data.shape_keys.animation_data.action.name == "Face größe 台詞 01"
    assert evaluated_heights(face, 11)[JAW] == pytest.approx(0.0, abs=1e-4)
    assert evaluated_heights(face, 11 + 12)[JAW] == pytest.approx(1.0, abs=1e-4)
    smile = ARKIT.index("mouthSmileLeft")
    assert evaluated_heights(face, 20)[smile] == pytest.approx(0.5)
    assert face.cstalk_result.summary == "48 frames, 5 channels, 2.0 s"


def test_operator_equals_function(ready, face, studio):
    bpy.ops.cstalk.generate()
    by_operator = [evaluated_heights(face, frame) for frame in np.arange(8.0, 62.0, 0.5)]
    bpy.ops.cstalk.clear()
    studio.start(generate_requests.request_of(bpy.context))
    studio.wait()
    by_function = [evaluated_heights(face, frame) for frame in np.arange(8.0, 62.0, 0.5)]
    np.testing.assert_array_equal(by_operator, by_function)


def test_clear_works_after_the_shape_keys_were_renamed(ready, face):
    bpy.ops.cstalk.generate()
    for block in face.data.shape_keys.key_blocks:
        block.name = f"renamed {block.name[::-1]}"
    assert bpy.ops.cstalk.clear() == {"FINISHED"}
    assert not bake.has_bake(face)
    assert not list(bpy.data.actions)  # the curves of renamed keys are ours, not the user's


def test_start_returns_at_once_and_ticks_stay_short(ready, studio, use_worker):
    use_worker("slow")
    start_generate(studio)
    assert studio.is_busy
    assert studio.timer_runs
    tick_until(studio, lambda: studio.stage == "Generating")
    spent = []
    for _ in range(50):
        began = time.thread_time()
        assert studio.tick() == pump.TICK_S
        spent.append(time.thread_time() - began)
    assert np.median(spent) < 0.010


def test_unregister_stops_the_timer(ready, studio, addon):
    start_generate(studio)
    addon.unregister()
    assert not studio.timer_runs
    addon.register()


def test_timer_ends_when_nothing_is_under_way(ready, studio):
    start_generate(studio)
    tick_until(studio, lambda: not studio.is_busy)
    assert studio.tick() is None


def test_cancel_changes_nothing_and_generate_works_again(ready, studio, face, use_worker):
    make_action("Artist", face.data.shape_keys, "browInnerUp", 0.5)
    before = scene_state()
    use_worker("slow")
    start_generate(studio)
    tick_until(studio, lambda: studio.fraction > 0)
    bpy.ops.cstalk.cancel()
    tick_until(studio, lambda: not studio.is_busy)
    assert studio.error is None
    assert scene_state() == before
    use_worker("good")
    bpy.ops.cstalk.generate()
    assert bpy.data.objects["Face"].cstalk_result.summary


@pytest.mark.fault("child dies, writes garbage, or makes no curves")
@pytest.mark.parametrize(
    "mode,error", [("die_midway", WorkerDied), ("garbage", WorkerGarbled), ("broken_track", None)]
)
def test_failure_changes_nothing_is_shown_and_generate_works_again(
    ready, studio, face, use_worker, mode, error
):
    before = scene_state()
    use_worker(mode)
    with pytest.raises(RuntimeError, match=r"\w"):
        bpy.ops.cstalk.generate()
    assert error is None or type(studio.error) is error
    assert studio.error.hint
    assert scene_state() == before
    use_worker("good")
    bpy.ops.cstalk.generate()
    assert studio.error is None


@pytest.mark.fault("child ignores Cancel")
def test_worker_that_ignores_cancel_does_not_hold_the_scene(ready, studio, use_worker, monkeypatch):
    use_worker("hang")
    start_generate(studio)
    tick_until(studio, lambda: studio.stage == "Generating")
    studio.cancel()
    tick_until(studio, lambda: not studio.is_busy)
    assert studio.error is None
    # The timer goes on until the process has been ended; here it gets no minute.
    assert studio.tick() is not None
    monkeypatch.setattr(studio._client, "_limits", Limits(stop_s=0.0))
    tick_until(studio, lambda: studio.child_pid is None)


@pytest.mark.fault("two generations at once")
def test_second_order_is_refused_while_one_is_under_way(ready, studio, use_worker):
    use_worker("slow")
    start_generate(studio)
    with pytest.raises(JobOverlap):
        start_generate(studio)


@pytest.mark.fault("face renamed while generating")
def test_face_renamed_meanwhile_is_found(ready, studio, face):
    start_generate(studio)
    face.name = "Hero"
    tick_until(studio, lambda: not studio.is_busy)
    assert bake.has_bake(bpy.data.objects["Hero"])


@pytest.mark.fault("face deleted while generating")
def test_face_deleted_meanwhile_is_a_clear_failure(ready, studio, face):
    start_generate(studio)
    bpy.data.objects.remove(face)
    actions = len(bpy.data.actions)
    tick_until(studio, lambda: not studio.is_busy)
    assert isinstance(studio.error, SceneChanged)
    assert "'Face' was removed" in str(studio.error)
    assert len(bpy.data.actions) == actions


@pytest.mark.fault("face taken out of the scene while generating")
def test_face_unlinked_from_the_scene_meanwhile_is_a_clear_failure(ready, studio, face):
    start_generate(studio)
    bpy.context.scene.collection.objects.unlink(face)
    tick_until(studio, lambda: not studio.is_busy)
    assert "no longer in the scene" in str(studio.error)


@pytest.mark.fault("shape keys removed while generating")
def test_shape_keys_removed_meanwhile_is_a_clear_failure(ready, studio, face):
    start_generate(studio)
    face.shape_key_clear()
    tick_until(studio, lambda: not studio.is_busy)
    assert "no shape keys" in str(studio.error)


@pytest.mark.fault("another file opened while generating")
def test_other_file_opened_meanwhile_drops_the_order(ready, studio, use_worker):
    use_worker("slow")
    start_generate(studio)
    tick_until(studio, lambda: studio.fraction > 0)
    pid = studio.child_pid
    bpy.ops.wm.read_homefile(use_empty=True)
    assert not studio.is_busy
    assert "another file was opened" in str(studio.error)
    assert len(bpy.data.actions) == 0
    tick_until(studio, lambda: studio.tick() is None)
    assert studio.child_pid == pid  # the model stays warm


def test_performance_is_held_in_edit_mode_and_written_after_it(ready, studio, face):
    start_generate(studio)
    bpy.ops.object.mode_set(mode="EDIT")
    tick_until(studio, lambda: studio.fraction >= 0.9)
    for _ in range(5):
        studio.tick()
    assert studio.is_busy
    assert "leave Edit Mode" in studio.stage
    assert not bake.has_bake(face)
    bpy.ops.object.mode_set(mode="OBJECT")
    tick_until(studio, lambda: not studio.is_busy)
    assert bake.has_bake(face)


def test_held_performance_can_be_cancelled(ready, studio, face):
    start_generate(studio)
    bpy.ops.object.mode_set(mode="EDIT")
    tick_until(studio, lambda: studio.fraction >= 0.9)
    studio.cancel()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert not studio.is_busy
    assert not bake.has_bake(face)


def test_waiting_in_edit_mode_without_a_window_fails_instead_of_hanging(ready, studio):
    bpy.ops.object.mode_set(mode="EDIT")
    start_generate(studio)
    studio.wait()
    assert "leave Edit Mode" in str(studio.error)


def test_order_speaks_the_scenes_film_rate(ready):
    render = bpy.context.scene.render
    render.fps, render.fps_base = 24, 1.001
    message = generate_requests.request_of(bpy.context).message
    assert message.performance.fps == pytest.approx(24 / 1.001)
    ready.key_rate = "FINE"
    assert generate_requests.request_of(bpy.context).message.performance.fps == 60.0


def test_keys_and_sound_agree_at_23976(ready, face):
    render = bpy.context.scene.render
    render.fps, render.fps_base = 24, 1.001
    bpy.ops.cstalk.generate()
    key = face.data.shape_keys
    curve = compat.curve_holder(key.animation_data.action, key).fcurves[0]
    assert [point.co.x for point in curve.keyframe_points] == [11.0 + i for i in range(48)]


@pytest.mark.fault("a mistake of ours in the pump")
def test_mistake_of_ours_ends_the_job_with_details(ready, studio, monkeypatch):
    def slip(*_arguments):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(jobs.delivery.Delivery, "step", slip)
    start_generate(studio)
    tick_until(studio, lambda: not studio.is_busy)
    assert "ZeroDivisionError" in str(studio.error)


def test_result_for_another_scene_is_baked_there(ready, studio, face):
    order = generate_requests.request_of(bpy.context)
    studio.start(order)
    bpy.context.window.scene = bpy.data.scenes.new("Other")
    tick_until(studio, lambda: not studio.is_busy)
    assert studio.error is None
    assert bake.has_bake(face)
    assert face.cstalk_result.summary


def test_unregister_ends_the_child(studio, ready, addon):
    bpy.ops.cstalk.generate()
    client = studio._client
    child = client._child
    addon.unregister()
    assert child.exit_code is not None
    addon.register()


def test_progress_never_falls_and_counts_the_writing_of_keys(ready, studio):
    studio.start(generate_requests.request_of(bpy.context))
    seen, writing = [0.0], []
    deadline = time.monotonic() + DEADLINE_S
    while studio.is_busy and time.monotonic() < deadline:
        studio.tick()
        if studio.is_busy:
            seen.append(studio.fraction)
            if "writing keys" in studio.stage:
                writing.append(studio.fraction)
    assert seen == sorted(seen)
    assert writing
    assert min(writing) >= 0.9
    assert max(seen) < 1.0


def test_save_and_reload_keep_performance_settings_and_the_way_back(ready, face, work):
    artist = make_action("Artist", face.data.shape_keys, "browInnerUp", 0.25)
    artist.use_fake_user = False
    face.data.shape_keys.key_blocks["jawOpen"].slider_max = 0.5
    bpy.ops.cstalk.generate()
    path = str(work / "szene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    face = bpy.data.objects["Face"]
    settings = bpy.context.scene.cstalk
    assert (settings.emotion, settings.start_frame) == ("happy", 11)
    assert face.cstalk_result.summary == "48 frames, 5 channels, 2.0 s"
    assert evaluated_heights(face, 23)[JAW] == pytest.approx(1.0, abs=1e-4)
    assert bpy.ops.cstalk.clear() == {"FINISHED"}
    assert face.data.shape_keys.animation_data.action.name == "Artist"
    assert face.data.shape_keys.key_blocks["jawOpen"].slider_max == 0.5


def test_order_of_a_sound_that_is_gone_is_refused(ready, speech):
    speech.unlink()
    with pytest.raises(BadSound, match="not found"):
        generate_requests.request_of(bpy.context)
