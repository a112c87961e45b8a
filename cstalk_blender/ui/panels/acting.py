"""Draw the pages Acting and Script of the sidebar tab."""

from __future__ import annotations

import bpy

from ...rig.drive import eyes
from ..operators import rig as operators_rig
from ..properties.generate import chosen_face_or_none
from .generate import SidebarPanel, draw_lines, letters_across


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
        row.prop(settings, "script", text="")
        column.prop(settings, "script_text")
        if settings.found:
            draw_lines(layout, settings.found.capitalize(), "TEXT", letters_across(context))


CLASSES = (CSTALK_PT_acting, CSTALK_PT_script)
