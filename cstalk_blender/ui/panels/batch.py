"""The sidebar's batch: lines, destination, baking. Drawing only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import bpy

from ...jobs.batch import job as batch_job
from ...jobs.batch.job import BatchJob
from ...jobs.batch.progress import LineState
from ...jobs.batch.request import PLAYED, LineStatus
from ...scene import audio as sound
from ...scene import strip_lines as casting
from .. import emotion_strip as emotion_band
from .. import line_requests
from ..operators import batch as operators
from ..properties.batch import AS_PANEL, CSTALK_PG_batch, CSTALK_PG_line
from .generate import SidebarPanel, draw_lines, letters_across

STATE_ICONS = {
    LineStatus.NEW: "RADIOBUT_OFF",
    LineStatus.WAITING: "SORTTIME",
    LineStatus.RUNNING: "PLAY",
    LineStatus.MADE: "IMPORT",
    LineStatus.DONE: "CHECKMARK",
    LineStatus.SKIPPED: "CHECKMARK",
    LineStatus.FAILED: "ERROR",
    LineStatus.CANCELLED: "RADIOBUT_OFF",
}
SOUND_ENDINGS = tuple(sound.AUDIO_EXTENSIONS)
LONG_LIST = 2000
"""Lines beyond which the bands in the list show a line's own emotion only: redraws stay quick."""

BAND_SCALE = 0.9
"""Width of a label with nothing but an icon, so that pictures side by side touch."""
BAND_PIECES = 0.5
"""Pictures of the wide band for each letter across."""


class CSTALK_UL_lines(bpy.types.UIList):
    """Lines with state, name, length, character, emotion and its band."""

    use_filter_show = False

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: CSTALK_PG_line,
        _icon: int,
        _active_data: Any,
        _active_name: str,
        index: int = 0,
        _flag: int = 0,
    ) -> None:
        """Draw one line."""
        state = live_state(item)
        row = layout.row(align=True)
        row.active = item.use
        row.prop(item, "use", text="")
        name = row.split(factor=0.42 if _spoken else 0.66)
        name.label(text=short_name(item.title), icon=STATE_ICONS[state.status])
        rest = name.row(align=True)
        length = rest.row()
        length.ui_units_x = 2.2
        length.alignment = "RIGHT"
        running = state.status == LineStatus.RUNNING
        text = f"{100 * state.fraction:.0f} %" if running else length_text(item.length_s)
        length.label(text=text)
        if _spoken:
            rest.label(text=who(item))
        keys = line_requests.emotion_keys_of(item, data.id_data, _frame(index))
        rest.label(text="", icon_value=emotion_band.icon(keys, item.cut_start_s, item.length_s))

    def filter_items(
        self, _context: bpy.types.Context, data: Any, name: str
    ) -> tuple[list[int], list[int]]:
        """Search in titles and characters."""
        items = getattr(data, name)
        if not self.filter_name:
            return [], []
        sought = self.filter_name.casefold()
        return [
            self.bitflag_filter_item if sought in f"{i.title} {who(i)}".casefold() else 0
            for i in items
        ], []


class CSTALK_PT_batch(SidebarPanel, bpy.types.Panel):
    """Many lines at once: a folder, a list, or the sequencer."""

    bl_label = "Batch Bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw source, lines, destination, work."""
        layout, letters = self.layout, letters_across(context)
        settings: CSTALK_PG_batch = context.scene.cstalk_batch
        batch = batch_job.current_job()
        draw_source(layout, settings)
        if len(settings.lines):
            draw_list(layout, context.scene, settings)
            nobody = "" if batch.is_busy else operators.nobody_text(context)
            if nobody:
                draw_lines(layout, nobody, "ERROR", letters)
            draw_chosen(layout, context.scene, settings, letters)
        draw_destination(layout, settings)
        draw_work(layout, batch, letters)
        if batch.error is not None:
            draw_error(layout, batch, letters)


