"""Run a first batch in a real window with a real mouse: from a folder of lines to strips.

    blender --window-geometry 0 0 1600 900 --python batch_session.py -- ZIP SPEECH LONG LINES OUT

`build.py gui` starts it. LINES holds ten lines: one is long enough to be paused and cancelled, one
is broken. The web browser is a program that notes what it is asked to open (see BROWSER).
Not collected by pytest.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import person
import play
from person import Steps
from play import LINES, OUT, hold, missing, until

BATCH = 1
"""Position of the panel below the main one."""
REST = "CSTalk Rest"
"""NLA track below all lines, which holds the face where no line plays."""
OPENED = Path(os.environ.get("CSTALK_OPENED", "/nowhere"))
"""File with the URL that the web browser was asked to open."""


def batch() -> object:
    """Return the installed add-on's batch."""
    return play.module("jobs.batch.job").current_job()


def settings() -> object:
    """Return the batch settings of the scene."""
    return bpy.context.scene.cstalk_batch


def session() -> Steps:
    """Run the session; each ``yield`` lets Blender run for so many seconds."""
    yield from play.begins()
    yield from opens_the_panel()
    yield from reads_the_folder()
    yield from pauses_and_cancels()
    yield from goes_on()
    yield from opens_the_report()
    yield from changes_one_line()
    yield from clears()


def opens_the_panel() -> Steps:
    """Close the main panel and open the batch."""
    is_open = yield from play.is_drawn("CSTALK_PT_batch")
    hold("Batch Bake is closed at first", not is_open)
    yield from play.clicks_header(0)
    yield from play.clicks_header(BATCH)
    is_open = yield from play.is_drawn("CSTALK_PT_batch")
    hold("a click opens Batch Bake", is_open)
    yield from person.look(OUT, "b1_empty")


def reads_the_folder() -> Steps:
    """Type the folder; its lines are listed."""
    yield from person.click_button("cstalk_batch.folder", missing)
    yield from person.press("ctrl+a")
    yield from person.type_text(str(LINES))
    yield from person.press("Return")
    hold("the folder is taken", Path(settings().folder) == LINES)
    yield from person.click_button("bpy.ops.cstalk.batch_read", missing)
    yield from person.rest(0.5)
    hold("every line is listed", len(settings().lines) == len(list(LINES.glob("*.wav"))))
    felt = {item.emotion for item in settings().lines}
    hold("names say emotions", "angry" in felt)
    yield from person.look(OUT, "b2_listed")


def pauses_and_cancels() -> Steps:
    """Bake, pause, continue, cancel."""
    yield from person.click_button("bpy.ops.cstalk.batch_bake", missing, upwards=True)
    hold("a click on Bake Lines begins the work", batch().is_busy)
    yield from person.look(OUT, "b3_starting")
    yield from until(lambda: batch().fraction > 0 or not batch().is_busy, "progress is seen")
    yield from person.look(OUT, "b4_running")
    yield from person.click_button("bpy.ops.cstalk.batch_pause", missing, upwards=True)
    yield from until(lambda: batch().is_paused or not batch().is_busy, "a click on Pause holds it")
    hold("a held batch is not over", batch().is_busy)
    yield from person.look(OUT, "b5_paused")
    yield from person.click_button("bpy.ops.cstalk.batch_pause", missing, upwards=True)
    yield from until(lambda: not batch().is_paused, "a second click lets it go on")
    hold("and it is not over", batch().is_busy)
    yield from person.click_button("bpy.ops.cstalk.batch_pause", missing, upwards=True)
    yield from person.click_button("bpy.ops.cstalk.batch_cancel", missing, upwards=True)
    yield from until(lambda: not batch().is_busy, "a click on Cancel ends it, held as it is")
    hold(f"one line is left ({batch().summary})", "1 left" in batch().summary)
    hold("a cancelled batch is no error", batch().error is None)
    yield from person.look(OUT, "b6_cancelled")


def goes_on() -> Steps:
    """Bake the lines again to the end."""
    yield from person.click_button("bpy.ops.cstalk.batch_bake", missing, upwards=True)
    yield from until(lambda: not batch().is_busy, "the batch comes to its end")
    states = {item.title: item.state for item in settings().lines}
    failed = [title for title, state in states.items() if state == "FAILED"]
    hold(f"only the broken line failed {failed}", failed == ["bob_08_broken.wav"])
    head = bpy.context.view_layer.objects.active
    data = head.data.shape_keys.animation_data
    tracks = () if data is None else data.nla_tracks
    strips = [strip for track in tracks if track.name != REST for strip in track.strips]
    hold(f"each good line is a strip ({len(strips)})", len(strips) == len(states) - 1)
    yield from person.look(OUT, "b7_done")


def opens_the_report() -> Steps:
    """Open the report; the button hands it to the web browser."""
    yield from person.click_button("bpy.ops.cstalk.batch_report", missing, upwards=True)
    yield from until(OPENED.is_file, "the web browser is asked")
    text = OPENED.read_text(encoding="utf-8").strip() if OPENED.is_file() else ""
    hold(f"it opens the report {text}", text.endswith("report.html"))


def changes_one_line() -> Steps:
    """Choose a line by a click; only changed lines are generated again."""
    settings().lines[0].emotion = "sad"
    settings().lines[7].use = False
    yield from person.click_button("bpy.ops.cstalk.batch_bake", missing, upwards=True)
    yield from until(lambda: not batch().is_busy, "the changed line is made")
    hold(f"only the changed line ({batch().summary})", "1 line made" in batch().summary)
    yield from person.look(OUT, "b8_changed")


def clears() -> Steps:
    """Clear the lines; the face is as before."""
    yield from person.click_button("bpy.ops.cstalk.batch_clear", missing, upwards=True)
    yield from person.rest(0.5)
    head = bpy.context.view_layer.objects.active
    data = head.data.shape_keys.animation_data
    hold("Clear Lines leaves no strip", data is None or not data.nla_tracks)
    yield from person.look(OUT, "b9_cleared")


play.run(session)
