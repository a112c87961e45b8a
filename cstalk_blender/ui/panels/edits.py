"""Draw the page Hand Edits: what the artist changed in the keys that play. Drawing only."""

from __future__ import annotations

import time

import bpy

from ... import api
from ...jobs import direct as direct_job
from ..operators import edits as operators
from ..properties.generate import chosen_face_or_none
from .generate import SidebarPanel, is_playing

REST_S = 0.5
"""Seconds for which the list is not read again during playback: it takes milliseconds, and the
sidebar is drawn at every frame."""
LISTED = 12
"""Edits that are listed."""
_known: dict[int, tuple[float, list[api.HandEdit]]] = {}
"""Time of reading and edits of a face, by its session id."""


class CSTALK_PT_edits(SidebarPanel, bpy.types.Panel):
    """Edits of the artist in the keys that play."""

    bl_label = "Hand Edits"
    bl_parent_id = "CSTALK_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Show the page where a performance can be directed."""
        return direct_job.can_direct(chosen_face_or_none(context))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the border, the edits and Discard All."""
        layout, face = self.layout, chosen_face_or_none(context)
        layout.prop(context.scene.cstalk, "edit_blend_ms")
        listed = edits_of(face)
        found = [edit for edit in listed if not edit.is_adopted]
        column = layout.column(align=True)
        for edit in found[:LISTED]:
            draw_edit(column, edit)
        left = len(found) - LISTED
        text = f"and {left} more" if left > 0 else "" if found else "No hand edits"
        column.label(text=text, translate=False)
        if len(listed) > len(found):
            row = layout.row()
            row.label(text=f"Adopted: {len(listed) - len(found)}", translate=False)
            row.operator(operators.CSTALK_OT_edits_release.bl_idname, icon="LOOP_BACK")
        layout.operator(operators.CSTALK_OT_edits_discard.bl_idname, icon="TRASH")


def draw_edit(layout: bpy.types.UILayout, edit: api.HandEdit) -> None:
    """Draw channel and frames of an edit, and its buttons.

    Args:
        layout: Where to draw.
        edit: The edit.
    """
    row = layout.row(align=True)
    jump, pin, adopt, discard = (
        operators.CSTALK_OT_edit_jump.bl_idname,
        operators.CSTALK_OT_edit_pin.bl_idname,
        operators.CSTALK_OT_edit_adopt.bl_idname,
        operators.CSTALK_OT_edit_discard.bl_idname,
    )
    frames = f"{edit.first_frame:.0f}-{edit.last_frame:.0f}"
    buttons = [
        row.operator(jump, text=f"{edit.channel}, {frames}", emboss=False, translate=False),
        row.operator(pin, text="", icon="PINNED" if edit.is_pinned else "UNPINNED"),
        row.operator(adopt, text="", icon="CHECKMARK"),
        row.operator(discard, text="", icon="X"),
    ]
    for button in buttons:
        button.owner, button.label, button.frame = edit.owner, edit.label, edit.first_frame


def edits_of(face: bpy.types.Object) -> list[api.HandEdit]:
    """Return the edits of a face; during playback read twice a second at most."""
    now = time.monotonic()
    known = _known.get(face.session_uid)
    if known is None or not is_playing() or now - known[0] > REST_S:
        _known[face.session_uid] = known = (now, api.hand_edits(face, with_adopted=True))
    return known[1]


CLASSES = (CSTALK_PT_edits,)
