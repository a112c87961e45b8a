"""Draw the pages Acting and Script of the sidebar tab."""

from __future__ import annotations

from typing import Any

import bpy

from ...rig.drive import eyes
from ...scene import words
from ..operators import rig as operators_rig
from ..operators import words as word_operators
from ..properties.generate import chosen_face_or_none
from .generate import SidebarPanel, draw_lines, letters_across

DOUBTFUL_WORD = 0.5
"""Confidence under which a word that was found is marked; below 0.3 it counts as not found."""


class CSTALK_PT_acting(SidebarPanel, bpy.types.Panel):
    """Strengths of what the face does beyond its speech."""

    bl_label = "Acting"
    bl_parent_id = "CSTALK_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the strengths, and the switch that head motion needs."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = context.scene.cstalk_acting
        face = chosen_face_or_none(context)
        layout.prop(settings, "dynamics", slider=True)
        layout.prop(settings, "eyes", slider=True)
        row = layout.row()
        row.active = settings.eyes > 0
        row.prop(settings, "look_at")
        has_bone = eyes.head_bone_or_none(face) is not None
        row = layout.row()
        row.active = eyes.turns_head(face)
        row.prop(settings, "head", slider=True)
        if has_bone:
            layout.operator(
                operators_rig.CSTALK_OT_head_motion.bl_idname,
                icon="CHECKBOX_HLT" if eyes.turns_head(face) else "CHECKBOX_DEHLT",
                depress=eyes.turns_head(face),
            )
        else:
            draw_lines(layout, "This face has no head bone", "INFO", letters_across(context))
        if face is not None:
            layout.prop(face, "cstalk_head_target")
        layout.prop(settings, "asymmetry", slider=True)
        layout.prop(settings, "favoured_side")
        column = layout.column(align=True)
        column.prop(settings, "idle_before")
        column.prop(settings, "idle_after")


class CSTALK_PT_script(SidebarPanel, bpy.types.Panel):
    """The words of the line, and which of them were found in the audio."""

    bl_label = "Script"
    bl_parent_id = "CSTALK_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context: bpy.types.Context) -> None:
        """Draw the switch Use Script."""
        self.layout.prop(context.scene.cstalk_acting, "use_script", text="")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the script and what was found of it last."""
        layout = self.layout
        settings = context.scene.cstalk_acting
        column = layout.column()
        column.active = settings.use_script
        row = column.row()
        row.active = settings.script_text is None
        row.prop(settings, "script", text="", placeholder="Script: the words that are spoken")
        column.prop(settings, "script_text")
        column.prop(settings, "language")
        if settings.language == "other":
            column.prop(settings, "language_code")
        column.operator(word_operators.CSTALK_OT_script_from_subtitles.bl_idname, icon="COPYDOWN")
        column.operator(word_operators.CSTALK_OT_import_timing.bl_idname, icon="IMPORT")
        if settings.found:
            draw_lines(layout, settings.found.capitalize(), "TEXT", letters_across(context))
        face = chosen_face_or_none(context)
        if face is not None and face.cstalk_result.summary:
            draw_words(layout, face.cstalk_words)


class CSTALK_UL_words(bpy.types.UIList):
    """Words of a performance: frame, word, confidence; doubtful and corrected ones are marked."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        _icon: int,
        _active_data: Any,
        _active_name: str,
    ) -> None:
        """Draw a word."""
        row = layout.split(factor=0.2, align=True)
        row.label(text=f"{words.frame_at(data, item.start_s):.0f}")
        rest = row.split(factor=0.7, align=True)
        rest.label(text=item.text, icon=word_icon(item))
        rest.label(text="" if item.is_corrected else f"{100 * item.confidence:.0f} %")


def word_icon(word: Any) -> str:
    """Return the icon of a word: corrected, doubtful or found."""
    if word.is_corrected:
        return "GREASEPENCIL"
    return "ERROR" if word.confidence < DOUBTFUL_WORD else "BLANK1"


def draw_words(layout: bpy.types.UILayout, kept: Any) -> None:
    """Draw the list of words of a face and what corrects them.

    Args:
        layout: Where to draw.
        kept: ``Object.cstalk_words``.
    """
    if len(kept.words):
        layout.template_list("CSTALK_UL_words", "", kept, "words", kept, "index", rows=5)
    draw_word_buttons(layout, kept)


def draw_word_buttons(layout: bpy.types.UILayout, kept: Any) -> None:
    """Draw what corrects the selected word, the phones and the closures.

    Args:
        layout: Where to draw.
        kept: ``Object.cstalk_words``.
    """
    row = layout.row(align=True)
    if len(kept.words):
        row.operator(word_operators.CSTALK_OT_word_edit.bl_idname).is_new = False
    new = row.operator(word_operators.CSTALK_OT_word_edit.bl_idname, text="Add Word", icon="ADD")
    new.is_new = True
    word = words.active_word_or_none(kept)
    if word is not None and word.phones:
        phones = layout.row(align=True)
        for place, name in enumerate(word.phones.split()):
            phone = phones.operator(word_operators.CSTALK_OT_word_phone.bl_idname, text=name)
            phone.place = place
    layout.operator(word_operators.CSTALK_OT_hold_closed.bl_idname, icon="LOCKED")
    if len(kept.words):
        row = layout.row(align=True)
        row.operator(word_operators.CSTALK_OT_words_to_markers.bl_idname, icon="MARKER")
        if kept.markers:
            row.operator(word_operators.CSTALK_OT_markers_to_words.bl_idname, icon="CHECKMARK")
    if kept.corrections:
        layout.operator(word_operators.CSTALK_OT_corrections_clear.bl_idname, icon="X")


CLASSES = (CSTALK_UL_words, CSTALK_PT_script, CSTALK_PT_acting)
