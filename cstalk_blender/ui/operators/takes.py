"""Define the operators of the page Takes: play, delete, Try Five."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ... import api
from ...errors import SessionError
from ...jobs import takes as face_takes
from .. import generate_requests
from ..properties.generate import chosen_face_or_none
from .base import ChosenFaceOperator
from .generate import AudioOperator

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

TRIED_SEEDS = 5


class TakeOperator(ChosenFaceOperator):
    """Mix-in for operators on a take of the chosen face."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a face with takes and no running job."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        face = chosen_face_or_none(context)
        return None if len(face.cstalk_takes.items) else f"{face.name!r} has no takes"


class CSTALK_OT_take_play(TakeOperator, bpy.types.Operator):
    """Play this take: its keys with their hand edits, its settings of Direct and its result"""

    bl_idname = "cstalk.take_play"
    bl_label = "Play Take"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    take: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Switch to the take."""
        try:
            api.play_take(chosen_face_or_none(context), self.take)
        except SessionError as error:
            return self.fail(error)
        return {"FINISHED"}


class CSTALK_OT_take_delete(TakeOperator, bpy.types.Operator):
    """Delete the selected take; Actions that you edited, renamed or use elsewhere are kept"""

    bl_idname = "cstalk.take_delete"
    bl_label = "Delete Take"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Delete the take and say what was kept."""
        face = chosen_face_or_none(context)
        held = face.cstalk_takes
        item = held.items[min(max(held.index, 0), len(held.items) - 1)]
        name = item.name
        try:
            kept = face_takes.delete(face, item.take)
        except SessionError as error:
            return self.fail(error)
        self.report({"INFO"}, f"Deleted {name}")
        for sentence in kept:
            self.report({"WARNING"}, sentence)
        return {"FINISHED"}


class CSTALK_OT_try_five(AudioOperator, bpy.types.Operator):
    """Generate five new takes with five seeds that this clip has no take of, one after the other"""

    bl_idname = "cstalk.try_five"
    bl_label = "Try Five"
    bl_options = {"REGISTER"}

    def start(self, context: bpy.types.Context) -> None:
        """Queue five requests."""
        settings = context.scene.cstalk
        seeds = unused_seeds(chosen_face_or_none(context), str(settings.audio_path), settings.seed)
        api.start_all(generate_requests.requests_of(context, seeds))


def unused_seeds(
    face: bpy.types.Object, clip: str, first: int, count: int = TRIED_SEEDS
) -> list[int]:
    """Return the lowest seeds that no take of a clip has.

    Args:
        face: The face.
        clip: Path of the audio file.
        first: Lowest seed.
        count: Number of seeds.
    """
    used = {one.seed for one in face.cstalk_takes.items if one.clip == clip}
    free = (seed for seed in range(first, first + len(used) + count) if seed not in used)
    return list(free)[:count]


CLASSES = (CSTALK_OT_take_play, CSTALK_OT_take_delete, CSTALK_OT_try_five)
