"""Draw the page Direct Lines: the layers of lines of a batch on the chosen face."""

from __future__ import annotations

import bpy

from ...jobs import direct as direct_job
from ...jobs import direct_lines
from ...text import byte_size
from ..operators import direct as direct_operators
from ..operators import direct_lines as operators
from ..properties.generate import chosen_face_or_none
from . import direct as direct_page
from .generate import SidebarPanel


class CSTALK_PT_direct_lines(SidebarPanel, bpy.types.Panel):
    """Settings of Direct for lines of a batch."""

    bl_label = "Direct Lines"
    bl_parent_id = "CSTALK_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Show the panel for faces with lines that can be directed."""
        return direct_lines.can_direct(chosen_face_or_none(context))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the settings, unless the page Direct has them, and the buttons."""
        layout = self.layout
        face = chosen_face_or_none(context)
        if not direct_job.can_direct(face):
            draw_settings(layout, face)
        selected = len(direct_lines.lines_of(face, is_selected=True))
        layout.label(text=f"Selected strips: {selected}", icon="NLA", translate=False)
        row = layout.row(align=True)
        row.operator(operators.CSTALK_OT_direct_lines.bl_idname, icon="CHECKMARK")
        row.operator(operators.CSTALK_OT_direct_lines_reset.bl_idname, icon="LOOP_BACK")
        row = layout.row()
        size = byte_size(direct_lines.size_bytes(face))
        row.label(text=f"Stored: {size}", icon="FILE_BLEND", translate=False)
        row.operator(direct_operators.CSTALK_OT_remove_data.bl_idname, icon="TRASH")


def draw_settings(layout: bpy.types.UILayout, face: bpy.types.Object) -> None:
    """Draw presets, the whole face and the regions.

    Args:
        layout: Where to draw.
        face: The face.
    """
    settings = face.cstalk_direction
    row = layout.row(align=True)
    row.menu(direct_page.CSTALK_MT_direct_presets.__name__, icon="PRESET")
    row.operator(direct_operators.CSTALK_OT_direct_save.bl_idname, text="", icon="ADD")
    row.operator(direct_operators.CSTALK_OT_direct_reset.bl_idname, icon="LOOP_BACK")
    # Files of a batch hold the curves with their emotion alone.
    direct_page.draw_layers(layout, settings.overall, has_emotion=False, is_overall=True)
    direct_page.draw_regions(layout, settings)
    direct_page.draw_region(layout, settings, has_emotion=False)


CLASSES = (CSTALK_PT_direct_lines,)
