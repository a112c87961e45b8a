"""Define the operators of the mapping: edit rows, reset, save, load, import, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ...errors import SessionError
from ...rig.binding import solved
from ...rig.binding import wiring as rig_wiring
from ...rig.mapping import presets
from .. import mapping_edits
from ..properties.mapping import mapped_mesh_or_none
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
        mapping_edits.close_channel(mesh, view.channel)
        view.channel = "" if view.channel == self.channel else self.channel
        if view.channel:
            mapping_edits.open_channel(mesh, self.channel)


class CSTALK_OT_mapping_add(MappingOperator, bpy.types.Operator):
    """Add a shape key that this channel moves"""

    bl_idname = "cstalk.mapping_add"
    bl_label = "Add Key"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    channel: bpy.props.StringProperty(options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Add an empty row."""
        mapping_edits.state_of(mesh).rows.add().channel = self.channel


class CSTALK_OT_mapping_remove(MappingOperator, bpy.types.Operator):
    """Remove this shape key from the channel; without any the channel moves nothing"""

    bl_idname = "cstalk.mapping_remove"
    bl_label = "Remove Key"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    row: bpy.props.IntProperty(options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Remove the row; the last row of a channel stays without a shape key."""
        mapping_edits.remove_row(mesh, self.row)


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
        mapping_edits.reset(mesh, self.channel)
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
        mapping_edits.use_base(mesh, self.base, self.preset)


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
        # A fit is saved as the routes that it has.
        if not rig_wiring.wiring_of(mesh).routing and solved.fit_or_none(mesh) is None:
            return "No channel moves a shape key"
        return None

    def change(self, context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Save the mapping and use it."""
        view = context.scene.cstalk_mapping_view
        path = mapping_edits.save_preset(mesh, view.preset_name.strip())
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
        mapping_edits.delete_preset(mesh)


class CSTALK_OT_mapping_import(MappingOperator, bpy.types.Operator, ImportHelper):
    """Import a mapping file, check it and store it with the saved mappings"""

    bl_idname = "cstalk.mapping_import"
    bl_label = "Import Mapping"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Import the selected file."""
        preset = mapping_edits.import_preset(mesh, Path(bpy.path.abspath(self.filepath)))
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
        presets.write(path, mapping_edits.preset_of(mesh, path.stem))
        self.report({"INFO"}, f"Wrote {path.name}")


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
