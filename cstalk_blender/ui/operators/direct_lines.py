"""Define the operators that direct lines of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...direct.direction import Direction
from ...errors import SessionError
from ...jobs import direct_lines
from ...scene import direction
from ..properties.generate import chosen_face_or_none
from .base import IdleOperator

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class LinesOperator(IdleOperator):
    """Mix-in for operators that direct lines of the chosen face."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require lines with stored predictions, and no running job."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        is_there = direct_lines.can_direct(chosen_face_or_none(context))
        return None if is_there else "Bake lines as NLA strips first"

    def direct(self, face: bpy.types.Object, settings: Direction) -> set[OperatorReturnItems]:
        """Write the selected lines of a face and report what was left.

        Args:
            face: The face.
            settings: The direction.
        """
        try:
            actions = direct_lines.lines_of(face, is_selected=True)
            found = direct_lines.direct(face, settings, actions)
        except SessionError as error:
            return self.fail(error)
        for note in found.notes:
            self.report({"WARNING"}, note)
        self.report({"INFO"}, f"Lines written: {len(found.lines)}")
        return {"FINISHED"}


class CSTALK_OT_direct_lines(LinesOperator, bpy.types.Operator):
    """Write the selected strips of this face's lines with the settings of this frame"""

    bl_idname = "cstalk.direct_lines"
    bl_label = "Apply to Lines"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Write the lines as directed."""
        face = chosen_face_or_none(context)
        return self.direct(face, direction.direction_of(face))


class CSTALK_OT_direct_lines_reset(LinesOperator, bpy.types.Operator):
    """Write the selected strips of this face's lines as generated; the settings stay"""

    bl_idname = "cstalk.direct_lines_reset"
    bl_label = "Reset Lines"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Write the lines as generated."""
        return self.direct(chosen_face_or_none(context), Direction())


CLASSES = (CSTALK_OT_direct_lines, CSTALK_OT_direct_lines_reset)
