"""Draw the mapping panel: channels, their shape keys, and what is missing or doubtful."""

from __future__ import annotations

import bpy

from ...rig.binding import library, solved
from ...rig.binding import wiring as rig_wiring
from ...rig.mapping import coverage, recognise
from ..operators import mapping as buttons
from ..properties.generate import chosen_face_or_none
from ..properties.mapping import CSTALK_PG_mapping_view, mapped_mesh_or_none, meshes_of, regions
from .generate import SidebarPanel, draw_lines, letters_across

STATUS_ICONS = {"mapped": "CHECKMARK", "doubtful": "QUESTION", "missing": "REMOVE"}
BUTTON_LETTERS = 3
"""Width in letters of the button behind a channel."""
LISTED_PRESETS = 20
"""Saved mappings in the menu; others can be imported."""


class CSTALK_PT_mapping(SidebarPanel, bpy.types.Panel):
    """Shape keys of each channel, for each mesh of the face."""

    bl_label = "Mapping"
    bl_parent_id = "CSTALK_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw meshes, source, regions and saving."""
        layout = self.layout
        letters = letters_across(context)
        mesh = mapped_mesh_or_none(context)
        if mesh is None:
            draw_lines(layout, "Select a mesh with shape keys", "INFO", letters)
            return
        view = context.scene.cstalk_mapping_view
        wiring = rig_wiring.wiring_of(mesh)
        draw_meshes(layout, context, mesh)
        draw_source(layout, mesh, wiring, letters)
        draw_regions(layout, mesh, wiring, view, letters)
        draw_saving(layout, view)
        for refused in library.refused_families():
            draw_lines(layout, f"{refused}. {refused.hint}", "ERROR", letters)


