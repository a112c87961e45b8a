"""Define the operators of a batch: read, bake and clear lines, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy_extras.io_utils import ImportHelper

from ... import compat
from ...errors import SessionError
from ...jobs.batch import job as batch_job
from ...jobs.batch import placement
from ...jobs.batch.request import LineStatus
from ...rig.binding import targets
from ...rig.clips import strips
from ...text import counted
from .. import line_list, line_requests
from .base import OperatorBase

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

BUSY = "A batch is running: wait for it, or cancel it"


class BatchOperator(OperatorBase):
    """Mix-in for operators that cannot be used while a batch is running."""

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require that no batch is running."""
        return BUSY if batch_job.current_job().is_busy else None


class CSTALK_OT_batch_folder(BatchOperator, bpy.types.Operator):
    """Choose a folder and list its audio files, including subfolders"""

    bl_idname = "cstalk.batch_folder"
    bl_label = "Choose Folder"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Open the file browser."""
        # The file browser fills ``directory`` and calls ``execute``.
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """List the audio files of the folder."""
        settings = context.scene.cstalk_batch
        settings.source_kind, settings.folder = "FOLDER", self.directory
        return _fill(self, context)


class CSTALK_OT_batch_list(BatchOperator, bpy.types.Operator, ImportHelper):
    """Choose a CSV or TSV file with the columns file, character, emotion, intensity, start"""

    bl_idname = "cstalk.batch_list"
    bl_label = "Choose List"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(default="*.csv;*.tsv;*.txt", options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Read the list file."""
        settings = context.scene.cstalk_batch
        settings.source_kind, settings.list_path = "LIST", self.filepath
        return _fill(self, context)


class CSTALK_OT_batch_read(BatchOperator, bpy.types.Operator):
    """Read the folder, list or sequencer; edited lines keep their settings"""

    bl_idname = "cstalk.batch_read"
    bl_label = "Read Lines"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a source."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        if not context.scene.cstalk_batch.source:
            return "Choose a folder or a list first"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Read the source."""
        return _fill(self, context)


class CSTALK_OT_batch_bake(BatchOperator, bpy.types.Operator):
    """Generate the ticked lines; unchanged lines of an earlier batch are kept"""

    bl_idname = "cstalk.batch_bake"
    bl_label = "Bake Lines"
    # No UNDO: the job makes its own undo step when the keys are there.
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require ticked lines and an output folder."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        settings = context.scene.cstalk_batch
        if not len(settings.lines):
            return "Read lines first: choose a folder, a list or the sequencer"
        if not any(item.use for item in settings.lines):
            return "No line is ticked"
        if settings.output_path_or_none() is None:
            return "Save the file, or choose an output folder"
        return None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Start the batch; in background mode, where no timer runs, wait for its end."""
        batch = batch_job.current_job()
        try:
            batch.start(line_requests.request_of(context.scene))
        except SessionError as error:
            return self.fail(error)
        # In the background no timer runs: the operator waits, so that a script goes on with the
        # result.
        if bpy.app.background:
            batch.wait()
            if batch.error is not None:
                return self.fail(batch.error)
        return {"FINISHED"}


class CSTALK_OT_batch_pause(OperatorBase, bpy.types.Operator):
    """Pause the batch, or continue it"""

    bl_idname = "cstalk.batch_pause"
    bl_label = "Pause"
    # INTERNAL: buttons of a running job are of no use in the search menu.
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require a running worker."""
        batch = batch_job.current_job()
        return None if batch.worker_pid is not None else "No batch is running"

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Pause or continue the batch."""
        batch_job.current_job().pause()
        return {"FINISHED"}


class CSTALK_OT_batch_cancel(OperatorBase, bpy.types.Operator):
    """Cancel the batch and keep finished lines; a second press ends a worker that hangs"""

    bl_idname = "cstalk.batch_cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require a running batch."""
        return None if batch_job.current_job().is_busy else "No batch is running"

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Cancel the batch."""
        batch_job.current_job().cancel()
        return {"FINISHED"}


class CSTALK_OT_batch_clear(BatchOperator, bpy.types.Operator):
    """Remove the lines from their characters: NLA strips, Actions of CSTalk and sound strips"""

    bl_idname = "cstalk.batch_clear"
    bl_label = "Clear Lines"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a line on a character."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        return None if has_lines(context.scene) else "No character has lines"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Remove all lines."""
        count = clear_lines(context.scene)
        self.report({"INFO"}, f"Cleared {counted(count, 'line')}")
        return {"FINISHED"}


class CSTALK_OT_batch_report(OperatorBase, bpy.types.Operator):
    """Open the report of the last batch in the web browser, lowest scores first"""

    bl_idname = "cstalk.batch_report"
    bl_label = "Open Report"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a report."""
        return None if report_or_none(context.scene) is not None else "There is no report yet"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Open the report."""
        page = report_or_none(context.scene)
        assert page is not None
        # As a URL, since paths may hold spaces and other letters.
        bpy.ops.wm.url_open(url=page.resolve().as_uri())
        return {"FINISHED"}


class CSTALK_OT_batch_error(OperatorBase, bpy.types.Operator):
    """Close the error box, or copy its details to the clipboard"""

    bl_idname = "cstalk.batch_error"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    is_copy: bpy.props.BoolProperty(
        name="Copy", description="Copy the details instead of closing", options={"HIDDEN"}
    )

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require an error."""
        return "There is no error" if batch_job.current_job().error is None else None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Copy the details or close the box."""
        batch = batch_job.current_job()
        if self.is_copy and batch.error is not None:
            context.window_manager.clipboard = batch.error.report()
            self.report({"INFO"}, "Copied")
        else:
            batch.error = None
        return {"FINISHED"}


def clear_lines(scene: bpy.types.Scene) -> int:
    """Remove all lines and their sound strips from a scene and return their number."""
    settings = scene.cstalk_batch
    cleared = set()
    for thing in scene.objects:
        if targets.is_face(thing):
            cleared.update(strips.clear_lines(targets.face_objects(thing)).lines)
            cleared.update(placement.clear_timeline(thing))
    placement.remove_sounds(scene)
    for item in settings.lines:
        item.placement_token, item.state, item.message = "", LineStatus.NEW, ""
    return len(cleared)


def has_lines(scene: bpy.types.Scene) -> bool:
    """Return whether there are Actions or sound strips of a batch."""
    made = (*bpy.data.actions, *compat.placed_strips(scene))
    return any(thing.get(strips.BATCH) for thing in made)


def report_or_none(scene: bpy.types.Scene) -> Path | None:
    """Return the HTML report of the last batch, of this session or an earlier one."""
    path = batch_job.current_job().reports.get("html")
    if path is not None:
        return Path(path)
    folder = scene.cstalk_batch.output_path_or_none()
    page = None if folder is None else folder / "report.html"
    return page if page is not None and page.is_file() else None


def _fill(operator: bpy.types.Operator, context: bpy.types.Context) -> set[OperatorReturnItems]:
    try:
        count = line_list.fill(context.scene)
    except SessionError as error:
        operator.report({"ERROR"}, f"{error}. {error.hint}".strip())
        return {"CANCELLED"}
    operator.report({"INFO"}, counted(count, "line"))
    return {"FINISHED"}


CLASSES = (
    CSTALK_OT_batch_folder,
    CSTALK_OT_batch_list,
    CSTALK_OT_batch_read,
    CSTALK_OT_batch_bake,
    CSTALK_OT_batch_pause,
    CSTALK_OT_batch_cancel,
    CSTALK_OT_batch_clear,
    CSTALK_OT_batch_report,
    CSTALK_OT_batch_error,
)
