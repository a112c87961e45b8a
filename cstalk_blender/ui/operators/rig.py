"""The buttons for faces without ARKit names, and for lips that do not meet on a rig."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...errors import SessionError
from ...jobs import generate as jobs
from ...rig.binding import basis as solver_basis
from ...rig.binding import solved
from ...rig.drive import eyes
from ...rig.keys import bake
from ...rig.verify import seal
from ...scene import audio as sound
from ..properties.generate import chosen_face_or_none
from .base import OperatorBase

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class CSTALK_OT_solve_face(OperatorBase, bpy.types.Operator):
    """Work out how this face's own shape keys and jaw bone make the movements of speech"""

    bl_idname = "cstalk.solve_face"
    bl_label = "Fit This Face"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """A mesh of this file with shape keys, in Object Mode."""
        face = chosen_face_or_none(context)
        key = getattr(getattr(face, "data", None), "shape_keys", None)
        if face is None or key is None:
            return "Choose the face: a mesh with shape keys"
        if not face.is_editable or not key.is_editable:
            return f"{face.name!r} is linked from another file"
        if face.mode == "EDIT":
            return "Leave Edit Mode first"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Fit, and keep the fit with the object."""
        face = chosen_face_or_none(context)
        try:
            loss = solve_face(face)
        except SessionError as error:
            return self.fail(error)
        lines = loss.sentences()
        self.report({"INFO"}, f"{face.name}: {lines[0] if lines else 'all movements fit'}")
        return {"FINISHED"}


class CSTALK_OT_solve_face_from(OperatorBase, bpy.types.Operator):
    """Fit this face to the movements of the selected ARKit head instead of the demo head's"""

    bl_idname = "cstalk.solve_face_from"
    bl_label = "Fit to the Selected Head"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """A face that can be fitted, and exactly one other mesh with shape keys selected."""
        if (reason := CSTALK_OT_solve_face.disabled_reason(context)) is not None:
            return reason
        if source_head_or_none(context) is None:
            return "Choose the face above, then select one other head, with ARKit shape keys"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Fit, and say whose movements were learnt."""
        face, head = chosen_face_or_none(context), source_head_or_none(context)
        try:
            loss = solve_face(face, head)
        except SessionError as error:
            return self.fail(error)
        lines = loss.sentences()
        told = lines[0] if lines else "all movements fit"
        self.report({"INFO"}, f"{face.name}, from {head.name}: {told}")
        return {"FINISHED"}


class CSTALK_OT_head_motion(OperatorBase, bpy.types.Operator):
    """Let head turns of a performance (Live Link's yaw, pitch, roll) move this face's head bone"""

    bl_idname = "cstalk.head_motion"
    bl_label = "Head Motion onto the Bone"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """A face with a head or neck bone, of this file."""
        face = chosen_face_or_none(context)
        if eyes.head_bone_or_none(face) is None:
            return "This face's armature has no bone head or neck"
        if not face.is_editable:
            return f"{face.name!r} is linked from another file"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Switch it over; the next bake heeds it."""
        face = chosen_face_or_none(context)
        eyes.turn_head(face, on=not eyes.turns_head(face))
        return {"FINISHED"}


class CSTALK_OT_forget_solution(OperatorBase, bpy.types.Operator):
    """Drop the fit of this face and go back to the names of its shape keys"""

    bl_idname = "cstalk.forget_solution"
    bl_label = "Forget the Fit"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """There must be a fit."""
        fitted = solved.fit_or_none(chosen_face_or_none(context)) is not None
        return None if fitted else "This face was not fitted"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Forget."""
        solved.forget(chosen_face_or_none(context))
        return {"FINISHED"}


class CSTALK_OT_seal_lips(OperatorBase, bpy.types.Operator):
    """Add closing where the lips should meet and do not, as computed from this mesh"""

    bl_idname = "cstalk.seal_lips"
    bl_label = "Seal the Lips"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """A face with a performance, and nothing under way."""
        if jobs.current_job().is_busy:
            return "A performance is being made: wait for it, or cancel it"
        face = chosen_face_or_none(context)
        if face is None or not bake.has_bake(face):
            return "Generate a performance first"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Seal, and say what changed."""
        face = chosen_face_or_none(context)
        try:
            report = seal.seal_lips(face, sound.frame_rate(context.scene))
        except SessionError as error:
            return self.fail(error)
        self.report({"INFO"}, report.summary())
        return {"FINISHED"}


def source_head_or_none(context: bpy.types.Context) -> bpy.types.Object | None:
    """The one selected mesh with shape keys beside the chosen face."""
    face = chosen_face_or_none(context)
    others = [
        other
        for other in context.selected_objects
        if other != face and getattr(other.data, "shape_keys", None) is not None
    ]
    return others[0] if len(others) == 1 else None


def solve_face(face: bpy.types.Object, head: bpy.types.Object | None = None) -> solved.Loss:
    """Fit ``face`` and keep the fit with it.

    Args:
        face: The face to fit.
        head: A head with ARKit shapes whose movements are asked for; None for the demo head.

    Raises:
        BadTarget: It has no keys to use, or its mouth cannot be found; nothing was changed.
    """
    source = None if head is None else solver_basis.source_of_face(head)
    fit = solver_basis.fit_face(face, source).fit
    solved.keep(face, fit)
    return solved.loss_of(fit)


CLASSES = (
    CSTALK_OT_solve_face,
    CSTALK_OT_solve_face_from,
    CSTALK_OT_forget_solution,
    CSTALK_OT_head_motion,
    CSTALK_OT_seal_lips,
)
"""To be registered, in this order."""