class CSTALK_MT_mapping_presets(bpy.types.Menu):
    """Source of the mapping: names, or a saved mapping."""

    bl_label = "Mapping Source"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the entries: automatic, names, saved mappings of this rig and others, files."""
        mesh = mapped_mesh_or_none(context)
        if mesh is None:
            return
        draw_choice(self.layout, "Automatic", "AUTO", "", "FILE_REFRESH")
        draw_choice(self.layout, "Names Only", "NAMES", "", "SORTALPHA")
        rig = rig_wiring.rig_of(rig_wiring.wiring_of(mesh).shape_names)
        found = list(library.mappings().presets().items())[:LISTED_PRESETS]
        for is_of_rig in (True, False):
            group = [(p, preset) for p, preset in found if (preset.fingerprint == rig) == is_of_rig]
            if group:
                self.layout.separator()
            for path, preset in group:
                icon = "CHECKMARK" if is_of_rig else "BLANK1"
                draw_choice(self.layout, preset.name, "PRESET", path.name, icon)
        self.layout.separator()
        self.layout.operator(buttons.CSTALK_OT_mapping_import.bl_idname, icon="IMPORT")
        self.layout.operator(buttons.CSTALK_OT_mapping_export.bl_idname, icon="EXPORT")


def draw_choice(layout: bpy.types.UILayout, text: str, base: str, preset: str, icon: str) -> None:
    """Draw an entry of the menu.

    Args:
        layout: Where to draw.
        text: Label.
        base: Source of the mapping, see `CSTALK_PG_mapping.base`.
        preset: File of the saved mapping.
        icon: Icon name.
    """
    button = layout.operator(buttons.CSTALK_OT_mapping_use.bl_idname, text=text, icon=icon)
    button.base = base
    button.preset = preset


def draw_meshes(
    layout: bpy.types.UILayout, context: bpy.types.Context, shown: bpy.types.Object
) -> None:
    """Draw the meshes of the face with their number of channels, if there are several.

    Args:
        layout: Where to draw.
        context: Blender's context.
        shown: The mesh whose mapping is shown.
    """
    meshes = meshes_of(chosen_face_or_none(context))
    if len(meshes) < 2:
        return
    column = layout.column(align=True)
    for mesh in meshes:
        wiring = rig_wiring.wiring_of(mesh)
        part = recognise.part_of(mesh.name, mesh.data.name)
        what = "" if part == "other" else f", {part}"
        text = f"{mesh.name}{what}: {len(wiring.usable.channels)} of {wiring.recognition.total}"
        button = column.operator(
            buttons.CSTALK_OT_mapping_show.bl_idname, text=text, depress=mesh == shown
        )
        button.mesh = mesh.name


def draw_source(
    layout: bpy.types.UILayout, mesh: bpy.types.Object, wiring: rig_wiring.Wiring, letters: int
) -> None:
    """Draw the source of the mapping and notes about it.

    Args:
        layout: Where to draw.
        mesh: The mesh that is shown.
        wiring: Its mapping.
        letters: Width of the panel in letters.
    """
    column = layout.column(align=True)
    row = column.row(align=True)
    row.menu(CSTALK_MT_mapping_presets.__name__, text=source_text(wiring))
    if wiring.preset is not None:
        row.operator(buttons.CSTALK_OT_mapping_delete.bl_idname, text="", icon="TRASH")
    found, total = len(wiring.usable.channels), wiring.recognition.total
    draw_lines(column, f"{found} of {total} channels move this mesh", "NONE", letters)
    if solved.fit_or_none(mesh) is not None:
        text = "The fit of this face is used. Remove it under Rig to use this mapping"
        draw_lines(column, text, "INFO", letters)
    family = wiring.recognition.family
    if family is not None and family.advice and wiring.preset is None:
        draw_lines(column, family.advice, "INFO", letters)
    if wiring.lost_preset:
        text = f'Saved mapping "{wiring.lost_preset}" not found; the names are used'
        draw_lines(column, text, "ERROR", letters)
    if wiring.own or wiring.preset is not None:
        column.operator(buttons.CSTALK_OT_mapping_reset.bl_idname, icon="LOOP_BACK").channel = ""


def draw_regions(
    layout: bpy.types.UILayout,
    mesh: bpy.types.Object,
    wiring: rig_wiring.Wiring,
    view: CSTALK_PG_mapping_view,
    letters: int,
) -> None:
    """Draw a row per region, with its channels if it is open.

    Args:
        layout: Where to draw.
        mesh: The mesh that is shown.
        wiring: Its mapping.
        view: State of the panel.
        letters: Width of the panel in letters.
    """
    reports = wiring.reports()
    layout.prop(view, "only_problems")
    column = layout.column(align=True)
    for region, numbers in coverage.counts(reports).items():
        index = regions().index(region)
        is_open = view.open[index]
        row = column.row(align=True)
        row.alignment = "LEFT"
        row.emboss = "NONE"
        icon = "TRIA_DOWN" if is_open else "TRIA_RIGHT"
        text = region_text(region, numbers)
        row.prop(view, "open", index=index, text=text, icon=icon)
        if is_open:
            box = column.box().column(align=True)
            for report in reports:
                if report.region == region and (
                    not view.only_problems
                    or report.status != "mapped"
                    or report.channel == view.channel
                ):
                    draw_channel(box, mesh, report, view, letters)


def draw_channel(
    layout: bpy.types.UILayout,
    mesh: bpy.types.Object,
    report: coverage.ChannelReport,
    view: CSTALK_PG_mapping_view,
    letters: int,
) -> None:
    """Draw a channel with its state, its shape keys and, when it is open, its rows.

    Args:
        layout: Where to draw.
        mesh: The mesh that is shown.
        report: The channel.
        view: State of the panel.
        letters: Width of the panel in letters.
    """
    row = layout.row(align=True)
    keys = keys_text(report)
    fits = len(report.channel) + len(keys) + len(" ") <= letters - BUTTON_LETTERS
    text = f"{report.channel} {keys}" if keys and fits else report.channel
    row.label(text=text, icon=STATUS_ICONS[report.status], translate=False)
    is_open = view.channel == report.channel
    button = row.operator(
        buttons.CSTALK_OT_mapping_edit.bl_idname, text="", icon="GREASEPENCIL", depress=is_open
    )
    button.channel = report.channel
    quiet = layout.column(align=True)
    quiet.active = False
    for line in ("" if fits else keys, report.reason):
        if line:
            draw_lines(quiet, line, "BLANK1", letters - BUTTON_LETTERS)
    if is_open:
        draw_rows(layout.box().column(align=True), mesh, report.channel)


def draw_rows(layout: bpy.types.UILayout, mesh: bpy.types.Object, channel: str) -> None:
    """Draw the editable rows of a channel.

    Args:
        layout: Where to draw.
        mesh: The mesh that is shown.
        channel: Name of the channel.
    """
    key = mesh.data.shape_keys
    for index, entry in enumerate(key.cstalk_mapping.rows):
        if entry.channel != channel:
            continue
        line = layout.row(align=True)
        if entry.kind == "shape":
            line.prop_search(entry, "target", key, "key_blocks", text="", icon="SHAPEKEY_DATA")
        else:
            line.prop(entry, "target", text=entry.kind.capitalize())
        line.operator(buttons.CSTALK_OT_mapping_remove.bl_idname, text="", icon="X").row = index
        line = layout.row(align=True)
        line.prop(entry, "gain")
        line.prop(entry, "offset")
        line.prop(entry, "invert", text="", icon="ARROW_LEFTRIGHT")
        layout.separator(factor=0.5)
    line = layout.row(align=True)
    add = line.operator(buttons.CSTALK_OT_mapping_add.bl_idname, icon="ADD")
    add.channel = channel
    reset = line.operator(
        buttons.CSTALK_OT_mapping_reset.bl_idname, text="Automatic", icon="LOOP_BACK"
    )
    reset.channel = channel


def draw_saving(layout: bpy.types.UILayout, view: CSTALK_PG_mapping_view) -> None:
    """Draw the name of a mapping and the button that saves it."""
    row = layout.row(align=True)
    row.prop(view, "preset_name", text="", placeholder="Name")
    row.operator(buttons.CSTALK_OT_mapping_save.bl_idname, text="Save", icon="FILE_TICK")


def source_text(wiring: rig_wiring.Wiring) -> str:
    """Return the family or saved mapping, and the number of manual changes."""
    title = wiring.recognition.title if wiring.preset is None else wiring.routing.source
    if wiring.preset is None and wiring.own:
        count = len(wiring.own)
        title += f", {count} manual"
    return title


def region_text(region: str, numbers: dict[coverage.Status, int]) -> str:
    """Return the counts of a region: "Mouth: 22 of 24, 1 doubtful".

    Args:
        region: Name of the region.
        numbers: Channels by state.
    """
    total = sum(numbers.values())
    text = f"{region.capitalize()}: {total - numbers['missing']} of {total}"
    return text + (f", {numbers['doubtful']} doubtful" if numbers["doubtful"] else "")


def keys_text(report: coverage.ChannelReport) -> str:
    """Return the shape key of a channel, or their number; with the gain if it is not 1.

    Empty where the key is named as the channel.
    """
    names = [route.target for route in report.routes]
    if len(names) > 1:
        return f"{len(names)} keys"
    if not names or (names[0] == report.channel and report.routes[0].gain == 1):
        return ""
    gain = report.routes[0].gain
    return names[0] if gain == 1 else f"{names[0]} x {gain:.2g}"


CLASSES = (CSTALK_MT_mapping_presets, CSTALK_PT_mapping)
