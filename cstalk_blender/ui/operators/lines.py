"""Define the operators on the list of lines of a batch: tick, apply, jump, cast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...jobs.batch.request import Destination, LineStatus
from ...scene import audio
from ...scene import strip_lines as casting
from ...text import counted
from .. import line_requests
from ..properties.generate import chosen_face_or_none
from .batch import BatchOperator

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class CSTALK_OT_batch_tick(BatchOperator, bpy.types.Operator):
    """Tick all lines, none, or only those that failed"""

    bl_idname = "cstalk.batch_tick"
    bl_label = "Tick Lines"
    bl_options = {"REGISTER", "UNDO"}

    which: bpy.props.EnumProperty(
        name="Lines",
        description="Lines to tick (default: All)",
        items=[
            ("ALL", "All", "Tick all lines"),
            ("NONE", "None", "Tick no lines"),
            ("FAILED", "Failed", "Tick only lines that failed"),
        ],
    )

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Tick the lines."""
        for item in context.scene.cstalk_batch.lines:
            is_failed = item.state == LineStatus.FAILED
            # Lines are ticked by what the user asks, whatever was ticked before.
            item.use = self.which == "ALL" or (self.which == "FAILED" and is_failed)
        return {"FINISHED"}


class CSTALK_OT_batch_apply(BatchOperator, bpy.types.Operator):
    """Copy the character or emotion of the selected line to all ticked lines"""

    bl_idname = "cstalk.batch_apply"
    bl_label = "Apply to Ticked"
    bl_options = {"REGISTER", "UNDO"}

    what: bpy.props.EnumProperty(
        name="Value",
        description="Value to copy (default: Character)",
        items=[
            ("CHARACTER", "Character", "Copy the character"),
            ("EMOTION", "Emotion", "Copy emotion and intensity"),
        ],
    )

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Copy the values to the ticked lines."""
        settings = context.scene.cstalk_batch
        if not 0 <= settings.index < len(settings.lines):
            return {"CANCELLED"}
        chosen = settings.lines[settings.index]
        names = ("character",) if self.what == "CHARACTER" else ("emotion", "blend", "intensity")
        # Read before writing: the chosen line may be a ticked one.
        values = {name: getattr(chosen, name) for name in names}
        for item in settings.lines:
            if item.use:
                for name, value in values.items():
                    setattr(item, name, value)
        return {"FINISHED"}


class CSTALK_OT_batch_jump(BatchOperator, bpy.types.Operator):
    """Move the current frame to the start of the selected line"""

    bl_idname = "cstalk.batch_jump"
    bl_label = "Jump to Line"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a selected line whose frame is known."""
        if line_frame_or_none(context.scene) is None:
            return "The frame of this line is known when the lines before it are baked"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Set the current frame."""
        frame = line_frame_or_none(context.scene)
        assert frame is not None
        context.scene.frame_set(round(frame))
        return {"FINISHED"}


class CSTALK_OT_batch_role_add(BatchOperator, bpy.types.Operator):
    """Add a row to the cast for the face of the main panel"""

    bl_idname = "cstalk.batch_role_add"
    bl_label = "Add Cast Row"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Add the face with its name as the pattern."""
        settings = context.scene.cstalk_batch
        role = settings.roles.add()
        face = chosen_face_or_none(context)
        if face is not None and casting.face_of_or_none(face) is not None:
            # The face's name as a pattern is what most lists begin with.
            role.character, role.pattern = face, f"{face.name}*"
        settings.role_index = len(settings.roles) - 1
        return {"FINISHED"}


class CSTALK_OT_batch_role_remove(BatchOperator, bpy.types.Operator):
    """Remove the selected row of the cast"""

    bl_idname = "cstalk.batch_role_remove"
    bl_label = "Remove Cast Row"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a row."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        return None if len(context.scene.cstalk_batch.roles) else "The cast is empty"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Remove the row."""
        settings = context.scene.cstalk_batch
        settings.roles.remove(settings.role_index)
        # The selection stays in the list when its last row is removed.
        settings.role_index = min(settings.role_index, max(0, len(settings.roles) - 1))
        return {"FINISHED"}


def line_frame_or_none(scene: bpy.types.Scene) -> float | None:
    """Return the frame at which the selected line of a scene starts."""
    settings = scene.cstalk_batch
    if not 0 <= settings.index < len(settings.lines):
        return None
    frame = line_requests.item_frames(scene)[settings.index]
    # A cut line begins where its part of the file does.
    start_s = settings.lines[settings.index].cut_start_s
    return None if frame is None else frame + start_s * audio.frame_rate(scene)


def unassigned_text(context: bpy.types.Context) -> str:
    """Return what to do about ticked lines without a character; empty if there are none."""
    settings = context.scene.cstalk_batch
    if settings.destination == Destination.FILES:
        return ""
    # Strips of the sequencer name their speaker by channel, not by the panel's face.
    falls_back = settings.listed_from != casting.SEQUENCER
    has_face = falls_back and chosen_face_or_none(context) is not None
    count = sum(
        item.use and item.character is None and not (has_face and not item.role)
        for item in settings.lines
    )
    if not count:
        return ""
    verb = "has" if count == 1 else "have"
    face = "set Face in the main panel, or " if falls_back and not has_face else ""
    return f"{counted(count, 'line')} {verb} no character: {face}select one below"


CLASSES = (
    CSTALK_OT_batch_tick,
    CSTALK_OT_batch_apply,
    CSTALK_OT_batch_jump,
    CSTALK_OT_batch_role_add,
    CSTALK_OT_batch_role_remove,
)
