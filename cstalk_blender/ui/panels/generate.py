"""Draw the main panel of the sidebar: face, audio, emotion, Generate, result.

Controls keep their place: texts that change while the user works are below the buttons, or take
the same number of lines whatever they say. Drawing only.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import bpy

from ...errors import SessionError
from ...jobs import generate as jobs
from ...package import choices
from ...rig.binding import solved, targets
from ...rig.binding import wiring as rig_wiring
from ...scene import result
from ...text import clock, listed
from .. import generate_requests
from ..operators import curves as curve_operators
from ..operators import generate as operators
from ..properties import expressions
from ..properties.generate import CSTALK_PG_scene, chosen_face_or_none

if TYPE_CHECKING:
    from ...jobs.generate import GenerateJob

CATEGORY = "CSTalk"
LETTER_WIDTH = 7.0
"""Pixels of an average letter in the interface font at scale 1."""
MARGIN_LETTERS = 8
"""Width of icon and margins next to a label, in letters."""
LISTED_DOUBTS = 2
"""Doubtful channels that are named; the mapping panel shows all."""


class SidebarPanel:
    """Mix-in for panels of the CSTalk tab in the 3D viewport."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY


class CSTALK_PT_main(SidebarPanel, bpy.types.Panel):
    """Face, audio file, emotion, Generate and its result."""

    bl_label = "CSTalk"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the controls, then what was generated."""
        layout = self.layout
        letters = letters_across(context)
        settings = context.scene.cstalk
        job = jobs.current_job()
        face = chosen_face_or_none(context)
        draw_face(layout, face, settings, letters)
        draw_audio(layout, settings, letters)
        draw_emotion(layout, settings, letters)
        layout.prop(settings, "new_take")
        draw_job(layout, job, letters)
        direction = generate_requests.direction_text(context.scene, face)
        if direction:
            draw_lines(layout, direction, "MARKER_HLT", letters)
        if job.notice:
            draw_lines(layout, job.notice, "INFO", letters)
        found = result.result_of_or_none(face)
        if found is not None:
            draw_result(layout, context.scene, face, letters)
        if job.error is not None:
            draw_error(layout, job.error, letters)
        layout.separator(factor=2.0)
        layout.operator(operators.CSTALK_OT_clear.bl_idname, icon="TRASH")


class CSTALK_PT_options(SidebarPanel, bpy.types.Panel):
    """Options that rarely need a change."""

    bl_label = "Options"
    bl_parent_id = "CSTALK_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 1  # below all other pages: these options rarely need a change

    def draw(self, context: bpy.types.Context) -> None:
        """Draw seed, key rate, blinks and companions, then Load Curves."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = context.scene.cstalk
        for name in ("seed", "key_rate", "blink", "with_companions"):
            layout.prop(settings, name)
            if name == "key_rate" and settings.key_rate == "FITTED":
                layout.prop(settings, "key_tolerance")
        layout.operator(curve_operators.CSTALK_OT_load_curves.bl_idname, icon="IMPORT")


def draw_face(
    layout: bpy.types.UILayout,
    face: bpy.types.Object | None,
    settings: CSTALK_PG_scene,
    letters: int,
) -> None:
    """Draw the face and how many of its channels were found.

    Args:
        layout: Where to draw.
        face: The face; None without one.
        settings: Settings of the scene.
        letters: Width of the panel in letters.
    """
    column = layout.column(align=True)
    column.prop(settings, "target", text="Face")
    if face is None:
        column.label(text="Set a mesh, or make one active", icon="INFO")
        return
    problem = targets.problem_or_none(face)
    if problem is not None:
        draw_lines(column, f"{problem}. {problem.hint}", "ERROR", letters)
    elif solved.fit_or_none(face) is not None:
        draw_lines(column, f"{face.name}: fitted, see Rig", "CHECKMARK", letters)
    else:
        draw_coverage(
            column, face, "" if settings.target is not None else f"{face.name}: ", letters
        )


