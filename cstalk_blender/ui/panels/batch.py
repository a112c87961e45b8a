"""Draw the batch panel: source, lines, destination, progress."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import bpy

from ...jobs.batch import job as batch_job
from ...jobs.batch import progress
from ...jobs.batch.request import PLAYED, LineStatus
from ...scene import audio as sound
from ...scene import strip_lines as casting
from ...text import clock
from .. import emotion_strip, line_requests
from ..operators import batch as operators
from ..operators import lines as line_operators
from ..properties.batch import CSTALK_PG_batch, CSTALK_PG_line
from .generate import SidebarPanel, draw_lines, letters_across

if TYPE_CHECKING:
    from ...jobs.batch.job import BatchJob

STATE_ICONS: dict[str, str] = {
    LineStatus.NEW: "RADIOBUT_OFF",
    LineStatus.WAITING: "SORTTIME",
    LineStatus.RUNNING: "PLAY",
    LineStatus.MADE: "IMPORT",
    LineStatus.DONE: "CHECKMARK",
    LineStatus.SKIPPED: "CHECKMARK",
    LineStatus.FAILED: "ERROR",
    LineStatus.CANCELLED: "RADIOBUT_OFF",
}
LONG_LIST = 2000
"""Above this number of lines, emotion strips leave out markers and weights to redraw fast."""

STRIP_SCALE = 0.9
"""Horizontal scale at which labels with an icon only touch each other."""
STRIP_PIECES = 0.5
"""Icons of the wide emotion strip per letter of width."""

DOUBTFUL_TEXT = 0.6
"""Share of a line's script under which it is marked: it may be another file."""


class CSTALK_UL_lines(bpy.types.UIList):
    """List of lines with state, name, length, character and emotion strip."""

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
        """Draw a line."""
        state = live_state(item)
        row = layout.row(align=True)
        row.active = item.use
        row.prop(item, "use", text="")
        name = row.split(factor=0.42 if _has_characters else 0.66)
        name.label(text=short_name(item.title), icon=STATE_ICONS[state.status])
        rest = name.row(align=True)
        length = rest.row()
        length.ui_units_x = 2.2
        length.alignment = "RIGHT"
        running = state.status == LineStatus.RUNNING
        text = f"{100 * state.fraction:.0f} %" if running else length_text(item.length_s)
        length.label(text=text)
        if state.text_matched is not None and state.text_matched < DOUBTFUL_TEXT:
            rest.label(text=f"{100 * state.text_matched:.0f} %", icon="QUESTION")
        if _has_characters:
            rest.label(text=character_text(item))
        keys = line_requests.emotion_keys_of(item, data.id_data, _frame(index))
        rest.label(text="", icon_value=emotion_strip.icon(keys, item.cut_start_s, item.length_s))

    def filter_items(
        self, _context: bpy.types.Context, data: Any, name: str
    ) -> tuple[list[int], list[int]]:
        """Filter by name and character."""
        items = getattr(data, name)
        if not self.filter_name:
            return [], []
        sought = self.filter_name.casefold()
        return [
            self.bitflag_filter_item if sought in f"{i.title} {character_text(i)}".casefold() else 0
            for i in items
        ], []


class CSTALK_PT_batch(SidebarPanel, bpy.types.Panel):
    """Batch of lines from a folder, a list or the sequencer."""

    bl_label = "Batch Bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw source, lines, destination and progress."""
        layout, letters = self.layout, letters_across(context)
        settings: CSTALK_PG_batch = context.scene.cstalk_batch
        batch = batch_job.current_job()
        draw_source(layout, settings)
        if len(settings.lines):
            draw_list(layout, context.scene, settings)
            unassigned = "" if batch.is_busy else line_operators.unassigned_text(context)
            if unassigned:
                draw_lines(layout, unassigned, "ERROR", letters)
            draw_selected(layout, context.scene, settings, letters)
        draw_destination(layout, settings)
        draw_work(layout, context.scene, batch, letters)
        if batch.error is not None:
            draw_error(layout, batch, letters)


