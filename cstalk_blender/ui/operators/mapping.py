"""Define the operators of the mapping: edit rows, reset, save, load, import, export."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ...errors import SessionError
from ...rig.binding import library, solved
from ...rig.binding import wiring as rig_wiring
from ...rig.fitting import solver
from ...rig.mapping import presets, routing
from ..properties.mapping import CSTALK_PG_mapping, mapped_mesh_or_none
from .base import OperatorBase

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

SUFFIX = ".json"


class MappingOperator(OperatorBase):
    """Mix-in for operators on the mapping of the mesh that is shown."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a mesh with editable shape keys."""
        mesh = mapped_mesh_or_none(context)
        if mesh is None:
            return "Select a mesh with shape keys"
        if not mesh.data.shape_keys.is_editable:
            return f"The shape keys of {mesh.name!r} are linked from another file"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Call `change`; an error is reported with its hint."""
        try:
            self.change(context, mapped_mesh_or_none(context))
        except SessionError as error:
            return self.fail(error)
        return {"FINISHED"}

    def change(self, context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Change the mapping of ``mesh``."""
        raise NotImplementedError


class CSTALK_OT_mapping_show(OperatorBase, bpy.types.Operator):
    """Show the mapping of this mesh"""

    bl_idname = "cstalk.mapping_show"
    bl_label = "Show Mapping"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    mesh: bpy.props.StringProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Show the mesh in the panel."""
        view = context.scene.cstalk_mapping_view
        view.mesh = context.scene.objects.get(self.mesh)
        view.channel = ""
        return {"FINISHED"}


class CSTALK_OT_mapping_edit(MappingOperator, bpy.types.Operator):
    """Edit the shape keys that this channel moves; click again to close"""

    bl_idname = "cstalk.mapping_edit"
    bl_label = "Edit Channel"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    channel: bpy.props.StringProperty(options={"HIDDEN"})

    def change(self, context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Open or close the rows of the channel."""
        view = context.scene.cstalk_mapping_view
        close_channel(mesh, view.channel)
        view.channel = "" if view.channel == self.channel else self.channel
        if view.channel:
            open_channel(mesh, self.channel)


