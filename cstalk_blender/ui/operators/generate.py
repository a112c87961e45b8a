"""The buttons. Each says why it is off; the work is done in functions that a test can call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy_extras.io_utils import ImportHelper

from ...errors import SessionError
from ...jobs import generate as jobs
from ...jobs import request as jobs_order
from ...package import protocol
from ...rig.binding import targets
from ...rig.keys import bake, strips
from ...scene import audio as sound
from ..properties.generate import chosen_face_or_none
from .base import OperatorBase

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class CSTALK_OT_load_audio(OperatorBase, bpy.types.Operator, ImportHelper):
    """Choose a speech file and place it on the sequencer at the start frame"""

    bl_idname = "cstalk.load_audio"
    bl_label = "Load Audio"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{extension}" for extension in sound.AUDIO_EXTENSIONS),
        options={"HIDDEN"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """A scene from another file cannot take a sound."""
        return None if context.scene.is_editable else "The scene is linked from another file"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Place the chosen file."""
        try:
            load_audio(context.scene, Path(bpy.path.abspath(self.filepath)))
        except SessionError as error:
            return self.fail(error)
        return {"FINISHED"}


class CSTALK_OT_generate(OperatorBase, bpy.types.Operator):
    """Listen to the speech and key the face; Blender stays usable meanwhile"""

    bl_idname = "cstalk.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """A face, a speech, and nothing under way."""
        if jobs.current_job().is_busy:
            return "A performance is being made: wait for it, or cancel it"
        face = chosen_face_or_none(context)
        if face is None:
            return "Choose the face: no mesh is picked or active"
        if (problem := targets.problem_or_none(face)) is not None:
            return f"{problem}. {problem.hint}"
        audio = context.scene.cstalk.audio_path
        if audio is None:
            return "Load a speech file first"
        if not audio.is_file():
            return f"The speech file is gone: {audio}. Load it again"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Order a performance; without a window, where no timer runs, wait for it."""
        studio = jobs.current_job()
        try:
            studio.start(scene_order(context))
        except SessionError as error:
            studio.error = error  # the box in the panel stays when the pop-up is gone
            return self.fail(error)
        if bpy.app.background:
            studio.wait()
            if studio.error is not None:
                return self.fail(studio.error)
        return {"FINISHED"}


class CSTALK_OT_cancel(OperatorBase, bpy.types.Operator):
    """Stop generating; the scene stays as it was"""

    bl_idname = "cstalk.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """There must be something to stop."""
        return None if jobs.current_job().is_busy else "Nothing is being made"

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Ask for the end."""
        jobs.current_job().cancel()
        return {"FINISHED"}


class CSTALK_OT_clear(OperatorBase, bpy.types.Operator):
    """Take the performance off the face and put back its own Action, values and slider ranges"""

    bl_idname = "cstalk.clear"
    bl_label = "Clear"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """A face with a performance of ours, and nothing under way."""
        if jobs.current_job().is_busy:
            return "A performance is being made: wait for it, or cancel it"
        face = chosen_face_or_none(context)
        if face is None:
            return "Choose the face: no mesh is picked or active"
        if not bake.has_bake(face):
            return f"There is no CSTalk performance on {face.name!r}"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Clear the face and its companions."""
        settings = context.scene.cstalk
        cleared = clear_face(chosen_face_or_none(context), settings.with_companions)
        settings.made = ""
        jobs.current_job().outcome = None
        self.report({"INFO"}, f"Cleared {', '.join(cleared)}")
        return {"FINISHED"}


class CSTALK_OT_copy_error_details(OperatorBase, bpy.types.Operator):
    """Copy the error, with the end of the model's log, to the clipboard"""

    bl_idname = "cstalk.copy_error_details"
    bl_label = "Copy Details"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """There must be an error."""
        return "There is no error" if jobs.current_job().error is None else None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Copy."""
        context.window_manager.clipboard = error_details()
        self.report({"INFO"}, "Copied")
        return {"FINISHED"}


class CSTALK_OT_dismiss_error(OperatorBase, bpy.types.Operator):
    """Close the error box"""

    bl_idname = "cstalk.dismiss_error"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """There must be an error."""
        return "There is no error" if jobs.current_job().error is None else None

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Forget the error."""
        jobs.current_job().error = None
        return {"FINISHED"}


def load_audio(scene: bpy.types.Scene, path: Path) -> sound.PlacedSound:
    """Make ``path`` the speech of ``scene``: on the sequencer, at the start frame.

    Raises:
        BadSound: Missing, or no sound; the scene is as it was.
    """
    settings = scene.cstalk
    placed = sound.place(scene, path, settings.start_frame)
    settings.audio = str(path)
    settings.audio_seconds = placed.seconds
    return placed


def clear_face(face: bpy.types.Object, with_companions: bool) -> list[str]:
    """Take our performances off ``face`` and its companions; names of those that had one."""
    is_face = targets.problem_or_none(face) is None  # not when its shape keys were renamed since
    faces = targets.face_objects(face, with_companions=with_companions) if is_face else [face]
    had = [one.name for one in faces if bake.has_bake(one)]
    strips.clear_lines(faces)
    bake.clear_bake(faces)
    return had


def scene_order(context: bpy.types.Context) -> jobs_order.Order:
    """The order that the scene's settings describe.

    Raises:
        SessionError: They describe none.
    """
    settings = context.scene.cstalk
    performance = protocol.Performance(
        audio=settings.audio_path,
        fps=settings.keys_per_second or sound.frame_rate(context.scene),
        emotion_keys=(protocol.EmotionKey(0.0, settings.emotion, settings.intensity),),
        seed=settings.seed,
        blink=settings.blink,
    )
    return jobs_order.order_for(
        context.scene,
        chosen_face_or_none(context),
        performance,
        start_frame=settings.start_frame,
        with_companions=settings.with_companions,
    )


def error_details() -> str:
    """The last error for a bug report; empty when there is none."""
    error = jobs.current_job().error
    if error is None:
        return ""
    versions = f"Blender {bpy.app.version_string}, protocol {protocol.PROTOCOL_VERSION}"
    return f"{versions}\n{error.report()}"


CLASSES = (
    CSTALK_OT_load_audio,
    CSTALK_OT_generate,
    CSTALK_OT_cancel,
    CSTALK_OT_clear,
    CSTALK_OT_copy_error_details,
    CSTALK_OT_dismiss_error,
)
