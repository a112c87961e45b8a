"""Define the operators that bring curves onto a face without the model: load and re-time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy_extras.io_utils import ImportHelper

from ... import api
from ...errors import BadBatch, SessionError
from ...package import choices, formats, layered, runtime_errors
from ...rig.binding import targets
from ...rig.keys import bake
from ...scene import audio, result, retime
from .. import generate_requests
from ..properties.generate import CSTALK_PG_scene, chosen_face_or_none
from .base import FaceOperator, IdleOperator

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class CSTALK_OT_load_curves(FaceOperator, bpy.types.Operator, ImportHelper):
    """Set keys from a curve file of Live Link Face, Audio2Face or CSTalk at the start frame"""

    bl_idname = "cstalk.load_curves"
    bl_label = "Load Curves"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{suffix}" for suffix in choices.CURVE_SUFFIXES), options={"HIDDEN"}
    )

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Bake the curves and check the face."""
        # "//" is a path beside the .blend file.
        path = Path(bpy.path.abspath(self.filepath))
        try:
            face, is_new = chosen_face_or_none(context), context.scene.cstalk.new_take
            report = load_curves(face, path, new_take=is_new)
        except SessionError as error:
            return self.fail(error)
        self.report({"INFO"}, f"{path.name}: {report.summary()}")
        return {"FINISHED"}


class CSTALK_OT_retime(IdleOperator, bpy.types.Operator):
    """Move the keys of the performance to the present start frame and frame rate"""

    bl_idname = "cstalk.retime"
    bl_label = "Re-time"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a performance with other times than those of the scene."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        face = chosen_face_or_none(context)
        if result.result_of_or_none(face) is None or not bake.has_bake(face):
            return "Generate a performance first"
        if not needs_retiming(context.scene, face):
            return "Start frame and frame rate have not changed"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Move the keys."""
        try:
            retime_face(context.scene, chosen_face_or_none(context))
        except SessionError as error:
            return self.fail(error)
        return {"FINISHED"}


def load_curves(face: bpy.types.Object, path: Path, *, new_take: bool = False) -> bake.BakeReport:
    """Bake a curve file onto a face at the start frame and store the result.

    Args:
        face: The face.
        path: A ``.csv`` of Live Link Face, a ``.json`` of Audio2Face or an ``.npz`` of CSTalk.
        new_take: Keep the take that plays, beside the new one.

    Raises:
        BadBatch: The file cannot be read.
        SessionError: The face cannot be animated; the scene is unchanged.
    """
    # With a prediction, so that loaded curves can be directed like generated ones.
    return api.bake(
        face,
        read_curves(path),
        name=path.name,
        identity=str(path.absolute()),
        new_take=new_take,
    )


def read_curves(path: Path) -> layered.LayeredCurves:
    """Return the curves of a file, with and without emotion where it tells them apart.

    Raises:
        BadBatch: The file cannot be read.
    """
    try:
        return formats.read_layered(path)
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint or "Choose another file") from fault


def needs_retiming(scene: bpy.types.Scene, face: bpy.types.Object) -> bool:
    """Return whether the keys are at other times than strip and frame rate ask for.

    Args:
        scene: Scene with the settings.
        face: A face with a result.
    """
    present = generate_requests.present_values(scene, face)
    return any(key in result.TIMES for key in result.changes(face.cstalk_result, present))


def retime_face(scene: bpy.types.Scene, face: bpy.types.Object) -> int:
    """Move the keys of a face to the scene's frame rate and to its strip, or the start frame.

    Args:
        scene: Scene with the settings.
        face: A face with a result.

    Returns:
        The number of moved F-curves.

    Raises:
        BadTarget: The face cannot be animated.
    """
    settings: CSTALK_PG_scene = scene.cstalk
    faces = targets.face_objects(face, with_companions=settings.with_companions)
    values = result.settings_of(face.cstalk_result)
    start, rate = generate_requests.start_frame_of(scene, face), audio.frame_rate(scene)
    before = retime.Timing.stretched(
        float(values["start_frame"]), float(values["frame_rate"]), values.get("stretching", 1.0)
    )
    stretching = round(audio.time_stretching(scene), 6)
    after = retime.Timing.stretched(float(start), rate, stretching)
    count = retime.retime(faces, before, after)
    # Only where the panel shows this audio: another one keeps its own start frame.
    if generate_requests.is_current_audio(scene, face):
        settings.start_frame = start
    result.set_times(face, start_frame=start, frame_rate=round(rate, 6), stretching=stretching)
    return count


CLASSES = (CSTALK_OT_load_curves, CSTALK_OT_retime)
