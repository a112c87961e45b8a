"""Define the operators of the rig page: fit a face, seal lips, head motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...errors import SessionError
from ...rig.binding import basis as solver_basis
from ...rig.binding import solved
from ...rig.binding import wiring as rig_wiring
from ...rig.drive import eyes
from ...rig.keys import bake
from ...rig.verify import seal
from ...scene import audio as sound
from ...scene import result
from ..properties.generate import chosen_face_or_none
from .base import IdleOperator, OperatorBase

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class CSTALK_OT_solve_face(OperatorBase, bpy.types.Operator):
    """Fit this face's own shape keys and jaw bone to the 52 channels"""

    bl_idname = "cstalk.solve_face"
    bl_label = "Fit This Face"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require an editable mesh with shape keys that is not in Edit Mode."""
        face = chosen_face_or_none(context)
        key = getattr(getattr(face, "data", None), "shape_keys", None)
        if face is None or key is None:
            return "Select a mesh with shape keys"
        if not face.is_editable or not key.is_editable:
            return f"{face.name!r} is linked from another file"
        if face.mode == "EDIT":
            return "Leave Edit Mode"
        if solved.fit_or_none(face) is None and _has_all_channels(face):
            return "All channels are found by name: no fit needed"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Fit the face and store the fit with the object."""
        face = chosen_face_or_none(context)
        try:
            loss = solve_face(face)
        except SessionError as error:
            return self.fail(error)
        self.report({"INFO"}, f"{face.name}: {loss_text(loss)}")
        return {"FINISHED"}


class CSTALK_OT_solve_face_from(OperatorBase, bpy.types.Operator):
    """Fit this face to the selected head with ARKit shape keys instead of the demo head"""

    bl_idname = "cstalk.solve_face_from"
    bl_label = "Fit to Selected"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a face that can be fitted and one other selected mesh with shape keys."""
        if (reason := CSTALK_OT_solve_face.disabled_reason(context)) is not None:
            return reason
        if source_head_or_none(context) is None:
            return "Set the face above, then select one other mesh with ARKit shape keys"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Fit the face to the selected head."""
        face, head = chosen_face_or_none(context), source_head_or_none(context)
        try:
            loss = solve_face(face, head)
        except SessionError as error:
            return self.fail(error)
        self.report({"INFO"}, f"{face.name}, from {head.name}: {loss_text(loss)}")
        return {"FINISHED"}


class CSTALK_OT_head_motion(OperatorBase, bpy.types.Operator):
    """Apply yaw, pitch and roll of a performance to this face's head bone"""

    bl_idname = "cstalk.head_motion"
    bl_label = "Head Bone Motion"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require an editable face whose armature has a head or neck bone."""
        face = chosen_face_or_none(context)
        if eyes.head_bone_or_none(face) is None:
            return "The armature of this face has no head or neck bone"
        if not face.is_editable:
            return f"{face.name!r} is linked from another file"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Toggle head motion for the next bake."""
        face = chosen_face_or_none(context)
        eyes.turn_head(face, on=not eyes.turns_head(face))
        return {"FINISHED"}


class CSTALK_OT_forget_solution(OperatorBase, bpy.types.Operator):
    """Remove the fit of this face and use the names of its shape keys again"""

    bl_idname = "cstalk.forget_solution"
    bl_label = "Remove Fit"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a fit."""
        fitted = solved.fit_or_none(chosen_face_or_none(context)) is not None
        return None if fitted else "This face has no fit"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Remove the fit."""
        solved.remove_fit(chosen_face_or_none(context))
        return {"FINISHED"}


class CSTALK_OT_seal_lips(IdleOperator, bpy.types.Operator):
    """Add mouth closing where lips must meet but stay open on this mesh"""

    bl_idname = "cstalk.seal_lips"
    bl_label = "Seal the Lips"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a face with a performance and no running job."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        face = chosen_face_or_none(context)
        if face is None or not bake.has_bake(face):
            return "Generate a performance first"
        # ``is False``: a result of an older release has no such entry, and is not known to be
        # closed.
        if result.details_of(face.cstalk_result).get("lips_open") is False:
            return "The lips meet at all closures"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Seal the lips and report what changed."""
        face = chosen_face_or_none(context)
        try:
            report = seal.seal_lips(face, sound.frame_rate(context.scene))
        except SessionError as error:
            return self.fail(error)
        result.add_note(face, "seal", report.summary())
        self.report({"INFO"}, report.summary())
        return {"FINISHED"}


def source_head_or_none(context: bpy.types.Context) -> bpy.types.Object | None:
    """Return the one selected mesh with shape keys other than the face of the panel."""
    face = chosen_face_or_none(context)
    others = [
        other
        for other in context.selected_objects
        if other != face and getattr(other.data, "shape_keys", None) is not None
    ]
    # With several others it is unknown which one is meant.
    return others[0] if len(others) == 1 else None


def solve_face(face: bpy.types.Object, head: bpy.types.Object | None = None) -> solved.Loss:
    """Fit ``face`` and store the fit with it.

    Args:
        face: The face to fit.
        head: A head with ARKit shape keys to fit to; None for the demo head.

    Raises:
        BadTarget: It has no usable shape keys, or its mouth is not found; nothing is changed.
    """
    source = None if head is None else solver_basis.source_of_face(head)
    # Solved before anything is stored: an error leaves an earlier fit.
    fit = solver_basis.fit_face(face, source).fit
    solved.store_fit(face, fit)
    return solved.loss_of(fit)


def loss_text(loss: solved.Loss) -> str:
    """Return the first sentence about what the fit cannot show."""
    return next(iter(loss.sentences()), "all movements fit")


def _has_all_channels(face: bpy.types.Object) -> bool:
    wiring = rig_wiring.wiring_of(face)
    # Every movement has a name: a fit would be an approximation of what is exact.
    return len(wiring.usable.channels) == wiring.recognition.total


CLASSES = (
    CSTALK_OT_solve_face,
    CSTALK_OT_solve_face_from,
    CSTALK_OT_forget_solution,
    CSTALK_OT_head_motion,
    CSTALK_OT_seal_lips,
)