def draw_coverage(
    column: bpy.types.UILayout, face: bpy.types.Object, prefix: str, letters: int
) -> None:
    """Draw how many channels move a face, and which are missing or doubtful.

    Args:
        column: Where to draw.
        face: A face that can be animated.
        prefix: Start of the first line.
        letters: Width of the panel in letters.
    """
    wiring = rig_wiring.wiring_of(face)
    reports = wiring.reports()
    missing = tuple(report.channel for report in reports if report.status == "missing")
    doubtful = [report for report in reports if report.status == "doubtful"]
    icon = "INFO" if missing or doubtful else "CHECKMARK"
    text = f"{prefix}{len(reports) - len(missing)} of {len(reports)} shapes found"
    draw_lines(column, f"{text} ({wiring.routing.source})", icon, letters)
    if missing:
        draw_lines(column, f"Missing: {listed(missing)}", "BLANK1", letters)
    for report in doubtful[:LISTED_DOUBTS]:
        draw_lines(column, f"{report.channel}: {report.reason}", "QUESTION", letters)
    if len(doubtful) > LISTED_DOUBTS:
        text = f"and {len(doubtful) - LISTED_DOUBTS} more doubtful, see Mapping"
        draw_lines(column, text, "BLANK1", letters)


def draw_audio(layout: bpy.types.UILayout, settings: CSTALK_PG_scene, letters: int) -> None:
    """Draw the audio file, always on one line, and its start frame.

    Args:
        layout: Where to draw.
        settings: Settings of the scene.
        letters: Width of the panel in letters.
    """
    column = layout.column(align=True)
    column.operator(operators.CSTALK_OT_load_audio.bl_idname, icon="FILE_SOUND")
    path = settings.audio_path
    length = f", {settings.audio_seconds:.1f} s" if settings.audio_seconds else ""
    text = "No audio file" if path is None else f"{shortened(path.name, letters - 8)}{length}"
    column.label(text=text, icon="SOUND", translate=False)
    column.prop(settings, "start_frame")


def draw_emotion(layout: bpy.types.UILayout, settings: CSTALK_PG_scene, letters: int) -> None:
    """Draw the emotion, its intensity and its description, which takes a fixed number of lines.

    Args:
        layout: Where to draw.
        settings: Settings of the scene.
        letters: Width of the panel in letters.
    """
    column = layout.column(align=True)
    column.prop(settings, "emotion", text="")
    second = column.row(align=True)
    second.active = settings.emotion != choices.AUTO_EMOTION
    second.prop(settings, "second_emotion", text="")
    if settings.second_emotion != expressions.NONE:
        second.prop(settings, "second_share", slider=True)
    row = column.row()
    row.active = settings.emotion != choices.EMOTIONS[0] or settings.is_blended
    row.prop(settings, "intensity", slider=True)
    quiet = column.column(align=True)
    quiet.active = False
    texts = (*choices.EMOTION_DESCRIPTIONS.values(), choices.AUTO_DESCRIPTION)
    most = max(len(textwrap.wrap(text, letters)) for text in texts)
    draw_lines(quiet, emotion_description(settings.emotion), "NONE", letters, count=most)


def emotion_description(name: str) -> str:
    """Return what the face does in an emotion, or that the voice decides."""
    return expressions.description_of(name)


def draw_job(layout: bpy.types.UILayout, job: GenerateJob, letters: int) -> None:
    """Draw Generate or its progress, and Cancel, in the same places whether the job runs or not.

    Args:
        layout: Where to draw.
        job: The job.
        letters: Width of the panel in letters.
    """
    column = layout.column(align=True)
    big = column.column()
    big.scale_y = 1.4
    if job.is_busy:
        big.progress(factor=job.fraction, text=progress_text(job), type="BAR")
    else:
        big.operator(operators.CSTALK_OT_generate.bl_idname, icon="PLAY")
    column.operator(operators.CSTALK_OT_cancel.bl_idname, icon="CANCEL")
    stage = job.stage if job.is_busy else ""
    # Stages of the worker begin with a small letter, those of the add-on with a capital.
    stage = stage[:1].upper() + stage[1:]
    column.label(text=shortened(stage, letters), translate=False)


def draw_result(
    layout: bpy.types.UILayout, scene: bpy.types.Scene, face: bpy.types.Object, letters: int
) -> None:
    """Draw what was generated for a face, what has changed since, and notes of the check.

    Args:
        layout: Where to draw.
        scene: Scene with the settings.
        face: A face with a result.
        letters: Width of the panel in letters.
    """
    found = face.cstalk_result
    details = result.details_of(found)
    lips = result.lips_text(details)
    box = layout.box()
    title = found.title or face.name
    draw_lines(box, f"{title}: {lips}" if lips else title, "CHECKMARK", letters)
    draw_lines(box, found.summary, "BLANK1", letters)
    if found.detected_emotion:
        draw_lines(box, f"Detected: {found.detected_emotion}", "SPEAKER", letters)
    draw_changes(box, scene, face, letters)
    draw_notes(box, details, letters)


