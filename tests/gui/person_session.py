"""Run a first session in a real window with a real mouse: from the zip to a talking head.

    blender --window-geometry 0 0 1600 900 --python person_session.py -- ZIP SPEECH LONG LINES OUT

`build.py gui` starts it. Needs a display (Xvfb will do), xdotool and ImageMagick. Writes a
screenshot of each state to OUT and a line for each law to stdout; ends Blender with status 0 when
all hold. Not collected by pytest.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import person
import play
from person import Steps
from play import LONG, OUT, SPEECH, hold, missing, until


def studio() -> object:
    """Return the installed add-on's Generate job."""
    return play.module("jobs.generate").current_job()


def face_action() -> str:
    """Return the name of the Action that the head plays; empty for none."""
    data = bpy.context.view_layer.objects.active.data.shape_keys.animation_data
    return "" if data is None or data.action is None else data.action.name


def session() -> Steps:
    """Run the session; each ``yield`` lets Blender run for so many seconds."""
    yield from play.begins()
    yield from person.look(OUT, "3_head")
    yield from play.loads(LONG)
    yield from cancels()
    yield from play.loads(SPEECH)
    yield from generates()
    yield from plays()


def cancels() -> Steps:
    """Start and cancel a long line; the scene is as before."""
    before = face_action()
    yield from person.click_button("bpy.ops.cstalk.generate", missing)
    hold("a click on Generate begins the work", studio().is_busy)
    yield from until(lambda: studio().fraction > 0 or not studio().is_busy, "progress is seen")
    yield from person.look(OUT, "4_progress")
    hold("Blender draws while it works", studio().is_busy)
    yield from person.click_button("bpy.ops.cstalk.cancel", missing)
    yield from until(lambda: not studio().is_busy, "a click on Cancel ends it")
    hold("nothing was written", face_action() == before)
    yield from person.rest(0.5)
    hold("no timer is left", not studio().timer_runs)
    yield from person.look(OUT, "5_cancelled")


def generates() -> Steps:
    """Generate to the end."""
    yield from person.click_button("bpy.ops.cstalk.generate", missing)
    hold("Generate works again after Cancel", studio().is_busy)
    yield from until(lambda: not studio().is_busy, "the performance arrives")
    problem = studio().error
    hold(f"without an error {problem or ''}".rstrip(), problem is None)
    hold("the head plays it", SPEECH.stem in face_action())
    hold("the face moves", studio().outcome is not None and studio().outcome.check.moved)
    yield from person.look(OUT, "6_done")


def plays() -> Steps:
    """Play with the space key; the playhead moves."""
    yield from person.over_viewport()
    first = bpy.context.scene.frame_current
    yield from person.press("space")
    screen = bpy.context.window_manager.windows[0].screen
    yield from until(lambda: bpy.context.scene.frame_current > first + 20, "space plays it")
    hold("playback runs", screen.is_animation_playing)
    yield from person.look(OUT, "7_playing")
    yield from person.press("space")


play.run(session)
