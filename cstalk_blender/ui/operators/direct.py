"""Define the operators of the page Direct: presets, preview, reset, update, channels, data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ... import api
from ...direct import direction as directions
from ...direct import preset_files
from ...errors import SessionError
from ...jobs import direct as direct_job
from ...jobs import direct_lines, open_jobs
from ...rig.binding import library
from ...scene import direction, predictions
from ...text import byte_size
from ..properties.generate import chosen_face_or_none
from .base import IdleOperator

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

PRESET_FOLDER = "directions"
"""Folder of the user's presets in the extension's user folder."""


class DirectOperator(IdleOperator):
    """Mix-in for operators that change the direction of the chosen face and bake it."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a performance or lines that can be directed, and no running job."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        face = chosen_face_or_none(context)
        has_keys = direct_job.can_direct(face) or direct_lines.can_direct(face)
        return None if has_keys else "Generate a performance first"

    def change(self, face: bpy.types.Object) -> None:
        """Change the settings of the face; the keys follow."""

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Change the settings and write the keys."""
        face = chosen_face_or_none(context)
        try:
            with direction.held_changes():
                self.change(face)
            if direct_job.is_previewed(face):
                open_jobs.PREVIEW.current.changed(face)
            elif direct_job.can_direct(face):  # lines wait for Apply to Lines
                api.direct(face)
        except SessionError as error:
            return self.fail(error)
        return {"FINISHED"}


class CSTALK_OT_direct_update(DirectOperator, bpy.types.Operator):
    """Write the keys again, with the keys that lie on the settings; hand edits are kept"""

    bl_idname = "cstalk.direct_update"
    bl_label = "Update Keys"
    bl_options = {"REGISTER", "UNDO"}


class CSTALK_OT_direct_preview(DirectOperator, bpy.types.Operator):
    """Play the settings on the face without writing keys, until Bake or Discard (default: off)"""

    bl_idname = "cstalk.direct_preview"
    bl_label = "Live Preview"
    # Nothing of the file changes, so there is nothing to undo.
    bl_options = {"REGISTER", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Start the preview."""
        try:
            open_jobs.PREVIEW.current.start(chosen_face_or_none(context), context.scene)
        except SessionError as error:
            return self.fail(error)
        return {"FINISHED"}


class PreviewOperator(IdleOperator):
    """Mix-in for operators that end the preview of the chosen face."""

    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a preview of the face, and no running job."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        is_on = direct_job.is_previewed(chosen_face_or_none(context))
        return None if is_on else "Start Live Preview first"


class CSTALK_OT_direct_preview_bake(PreviewOperator, bpy.types.Operator):
    """End the preview and write what it shows as keys; hand edits are kept"""

    bl_idname = "cstalk.direct_preview_bake"
    bl_label = "Bake"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Write the keys."""
        try:
            open_jobs.PREVIEW.current.bake(chosen_face_or_none(context), context.scene)
        except SessionError as error:
            return self.fail(error)
        return {"FINISHED"}


class CSTALK_OT_direct_preview_discard(PreviewOperator, bpy.types.Operator):
    """End the preview and restore the settings from its start; no key changes"""

    bl_idname = "cstalk.direct_preview_discard"
    bl_label = "Discard"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Restore the settings."""
        open_jobs.PREVIEW.current.discard(chosen_face_or_none(context))
        return {"FINISHED"}


class CSTALK_OT_direct_reset(DirectOperator, bpy.types.Operator):
    """Reset the settings of this region, or all of them, to the performance as generated"""

    bl_idname = "cstalk.direct_reset"
    bl_label = "Reset"
    bl_options = {"REGISTER", "UNDO"}

    region: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def change(self, face: bpy.types.Object) -> None:
        """Reset one region, or everything."""
        if not self.region:
            direction.write(face, directions.Direction())  # ranges too
            return
        direction.reset_region(face, self.region)


class CSTALK_OT_direct_preset(DirectOperator, bpy.types.Operator):
    """Set all settings of the page to those of this preset"""

    bl_idname = "cstalk.direct_preset"
    bl_label = "Apply Preset"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    preset: bpy.props.StringProperty(options={"HIDDEN"})
    is_own: bpy.props.BoolProperty(options={"HIDDEN"})

    @classmethod
    def description(
        cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties
    ) -> str:
        """Return the description of the preset."""
        found = presets(is_own=properties.is_own).get(properties.preset)
        return found.description if found is not None and found.description else str(cls.__doc__)

    def change(self, face: bpy.types.Object) -> None:
        """Write the settings of the preset."""
        found = presets(is_own=self.is_own).get(self.preset)
        if found is None:
            raise preset_files.BadDirectionFile(
                f"Preset not found: {self.preset}", hint="Open the menu again"
            )
        # The range says where to act, and a preset how: it acts where the user has chosen.
        direction.write(face, found.direction.with_ranges(direction.direction_of(face)))


