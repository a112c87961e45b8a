"""Provide what all operators share: the reason of a disabled button, and error reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...errors import SessionError
from ...jobs import generate as jobs
from ...rig.binding import targets
from ..properties.generate import chosen_face_or_none

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


BUSY = "Generation is running: wait for it, or cancel it"
"""Reason of buttons that cannot be used while a performance is generated."""


class OperatorBase:
    """Mix-in for operators whose disabled button states the reason in its tooltip."""

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Return why the operator cannot run now; None when it can."""
        return None

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Return whether the operator can run; Blender shows the reason on the button."""
        reason = cls.disabled_reason(context)
        if reason is not None:
            # Blender shows the reason in the tooltip of the disabled button.
            cls.poll_message_set(reason)
        return reason is None

    def fail(self, error: SessionError) -> set[OperatorReturnItems]:
        """Report ``error`` with its hint and cancel."""
        # Message and hint in one line: a pop-up shows no second one.
        self.report({"ERROR"}, f"{error}. {error.hint}".strip())
        return {"CANCELLED"}


class IdleOperator(OperatorBase):
    """Mix-in for operators that cannot be used while a performance is generated."""

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require that Generate is not running."""
        return BUSY if jobs.current_job().is_busy else None


class ChosenFaceOperator(IdleOperator):
    """Mix-in for operators on the chosen face, whatever its state."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a chosen face and no running job."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        if chosen_face_or_none(context) is None:
            return "Select a face: no mesh is set or active"
        return None


class FaceOperator(ChosenFaceOperator):
    """Mix-in for operators that bake onto the chosen face."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a face that can be animated, and no running job."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        problem = targets.problem_or_none(chosen_face_or_none(context))
        return None if problem is None else f"{problem}. {problem.hint}"
