"""A person's first session, in a real window, with a real mouse: from the zip to a talking head.

    blender --window-geometry 0 0 1600 900 --python person_session.py -- ZIP SPEECH LONG OUT

`build.py gui` starts it. Needs a display (Xvfb will do), xdotool and ImageMagick. Writes a
screenshot of each state to OUT and a line for each law to stdout; ends Blender with status 0 when
all hold. Not collected by pytest.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import person
from person import Steps

ZIP, SPEECH, LONG, OUT = (Path(text) for text in sys.argv[sys.argv.index("--") + 1 :][:4])
MODULE = "bl_ext.user_default.cstalk"
STEP_S = 0.1
PATIENCE_S = 120.0
"""Only a broken add-on takes so long."""
TAB_STEP = 24
"""Pixels; half the height of a tab."""

failures: list[str] = []
missing: list[str] = []


def hold(law: str, is_so: object) -> None:
    """Note whether ``law`` holds."""
    sys.stdout.write(f"{'ok  ' if is_so else 'FAIL'}  {law}\n")
    sys.stdout.flush()
    if not is_so:
        failures.append(law)


def until(condition: Callable[[], object], law: str) -> Steps:
    """Let Blender run until ``condition`` holds."""
    stop = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > stop:
            break
        yield STEP_S
    hold(law, condition())


def studio() -> object:
    """The installed add-on's studio."""
    return sys.modules[f"{MODULE}.cstalk_blender.jobs"].studio


def face_action() -> str:
    """Name of the Action that the head plays; empty for none."""
    data = bpy.context.view_layer.objects.active.data.shape_keys.animation_data
    return "" if data is None or data.action is None else data.action.name


def session() -> Steps:
    """All of it; each ``yield`` lets Blender run for so many seconds."""
    yield from installs()
    yield from opens_the_tab()
    yield from adds_a_head()
    yield from loads(LONG)
    yield from cancels()
    yield from loads(SPEECH)
    yield from generates()
    yield from plays()
    hold(f"every button was found {missing or ''}".rstrip(), not missing)


def installs() -> Steps:
    """Get Extensions > Install from Disk: the file browser opens, Enter accepts the zip."""
    yield from person.over_viewport()
    with person.in_view():
        bpy.ops.extensions.package_install_files("INVOKE_DEFAULT", repo="user_default")
    yield from person.rest(1.0)
    yield from accepts_file(ZIP, "1_install")
    yield from until(lambda: MODULE in bpy.context.preferences.addons, "the zip installs")


def opens_the_tab() -> Steps:
    """N opens the sidebar; the tab is clicked."""
    area = person.largest_view()[1]
    yield from person.over_viewport()
    if not area.spaces.active.show_region_ui:
        yield from person.press("n")
    yield from person.rest(1.0)
    region = person.region_of(area, "UI")
    y = region.y + region.height - 20.0
    while region.active_panel_category != "CSTalk" and y > region.y:
        yield from person.click_at(region.x + region.width - 8, y)
        y -= TAB_STEP
    hold("a click opens the tab", region.active_panel_category == "CSTalk")
    yield from widens_the_sidebar(region)
    yield from person.look(OUT, "2_tab")


def widens_the_sidebar(region: object) -> Steps:
    """Drag its edge, so that labels are read whole."""
    x, y = region.x, region.y + region.height * 0.2
    height = bpy.context.window_manager.windows[0].height
    person.xdotool("mousemove", round(x), round(height - y))
    yield from person.rest(person.SETTLE_S)
    person.xdotool("mousedown", 1)
    for shift in (20, 60, 110):
        person.move(x - shift, y)
        yield from person.rest(person.HOVER_S)
    person.xdotool("mouseup", 1)
    yield from person.rest(person.SETTLE_S)


def adds_a_head() -> Steps:
    """The default scene goes by key, the demo head comes by its operator, the view goes to it."""
    yield from person.over_viewport()
    yield from person.press("a", "x", "Return")
    with person.in_view():
        bpy.ops.cstalk.add_demo_head()
    hold("the demo head is there", has_head())
    yield from person.press("KP_1", "KP_Decimal")
    yield from person.rest(1.0)
    yield from person.look(OUT, "3_head")


def has_head() -> bool:
    """True when a mesh with shape keys is active."""
    active = bpy.context.view_layer.objects.active
    return active is not None and active.type == "MESH" and active.data.shape_keys is not None


def loads(path: Path) -> Steps:
    """Load Audio is clicked; in the file browser the file is named and Enter accepts it."""
    yield from person.click_button("bpy.ops.cstalk.load_audio", missing)
    yield from person.rest(1.0)
    yield from accepts_file(path)
    yield from until(
        lambda: str(bpy.context.scene.cstalk.audio_path) == str(path), f"{path.name} is loaded"
    )
    yield from person.rest(1.0)


def accepts_file(path: Path, shot: str = "") -> Steps:
    """Name the file in the open file browser, look, and press Enter over it."""
    browser = file_browser_or_none()
    hold(f"the file browser opens for {path.name}", browser is not None)
    if browser is None:
        return
    browser.spaces.active.params.directory = os.fsencode(path.parent)
    yield from person.rest(1.0)
    browser.spaces.active.params.filename = path.name
    yield from person.rest(0.5)
    if shot:
        yield from person.look(OUT, shot)
    person.move(browser.x + browser.width * 0.6, browser.y + browser.height * 0.3)
    yield from person.rest(person.SETTLE_S)
    yield from person.press("Return")


def file_browser_or_none() -> object:
    """The open file browser."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "FILE_BROWSER":
                return area
    return None


def cancels() -> Steps:
    """A long line is begun and stopped; the scene stays."""
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
    """To the end."""
    yield from person.click_button("bpy.ops.cstalk.generate", missing)
    hold("Generate works again after Cancel", studio().is_busy)
    yield from until(lambda: not studio().is_busy, "the performance arrives")
    problem = studio().error
    hold(f"without an error {problem or ''}".rstrip(), problem is None)
    hold("the head plays it", SPEECH.stem in face_action())
    hold("the face moves", studio().outcome is not None and studio().outcome.check.moved)
    yield from person.look(OUT, "6_done")


def plays() -> Steps:
    """Space over the viewport plays; the playhead runs."""
    yield from person.over_viewport()
    first = bpy.context.scene.frame_current
    yield from person.press("space")
    screen = bpy.context.window_manager.windows[0].screen
    yield from until(lambda: bpy.context.scene.frame_current > first + 20, "space plays it")
    hold("playback runs", screen.is_animation_playing)
    yield from person.look(OUT, "7_playing")
    yield from person.press("space")


def step() -> float | None:
    """One turn of the timer that drives the session; the last one ends Blender."""
    try:
        return next(running)
    except StopIteration:
        pass
    except Exception:  # noqa: BLE001 - a timer that raises is dropped, and Blender would stay open
        failures.append(traceback.format_exc())
        sys.stdout.write(failures[-1])
    if MODULE in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_disable(module=MODULE)
    sys.stdout.write(f"{len(failures)} failed\n")
    sys.stdout.flush()
    os._exit(1 if failures else 0)


bpy.context.preferences.view.show_splash = False
bpy.context.preferences.use_preferences_save = False
bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
running = session()
bpy.app.timers.register(step, first_interval=2.0, persistent=True)
