"""Draw the page Direct: layers of a generated performance, region by region."""

from __future__ import annotations

import bpy

from ...jobs import direct as direct_job
from ...jobs import open_jobs
from ...scene import direction, predictions
from ...text import byte_size
from ..operators import direct as operators
from ..operators import ranges as range_operators
from ..properties.generate import chosen_face_or_none
from .generate import SidebarPanel, draw_lines, letters_across

CONSTANTS = ("smoothing_ms", "timing_ms")
"""Settings without keys over time."""


class DirectPanel(SidebarPanel):
    """Mix-in for panels of faces with a performance that can be directed."""

    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Show the panel for faces with a performance."""
        face = chosen_face_or_none(context)
        return predictions.entry_or_none(face) is not None and direct_job.can_direct(face)


class CSTALK_PT_direct(DirectPanel, bpy.types.Panel):
    """Layers over the whole face and over each region."""

    bl_label = "Direct"
    bl_parent_id = "CSTALK_PT_main"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw presets, the whole face, the regions and the stored data."""
        layout, letters = self.layout, letters_across(context)
        face = chosen_face_or_none(context)
        settings = face.cstalk_direction
        has_emotion = predictions.entry_or_none(face).has_emotion
        draw_preview(layout, face, letters)
        layout.prop(context.scene.cstalk, "show_curves", toggle=True, icon="GRAPH")
        row = layout.row(align=True)
        row.menu(CSTALK_MT_direct_presets.__name__, icon="PRESET")
        row.operator(operators.CSTALK_OT_direct_save.bl_idname, text="", icon="ADD")
        row.operator(operators.CSTALK_OT_direct_reset.bl_idname, icon="LOOP_BACK")
        draw_layers(layout, settings.overall, has_emotion=has_emotion, is_overall=True)
        draw_range(layout, face, context.scene, direction.OVERALL)
        column = split_column(layout)
        for name in direction.FACE_NUMBERS:
            column.prop(settings, name, slider=True)
        column.use_property_decorate = False
        for name in direction.FACE_CONSTANTS:
            column.prop(settings, name, slider=True)
        draw_regions(layout, settings)
        box = draw_region(layout, settings, has_emotion=has_emotion)
        draw_range(box, face, context.scene, settings.opened)
        draw_update(layout, face, letters)
        draw_data(layout, face)