def draw_source(layout: bpy.types.UILayout, settings: CSTALK_PG_batch) -> None:
    """Where the lines come from."""
    column = layout.column(align=True)
    column.row(align=True).prop(settings, "source_kind", expand=True)
    if settings.source_kind == "FOLDER":
        column.prop(settings, "folder", text="")
    elif settings.source_kind == "LIST":
        column.prop(settings, "list_path", text="")
    is_read = len(settings.lines) and settings.listed_from == settings.source
    text = "Read Again" if is_read else "Read Lines"
    column.operator(operators.CSTALK_OT_batch_read.bl_idname, text=text, icon="FILE_REFRESH")


def draw_list(
    layout: bpy.types.UILayout, scene: bpy.types.Scene, settings: CSTALK_PG_batch
) -> None:
    """The lines and what can be done with all of them."""
    _frames_now[:] = line_requests.item_frames(scene) if len(settings.lines) <= LONG_LIST else []
    _spoken[:] = [True] if any(who(item) for item in settings.lines) else []
    layout.template_list(
        "CSTALK_UL_lines", "", settings, "lines", settings, "index", rows=6, maxrows=14
    )
    row = layout.row(align=True)
    row.label(text=list_text(settings))
    for which, icon in (("ALL", "CHECKBOX_HLT"), ("NONE", "CHECKBOX_DEHLT"), ("FAILED", "ERROR")):
        tick = row.operator(operators.CSTALK_OT_batch_tick.bl_idname, text="", icon=icon)
        tick.which = which


def draw_chosen(
    layout: bpy.types.UILayout, scene: bpy.types.Scene, settings: CSTALK_PG_batch, letters: int
) -> None:
    """The chosen line: who speaks it, how, when, and why it failed."""
    if not 0 <= settings.index < len(settings.lines):
        return
    item = settings.lines[settings.index]
    box = layout.box().column()
    keys = line_requests.emotion_keys_of(item, scene, _frame(settings.index))
    band = box.row(align=True)
    band.alignment, band.scale_x, band.scale_y = "LEFT", BAND_SCALE, 0.8
    pieces = max(4, int(letters * BAND_PIECES))
    for icon in emotion_band.wide_icons(keys, item.cut_start_s, item.length_s, pieces):
        band.label(text="", icon_value=icon)
    box.use_property_split, box.use_property_decorate = True, False
    who_row = box.row(align=True)
    who_row.prop(item, "character")
    _apply(who_row, "CHARACTER")
    feeling = box.row(align=True)
    feeling.prop(item, "emotion")
    _apply(feeling, "EMOTION")
    if item.emotion != AS_PANEL:
        box.prop(item, "intensity", slider=True)
    box.prop(item, "emotion_at")
    if settings.listed_from != casting.SEQUENCER:
        time = box.row(align=True, heading="Start")
        time.prop(item, "has_start", text="")
        moment = time.row()
        moment.active = item.has_start
        moment.prop(item, "start_s", text="")
    state = live_state(item)
    if state.message:
        draw_lines(box, f"{state.message}. {state.hint}".strip(". "), "ERROR", letters)
    elif state.score is not None and state.score >= 0:
        draw_lines(box, f"Score {state.score:.0f} of 100", "INFO", letters)
    if state.detected_emotion:
        draw_lines(box, f"Heard: {state.detected_emotion}", "SPEAKER", letters)


def draw_destination(layout: bpy.types.UILayout, settings: CSTALK_PG_batch) -> None:
    """What becomes of the lines."""
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    column.prop(settings, "destination")
    if is_laid_out(settings):
        column.prop(settings, "gap_s")


def is_laid_out(settings: CSTALK_PG_batch) -> bool:
    """CSTalk lays the lines on the timeline; strips of the sequencer have their places."""
    return settings.destination in PLAYED and settings.listed_from != casting.SEQUENCER


