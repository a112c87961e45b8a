"""The sidebar tab: from the face to the keys, top to bottom. Drawing only."""

from __future__ import annotations

import textwrap

import bpy

from ...errors import SessionError
from ...jobs import generate as jobs
from ...jobs.generate import GenerateJob, Outcome
from ...package import protocol
from ...rig.binding import solved, targets
from ...rig.binding import wiring as rig_wiring
from ..operators import generate as operators
from ..properties.generate import CSTALK_PG_scene, chosen_face_or_none

CATEGORY = "CSTalk"
LETTER_WIDTH = 7.0
"""Pixels of an average letter in the interface font, at scale 1."""
MARGIN_LETTERS = 8
"""Letters' worth of icon and margins beside a label."""
LISTED_CHANNELS = 4
LISTED_DOUBTS = 2


class SidebarPanel:
    """Mix-in: a panel of our tab in the 3D viewport."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY


class CSTALK_PT_main(SidebarPanel, bpy.types.Panel):
    """The whole way: face, speech, emotion, Generate."""

    bl_label = "CSTalk"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw all that is always there."""
        layout = self.layout
        letters = letters_across(context)
        settings = context.scene.cstalk
        studio = jobs.current_job()
        draw_face(layout, context, settings, letters)
        draw_speech(layout, settings, letters)
        draw_emotion(layout, settings, letters)
        draw_work(layout, settings, studio, letters)
        if studio.error is not None:
            draw_error(layout, studio.error, letters)


class CSTALK_PT_options(SidebarPanel, bpy.types.Panel):
    """What most people leave as it is."""

    bl_label = "Options"
    bl_parent_id = "CSTALK_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw seed, blinks, companions and key rate."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = context.scene.cstalk
        for name in ("seed", "key_rate", "blink", "with_companions"):
            layout.prop(settings, name)
            if name == "key_rate" and settings.key_rate == "FITTED":
                layout.prop(settings, "key_tolerance")


def draw_face(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    settings: CSTALK_PG_scene,
    letters: int,
) -> None:
    """The face, and how much of a face it is."""
    column = layout.column(align=True)
    column.prop(settings, "target", text="Face")
    face = chosen_face_or_none(context)
    if face is None:
        column.label(text="Pick a mesh, or make one active", icon="INFO")
        return
    problem = targets.problem_or_none(face)
    if problem is not None:
        draw_lines(column, f"{problem}. {problem.hint}", "ERROR", letters)
        return
    if solved.fit_or_none(face) is not None:
        draw_lines(column, f"{face.name}: fitted, see Rig", "CHECKMARK", letters)
        return
    wiring = rig_wiring.wiring_of(face)
    reports = wiring.reports()
    missing = tuple(report.channel for report in reports if report.status == "missing")
    doubtful = [report for report in reports if report.status == "doubtful"]
    name = "" if settings.target is not None else f"{face.name}: "
    icon = "INFO" if missing or doubtful else "CHECKMARK"
    text = f"{name}{len(reports) - len(missing)} of {len(reports)} shapes found"
    draw_lines(column, f"{text} ({wiring.routing.source})", icon, letters)
    if missing:
        draw_lines(column, f"Without: {listed(missing)}", "BLANK1", letters)
    for report in doubtful[:LISTED_DOUBTS]:
        draw_lines(column, f"{report.channel}: {report.reason}", "QUESTION", letters)
    if len(doubtful) > LISTED_DOUBTS:
        text = f"and {len(doubtful) - LISTED_DOUBTS} more doubtful, see Mapping"
        draw_lines(column, text, "BLANK1", letters)


def draw_speech(layout: bpy.types.UILayout, settings: CSTALK_PG_scene, letters: int) -> None:
    """The speech and where it begins."""
    column = layout.column(align=True)
    column.operator(operators.CSTALK_OT_load_audio.bl_idname, icon="FILE_SOUND")
    path = settings.audio_path
    if path is not None:
        length = f", {settings.audio_seconds:.1f} s" if settings.audio_seconds else ""
        draw_lines(column, f"{path.name}{length}", "SOUND", letters)
    column.prop(settings, "start_frame")


