"""Define the operators of the page Hand Edits: discard, pin, adopt, jump."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ... import api
from ...errors import SceneChanged, SessionError
from ..properties.generate import chosen_face_or_none
from .direct import DirectOperator

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class EditOperator(DirectOperator):
    """Mix-in for operators on one edit, which is named by its curve and first frame."""

    owner: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    label: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    frame: bpy.props.FloatProperty(options={"HIDDEN", "SKIP_SAVE"})

    def edit_of(self, face: bpy.types.Object) -> api.HandEdit:
        """Return the edit as it is now.

        Raises:
            SceneChanged: It is gone.
        """
        for edit in api.hand_edits(face):
            is_same = (edit.owner, edit.label) == (self.owner, self.label)
            # Half a frame: the property is a float32.
            if is_same and abs(edit.first_frame - self.frame) < 0.5:
                return edit
        raise SceneChanged("The edit is gone", hint="Choose one of the list")

    def work(self, face: bpy.types.Object, edit: api.HandEdit) -> None:
        """Do what the button says."""

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Find the edit and work on it."""
        face = chosen_face_or_none(context)
        try:
            self.work(face, self.edit_of(face))
        except SessionError as error:
            return self.fail(error)
        return {"FINISHED"}


class CSTALK_OT_edit_discard(EditOperator, bpy.types.Operator):
    """Discard this edit: its frames are written again as generated and directed"""

    bl_idname = "cstalk.edit_discard"
    bl_label = "Discard Edit"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def work(self, face: bpy.types.Object, edit: api.HandEdit) -> None:
        """Discard the edit."""
        api.discard_edits(face, [edit])


class CSTALK_OT_edit_pin(EditOperator, bpy.types.Operator):
    """Pin this edit, or free it: Discard All leaves pinned edits as they are"""

    bl_idname = "cstalk.edit_pin"
    bl_label = "Pin Edit"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def work(self, face: bpy.types.Object, edit: api.HandEdit) -> None:
        """Pin the edit, or free a pinned one."""
        api.pin_edit(face, edit, is_pinned=not edit.is_pinned)


class CSTALK_OT_edit_adopt(EditOperator, bpy.types.Operator):
    """Adopt this edit: it becomes part of the performance, stays in it and is not listed"""

    bl_idname = "cstalk.edit_adopt"
    bl_label = "Adopt Edit"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def work(self, face: bpy.types.Object, edit: api.HandEdit) -> None:
        """Adopt the edit."""
        api.adopt_edit(face, edit)


class CSTALK_OT_edits_release(DirectOperator, bpy.types.Operator):
    """List all adopted edits as hand edits again; no key changes"""

    bl_idname = "cstalk.edits_release"
    bl_label = "Release Adopted"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Remove the marks of all adopted edits and say how many."""
        face = chosen_face_or_none(context)
        edits = [edit for edit in api.hand_edits(face, with_adopted=True) if edit.is_adopted]
        for edit in edits:
            api.adopt_edit(face, edit, is_adopted=False)
        self.report({"INFO"}, f"Released {len(edits)} edits")
        return {"FINISHED"}


class CSTALK_OT_edit_jump(EditOperator, bpy.types.Operator):
    """Jump to the first frame of this edit"""

    bl_idname = "cstalk.edit_jump"
    bl_label = "Jump to Edit"
    bl_options = {"REGISTER", "INTERNAL"}

    def work(self, _face: bpy.types.Object, edit: api.HandEdit) -> None:
        """Set the frame."""
        bpy.context.scene.frame_set(round(edit.first_frame))


class CSTALK_OT_edits_discard(DirectOperator, bpy.types.Operator):
    """Discard all hand edits that are not pinned; Ctrl+Z brings them back"""

    bl_idname = "cstalk.edits_discard"
    bl_label = "Discard All"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Discard the edits and say how many."""
        face = chosen_face_or_none(context)
        edits = [edit for edit in api.hand_edits(face) if not edit.is_pinned]
        try:
            if edits:
                api.discard_edits(face, edits)
        except SessionError as error:
            return self.fail(error)
        self.report({"INFO"}, f"Discarded {len(edits)} edits")
        return {"FINISHED"}


CLASSES = (
    CSTALK_OT_edit_discard,
    CSTALK_OT_edit_pin,
    CSTALK_OT_edit_adopt,
    CSTALK_OT_edits_release,
    CSTALK_OT_edit_jump,
    CSTALK_OT_edits_discard,
)
