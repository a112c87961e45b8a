"""An add-on that does nothing costs nothing: no timer, and nothing called on frames or changes."""

from __future__ import annotations

import time

import bpy
import pytest

from cstalk_blender.ui import generate_requests
from cstalk_blender.ui.operators import generate as operators
from tests.fakes.faces import make_face, write_wav
from tests.fakes.sessions import DEADLINE_S

RARE = {"load_pre", "load_post", "load_post_fail", "save_pre", "save_post"}
"""Events of a whole file; all others come with frames, edits or renders."""


def handlers_of_ours() -> set[str]:
    """Events that a handler of ours waits for."""
    return {
        name
        for name in dir(bpy.app.handlers)
        if isinstance(found := getattr(bpy.app.handlers, name), list)
        for handler in found
        if "cstalk" in getattr(handler, "__module__", "")
    }


@pytest.fixture
def ready(studio, work):
    """A face with a sound, and a fake worker."""
    bpy.context.scene.render.fps = 24
    make_face()
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    return studio


def tick_until_idle(studio):
    """Turn the pump as Blender does, until it says that there is nothing more to do."""
    deadline = time.monotonic() + DEADLINE_S
    while studio.tick() is not None:
        assert time.monotonic() < deadline, "the timer never ends"
        time.sleep(0.002)


def test_nothing_of_ours_is_called_on_frames_edits_or_renders(addon):
    assert handlers_of_ours() <= RARE


def test_no_timer_runs_in_an_idle_addon(ready):
    assert not ready.timer_runs


@pytest.mark.parametrize("mode", ["good", "die_midway", "garbage"])
def test_the_timer_ends_with_the_work_however_it_ends(ready, use_worker, mode):
    use_worker(mode)
    ready.start(generate_requests.request_of(bpy.context))
    assert ready.timer_runs
    tick_until_idle(ready)
    assert not ready.is_busy


def test_the_timer_ends_after_cancel(ready, use_worker):
    use_worker("slow")
    ready.start(generate_requests.request_of(bpy.context))
    ready.cancel()
    tick_until_idle(ready)
    assert not ready.is_busy


def test_frames_and_edits_start_no_timer(ready):
    for frame in range(1, 20):
        bpy.context.scene.frame_set(frame)
        bpy.data.objects["Face"].location.x = frame
        bpy.context.view_layer.update()
    assert not ready.timer_runs