def draw_emotion(layout: bpy.types.UILayout, settings: CSTALK_PG_scene, letters: int) -> None:
    """The emotion, what it looks like, and how strong it is."""
    column = layout.column(align=True)
    column.prop(settings, "emotion", text="")
    row = column.row()
    row.active = settings.emotion != protocol.EMOTIONS[0]
    row.prop(settings, "intensity", slider=True)
    quiet = column.column(align=True)
    quiet.active = False
    draw_lines(quiet, emotion_description(settings.emotion), "NONE", letters)


def emotion_description(name: str) -> str:
    """What the face does, or that the voice decides."""
    return protocol.EMOTION_DESCRIPTIONS.get(name, protocol.AUTO_DESCRIPTION)


def draw_work(
    layout: bpy.types.UILayout, settings: CSTALK_PG_scene, studio: GenerateJob, letters: int
) -> None:
    """Generate, or its progress; Clear; what was made."""
    column = layout.column(align=True)
    if studio.is_busy:
        column.progress(factor=studio.fraction, text=progress_text(studio), type="BAR")
        draw_lines(column, studio.stage, "NONE", letters)
        column.operator(operators.CSTALK_OT_cancel.bl_idname, icon="CANCEL")
    else:
        big = column.column()
        big.scale_y = 1.4
        big.operator(operators.CSTALK_OT_generate.bl_idname, icon="PLAY")
    column.operator(operators.CSTALK_OT_clear.bl_idname, icon="TRASH")
    if studio.notice:
        draw_lines(layout, studio.notice, "INFO", letters)
    if settings.made:  # empty again after an undo, which outcome knows nothing of
        draw_lines(layout, f"Made: {settings.made}", "CHECKMARK", letters)
        if settings.heard:
            draw_lines(layout, f"Heard: {settings.heard}", "SPEAKER", letters)
        if studio.outcome is not None:
            draw_outcome(layout, studio.outcome, letters)


def draw_outcome(layout: bpy.types.UILayout, outcome: Outcome, letters: int) -> None:
    """What was made, beyond the one line, and what the check saw."""
    if outcome.report.widened:
        text = f"Slider ranges widened: {listed(outcome.report.widened)}; Clear restores them"
        draw_lines(layout, text, "INFO", letters)
    if outcome.report.driven:
        text = f"Left to their drivers: {listed(outcome.report.driven)}"
        draw_lines(layout, text, "INFO", letters)
    for sentence in outcome.report.kept:
        draw_lines(layout, sentence, "INFO", letters)
    if not outcome.check.moved:
        draw_lines(layout, "The keys are there, but the face does not follow:", "ERROR", letters)
    for problem in outcome.check.problems:
        draw_lines(layout, problem, "DOT", letters)


def draw_error(layout: bpy.types.UILayout, error: SessionError, letters: int) -> None:
    """What went wrong, what to do, and the details for those who can read them."""
    box = layout.box()
    draw_lines(box, str(error), "ERROR", letters)
    if error.hint:
        draw_lines(box, error.hint, "FORWARD", letters)
    row = box.row(align=True)
    row.operator(operators.CSTALK_OT_copy_error_details.bl_idname, icon="COPYDOWN")
    row.operator(operators.CSTALK_OT_dismiss_error.bl_idname, text="", icon="X")


def draw_lines(layout: bpy.types.UILayout, text: str, icon: str, letters: int) -> None:
    """``text`` as labels no wider than the panel; the icon stands before the first."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for index, line in enumerate(textwrap.wrap(text, letters) or [""]):
        first = icon if index == 0 or icon == "NONE" else "BLANK1"
        column.label(text=line, icon=first, translate=False)


def letters_across(context: bpy.types.Context) -> int:
    """How many letters fit beside an icon in the region that is drawn."""
    scale = context.preferences.system.ui_scale or 1.0  # 0 without a window
    width = 260.0 * scale if context.region is None else context.region.width
    return max(20, int(width / (LETTER_WIDTH * scale)) - MARGIN_LETTERS)


def progress_text(studio: GenerateJob) -> str:
    """Percent and seconds left."""
    text = f"{100 * studio.fraction:.0f} %"
    if studio.seconds_left is not None:
        text += f", {studio.seconds_left:.0f} s left"
    return text


def listed(names: tuple[str, ...]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - LISTED_CHANNELS
    head = ", ".join(names[:LISTED_CHANNELS])
    return f"{head} and {more} more" if more > 0 else head


CLASSES = (CSTALK_PT_main, CSTALK_PT_options)