def draw_work(layout: bpy.types.UILayout, batch: BatchJob, letters: int) -> None:
    """Bake, or its progress; what was made."""
    column = layout.column(align=True)
    if batch.is_busy:
        text = f"{100 * batch.fraction:.0f} %"
        if not batch.is_paused and batch.seconds_left is not None and batch.seconds_left >= 1:
            text += f", {time_text(batch.seconds_left)} left"
        column.progress(factor=batch.fraction, text=text, type="BAR")
        draw_lines(column, batch.stage_text, "NONE", letters)
        row = column.row(align=True)
        name, icon = ("Continue", "PLAY") if batch.is_paused else ("Pause", "PAUSE")
        row.operator(operators.CSTALK_OT_batch_pause.bl_idname, text=name, icon=icon)
        row.operator(operators.CSTALK_OT_batch_cancel.bl_idname, icon="CANCEL")
    else:
        big = column.column()
        big.scale_y = 1.4
        big.operator(operators.CSTALK_OT_batch_bake.bl_idname, icon="RENDER_ANIMATION")
    row = column.row(align=True)
    row.operator(operators.CSTALK_OT_batch_report.bl_idname, icon="URL")
    row.operator(operators.CSTALK_OT_batch_clear.bl_idname, icon="TRASH")
    if batch.summary and not batch.is_busy:
        icon = "ERROR" if batch.status == "failed" else "CHECKMARK"
        draw_lines(layout, batch.summary, icon, letters)
        for note in batch.notes:
            draw_lines(layout, note, "INFO", letters)


def draw_error(layout: bpy.types.UILayout, batch: BatchJob, letters: int) -> None:
    """What went wrong and what to do."""
    assert batch.error is not None
    box = layout.box()
    draw_lines(box, str(batch.error), "ERROR", letters)
    if batch.error.hint:
        draw_lines(box, batch.error.hint, "FORWARD", letters)
    row = box.row(align=True)
    copy = row.operator(
        operators.CSTALK_OT_batch_error.bl_idname, text="Copy Details", icon="COPYDOWN"
    )
    copy.is_copy = True
    row.operator(operators.CSTALK_OT_batch_error.bl_idname, text="", icon="X").is_copy = False


def live_state(item: CSTALK_PG_line) -> LineState:
    """The state of a line: that of the batch under way, else what the list remembers."""
    batch = batch_job.current_job()
    found = batch.states.get(item.name) if batch.is_busy else None
    if found is not None:
        return found
    score = None if item.score < 0 else item.score
    return LineState(
        status=item.state, message=item.message, score=score, detected_emotion=heard_in(item)
    )


def heard_in(item: CSTALK_PG_line) -> str:
    """What was heard in the voice of a line, as long as the line is as it was made."""
    is_made = item.state in (LineStatus.DONE, LineStatus.SKIPPED)
    return str(item.detected_emotion) if is_made else ""


def who(item: CSTALK_PG_line) -> str:
    """Name of the character, or of the role that nobody plays yet."""
    if item.character is not None:
        return str(item.character.name)
    return f"{item.role}?" if item.role else ""


def short_name(title: str) -> str:
    """A line without its folders and the ending of its sound."""
    return PurePosixPath(title).stem if title.endswith(SOUND_ENDINGS) else title.rpartition("/")[2]


def list_text(settings: CSTALK_PG_batch) -> str:
    """How many lines, how many ticked, how long together."""
    ticked = [item for item in settings.lines if item.use]
    seconds = sum(item.length_s for item in ticked)
    return f"{len(ticked)} of {len(settings.lines)} lines, {time_text(seconds)}"


def time_text(seconds: float) -> str:
    """``42 s``, ``3:05 min``, ``1:02 h``."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def length_text(seconds: float) -> str:
    """Length of a line; a dash where it is not known yet."""
    if seconds <= 0:
        return "-"
    return f"{seconds:.1f} s" if seconds < 100 else time_text(seconds).removesuffix(" min")


def _apply(row: bpy.types.UILayout, what: str) -> None:
    button = row.operator(operators.CSTALK_OT_batch_apply.bl_idname, text="", icon="DUPLICATE")
    button.what = what


def _frame(index: int) -> float | None:
    return _frames_now[index] if index < len(_frames_now) else None


_frames_now: list[float | None] = []
"""Frames of the lines in the list that is drawn now: reckoned once for all rows."""
_spoken: list[bool] = []
"""Not empty when some line in the list that is drawn now names a character."""


CLASSES: Sequence[type] = (CSTALK_UL_lines, CSTALK_PT_batch)
