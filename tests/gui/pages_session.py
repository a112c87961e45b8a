"""Use the other pages in a real window: Rig, Mapping, emotion from the voice, preferences.

    blender --window-geometry 0 0 1600 900 --python pages_session.py -- ZIP SPEECH LONG LINES OUT

`build.py gui` starts it. Not collected by pytest.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import person
import play
from person import Steps
from play import OUT, SPEECH, hold, missing, until

PAGES = ("CSTALK_PT_options", "CSTALK_PT_mapping", "CSTALK_PT_rig")


def session() -> Steps:
    """Run the session; each ``yield`` lets Blender run for so many seconds."""
    yield from play.begins()
    yield from keeps_pages_closed()
    yield from hears_the_emotion()
    yield from measures_the_lips()
    yield from shows_the_mapping()
    yield from shows_the_options()
    yield from shows_the_emotions()
    yield from shows_the_preferences()


def keeps_pages_closed() -> Steps:
    """Check that only the main panel is open at first."""
    for page in (*PAGES, "CSTALK_PT_batch", "CSTALK_PT_emotions"):
        is_open = yield from play.is_drawn(page)
        hold(f"{page} is closed at first", not is_open)


def hears_the_emotion() -> Steps:
    """Generate with Auto; the panel shows the detected emotion."""
    yield from play.loads(SPEECH)
    bpy.context.scene.cstalk.emotion = "auto"
    yield from person.click_button("bpy.ops.cstalk.generate", missing)
    studio = play.module("jobs.generate").current_job()
    yield from until(lambda: not studio.is_busy, "the performance arrives")
    detected = bpy.context.active_object.cstalk_result.detected_emotion
    hold(f"the panel shows the detected emotion: {detected}", studio.error is None)
    yield from person.look(OUT, "p1_heard")


def measures_the_lips() -> Steps:
    """Open the page Rig."""
    yield from play.opens_page("CSTALK_PT_rig")
    yield from person.look(OUT, "p2_rig")
    yield from person.click_button("bpy.ops.cstalk.seal_lips", missing)
    yield from person.rest(1.0)
    yield from person.look(OUT, "p3_sealed")
    yield from play.closes_page()


def shows_the_mapping() -> Steps:
    """Open the page Mapping and a region."""
    yield from play.opens_page("CSTALK_PT_mapping")
    yield from person.look(OUT, "p4_mapping")
    bpy.context.scene.cstalk_mapping_view.open[2] = True
    person.region_of(person.largest_view()[1], "UI").tag_redraw()
    yield from person.look(OUT, "p5_region")
    bpy.context.scene.cstalk_mapping_view.open[2] = False
    yield from play.closes_page()


def shows_the_options() -> Steps:
    """Open the page of rarely changed options."""
    yield from play.opens_page("CSTALK_PT_options")
    yield from person.look(OUT, "p7_options")
    yield from play.closes_page()


def shows_the_emotions() -> Steps:
    """Open Emotion over Time, then the pages of the batch."""
    yield from play.clicks_header(0)
    yield from play.opens_page("CSTALK_PT_emotions")
    yield from person.look(OUT, "p8_emotions")
    yield from play.closes_page()
    yield from play.opens_page("CSTALK_PT_batch")
    for page, shot in (
        ("CSTALK_PT_batch_options", "p9_batch_options"),
        ("CSTALK_PT_cast", "p9_cast"),
    ):
        yield from play.opens_page(page)
        yield from person.look(OUT, shot)
        yield from play.closes_page()
    yield from play.clicks_header(0)


def shows_the_preferences() -> Steps:
    """Open the add-on's page in the preferences."""
    with person.in_view():
        bpy.ops.preferences.addon_show(module=play.MODULE)
    yield from person.rest(1.5)
    hold("the preferences open", len(bpy.context.window_manager.windows) > 1)
    yield from person.look(OUT, "p6_preferences")


play.run(session)
