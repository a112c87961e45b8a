"""Draw the page Takes: the list of takes of a face. Drawing only."""

from __future__ import annotations

import time

import bpy

from ...jobs import takes as face_takes
from ...scene import takes
from ..operators import takes as operators
from ..properties.generate import chosen_face_or_none
from .generate import SidebarPanel, draw_lines, is_playing, letters_across

EDITED_REST_S = 0.5
"""Seconds for which the mark of edits is not read again during playback: it takes milliseconds,
and the sidebar is drawn at every frame."""
_edited: dict[tuple[int, str], tuple[float, bool]] = {}
"""Time of reading and mark of a take, by session id of the face and identity of the take."""


class CSTALK_UL_takes(bpy.types.UIList):
    """Takes of a face, each with a button that plays it."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: takes.CSTALK_PG_takes,
        item: takes.CSTALK_PG_take,
        _icon: int,
        _active_data: object,
        _active_property: str,
    ) -> None:
        """Draw the button that plays a take, its name, the mark of edits and its rating."""
        row = layout.row(align=True)
        plays = item.take == data.active
        button = row.operator(
            operators.CSTALK_OT_take_play.bl_idname,
            text="",
            icon="RADIOBUT_ON" if plays else "RADIOBUT_OFF",
            emboss=False,
        )
        button.take = item.take
        row.prop(item, "name", text="", emboss=False)
        mark = row.row()
        mark.alignment = "RIGHT"
        if item.rating:
            mark.label(text=f"{item.rating}", icon="SOLO_ON", translate=False)
        # Always drawn, so that names keep their width.
        is_edited = has_edits(data.id_data, item)
        mark.label(text="", icon="GREASEPENCIL" if is_edited else "BLANK1")


class CSTALK_PT_takes(SidebarPanel, bpy.types.Panel):
    """Takes of the chosen face: play, name, rate, delete."""

    bl_label = "Takes"
    bl_parent_id = "CSTALK_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw Try Five, the list, and the selected take."""
        layout = self.layout
        layout.operator(operators.CSTALK_OT_try_five.bl_idname, icon="DUPLICATE")
        face = chosen_face_or_none(context)
        if face is None:
            return
        held = face.cstalk_takes
        row = layout.row()
        row.template_list("CSTALK_UL_takes", "", held, "items", held, "index", rows=5)
        side = row.column(align=True)
        side.operator(operators.CSTALK_OT_take_delete.bl_idname, text="", icon="TRASH")
        if 0 <= held.index < len(held.items):
            draw_take(layout, held.items[held.index], letters_across(context))


def draw_take(layout: bpy.types.UILayout, item: takes.CSTALK_PG_take, letters: int) -> None:
    """Draw rating, audio file, seed and date of a take.

    Args:
        layout: Where to draw.
        item: The take.
        letters: Width of the panel in letters.
    """
    layout.prop(item, "rating", slider=True)
    column = layout.column(align=True)
    draw_lines(column, item.title or item.name, "SOUND", letters)
    seed = "" if item.seed == takes.NO_SEED else f"Seed {item.seed}, "
    column.label(text=f"{seed}{item.created}", icon="TIME", translate=False)


def has_edits(face: bpy.types.Object, item: takes.CSTALK_PG_take) -> bool:
    """Return whether a take holds hand edits; during playback read twice a second at most.

    Args:
        face: The face.
        item: The take.
    """
    key, now = (face.session_uid, item.take), time.monotonic()
    known = _edited.get(key)
    if known is None or not is_playing() or now - known[0] > EDITED_REST_S:
        # A handful of faces is drawn in a session, so that old entries need no limit.
        _edited[key] = known = (now, face_takes.is_edited(face, item))
    return known[1]


CLASSES = (CSTALK_UL_takes, CSTALK_PT_takes)