def draw_changes(
    box: bpy.types.UILayout, scene: bpy.types.Scene, face: bpy.types.Object, letters: int
) -> None:
    """Draw which settings differ from those of the result, and the button that moves the keys.

    Args:
        box: Where to draw.
        scene: Scene with the settings.
        face: A face with a result.
        letters: Width of the panel in letters.
    """
    changed = result.changes(face.cstalk_result, generate_requests.present_values(scene, face))
    labels = [result.LABELS[key] for key in changed]
    if labels:
        draw_lines(box, f"Changed since: {', '.join(labels)}", "FILE_REFRESH", letters)
    if curve_operators.needs_retiming(scene, face):
        box.operator(curve_operators.CSTALK_OT_retime.bl_idname, icon="TIME")


def draw_notes(box: bpy.types.UILayout, details: dict[str, Any], letters: int) -> None:
    """Draw notes of the bake and problems that the check found.

    Args:
        box: Where to draw.
        details: Notes by name, see `result.store`.
        letters: Width of the panel in letters.
    """
    if details.get("widened"):
        text = f"Slider ranges widened: {listed(details['widened'])}; Clear restores them"
        draw_lines(box, text, "INFO", letters)
    if details.get("driven"):
        draw_lines(box, f"Left to their drivers: {listed(details['driven'])}", "INFO", letters)
    if details.get("edits"):
        draw_lines(box, details["edits"], "GREASEPENCIL", letters, count=3)
    for sentence in details.get("kept", ()):
        draw_lines(box, sentence, "INFO", letters)
    if not details.get("has_moved", True):
        draw_lines(box, "The keys are set, but the face does not follow:", "ERROR", letters)
    for problem in details.get("problems", ()):
        draw_lines(box, problem, "DOT", letters)


def draw_error(layout: bpy.types.UILayout, error: SessionError, letters: int) -> None:
    """Draw an error, what to do, and the buttons that copy or close it.

    Args:
        layout: Where to draw.
        error: The error.
        letters: Width of the panel in letters.
    """
    box = layout.box()
    draw_lines(box, str(error), "ERROR", letters)
    if error.hint:
        draw_lines(box, error.hint, "FORWARD", letters)
    row = box.row(align=True)
    row.operator(operators.CSTALK_OT_copy_error_details.bl_idname, icon="COPYDOWN")
    row.operator(operators.CSTALK_OT_dismiss_error.bl_idname, text="", icon="X")


def draw_lines(
    layout: bpy.types.UILayout, text: str, icon: str, letters: int, *, count: int = 1
) -> None:
    """Draw ``text`` as labels no wider than the panel.

    Args:
        layout: Where to draw.
        text: The text.
        icon: Icon before the first line.
        letters: Width of the panel in letters.
        count: Lines to draw at least; empty ones follow the text.
    """
    column = layout.column(align=True)
    column.scale_y = 0.8
    lines = textwrap.wrap(text, letters) or [""]
    for index, line in enumerate([*lines, *[""] * (count - len(lines))]):
        first = icon if index == 0 or icon == "NONE" else "BLANK1"
        column.label(text=line, icon=first, translate=False)


def letters_across(context: bpy.types.Context) -> int:
    """Return how many letters fit next to an icon in the region that is drawn."""
    scale = context.preferences.system.ui_scale or 1.0  # 0 without a window
    width = 260.0 * scale if context.region is None else context.region.width
    return max(20, int(width / (LETTER_WIDTH * scale)) - MARGIN_LETTERS)


def is_playing() -> bool:
    """Return whether the animation plays in the window that is drawn."""
    screen = bpy.context.screen
    return screen is not None and bool(screen.is_animation_playing)


def shortened(text: str, letters: int) -> str:
    """Return ``text`` with its middle left out where it is longer than ``letters``."""
    if len(text) <= letters:
        return text
    head = max(1, letters // 2 - 1)
    return f"{text[:head]}…{text[len(text) - max(1, letters - head - 1) :]}"


def progress_text(job: GenerateJob) -> str:
    """Return percent and time left."""
    text = f"{100 * job.fraction:.0f} %"
    return text if job.seconds_left is None else f"{text}, {clock(job.seconds_left)} left"


CLASSES = (CSTALK_PT_main, CSTALK_PT_options)
