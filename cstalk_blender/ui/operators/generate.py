"""Define the operators of the main panel: load audio, generate, cancel, clear."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy_extras.io_utils import ImportHelper

from ... import api
from ...errors import SessionError
from ...jobs import generate as jobs
from ...jobs import request as jobs_request
from ...jobs import takes
from ...package import protocol
from ...rig.keys import bake
from ...scene import audio as sound
from .. import generate_requests
from ..properties.generate import chosen_face_or_none
from .base import ChosenFaceOperator, FaceOperator, OperatorBase

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


class AudioOperator(FaceOperator):
    """Mix-in for operators that generate from the audio file of the scene."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a face that can be animated, and an audio file."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        audio = context.scene.cstalk.audio_path
        if audio is None:
            return "Load an audio file first"
        if not context.scene.cstalk.has_audio:
            return f"Audio file not found: {audio}. Load it again, or relink it in the Sequencer"
        return None

    def start(self, context: bpy.types.Context) -> None:
        """Queue the requests of this operator. Raises SessionError when one is refused."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Start the jobs; in background mode, where no timer runs, wait for their end."""
        scene = context.scene
        try:
            self.start(context)
            # After the start, so that a refused request leaves the strip replaceable.
            sound.mark_used(scene, scene.cstalk.audio_path, chosen_face_or_none(context))
            if bpy.app.background:
                api.wait()
        except SessionError as error:
            return self.fail(error)
        return {"FINISHED"}


class CSTALK_OT_generate(AudioOperator, bpy.types.Operator):
    """Generate facial animation from the audio file and set keys on the face"""

    bl_idname = "cstalk.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER"}

    def start(self, context: bpy.types.Context) -> None:
        """Queue one request."""
        api.start(_request_of(context))


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


class CSTALK_OT_clear(ChosenFaceOperator, bpy.types.Operator):
    """Remove the performance, restore the face's Action, values and ranges; keep other takes"""

    bl_idname = "cstalk.clear"
    bl_label = "Clear"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a face with a performance and no running job."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        face = chosen_face_or_none(context)
        if not bake.has_bake(face):
            return f"{face.name!r} has no CSTalk performance"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Clear the face and its companion meshes."""
        face = chosen_face_or_none(context)
        removed = takes.clear(face, with_companions=context.scene.cstalk.with_companions)
        cleared = removed.bake
        # The panel would go on showing the figures of keys that are gone.
        jobs.current_job().outcome = None
        stay = f"; {removed.others} other takes stay in the list" if removed.others else ""
        self.report({"INFO"}, f"Cleared {', '.join(cleared.objects)}{stay}")
        for sentence in cleared.kept:
            self.report({"WARNING"}, sentence)
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


def _request_of(context: bpy.types.Context) -> jobs_request.GenerateRequest:
    """Return the request of the panel; an error is shown there after the pop-up has closed."""
    try:
        return generate_requests.request_of(context)
    except SessionError as error:
        jobs.current_job().error = error
        raise


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
    # Without other users it was kept by the panel alone.
    if before is not None and before != placed.sound and not before.users:
        bpy.data.sounds.remove(before)
    return placed


def clear_face(face: bpy.types.Object, with_companions: bool) -> bake.ClearReport:
    """Remove the performance from ``face``; lines of a batch on NLA tracks stay.

    Args:
        face: The face.
        with_companions: Also clear companion meshes.

    Returns:
        The meshes that had a performance, and Actions that were kept.
    """
    return takes.clear(face, with_companions=with_companions).bake


def error_details() -> str:
    """Return the last error as text for a bug report; empty without one."""
    error = jobs.current_job().error
    if error is None:
        return ""
    # What a bug report needs and users forget.
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
