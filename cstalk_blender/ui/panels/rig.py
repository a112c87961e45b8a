"""Draw the rig panel: fit of a face, and what the check measured on it."""

from __future__ import annotations

import bpy

from ...rig.binding import solved
from ...rig.binding import wiring as rig_wiring
from ...rig.drive import eyes
from ...scene import result
from ...text import listed
from ..operators import rig as operators_rig
from ..properties.generate import chosen_face_or_none
from .generate import SidebarPanel, draw_lines, letters_across


class CSTALK_PT_rig(SidebarPanel, bpy.types.Panel):
    """Fit of faces without ARKit names; measured lips and movement."""

    bl_label = "Rig"
    bl_parent_id = "CSTALK_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the fit, then the measurements."""
        letters = letters_across(context)
        face = chosen_face_or_none(context)
        draw_fit(self.layout, face, letters)
        draw_head_motion(self.layout, face)
        draw_lips(self.layout, face, letters)


def draw_fit(layout: bpy.types.UILayout, face: bpy.types.Object | None, letters: int) -> None:
    """Draw the fit and what it cannot show.

    Args:
        layout: Where to draw.
        face: The face; None without one.
        letters: Width of the panel in letters.
    """
    column = layout.column(align=True)
    text = None if face is None else face.get(solved.PROPERTY)
    loss = solved.loss_of_text(text) if isinstance(text, str) else None
    row = column.row(align=True)
    label = "Fit Again" if loss is not None else "Fit This Face"
    row.operator(operators_rig.CSTALK_OT_solve_face.bl_idname, text=label, icon="MOD_MESHDEFORM")
    row.operator(operators_rig.CSTALK_OT_forget_solution.bl_idname, text="", icon="X")
    column.operator(operators_rig.CSTALK_OT_solve_face_from.bl_idname, icon="EYEDROPPER")
    if loss is None:
        if face is not None and rig_wiring.wiring_of(face).recognition.needs_solver:
            draw_lines(
                column, "The shape key names are not sufficient: fit the face", "INFO", letters
            )
        elif face is not None:
            text = "The shape key names are known: no fit needed"
            draw_lines(column, text, "CHECKMARK", letters)
        return
    lines = loss.sentences()
    draw_lines(column, lines[0] if lines else "All movements fit", "INFO", letters)
    for line in lines[1:]:
        draw_lines(column, line, "BLANK1", letters)


def draw_head_motion(layout: bpy.types.UILayout, face: bpy.types.Object | None) -> None:
    """Draw the switch of head motion if there is a head bone."""
    if eyes.head_bone_or_none(face) is not None:
        layout.operator(
            operators_rig.CSTALK_OT_head_motion.bl_idname,
            icon="CHECKBOX_HLT" if eyes.turns_head(face) else "CHECKBOX_DEHLT",
            depress=eyes.turns_head(face),
        )


def draw_lips(layout: bpy.types.UILayout, face: bpy.types.Object | None, letters: int) -> None:
    """Draw the measurements of the last performance of a face and Seal the Lips.

    Args:
        layout: Where to draw.
        face: The face; None without one.
        letters: Width of the panel in letters.
    """
    found = result.result_of_or_none(face)
    details = {} if found is None else result.details_of(found)
    column = layout.column(align=True)
    for measure in details.get("measures", ()):
        draw_lines(column, measure, "DOT", letters)
    if details.get("lips_open"):
        draw_lines(column, "Lips stay open at some closures", "ERROR", letters)
    if details.get("rerouted"):
        text = f"Keyed at the source of their drivers: {listed(details['rerouted'])}"
        draw_lines(column, text, "DRIVER", letters)
    for refused in details.get("refused", ()):
        draw_lines(column, refused, "ERROR", letters)
    column.operator(operators_rig.CSTALK_OT_seal_lips.bl_idname, icon="CON_SHRINKWRAP")
    if details.get("seal"):
        draw_lines(column, details["seal"], "CHECKMARK", letters)


CLASSES = (CSTALK_PT_rig,)