class CSTALK_OT_mapping_add(MappingOperator, bpy.types.Operator):
    """Add a shape key that this channel moves"""

    bl_idname = "cstalk.mapping_add"
    bl_label = "Add Key"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    channel: bpy.props.StringProperty(options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Add an empty row."""
        state_of(mesh).rows.add().channel = self.channel


class CSTALK_OT_mapping_remove(MappingOperator, bpy.types.Operator):
    """Remove this shape key from the channel; without any the channel moves nothing"""

    bl_idname = "cstalk.mapping_remove"
    bl_label = "Remove Key"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    row: bpy.props.IntProperty(options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Remove the row; the last row of a channel stays without a shape key."""
        remove_row(mesh, self.row)


class CSTALK_OT_mapping_reset(MappingOperator, bpy.types.Operator):
    """Remove manual changes and use the names or the saved mapping again"""

    bl_idname = "cstalk.mapping_reset"
    bl_label = "Reset Mapping"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    channel: bpy.props.StringProperty(
        description="Channel to reset. Empty resets all and the saved mapping", options={"HIDDEN"}
    )

    def change(self, context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Reset one channel or all."""
        reset(mesh, self.channel)
        context.scene.cstalk_mapping_view.channel = ""


class CSTALK_OT_mapping_use(MappingOperator, bpy.types.Operator):
    """Use this mapping and remove manual changes"""

    bl_idname = "cstalk.mapping_use"
    bl_label = "Use Mapping"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    base: bpy.props.StringProperty(options={"HIDDEN"})
    preset: bpy.props.StringProperty(options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Set the source of the mapping."""
        use_base(mesh, self.base, self.preset)


class CSTALK_OT_mapping_save(MappingOperator, bpy.types.Operator):
    """Save the mapping under this name; faces with the same shape keys use it automatically"""

    bl_idname = "cstalk.mapping_save"
    bl_label = "Save Mapping"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a name and at least one mapped channel."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        if not context.scene.cstalk_mapping_view.preset_name.strip():
            return "Enter a name for the mapping"
        mesh = mapped_mesh_or_none(context)
        if not rig_wiring.wiring_of(mesh).routing and solved.fit_or_none(mesh) is None:
            return "No channel moves a shape key"
        return None

    def change(self, context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Save the mapping and use it."""
        view = context.scene.cstalk_mapping_view
        path = save_preset(mesh, view.preset_name.strip())
        view.channel = ""
        self.report({"INFO"}, f"Saved as {path.name}")


class CSTALK_OT_mapping_delete(MappingOperator, bpy.types.Operator):
    """Delete the file of the saved mapping in use, for all faces"""

    bl_idname = "cstalk.mapping_delete"
    bl_label = "Delete Mapping"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a saved mapping in use."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        in_use = rig_wiring.wiring_of(mapped_mesh_or_none(context)).preset
        return None if in_use is not None else "No saved mapping is in use"

    def invoke(
        self, context: bpy.types.Context, event: bpy.types.Event
    ) -> set[OperatorReturnItems]:
        """Ask for confirmation."""
        return context.window_manager.invoke_confirm(self, event)

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Delete the file and use the names again."""
        delete_preset(mesh)


class CSTALK_OT_mapping_import(MappingOperator, bpy.types.Operator, ImportHelper):
    """Import a mapping file, check it and store it with the saved mappings"""

    bl_idname = "cstalk.mapping_import"
    bl_label = "Import Mapping"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Import the selected file."""
        preset = import_preset(mesh, Path(bpy.path.abspath(self.filepath)))
        self.report({"INFO"}, f"Imported {preset.name!r}")


class CSTALK_OT_mapping_export(MappingOperator, bpy.types.Operator, ExportHelper):
    """Export the mapping to a file that can be imported elsewhere"""

    bl_idname = "cstalk.mapping_export"
    bl_label = "Export Mapping"
    bl_options = {"REGISTER"}

    filename_ext = SUFFIX
    filter_glob: bpy.props.StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Export to the selected file."""
        path = Path(bpy.path.abspath(self.filepath))
        presets.write(path, preset_of(mesh, path.stem))
        self.report({"INFO"}, f"Wrote {path.name}")


def state_of(mesh: bpy.types.Object) -> CSTALK_PG_mapping:
    """Return the user's mapping settings of ``mesh``."""
    return mesh.data.shape_keys.cstalk_mapping


def open_channel(mesh: bpy.types.Object, channel: str) -> None:
    """Write the routes of ``channel`` as editable rows, at least one.

    Args:
        mesh: A mesh with shape keys.
        channel: Name of the channel.
    """
    wiring = rig_wiring.wiring_of(mesh)
    if channel in wiring.own:
        return
    for route in wiring.routing.of(channel) or (None,):
        row = state_of(mesh).rows.add()
        row.channel = channel
        if route is not None:
            _fill(row, route)


def close_channel(mesh: bpy.types.Object, channel: str) -> None:
    """Remove the rows of ``channel`` if they equal the automatic mapping.

    Args:
        mesh: A mesh with shape keys.
        channel: Name of the channel.
    """
    wiring = rig_wiring.wiring_of(mesh)
    base = wiring.recognition.routing if wiring.preset is None else wiring.preset.routing
    written = wiring.own.get(channel)
    if written is not None and [_rounded(r) for r in written] == [
        _rounded(r) for r in base.of(channel)
    ]:
        _drop(mesh, channel)


def remove_row(mesh: bpy.types.Object, index: int) -> None:
    """Remove a row; the last one of a channel only loses its shape key.

    Without any row the automatic mapping would move the channel again.

    Args:
        mesh: A mesh with shape keys.
        index: Index of the row.

    Raises:
        BadPreset: There is no such row.
    """
    rows = state_of(mesh).rows
    if not 0 <= index < len(rows):
        raise presets.BadPreset(f"Row {index} does not exist", hint="Open the channel again")
    if sum(row.channel == rows[index].channel for row in rows) > 1:
        rows.remove(index)
    else:
        rows[index].target = ""


def reset(mesh: bpy.types.Object, channel: str = "") -> None:
    """Remove the rows of a channel.

    Args:
        mesh: A mesh with shape keys.
        channel: Name of the channel. Empty removes all rows and the saved mapping.
    """
    if channel:
        _drop(mesh, channel)
    else:
        use_base(mesh, "AUTO")


def use_base(mesh: bpy.types.Object, base: str, file_name: str = "") -> None:
    """Set the source of the mapping and remove all rows.

    Args:
        mesh: A mesh with shape keys.
        base: ``AUTO``, ``NAMES`` or ``PRESET``; empty is ``AUTO``.
        file_name: File of the saved mapping, for ``PRESET``.

    Raises:
        BadPreset: There is no such saved mapping.
    """
    if base == "PRESET" and library.mappings().named_or_none(file_name) is None:
        raise presets.BadPreset(
            f"Saved mapping not found: {file_name}", hint="Select another, or import it again"
        )
    state = state_of(mesh)
    state.rows.clear()
    state.base = base or "AUTO"
    state.preset = file_name


def preset_of(mesh: bpy.types.Object, name: str) -> presets.Preset:
    """Return the mapping of ``mesh`` as a preset; for a fitted face, the fit.

    Args:
        mesh: A mesh with shape keys.
        name: Name of the preset.
    """
    wiring = rig_wiring.wiring_of(mesh)
    fit = solved.fit_or_none(mesh)
    routing = wiring.usable if fit is None else solver.routing_of_fit(fit, source="Fit")
    return presets.Preset(name, rig_wiring.rig_of(wiring.shape_names), mesh.name, routing)


def save_preset(mesh: bpy.types.Object, name: str) -> Path:
    """Save the mapping of ``mesh`` and use the saved one.

    Args:
        mesh: A mesh with shape keys.
        name: Name of the preset.

    Raises:
        BadPreset: The file cannot be written.
    """
    path = presets.save(library.mappings().folder, preset_of(mesh, name))
    use_base(mesh, "PRESET", path.name)
    return path


def delete_preset(mesh: bpy.types.Object) -> None:
    """Delete the file of the preset that ``mesh`` uses.

    Raises:
        BadPreset: The file cannot be deleted.
    """
    in_use = rig_wiring.wiring_of(mesh).preset
    for path, preset in library.mappings().presets().items():
        if preset is in_use:
            try:
                path.unlink()
            except OSError as error:
                raise presets.BadPreset(
                    f"Cannot delete {path}: {error.strerror or error}",
                    hint="Close the program that has it open and delete again",
                ) from error
            break
    use_base(mesh, "AUTO")


def import_preset(mesh: bpy.types.Object, path: Path) -> presets.Preset:
    """Check the preset at ``path``, store a copy for the rig of ``mesh``, and use it.

    Args:
        mesh: A mesh with shape keys.
        path: A mapping file.

    Raises:
        BadPreset: It is no mapping file, or ``mesh`` has none of its shape keys.
    """
    preset = presets.load(path)
    names = rig_wiring.wiring_of(mesh).shape_names
    there = set(names).intersection(preset.routing.shape_names)
    if not there:
        raise presets.BadPreset(
            f"{mesh.name!r} has none of the {len(preset.routing.shape_names)} shape keys of "
            f"{preset.name!r}",
            hint="Select the mesh that the mapping was made for, or another mapping",
        )
    kept = dataclasses.replace(preset, fingerprint=rig_wiring.rig_of(names), mesh=mesh.name)
    saved = presets.save(library.mappings().folder, kept)
    use_base(mesh, "PRESET", saved.name)
    return kept


def _fill(row: bpy.types.PropertyGroup, route: routing.Route) -> None:
    row.kind = route.kind
    row.target = route.target
    row.gain = abs(route.gain)
    row.invert = route.gain < 0
    row.offset = route.offset


def _rounded(route: routing.Route) -> routing.Route:
    """Round gain and offset to the precision of Blender's float properties."""
    return dataclasses.replace(route, gain=round(route.gain, 5), offset=round(route.offset, 5))


def _drop(mesh: bpy.types.Object, channel: str) -> None:
    rows = state_of(mesh).rows
    for index in reversed(range(len(rows))):
        if rows[index].channel == channel:
            rows.remove(index)


CLASSES = (
    CSTALK_OT_mapping_show,
    CSTALK_OT_mapping_edit,
    CSTALK_OT_mapping_add,
    CSTALK_OT_mapping_remove,
    CSTALK_OT_mapping_reset,
    CSTALK_OT_mapping_use,
    CSTALK_OT_mapping_save,
    CSTALK_OT_mapping_delete,
    CSTALK_OT_mapping_import,
    CSTALK_OT_mapping_export,
)