class CSTALK_PT_direct_channels(DirectPanel, bpy.types.Panel):
    """Corrections of single channels."""

    bl_label = "Channels"
    bl_parent_id = "CSTALK_PT_direct"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw gain and offset of the corrected channels."""
        column = self.layout.column(align=True)
        listed = chosen_face_or_none(context).cstalk_direction.channels
        # Plain rows: a list with its own scrolling has no place for two numbers a line.
        for item in listed:
            row = column.row(align=True)
            row.label(text=item.name, translate=False)
            row.prop(item, "gain", text="")
            row.prop(item, "offset", text="")
            button = row.operator(
                operators.CSTALK_OT_direct_channel_remove.bl_idname, text="", icon="X"
            )
            button.channel = item.name
        self.layout.operator(operators.CSTALK_OT_direct_channel_add.bl_idname, icon="ADD")


class CSTALK_MT_direct_presets(bpy.types.Menu):
    """Presets of the extension and the user's own."""

    bl_label = "Presets"

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw an entry for each preset."""
        for is_own in (False, True):
            found = operators.presets(is_own=is_own)
            if is_own and found:
                self.layout.separator()
            for key, preset in found.items():
                row = self.layout.row()
                button = row.operator(
                    operators.CSTALK_OT_direct_preset.bl_idname, text=preset.name, translate=False
                )
                button.preset, button.is_own = key, is_own
                if is_own:
                    delete = operators.CSTALK_OT_direct_preset_delete.bl_idname
                    row.operator(delete, text="", icon="TRASH").preset = key


def draw_preview(layout: bpy.types.UILayout, face: bpy.types.Object, letters: int) -> None:
    """Draw the start of the preview, or its two ends.

    Args:
        layout: Where to draw.
        face: The face.
        letters: Width of the panel in letters.
    """
    # One row in both states, so that nothing below it moves.
    row = layout.row(align=True)
    if direct_job.is_previewed(face):
        row.operator(operators.CSTALK_OT_direct_preview_bake.bl_idname, icon="CHECKMARK")
        row.operator(operators.CSTALK_OT_direct_preview_discard.bl_idname, icon="X")
    else:
        row.operator(operators.CSTALK_OT_direct_preview.bl_idname, icon="PLAY")
    job = open_jobs.PREVIEW.current_or_none
    if job is not None and job.error is not None:
        draw_lines(layout, f"{job.error}. {job.error.hint}", "ERROR", letters)


def split_column(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """Return a column whose properties have their names at the left and dots for keys."""
    column = layout.column(align=True)
    column.use_property_split = True
    return column


def draw_layers(
    layout: bpy.types.UILayout,
    layers: direction.CSTALK_PG_layers,
    *,
    has_emotion: bool,
    is_overall: bool = False,
) -> None:
    """Draw the numbers of one region, or of the whole face.

    Args:
        layout: Where to draw.
        layers: The settings.
        has_emotion: Speech and emotion are known apart.
        is_overall: The settings are those of the whole face, which has no offset.
    """
    column = split_column(layout)
    for name in direction.NUMBERS:
        if is_overall and name == "offset":
            continue
        row = column.row()
        row.active = has_emotion or name not in ("emotion", "speech")
        row.use_property_decorate = name not in CONSTANTS
        row.prop(layers, name, slider=True)
    if is_overall:
        column.prop(layers, "mirror")


def draw_range(
    layout: bpy.types.UILayout, face: bpy.types.Object, scene: bpy.types.Scene, region: str
) -> None:
    """Draw the range of a region's layers, or the button that limits them to one.

    Args:
        layout: Where to draw.
        face: The face.
        scene: Its scene.
        region: A name of `direction.REGIONS`, or `direction.OVERALL`.
    """
    part = getattr(face.cstalk_direction, region)
    row = layout.row(align=True)
    if part.range_end_s <= part.range_start_s:
        row.operator(range_operators.CSTALK_OT_direct_range.bl_idname).region = region
        return
    start, rate = direct_job.place_of(face, scene)
    first, last = (start + second * rate for second in (part.range_start_s, part.range_end_s))
    row.label(text=f"Frames {first:.0f}-{last:.0f}", icon="PREVIEW_RANGE", translate=False)
    clear = range_operators.CSTALK_OT_direct_range_clear.bl_idname
    row.operator(clear, text="", icon="X").region = region
    column = split_column(layout)
    column.use_property_decorate = False
    for name in direction.RANGE:
        column.prop(part, name)


def draw_regions(layout: bpy.types.UILayout, settings: direction.CSTALK_PG_direction) -> None:
    """Draw strength, mute, solo and mirror of every region, and which one is opened.

    Args:
        layout: Where to draw.
        settings: Settings of the face.
    """
    column = layout.column(align=True)
    for name in direction.REGIONS:
        layers = getattr(settings, name)
        row = column.row(align=True)
        row.prop_enum(settings, "opened", name, text="", icon=opened_icon(settings, name))
        row.prop(layers, "strength", text=name.capitalize(), slider=True)
        row.prop(layers, "mute", text="", icon="HIDE_ON" if layers.mute else "HIDE_OFF")
        row.prop(layers, "solo", text="", icon="SOLO_ON" if layers.solo else "SOLO_OFF")
        row.prop(layers, "mirror", text="", icon="MOD_MIRROR")


def opened_icon(settings: direction.CSTALK_PG_direction, name: str) -> str:
    """Return the icon of the button that opens a region.

    Args:
        settings: Settings of the face.
        name: The region.
    """
    return "DOWNARROW_HLT" if settings.opened == name else "RIGHTARROW"


def draw_region(
    layout: bpy.types.UILayout, settings: direction.CSTALK_PG_direction, *, has_emotion: bool
) -> bpy.types.UILayout:
    """Draw all settings of the opened region; return its box.

    Args:
        layout: Where to draw.
        settings: Settings of the face.
        has_emotion: Speech and emotion are known apart.
    """
    box, name = layout.box(), settings.opened
    row = box.row()
    row.label(text=name.capitalize())
    button = row.operator(
        operators.CSTALK_OT_direct_reset.bl_idname, text="", icon="LOOP_BACK", emboss=False
    )
    button.region = name
    draw_layers(box, getattr(settings, name), has_emotion=has_emotion)
    return box


def draw_update(layout: bpy.types.UILayout, face: bpy.types.Object, letters: int) -> None:
    """Draw which settings have keys, the button that samples them, and an error.

    Args:
        layout: Where to draw.
        face: The face.
        letters: Width of the panel in letters.
    """
    keyed = direction.keyed_settings(face)
    if keyed:
        draw_lines(layout, f"Keys on: {', '.join(keyed)}", "KEYFRAME", letters)
    row = layout.row()
    row.active = direct_job.is_stale(face)
    row.operator(operators.CSTALK_OT_direct_update.bl_idname, icon="FILE_REFRESH")
    job = open_jobs.DIRECT.current_or_none
    if job is not None and job.error is not None:
        draw_lines(layout, f"{job.error}. {job.error.hint}", "ERROR", letters)


def draw_data(layout: bpy.types.UILayout, face: bpy.types.Object) -> None:
    """Draw the size of the stored prediction, and the button that removes it.

    Args:
        layout: Where to draw.
        face: The face.
    """
    row = layout.row()
    size = byte_size(predictions.size_bytes(face))
    row.label(text=f"Stored: {size}", icon="FILE_BLEND", translate=False)
    row.operator(operators.CSTALK_OT_remove_data.bl_idname, icon="TRASH")


CLASSES = (
    CSTALK_MT_direct_presets,
    CSTALK_PT_direct,
    CSTALK_PT_direct_channels,
)
