"""Draw the pages of the batch panel: options, cast, emotion over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

from ...jobs.batch.request import PLAYED, Destination
from ...scene import emotion_track
from ..operators import lines as line_operators
from ..properties.batch import CSTALK_PG_batch
from ..properties.generate import chosen_face_or_none
from .batch import is_laid_out
from .generate import SidebarPanel, draw_lines, letters_across


class CSTALK_UL_roles(bpy.types.UIList):
    """Rows of the cast: pattern, channel, character."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: Any,
        item: Any,
        _icon: int,
        _active_data: Any,
        _active_name: str,
    ) -> None:
        """Draw a row of the cast."""
        row = layout.split(factor=0.42, align=True)
        row.prop(item, "pattern", text="", emboss=False, icon="FILTER")
        rest = row.split(factor=0.3, align=True)
        rest.prop(item, "channel", text="")
        rest.prop(item, "character", text="")


class CSTALK_PT_batch_options(SidebarPanel, bpy.types.Panel):
    """Options of reading lines and writing files."""

    bl_label = "Options"
    bl_parent_id = "CSTALK_PT_batch"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the options of reading, then of writing."""
        settings: CSTALK_PG_batch = context.scene.cstalk_batch
        column = self.layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        draw_reading(column, settings)
        column.separator()
        draw_writing(column, settings)


class CSTALK_PT_cast(SidebarPanel, bpy.types.Panel):
    """Assignment of characters to lines."""

    bl_label = "Cast"
    bl_parent_id = "CSTALK_PT_batch"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the rows of the cast."""
        layout, settings = self.layout, context.scene.cstalk_batch
        row = layout.row()
        row.template_list("CSTALK_UL_roles", "", settings, "roles", settings, "role_index", rows=2)
        buttons = row.column(align=True)
        buttons.operator(line_operators.CSTALK_OT_batch_role_add.bl_idname, text="", icon="ADD")
        buttons.operator(
            line_operators.CSTALK_OT_batch_role_remove.bl_idname, text="", icon="REMOVE"
        )
        quiet = layout.column()
        quiet.active = False
        text = "Other lines are assigned to the character whose name they start with"
        draw_lines(quiet, text, "NONE", letters_across(context))


class CSTALK_PT_emotions(SidebarPanel, bpy.types.Panel):
    """Emotion over time as animated weights."""

    bl_label = "Emotion over Time"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the weights of the scene and of the face."""
        layout, letters = self.layout, letters_across(context)
        face = chosen_face_or_none(context)
        draw_weights(layout, context.scene, "Scene")
        if face is not None:
            draw_weights(layout, face, face.name)
        quiet = layout.column()
        quiet.active = False
        text = "Or add timeline markers named 'happy 0.7' or 'Anna: sad'"
        draw_lines(quiet, text, "MARKER_HLT", letters)


def draw_weights(layout: bpy.types.UILayout, owner: Any, name: str) -> None:
    """Draw the switch and, when it is on, the weights.

    Args:
        layout: Where to draw.
        owner: A scene or an object.
        name: Its name in the panel.
    """
    group = owner.cstalk_emotions
    column = layout.column()
    column.prop(group, "use", text=f"Animate for {name}")
    if group.use:
        column.use_property_split = True
        for weight in ("intensity", *emotion_track.WEIGHTS):
            column.prop(group, weight, slider=True)


def draw_reading(column: bpy.types.UILayout, settings: CSTALK_PG_batch) -> None:
    """Draw the options that apply when lines are read."""
    if settings.source_kind == "FOLDER":
        column.prop(settings, "include")
        column.prop(settings, "exclude")
    column.prop(settings, "pattern")
    column.prop(settings, "emotion_default")
    column.prop(settings, "use_text")


def draw_writing(column: bpy.types.UILayout, settings: CSTALK_PG_batch) -> None:
    """Draw the options of files and strips."""
    if is_laid_out(settings):
        column.prop(settings, "with_sounds")
    if settings.destination in PLAYED:
        column.prop(settings, "idle")
    if settings.destination in (Destination.NLA, Destination.ACTIONS):
        column.prop(settings, "is_asset")
    files = column.column(heading="Also Write")
    files.prop(settings, "write_livelink")
    files.prop(settings, "write_a2f")
    column.prop(settings, "output_folder")


CLASSES: Sequence[type] = (
    CSTALK_UL_roles,
    CSTALK_PT_batch_options,
    CSTALK_PT_cast,
    CSTALK_PT_emotions,
)