class CSTALK_OT_direct_save(DirectOperator, bpy.types.Operator):
    """Save the settings of the page as a preset of yours, for all files"""

    bl_idname = "cstalk.direct_save"
    bl_label = "Save Preset"
    bl_options = {"REGISTER", "INTERNAL"}

    name: bpy.props.StringProperty(
        name="Name", description="Name of the preset; one of the same name is replaced"
    )

    def invoke(
        self, context: bpy.types.Context, _event: bpy.types.Event
    ) -> set[OperatorReturnItems]:
        """Ask for the name."""
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Write the file."""
        face, name = chosen_face_or_none(context), self.name.strip()
        try:
            if not name:
                raise preset_files.BadDirectionFile("The preset has no name", hint="Enter a name")
            # Without ranges, which have no meaning in another clip.
            made = direction.direction_of(face).with_ranges(directions.Direction())
            preset = preset_files.DirectionPreset(name, made)
            path = preset_files.save(library.folder(PRESET_FOLDER), preset)
        except SessionError as error:
            return self.fail(error)
        self.report({"INFO"}, f"Saved as {path.name}")
        return {"FINISHED"}


class CSTALK_OT_direct_preset_delete(IdleOperator, bpy.types.Operator):
    """Delete this preset of yours from the disk"""

    bl_idname = "cstalk.direct_preset_delete"
    bl_label = "Delete Preset"
    bl_options = {"REGISTER", "INTERNAL"}

    preset: bpy.props.StringProperty(options={"HIDDEN"})

    def invoke(
        self, context: bpy.types.Context, event: bpy.types.Event
    ) -> set[OperatorReturnItems]:
        """Ask first: a deleted file cannot be undone."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Delete the file."""
        try:
            preset_files.delete(library.folder(PRESET_FOLDER), self.preset)
        except SessionError as error:
            return self.fail(error)
        self.report({"INFO"}, f"Deleted {self.preset}")
        return {"FINISHED"}


_items: list[tuple[str, str, str]] = []
"""Blender keeps no reference to the texts of a dynamic enum."""


def _channel_items(_self: object, context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    face = None if context is None else chosen_face_or_none(context)
    found = predictions.load_or_none(face)
    names = () if found is None else found.channels
    _items[:] = [(name, name, f"Correct {name}") for name in names] or [("", "", "")]
    return _items


class CSTALK_OT_direct_channel_add(DirectOperator, bpy.types.Operator):
    """Add a channel of the performance to correct it alone, after all other settings"""

    bl_idname = "cstalk.direct_channel_add"
    bl_label = "Add Channel"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}
    bl_property = "channel"

    channel: bpy.props.EnumProperty(
        name="Channel",
        description="Channel of the performance",
        items=_channel_items,
    )

    def invoke(
        self, context: bpy.types.Context, _event: bpy.types.Event
    ) -> set[OperatorReturnItems]:
        """Let the user search for the channel."""
        context.window_manager.invoke_search_popup(self)
        return {"CANCELLED"}

    def change(self, face: bpy.types.Object) -> None:
        """Add the channel unless it is listed."""
        listed = face.cstalk_direction.channels
        if self.channel not in listed:
            listed.add().name = self.channel


class CSTALK_OT_direct_channel_remove(DirectOperator, bpy.types.Operator):
    """Remove the correction of this channel"""

    bl_idname = "cstalk.direct_channel_remove"
    bl_label = "Remove Channel"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    channel: bpy.props.StringProperty(options={"HIDDEN"})

    def change(self, face: bpy.types.Object) -> None:
        """Remove the channel from the list."""
        listed = face.cstalk_direction.channels
        if self.channel in listed:
            listed.remove(listed.find(self.channel))


class CSTALK_OT_remove_data(IdleOperator, bpy.types.Operator):
    """Remove the stored prediction from the file; the keys stay, but cannot be directed any more"""

    bl_idname = "cstalk.remove_data"
    bl_label = "Remove Data"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require stored predictions."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        face = chosen_face_or_none(context)
        has_data = predictions.entry_or_none(face) is not None or direct_lines.can_direct(face)
        return None if has_data else "The face has no stored prediction"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Remove the predictions."""
        freed = api.remove_data(chosen_face_or_none(context))
        self.report({"INFO"}, f"Removed {byte_size(freed)}")
        return {"FINISHED"}


def presets(*, is_own: bool) -> dict[str, preset_files.DirectionPreset]:
    """Return the presets of the extension, or the user's own, by key.

    Args:
        is_own: The user's own.
    """
    return preset_files.own(library.folder(PRESET_FOLDER)) if is_own else preset_files.bundled()


CLASSES = (
    CSTALK_OT_direct_preview,
    CSTALK_OT_direct_preview_bake,
    CSTALK_OT_direct_preview_discard,
    CSTALK_OT_direct_update,
    CSTALK_OT_direct_reset,
    CSTALK_OT_direct_preset,
    CSTALK_OT_direct_save,
    CSTALK_OT_direct_preset_delete,
    CSTALK_OT_direct_channel_add,
    CSTALK_OT_direct_channel_remove,
    CSTALK_OT_remove_data,
)
