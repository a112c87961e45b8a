"""Provide what all window sessions share: checks, the start from the zip, files, the end.

The command line of each session is ``-- ZIP SPEECH LONG LINES OUT``; see ``buildtools/window.py``.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import person
from person import Steps

_GIVEN = sys.argv[sys.argv.index("--") + 1 :][:5]
ZIP, SPEECH, LONG, LINES, OUT = (Path(text) for text in _GIVEN)
MODULE = "bl_ext.user_default.cstalk"
STEP_S = 0.1
PATIENCE_S = 120.0
"""Timeout; only a broken add-on takes so long."""
TAB_STEP = 24
"""Pixels; half the height of a tab."""
HEADER = 25
"""Pixels; height of a panel's header."""
WHEEL = 40
"""Pixels by which a notch of the wheel scrolls the sidebar."""
SCREENS = 15
"""Notches that scroll it from its end to its start."""

failures: list[str] = []
missing: list[str] = []
"""Buttons that were not found."""


def hold(law: str, is_so: object) -> None:
    """Record whether a law holds."""
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


def module(name: str) -> Any:
    """Return a module of the installed add-on."""
    return sys.modules[f"{MODULE}.cstalk_blender.{name}"]


def begins() -> Steps:
    """Install the zip, add a head and open the tab."""
    yield from installs()
    yield from opens_the_tab()
    yield from adds_a_head()


def installs() -> Steps:
    """Install from disk: the file browser opens, Enter accepts the zip."""
    yield from person.over_viewport()
    with person.in_view():
        bpy.ops.extensions.package_install_files("INVOKE_DEFAULT", repo="user_default")
    yield from person.rest(1.0)
    yield from accepts_file(ZIP, "1_install")
    yield from until(lambda: MODULE in bpy.context.preferences.addons, "the zip installs")


def opens_the_tab() -> Steps:
    """Open the sidebar with N and click the tab."""
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
    """Drag the sidebar's edge, so that labels are readable."""
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
    """Delete the default scene by key, add the demo head and frame it."""
    yield from person.over_viewport()
    yield from person.press("a", "x", "Return")
    with person.in_view():
        bpy.ops.cstalk.add_demo_head()
    hold("the demo head is there", has_head())
    yield from person.press("KP_1", "KP_Decimal")
    yield from person.rest(1.0)


def has_head() -> bool:
    """Return whether a mesh with shape keys is active."""
    active = bpy.context.view_layer.objects.active
    return active is not None and active.type == "MESH" and active.data.shape_keys is not None


def loads(path: Path) -> Steps:
    """Click Load Audio; name the file in the file browser and accept it with Enter."""
    yield from person.click_button("bpy.ops.cstalk.load_audio", missing)
    yield from person.rest(1.0)
    yield from accepts_file(path)
    yield from until(
        lambda: str(bpy.context.scene.cstalk.audio_path) == str(path), f"{path.name} is loaded"
    )
    yield from person.rest(1.0)


def accepts_file(path: Path, shot: str = "") -> Steps:
    """Name the file in the open file browser, take a screenshot, and press Enter over it."""
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
    """Return the open file browser."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "FILE_BROWSER":
                return area
    return None


def clicks_header(number: int) -> Steps:
    """Click the header of a panel, counted from 0 above; those above it must be closed."""
    region = person.region_of(person.largest_view()[1], "UI")
    y = region.y + region.height - 4 - (number + 0.5) * HEADER
    yield from person.click_at(region.x + region.width * 0.6, y)
    yield from person.rest(0.5)


def opens_page(panel: str) -> Steps:
    """Click headers from below upwards until Blender draws the page.

    A header is where nothing lies under the mouse that a click could set off.
    """
    region = person.region_of(person.largest_view()[1], "UI")
    yield from person.scroll(-SCREENS)
    # A page lies where it was opened before, unless the panel has grown.
    x, y = _places.get(panel, (region.x + region.width * 0.6, region.y + 10.0))
    is_open = yield from is_drawn(panel)
    while not is_open and y < region.y + region.height:
        person.move(x, y)
        yield from person.rest(person.HOVER_S)
        if not person.under_mouse():
            yield from person.click_at(x, y)
            is_open = yield from is_drawn(panel)
            if not is_open:  # another's header, or nothing: back
                yield from person.click_at(x, y)
        y += HEADER / 2
    _opened[:] = [(x, y - HEADER / 2)]
    _places[panel] = (x, y - 3 * HEADER)
    hold(f"a click opens {panel}", is_open)


def closes_page() -> Steps:
    """Click the header of the page that was opened last, which did not move."""
    yield from person.click_at(*_opened[0])


def scrolls_to_page() -> Steps:
    """Scroll until the header of the page that was opened last is near the top."""
    region = person.region_of(person.largest_view()[1], "UI")
    x, y = _opened[0]
    before = _top(region)
    yield from person.scroll(max(0, round((region.y + region.height - y - 2 * HEADER) / WHEEL)))
    _opened[:] = [(x, y + before - _top(region))]


def _top(region: Any) -> float:
    return float(region.view2d.region_to_view(0, region.height)[1])


def drags_slider(path: str, pixels: int) -> Steps:
    """Drag a slider with the mouse.

    Args:
        path: Data path of its property.
        pixels: How far to the right.
    """
    found: list[tuple[float, float]] = []
    yield from person.find(path, found)
    if not found:
        missing.append(path)
        return
    yield from person.drag(*found[0], pixels)


_opened: list[tuple[float, float]] = []
_places: dict[str, tuple[float, float]] = {}
"""Where to look for the header of a page that was opened before."""


def is_drawn(panel: str) -> Steps:
    """Return, as a generator, whether Blender draws the contents of a panel now."""
    cls = getattr(bpy.types, panel)
    seen: list[bool] = []
    original = cls.draw

    def draw(self: Any, context: Any) -> None:
        seen.append(True)
        original(self, context)

    cls.draw = draw
    person.region_of(person.largest_view()[1], "UI").tag_redraw()
    yield from person.rest(0.3)
    cls.draw = original
    return bool(seen)


def run(session: Callable[[], Steps]) -> None:
    """Run a session with a timer; its end ends Blender, with status 0 when all checks passed."""
    bpy.context.preferences.view.show_splash = False
    bpy.context.preferences.use_preferences_save = False
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    running = _whole(session)

    def step() -> float | None:
        try:
            return next(running)
        except StopIteration:
            pass
        except Exception:  # noqa: BLE001 - a timer that raises is dropped, and Blender would stay
            failures.append(traceback.format_exc())
            sys.stdout.write(failures[-1])
        if MODULE in bpy.context.preferences.addons:
            bpy.ops.preferences.addon_disable(module=MODULE)
        sys.stdout.write(f"{len(failures)} failed\n")
        sys.stdout.flush()
        os._exit(1 if failures else 0)

    bpy.app.timers.register(step, first_interval=2.0, persistent=True)


def _whole(session: Callable[[], Steps]) -> Steps:
    yield from session()
    hold(f"every button was found {missing or ''}".rstrip(), not missing)
