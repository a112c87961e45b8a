"""The buttons of the mapping: fix a channel, add and remove keys, reset, save, load, share."""

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


class OfMesh(OperatorBase):
    """Mix-in: an operator on the mapping of the mesh that is shown."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """There must be a mesh with shape keys of our own file."""
        mesh = mapped_mesh_or_none(context)
        if mesh is None:
            return "Choose a face: a mesh with shape keys"
        if not mesh.data.shape_keys.is_editable:
            return f"The shape keys of {mesh.name!r} are linked from another file"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Do it; an error is reported with its hint."""
        try:
            self.change(context, mapped_mesh_or_none(context))
        except SessionError as error:
            return self.fail(error)
        return {"FINISHED"}

    def change(self, context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """What the button does."""
        raise NotImplementedError


class CSTALK_OT_mapping_show(OperatorBase, bpy.types.Operator):
    """Show the mapping of this mesh"""

    bl_idname = "cstalk.mapping_show"
    bl_label = "Show Mapping"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    mesh: bpy.props.StringProperty(options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Always on."""
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Point the view at the mesh."""
        view = context.scene.cstalk_mapping_view
        view.mesh = context.scene.objects.get(self.mesh)
        view.channel = ""
        return {"FINISHED"}


class CSTALK_OT_mapping_edit(OfMesh, bpy.types.Operator):
    """Choose by hand which shape keys this channel moves, and how far; click again to close"""

    bl_idname = "cstalk.mapping_edit"
    bl_label = "Change Channel"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    channel: bpy.props.StringProperty(options={"HIDDEN"})

    def change(self, context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Open or close."""
        view = context.scene.cstalk_mapping_view
        close_channel(mesh, view.channel)
        view.channel = "" if view.channel == self.channel else self.channel
        if view.channel:
            open_channel(mesh, self.channel)


class CSTALK_OT_mapping_add(OfMesh, bpy.types.Operator):
    """Let this channel move one more shape key"""

    bl_idname = "cstalk.mapping_add"
    bl_label = "Add Key"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    channel: bpy.props.StringProperty(options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Add an empty row."""
        state_of(mesh).rows.add().channel = self.channel


class CSTALK_OT_mapping_remove(OfMesh, bpy.types.Operator):
    """Take this shape key from the channel; without any key the channel moves nothing"""

    bl_idname = "cstalk.mapping_remove"
    bl_label = "Remove Key"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    row: bpy.props.IntProperty(options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Remove the row; the last one of its channel stays, without a key."""
        remove_row(mesh, self.row)


class CSTALK_OT_mapping_reset(OfMesh, bpy.types.Operator):
    """Forget what was chosen by hand and go back to the names or the preset"""

    bl_idname = "cstalk.mapping_reset"
    bl_label = "Reset to Automatic"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    channel: bpy.props.StringProperty(
        description="Channel to reset; empty for all, presets included", options={"HIDDEN"}
    )

    def change(self, context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Reset one channel or all."""
        reset(mesh, self.channel)
        context.scene.cstalk_mapping_view.channel = ""


class CSTALK_OT_mapping_use(OfMesh, bpy.types.Operator):
    """Take the mapping from here; rows that were changed by hand are dropped"""

    bl_idname = "cstalk.mapping_use"
    bl_label = "Use Mapping"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    base: bpy.props.StringProperty(options={"HIDDEN"})
    preset: bpy.props.StringProperty(options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Use names, a preset, or whichever is found."""
        use_base(mesh, self.base, self.preset)


class CSTALK_OT_mapping_save(OfMesh, bpy.types.Operator):
    """Save the mapping under this name; faces with the same shape keys find it by themselves"""

    bl_idname = "cstalk.mapping_save"
    bl_label = "Save Mapping"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """It needs a name and something to save."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        if not context.scene.cstalk_mapping_view.preset_name.strip():
            return "Type a name for the mapping first"
        mesh = mapped_mesh_or_none(context)
        if not rig_wiring.wiring_of(mesh).routing and solved.fit_or_none(mesh) is None:
            return "There is nothing to save: no channel moves a shape key"
        return None

    def change(self, context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Save it and use it from now on."""
        view = context.scene.cstalk_mapping_view
        path = save_preset(mesh, view.preset_name.strip())
        view.channel = ""
        self.report({"INFO"}, f"Saved as {path.name}")


class CSTALK_OT_mapping_delete(OfMesh, bpy.types.Operator):
    """Delete the saved mapping that is used here; the file is gone for all faces"""

    bl_idname = "cstalk.mapping_delete"
    bl_label = "Delete Saved Mapping"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """A saved mapping must be in use."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        in_use = rig_wiring.wiring_of(mapped_mesh_or_none(context)).preset
        return None if in_use is not None else "No saved mapping is in use"

    def invoke(
        self, context: bpy.types.Context, event: bpy.types.Event
    ) -> set[OperatorReturnItems]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Delete the file and go back to the names."""
        delete_preset(mesh)


class CSTALK_OT_mapping_import(OfMesh, bpy.types.Operator, ImportHelper):
    """Load a mapping from a file that somebody shared; it is checked and kept with your own"""

    bl_idname = "cstalk.mapping_import"
    bl_label = "Import Mapping"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Import the chosen file."""
        preset = import_preset(mesh, Path(bpy.path.abspath(self.filepath)))
        self.report({"INFO"}, f"Imported {preset.name!r}")


class CSTALK_OT_mapping_export(OfMesh, bpy.types.Operator, ExportHelper):
    """Write the mapping to a file that others can import"""

    bl_idname = "cstalk.mapping_export"
    bl_label = "Export Mapping"
    bl_options = {"REGISTER"}

    filename_ext = SUFFIX
    filter_glob: bpy.props.StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    def change(self, _context: bpy.types.Context, mesh: bpy.types.Object) -> None:
        """Export to the chosen file."""
        path = Path(bpy.path.abspath(self.filepath))
        presets.write(path, preset_of(mesh, path.stem))
        self.report({"INFO"}, f"Wrote {path.name}")


def state_of(mesh: bpy.types.Object) -> CSTALK_PG_mapping:
    """The person's decisions on ``mesh``."""
    return mesh.data.shape_keys.cstalk_mapping


def open_channel(mesh: bpy.types.Object, channel: str) -> None:
    """Write the routes of ``channel`` as rows, at least one, so that they can be changed."""
    wiring = rig_wiring.wiring_of(mesh)
    if channel in wiring.own:
        return
    for route in wiring.routing.of(channel) or (None,):
        row = state_of(mesh).rows.add()
        row.channel = channel
        if route is not None:
            _fill(row, route)


def close_channel(mesh: bpy.types.Object, channel: str) -> None:
    """Drop the rows of ``channel`` where they say what would be there without them."""
    wiring = rig_wiring.wiring_of(mesh)
    base = wiring.recognition.routing if wiring.preset is None else wiring.preset.routing
    written = wiring.own.get(channel)
    if written is not None and [_rounded(r) for r in written] == [
        _rounded(r) for r in base.of(channel)
    ]:
        _drop(mesh, channel)


def remove_row(mesh: bpy.types.Object, index: int) -> None:
    """Remove a row; the last of its channel loses its key only, for without it names would count.

    Raises:
        BadPreset: There is no such row.
    """
    rows = state_of(mesh).rows
    if not 0 <= index < len(rows):
        raise presets.BadPreset(f"There is no row {index}", hint="Open the channel again")
    if sum(row.channel == rows[index].channel for row in rows) > 1:
        rows.remove(index)
    else:
        rows[index].target = ""


def reset(mesh: bpy.types.Object, channel: str = "") -> None:
    """Forget the rows of ``channel``; with an empty one all rows and the choice of a preset."""
    if channel:
        _drop(mesh, channel)
    else:
        use_base(mesh, "AUTO")


def use_base(mesh: bpy.types.Object, base: str, file_name: str = "") -> None:
    """Take the mapping from names, the preset ``file_name`` or whichever is there; drop rows.

    Raises:
        BadPreset: There is no such preset.
    """
    if base == "PRESET" and library.mappings().named_or_none(file_name) is None:
        raise presets.BadPreset(
            f"The saved mapping {file_name!r} is gone", hint="Choose another, or import it again"
        )
    state = state_of(mesh)
    state.rows.clear()
    state.base = base or "AUTO"
    state.preset = file_name


def preset_of(mesh: bpy.types.Object, name: str) -> presets.Preset:
    """All that moves ``mesh``, as a preset; of a fitted face the solved matrix."""
    wiring = rig_wiring.wiring_of(mesh)
    fit = solved.fit_or_none(mesh)
    routing = wiring.usable if fit is None else solver.routing_of_fit(fit, source="Fit")
    return presets.Preset(name, rig_wiring.rig_of(wiring.shape_names), mesh.name, routing)


def save_preset(mesh: bpy.types.Object, name: str) -> Path:
    """Save what moves ``mesh`` and use it from now on. Raises BadPreset."""
    path = presets.save(library.mappings().folder, preset_of(mesh, name))
    use_base(mesh, "PRESET", path.name)
    return path


def delete_preset(mesh: bpy.types.Object) -> None:
    """Delete the file of the preset that ``mesh`` uses. Raises BadPreset."""
    in_use = rig_wiring.wiring_of(mesh).preset
    for path, preset in library.mappings().presets().items():
        if preset is in_use:
            try:
                path.unlink()
            except OSError as error:
                raise presets.BadPreset(
                    f"Cannot delete {path}: {error.strerror or error}",
                    hint="Close what has it open, then delete again",
                ) from error
            break
    use_base(mesh, "AUTO")


def import_preset(mesh: bpy.types.Object, path: Path) -> presets.Preset:
    """Check the preset at ``path``, keep a copy for the rig of ``mesh``, and use it.

    Raises:
        BadPreset: It is none, or none of its shape keys is on ``mesh``.
    """
    preset = presets.load(path)
    names = rig_wiring.wiring_of(mesh).shape_names
    there = set(names).intersection(preset.routing.shape_names)
    if not there:
        raise presets.BadPreset(
            f"None of the {len(preset.routing.shape_names)} shape keys of {preset.name!r} is on "
            f"{mesh.name!r}",
            hint="Choose the mesh that it was made for, or another mapping",
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
    """As Blender's float properties keep it."""
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
