"""Check what needs a window: the timer runs, keys wait for the user, undo is one step.

    blender --window-geometry 0 0 1600 900 --python tests/gui/window_session.py

Any Blender from 4.2 on, with a display (Xvfb will do) and xdotool. Prints one line for each law
and ends Blender with status 0 when all hold. Not collected by pytest: bpy's wheels have no window.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import cstalk_blender  # noqa: E402 - after the path is set
from cstalk_blender.jobs import generate as jobs  # noqa: E402
from cstalk_blender.rig.keys import bake  # noqa: E402
from tests.fakes.faces import make_action, make_face, write_wav  # noqa: E402
from tests.fakes.sessions import fake_launch  # noqa: E402

STEP_S = 0.05
MOST_STEPS = 600
"""Timeout; only a broken add-on takes half a minute."""
FOLDER = Path(tempfile.mkdtemp(prefix="cstalk-gui-"))

failures: list[str] = []


def hold(law: str, is_so: bool) -> None:
    """Record whether a law holds."""
    sys.stdout.write(f"{'ok  ' if is_so else 'FAIL'}  {law}\n")
    sys.stdout.flush()
    if not is_so:
        failures.append(law)


def until(condition: Callable[[], bool]) -> Iterator[float]:
    """Let Blender run until ``condition`` holds."""
    for _ in range(MOST_STEPS):
        if condition():
            return
        yield STEP_S
    hold(f"comes to an end: {condition.__name__}", False)


def in_view() -> object:
    """The context of the largest 3D viewport, which a timer lacks."""
    window = bpy.context.window_manager.windows[0]
    views = [area for area in window.screen.areas if area.type == "VIEW_3D"]
    area = max(views, key=lambda view: view.width * view.height)
    region = next(region for region in area.regions if region.type == "WINDOW")
    return bpy.context.temp_override(window=window, area=area, region=region)


def action_name() -> str:
    """Name of the Action that the face plays."""
    return bpy.data.objects["Face"].data.shape_keys.animation_data.action.name


def session() -> Iterator[float]:
    """The laws, one after the other; each ``yield`` lets Blender run for so many seconds."""
    studio = jobs.current_job()
    studio.launch = lambda: fake_launch("good", FOLDER)
    with in_view():
        face = make_face()
        make_action("Artist", face.data.shape_keys, "browInnerUp", 0.5)
        bpy.ops.cstalk.load_audio(filepath=str(write_wav(FOLDER / "line.wav")))
        bpy.ops.ed.undo_push(message="ready")
    yield from generates(studio)
    yield from undoes()
    yield from waits_for_a_drag(studio)
    yield from works_during_playback(studio)


def generates(studio: jobs.GenerateJob) -> Iterator[float]:
    """The timer alone brings the performance home."""
    with in_view():
        bpy.ops.cstalk.generate()
    hold("Generate returns at once", studio.is_busy)
    yield from until(lambda: not studio.is_busy)
    hold("the timer brings the performance home", action_name() == "Face line")
    yield 0.3
    hold("the timer ends with its work", not studio.timer_runs)


def undoes() -> Iterator[float]:
    """One step back and forth."""
    with in_view():
        bpy.ops.ed.undo()
    yield 0.3
    hold("one undo brings back the artist's Action", action_name() == "Artist")
    with in_view():
        bpy.ops.ed.redo()
    yield 0.3
    hold("redo brings the performance back", action_name() == "Face line")
    with in_view():
        bpy.ops.cstalk.clear()
    hold("Clear gives back the artist's Action", action_name() == "Artist")


def waits_for_a_drag(studio: jobs.GenerateJob) -> Iterator[float]:
    """Keys are not written while the artist drags something."""
    with in_view():
        bpy.ops.cstalk.generate()
        bpy.ops.transform.translate("INVOKE_DEFAULT")
    yield from until(lambda: studio.fraction == 1.0)
    yield 0.5
    hold("keys wait while something is dragged", studio.is_busy and action_name() == "Artist")
    subprocess.run(["xdotool", "mousemove", "500", "400", "key", "Escape"], check=True)
    yield from until(lambda: not studio.is_busy)
    hold("keys are written after the drag", bake.has_bake(bpy.data.objects["Face"]))


def works_during_playback(studio: jobs.GenerateJob) -> Iterator[float]:
    """Playback goes on."""
    with in_view():
        bpy.ops.cstalk.clear()
        bpy.ops.screen.animation_play()
        bpy.ops.cstalk.generate()
    yield from until(lambda: not studio.is_busy)
    hold("keys are written during playback", bake.has_bake(bpy.data.objects["Face"]))
    screen = bpy.context.window_manager.windows[0].screen
    hold("playback goes on", screen.is_animation_playing)


def step() -> float | None:
    """One turn of the timer that drives the session; the last one ends Blender."""
    try:
        return next(running)
    except StopIteration:
        pass
    except Exception:  # noqa: BLE001 - a timer that raises is dropped, and Blender would stay open
        failures.append(traceback.format_exc())
        sys.stdout.write(failures[-1])
    cstalk_blender.unregister()
    sys.stdout.write(f"{len(failures)} failed\n")
    sys.stdout.flush()
    os._exit(1 if failures else 0)


bpy.context.preferences.view.show_splash = False
bpy.context.preferences.use_preferences_save = False
cstalk_blender.register()
running = session()
bpy.app.timers.register(step, first_interval=1.5)
