"""Move the mouse, press keys and read the button under the mouse in a real window.

Blender tells nobody where its buttons are. A person looks; this one strokes the sidebar with the
real mouse pointer and asks Blender each time which button it rests on (*Copy Python Command*).
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

TURN_S = 0.05
SETTLE_S = 0.25
"""Time for Blender to process an event and draw."""
HOVER_S = 0.1
STEP_PIXELS = 9
"""Half the height of the smallest button."""
DRAG_STEPS = 9
ACROSS = (0.4, 0.2, 0.75)
"""Fractions of the sidebar's width at which buttons are searched."""

Steps = Iterator[float]


def rest(seconds: float) -> Steps:
    """Let Blender run for so long in several steps, since one slow redraw may take all of it."""
    for _ in range(max(2, round(seconds / TURN_S))):
        yield TURN_S


def largest_view() -> tuple[Any, Any]:
    """Return window and area of the largest 3D viewport."""
    window = bpy.context.window_manager.windows[0]
    views = [area for area in window.screen.areas if area.type == "VIEW_3D"]
    return window, max(views, key=lambda area: area.width * area.height)


def region_of(area: Any, kind: str) -> Any:
    """Return the region of ``area`` of a type."""
    return next(region for region in area.regions if region.type == kind)


def in_view(kind: str = "WINDOW") -> Any:
    """Return the context of the largest viewport, which a timer lacks."""
    window, area = largest_view()
    return bpy.context.temp_override(window=window, area=area, region=region_of(area, kind))


def xdotool(*words: object) -> None:
    """Send events through the X server."""
    subprocess.run(["xdotool", *(str(word) for word in words)], check=True)


def move(x: float, y: float) -> None:
    """Move the pointer; Blender counts y from below, X from above."""
    height = bpy.context.window_manager.windows[0].height
    xdotool("mousemove", round(x), round(height - y))


def click_at(x: float, y: float) -> Steps:
    """Move there and click, with the time that Blender needs."""
    move(x - 2, y)
    yield from rest(HOVER_S)
    move(x, y)
    yield from rest(HOVER_S)
    xdotool("click", 1)
    yield from rest(SETTLE_S)


def scroll(notches: int) -> Steps:
    """Turn the wheel over the sidebar.

    Args:
        notches: Downwards; negative upwards.
    """
    region = region_of(largest_view()[1], "UI")
    move(region.x + region.width * 0.5, region.y + region.height * 0.5)
    yield from rest(SETTLE_S)
    for _ in range(abs(notches)):
        xdotool("click", 5 if notches > 0 else 4)
        yield TURN_S
    yield from rest(SETTLE_S)


def drag(x: float, y: float, pixels: int) -> Steps:
    """Press at a place, move to the right in small steps and release.

    Args:
        x: Window pixels from the left.
        y: Window pixels from below.
        pixels: To the right.
    """
    move(x, y)
    yield from rest(SETTLE_S)
    xdotool("mousedown", 1)
    yield from rest(HOVER_S)
    for part in range(1, DRAG_STEPS + 1):
        move(x + pixels * part / DRAG_STEPS, y)
        yield from rest(HOVER_S)
    xdotool("mouseup", 1)
    yield from rest(SETTLE_S)


def over_viewport() -> Steps:
    """Rest the pointer in the middle of the viewport."""
    region = region_of(largest_view()[1], "WINDOW")
    move(region.x + region.width * 0.4, region.y + region.height * 0.5)
    yield from rest(SETTLE_S)


def press(*keys: str) -> Steps:
    """Press keys."""
    for key in keys:
        xdotool("key", key)
        yield from rest(SETTLE_S)


def type_text(text: str) -> Steps:
    """Type a text."""
    for letter in text:
        xdotool("type", letter)
        yield from rest(TURN_S)


def look(folder: Path, name: str) -> Steps:
    """Save a screenshot of the whole screen; Blender's own is black under software OpenGL."""
    yield from rest(SETTLE_S)
    subprocess.run(
        ["import", "-silent", "-window", "root", str(folder / f"{name}.png")], check=True
    )


def find(command: str, found: list[tuple[float, float]], *, upwards: bool = False) -> Steps:
    """Move over the sidebar until the pointer rests on the button of ``command``.

    Args:
        command: As ``bpy.ops.cstalk.generate``, or a property as ``cstalk_batch.folder``.
        found: Receives the place, or nothing.
        upwards: From below, not from above.
    """
    region = region_of(largest_view()[1], "UI")
    for across in ACROSS:
        x = region.x + (region.width - 20) * across
        steps = [
            y + 10.0 for y in range(int(region.y), int(region.y + region.height) - 20, STEP_PIXELS)
        ]
        for y in steps if upwards else reversed(steps):
            move(x, y)
            yield from rest(HOVER_S)
            if command in under_mouse():
                found.append((x, y + 2 if upwards else y - 3))
                return


def under_mouse() -> str:
    """Return the Python command or property path of the button under the pointer; else empty."""
    manager = bpy.context.window_manager
    with in_view("UI"):
        for copy in (bpy.ops.ui.copy_python_command_button, bpy.ops.ui.copy_data_path_button):
            manager.clipboard = ""
            with contextlib.suppress(RuntimeError):
                if copy.poll():
                    copy()
            if manager.clipboard:
                return str(manager.clipboard)
    return ""


def click_button(command: str, missing: list[str], *, upwards: bool = False) -> Steps:
    """Find a button of the sidebar and click it with the mouse."""
    found: list[tuple[float, float]] = []
    yield from find(command, found, upwards=upwards)
    if found:
        yield from click_at(*found[0])
    else:
        missing.append(command)