def draw_source(layout: bpy.types.UILayout, settings: CSTALK_PG_batch) -> None:
    """Draw the source of the lines."""
    column = layout.column(align=True)
    column.row(align=True).prop(settings, "source_kind", expand=True)
    if settings.source_kind == "FOLDER":
        column.prop(settings, "folder", text="")
    elif settings.source_kind == "LIST":
        column.prop(settings, "list_path", text="")
    is_read = len(settings.lines) and settings.is_listed
    text = "Read Again" if is_read else "Read Lines"
    column.operator(operators.CSTALK_OT_batch_read.bl_idname, text=text, icon="FILE_REFRESH")


def draw_list(
    layout: bpy.types.UILayout, scene: bpy.types.Scene, settings: CSTALK_PG_batch
) -> None:
    """Draw the list and the buttons that tick lines.

    Args:
        layout: Where to draw.
        scene: The scene with the list.
        settings: Its batch settings.
    """
    _frames_now[:] = line_requests.item_frames(scene) if len(settings.lines) <= LONG_LIST else []
    _has_characters[:] = [True] if any(character_text(item) for item in settings.lines) else []
    layout.template_list(
        "CSTALK_UL_lines", "", settings, "lines", settings, "index", rows=6, maxrows=14
    )
    row = layout.row(align=True)
    row.label(text=list_text(settings))
    for which, icon in (("ALL", "CHECKBOX_HLT"), ("NONE", "CHECKBOX_DEHLT"), ("FAILED", "ERROR")):
        tick = row.operator(line_operators.CSTALK_OT_batch_tick.bl_idname, text="", icon=icon)
        tick.which = which


def draw_selected(
    layout: bpy.types.UILayout, scene: bpy.types.Scene, settings: CSTALK_PG_batch, letters: int
) -> None:
    """Draw the settings and the result of the selected line.

    Args:
        layout: Where to draw.
        scene: The scene with the list.
        settings: Its batch settings.
        letters: Width of the panel in letters.
    """
    if not 0 <= settings.index < len(settings.lines):
        return
    item = settings.lines[settings.index]
    box = layout.box().column()
    row = box.row(align=True)
    draw_lines(row, item.title, "NONE", letters)  # the list has no room for long names
    row.operator(
        line_operators.CSTALK_OT_batch_jump.bl_idname, text="", icon="TRACKING_FORWARDS_SINGLE"
    )
    keys = line_requests.emotion_keys_of(item, scene, _frame(settings.index))
    band = box.row(align=True)
    band.alignment, band.scale_x, band.scale_y = "LEFT", STRIP_SCALE, 0.8
    pieces = max(4, int(letters * STRIP_PIECES))
    for icon in emotion_strip.wide_icons(keys, item.cut_start_s, item.length_s, pieces):
        band.label(text="", icon_value=icon)
    box.use_property_split, box.use_property_decorate = True, False
    character = box.row(align=True)
    character.prop(item, "character")
    _apply(character, "CHARACTER")
    emotion = box.row(align=True)
    emotion.prop(item, "emotion")
    _apply(emotion, "EMOTION")
    box.prop(item, "blend")
    if item.has_own_emotion:
        box.prop(item, "intensity", slider=True)
    box.prop(item, "emotion_at")
    if settings.use_text:
        box.prop(item, "script")
    if settings.listed_from != casting.SEQUENCER:
        time = box.row(align=True, heading="Start")
        time.prop(item, "has_start", text="")
        value = time.row()
        value.active = item.has_start
        value.prop(item, "start_s", text="")
    state = live_state(item)
    if state.message:
        draw_lines(box, f"{state.message}. {state.hint}".strip(". "), "ERROR", letters)
    elif state.score is not None and state.score >= 0:
        draw_lines(box, f"Score {state.score:.0f} of 100", "INFO", letters)
    if state.text_matched is not None:
        is_doubtful = state.text_matched < DOUBTFUL_TEXT
        icon = "QUESTION" if is_doubtful else "TEXT"
        draw_lines(box, f"Text matched: {100 * state.text_matched:.0f} %", icon, letters)
    if state.detected_emotion:
        draw_lines(box, f"Detected: {state.detected_emotion}", "SPEAKER", letters)


