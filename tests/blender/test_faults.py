"""Faults that only Blender can have: two faces, an add-on that goes, a clock that jumps."""

from __future__ import annotations

import os
import shutil

import bpy
import pytest

from cstalk_blender.errors import JobOverlap
from cstalk_blender.jobs import generate as jobs
from cstalk_blender.rig.keys import bake
from cstalk_blender.ui import generate_requests
from cstalk_blender.ui.operators import generate as operators
from tests.fakes.faces import make_face, write_wav
from tests.fakes.sessions import HandClock, tick_until


@pytest.fixture
def ready(studio, work):
    """A face with a sound, and a fake worker."""
    bpy.context.scene.render.fps = 24
    face = make_face()
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    return face


def start(studio):
    """Order what the scene says, and return at once."""
    studio.start(generate_requests.request_of(bpy.context))


def process_exists(pid):
    """True while the process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.fault("two generations at once on two faces")
def test_two_faces_are_made_one_after_the_other_and_the_second_is_told(studio, ready):
    start(studio)
    other = make_face("Other")
    with pytest.raises(JobOverlap) as caught:
        start(studio)
    assert caught.value.hint
    tick_until(studio, lambda: not studio.is_busy)
    assert bake.has_bake(ready)
    assert not bake.has_bake(other)
    start(studio)
    tick_until(studio, lambda: not studio.is_busy)
    assert bake.has_bake(other)
    assert bake.has_bake(ready)


@pytest.mark.fault("add-on disabled while generating")
def test_disabling_the_addon_meanwhile_ends_the_child_and_leaves_the_scene(
    studio, ready, addon, use_worker
):
    use_worker("slow")
    actions = len(bpy.data.actions)
    start(studio)
    tick_until(studio, lambda: studio.fraction > 0)
    pid = studio.child_pid
    addon.unregister()
    assert not studio.timer_runs
    assert not process_exists(pid)
    assert len(bpy.data.actions) == actions
    assert not bake.has_bake(ready)
    addon.register()
    assert not jobs.current_job().is_busy


@pytest.mark.fault("computer asleep while generating: the clock jumps by hours")
def test_performance_survives_the_sleep_of_the_computer(studio, ready, monkeypatch):
    clock = HandClock()
    monkeypatch.setattr(jobs.session_client.Client.__init__, "__kwdefaults__", _with_clock(clock))
    start(studio)
    for _ in range(3):
        clock.now_s += 8 * 3600.0
        studio.tick()
    tick_until(studio, lambda: not studio.is_busy)
    assert studio.error is None
    assert bake.has_bake(ready)


@pytest.mark.fault("Blender's temporary folder gone between two generations")
def test_temporary_folder_gone_does_not_stop_the_next_order(studio, ready, monkeypatch, work):
    folder = work / "temporary"
    monkeypatch.setattr(jobs, "Path", lambda _path: folder)
    for _ in range(2):
        shutil.rmtree(folder, ignore_errors=True)
        start(studio)
        tick_until(studio, lambda: not studio.is_busy)
        assert bake.has_bake(ready)
        bpy.ops.cstalk.clear()


@pytest.mark.fault("file saved and opened again while generating")
def test_file_opened_again_meanwhile_keeps_what_was_saved(studio, ready, work, use_worker):
    path = str(work / "szene.blend")
    use_worker("slow")
    start(studio)
    tick_until(studio, lambda: studio.fraction > 0)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert not studio.is_busy
    assert "another file was opened" in str(studio.error)
    assert not bake.has_bake(bpy.data.objects["Face"])
    assert bpy.context.scene.cstalk.audio_path.name == "line.wav"
    use_worker("good")
    start(studio)
    tick_until(studio, lambda: not studio.is_busy)
    assert bake.has_bake(bpy.data.objects["Face"])


@pytest.mark.fault("the scene is deleted while generating")
def test_scene_deleted_meanwhile_is_a_clear_failure(studio, ready):
    start(studio)
    first = bpy.context.scene
    bpy.context.window.scene = bpy.data.scenes.new("Other")
    bpy.data.scenes.remove(first)
    tick_until(studio, lambda: not studio.is_busy)
    assert "scene" in str(studio.error)
    assert len(bpy.data.actions) == 0


def _with_clock(clock):
    return {**jobs.session_client.Client.__init__.__kwdefaults__, "clock": clock}


@pytest.mark.fault("Cancel at once, or a process that is dropped while it works")
@pytest.mark.timeout(30)
@pytest.mark.parametrize("mode", ["slow", "hang", "hang_at_start", "flood"])
def test_cancel_right_after_the_start_ends_the_wait(ready, studio, use_worker, mode):
    use_worker(mode)
    for _ in range(3):
        start(studio)
        studio.cancel()
        studio.wait()
        assert not studio.is_busy
    start(studio)
    studio.drop_child(wait=False)
    studio.wait()
    assert (studio.is_busy, studio.error) == (False, None)
