"""A person who knows no menus, in a real window: F3, "demo head", Return, and the head is there.

    blender --window-geometry 0 0 1600 900 --python search_session.py -- ZIP SPEECH LONG LINES OUT

Not one of the sessions of `build.py gui`: where Blender's search finds nothing of Blender's own, as
in Debian's 5.2 under Xvfb, it says so and tries nothing. Not collected by pytest.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import person
import play
from person import Steps
from play import OUT, hold

OPENING_S = 4.0
"""Blender gathers all menus before its search takes a letter: a person sees the field and types."""


def session() -> Steps:
    """All of it; each ``yield`` lets Blender run for so many seconds."""
    yield from play.installs()
    yield from searches("monkey", "f1_monkey")
    if "Suzanne" not in bpy.data.objects:
        hold("not tried: this Blender's search does not even find its own monkey", True)
        return
    yield from searches("demo head", "f2_demo_head")
    yield from play.until(play.has_head, "F3, demo head, Return adds the head")
    yield from person.look(OUT, "f3_head")


def searches(words: str, shot: str) -> Steps:
    """F3 over the viewport, typing, Return; Escape leaves a search that found nothing."""
    yield from person.over_viewport()
    yield from person.press("F3")
    yield from person.rest(OPENING_S)
    yield from person.type_text("xxxx")  # the first letters are lost while the field wakes
    yield from person.press("ctrl+a")
    yield from person.type_text(words)
    yield from person.rest(1.0)
    yield from person.look(OUT, shot)
    yield from person.press("Return", "Escape")
    yield from person.rest(1.0)


play.run(session)
