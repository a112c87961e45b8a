"""Define the operators of the main panel: load audio, generate, cancel, clear."""

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
from ...rig.keys import bake
from ...scene import audio as sound
from ..properties.acting import acting_of
from ..properties.generate import CSTALK_PG_scene, chosen_face_or_none
from .base import BUSY, OperatorBase

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class CSTALK_OT_load_audio(OperatorBase, bpy.types.Operator, ImportHelper):
    """Choose an audio file and add it to the sequencer at the start frame"""

    bl_idname = "cstalk.load_audio"
    bl_label = "Load Audio"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{extension}" for extension in sound.AUDIO_EXTENSIONS),
        options={"HIDDEN"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require an editable scene."""
        return None if context.scene.is_editable else "The scene is linked from another file"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Add the selected file to the sequencer."""
        try:
            load_audio(
                context.scene,
                Path(bpy.path.abspath(self.filepath)),
                chosen_face_or_none(context),
            )
        except SessionError as error:
            return self.fail(error)
        return {"FINISHED"}


class CSTALK_OT_generate(OperatorBase, bpy.types.Operator):
    """Generate facial animation from the audio file and set keys on the face"""

    bl_idname = "cstalk.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a face and an audio file."""
        if jobs.current_job().is_busy:
            return BUSY
        face = chosen_face_or_none(context)
        if face is None:
            return "Select a face: no mesh is set or active"
        if (problem := targets.problem_or_none(face)) is not None:
            return f"{problem}. {problem.hint}"
        audio = context.scene.cstalk.audio_path
        if audio is None:
            return "Load an audio file first"
        if not context.scene.cstalk.has_audio:
            return f"Audio file not found: {audio}. Load it again, or relink it in the Sequencer"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Start the job; in background mode, where no timer runs, wait for its end."""
        studio = jobs.current_job()
        try:
            order = scene_order(context)
            studio.start(order)
        except SessionError as error:
            studio.error = error  # shown in the panel after the pop-up has closed
            return self.fail(error)
        settings = context.scene.cstalk
        sound.mark_used(context.scene, settings.audio_path, chosen_face_or_none(context))
        if bpy.app.background:
            studio.wait()
            if studio.error is not None:
                return self.fail(studio.error)
        return {"FINISHED"}


class CSTALK_OT_cancel(OperatorBase, bpy.types.Operator):
    """Cancel generation; the scene stays unchanged"""

    bl_idname = "cstalk.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require a running job."""
        return None if jobs.current_job().is_busy else "Generation is not running"

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Cancel the job."""
        jobs.current_job().cancel()
        return {"FINISHED"}


class CSTALK_OT_clear(OperatorBase, bpy.types.Operator):
    """Remove the performance and restore the face's own Action, values and slider ranges"""

    bl_idname = "cstalk.clear"
    bl_label = "Clear"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a face with a performance and no running job."""
        if jobs.current_job().is_busy:
            return BUSY
        face = chosen_face_or_none(context)
        if face is None:
            return "Select a face: no mesh is set or active"
        if not bake.has_bake(face):
            return f"{face.name!r} has no CSTalk performance"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Clear the face and its companion meshes."""
        settings = context.scene.cstalk
        report = clear_face(chosen_face_or_none(context), settings.with_companions)
        settings.made = ""
        jobs.current_job().outcome = None
        for sentence in report.kept:
            self.report({"WARNING"}, sentence)
        self.report({"INFO"}, f"Cleared {', '.join(report.objects)}")
        return {"FINISHED"}


class CSTALK_OT_copy_error_details(OperatorBase, bpy.types.Operator):
    """Copy the error and the end of the worker's log to the clipboard"""

    bl_idname = "cstalk.copy_error_details"
    bl_label = "Copy Details"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require an error."""
        return "There is no error" if jobs.current_job().error is None else None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Copy the report."""
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
        """Require an error."""
        return "There is no error" if jobs.current_job().error is None else None

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Remove the error."""
        jobs.current_job().error = None
        return {"FINISHED"}


def load_audio(
    scene: bpy.types.Scene, path: Path, face: bpy.types.Object | None = None
) -> sound.PlacedSound:
    """Set ``path`` as the audio file of ``scene`` and add it to the sequencer at the start frame.

    Args:
        scene: Scene with the settings.
        path: Audio file.
        face: The face that the file is for.

    Raises:
        BadSound: The file is missing or cannot be decoded; the scene is unchanged.
    """
    settings = scene.cstalk
    placed = sound.place(scene, path, settings.start_frame, face)
    before, settings.sound = settings.sound, None
    settings.audio, settings.audio_seconds = str(path), placed.seconds
    settings.sound = placed.sound
    if before is not None and before != placed.sound and not before.users:
        bpy.data.sounds.remove(before)
    return placed


def clear_face(face: bpy.types.Object, with_companions: bool) -> bake.ClearReport:
    """Remove performances from ``face``; lines of a batch stay.

    Args:
        face: The face.
        with_companions: Also clear companion meshes.

    Returns:
        The meshes that had a performance, and Actions that were kept.
    """
    is_face = targets.problem_or_none(face) is None  # False when its shape keys were renamed
    faces = targets.face_objects(face, with_companions=with_companions) if is_face else [face]
    return bake.clear_bake(faces)


def scene_order(context: bpy.types.Context) -> jobs_order.Order:
    """The order that the scene's settings describe.

    Raises:
        SessionError: They describe none.
    """
    settings = context.scene.cstalk
    performance = protocol.Performance(
        audio=audio_source(settings),
        fps=settings.keys_per_second or sound.frame_rate(context.scene),
        emotion_keys=(protocol.EmotionKey(0.0, settings.emotion, settings.intensity),),
        seed=settings.seed,
        blink=settings.blink,
        script=context.scene.cstalk_acting.spoken,
        acting=acting_of(context.scene, chosen_face_or_none(context)),
    )
    return jobs_order.order_for(
        context.scene,
        chosen_face_or_none(context),
        performance,
        start_frame=settings.start_frame,
        with_companions=settings.with_companions,
        tolerance=settings.tolerance,
    )


def audio_source(settings: CSTALK_PG_scene) -> Path:
    """Return a file with the audio of the scene's settings, unpacked if it is packed."""
    if settings.sound is None:
        return settings.audio_path
    return sound.source_path(settings.sound, Path(bpy.app.tempdir))


def error_details() -> str:
    """Return the last error as text for a bug report; empty without one."""
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