def draw_destination(layout: bpy.types.UILayout, settings: CSTALK_PG_batch) -> None:
    """Draw the destination of the lines."""
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    column.prop(settings, "destination")
    if is_laid_out(settings):
        column.prop(settings, "gap_s")
    if settings.destination in PLAYED:
        column.prop(settings, "fade_s")


def is_laid_out(settings: CSTALK_PG_batch) -> bool:
    """Return whether CSTalk places the lines on the timeline; sequencer strips are placed."""
    return settings.destination in PLAYED and settings.listed_from != casting.SEQUENCER


def draw_work(
    layout: bpy.types.UILayout, scene: bpy.types.Scene, batch: BatchJob, letters: int
) -> None:
    """Draw Bake Lines or its progress, then the result.

    Args:
        layout: Where to draw.
        scene: The scene; the result of another scene or source is not shown.
        batch: The batch.
        letters: Width of the panel in letters.
    """
    column = layout.column(align=True)
    if batch.is_busy:
        text = f"{100 * batch.fraction:.0f} %"
        if not batch.is_paused and batch.seconds_left is not None and batch.seconds_left >= 1:
            text += f", {clock(batch.seconds_left)} left"
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
    origin = (scene.session_uid, scene.cstalk_batch.listed_from)
    if batch.summary and not batch.is_busy and batch.origin == origin:
        icon = "ERROR" if batch.outcome == "failed" else "CHECKMARK"
        draw_lines(layout, batch.summary, icon, letters)
        for note in batch.notes:
            draw_lines(layout, note, "INFO", letters)


def draw_error(layout: bpy.types.UILayout, batch: BatchJob, letters: int) -> None:
    """Draw the error of the batch and what to do.

    Args:
        layout: Where to draw.
        batch: A batch with an error.
        letters: Width of the panel in letters.
    """
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


def live_state(item: CSTALK_PG_line) -> progress.LineState:
    """Return the state of a line in the running batch, else the one stored in the list."""
    batch = batch_job.current_job()
    found = batch.states.get(item.name) if batch.is_busy else None
    if found is not None:
        return found
    score = None if item.score < 0 else item.score
    return progress.LineState(
        status=item.state,
        message=item.message,
        score=score,
        text_matched=None if item.text_matched < 0 else item.text_matched,
        detected_emotion=detected_emotion(item),
    )


def detected_emotion(item: CSTALK_PG_line) -> str:
    """Return the emotion detected from the voice; empty once the line was edited."""
    is_current = item.state in (LineStatus.DONE, LineStatus.SKIPPED)
    return str(item.detected_emotion) if is_current else ""


def character_text(item: CSTALK_PG_line) -> str:
    """Return the name of the character, or the role with a question mark if none is assigned."""
    if item.character is not None:
        return str(item.character.name)
    return f"{item.role}?" if item.role else ""


def short_name(title: str) -> str:
    """Return the name of a line without folders and audio suffix."""
    is_file = title.endswith(sound.AUDIO_EXTENSIONS)
    return PurePosixPath(title).stem if is_file else title.rpartition("/")[2]


def list_text(settings: CSTALK_PG_batch) -> str:
    """Return how many lines there are and are ticked, and their total length."""
    ticked = [item for item in settings.lines if item.use]
    seconds = sum(item.length_s for item in ticked)
    return f"{len(ticked)} of {len(settings.lines)} lines, {clock(seconds)}"


def length_text(seconds: float) -> str:
    """Return the length of a line; a dash if it is unknown."""
    if seconds <= 0:
        return "-"
    return f"{seconds:.1f} s" if seconds < 100 else clock(seconds).removesuffix(" min")


def _apply(row: bpy.types.UILayout, what: str) -> None:
    button = row.operator(line_operators.CSTALK_OT_batch_apply.bl_idname, text="", icon="DUPLICATE")
    button.what = what


def _frame(index: int) -> float | None:
    return _frames_now[index] if index < len(_frames_now) else None


_frames_now: list[float | None] = []
"""Frames of the lines in the list that is being drawn, computed once for all rows."""
_has_characters: list[bool] = []
"""Not empty when a line in the list that is being drawn has a character or role."""


CLASSES: Sequence[type] = (CSTALK_UL_lines, CSTALK_PT_batch)
