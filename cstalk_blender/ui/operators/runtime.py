"""Define the operators of the runtime page in the preferences: install, test, repair, remove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import bpy

from ...errors import InstallFailed, SessionError
from ...jobs import install as runtime_jobs
from ...runtime_install import machine, plan, runtime_choice, sources, state
from .. import launch
from .base import OperatorBase

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

SOURCE_ITEMS = [
    (sources.DOWNLOAD, "Internet", "Download PyTorch and its dependencies"),
    (sources.FOLDER, "Wheel Folder", "Install from a local folder without any connection"),
    (sources.ENVIRONMENT, "Environment", "Use an existing environment that has PyTorch"),
]
OFFLINE = "Online access is disabled in Blender"
OFFLINE_HINT = "Allow it in Preferences > System > Network, or install from a folder of wheels"
_detected: dict[str, plan.Choice | SessionError | str] = {}
"""Result of `detect_machine`, kept so that drawing the dialog starts no process."""


class CSTALK_OT_runtime_install(OperatorBase, bpy.types.Operator):
    """Install PyTorch into a separate environment after confirming its size and folder"""

    bl_idname = "cstalk.runtime_install"
    bl_label = "Install GPU Runtime"
    bl_options = {"INTERNAL"}

    source: bpy.props.EnumProperty(
        name="Source",
        description="Where the packages come from (default: Internet)",
        items=SOURCE_ITEMS,
    )
    folder: bpy.props.StringProperty(
        name="Folder",
        description="Folder of the wheels, or of the existing environment",
        subtype="DIR_PATH",
    )

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require that no other runtime job is running."""
        return _busy_reason()

    def invoke(
        self, context: bpy.types.Context, _event: bpy.types.Event
    ) -> set[OperatorReturnItems]:
        """Detect the machine, then open the confirmation dialog."""
        # Before the dialog: its drawing must start no process.
        detect_machine()
        return context.window_manager.invoke_props_dialog(self, width=460)

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the source and what the installation involves."""
        column = self.layout.column()
        column.prop(self, "source", expand=True)
        if self.source != sources.DOWNLOAD:
            column.prop(self, "folder")
        for text, icon in consent_lines(self.source):
            # Not translated: names of builds and paths are the same in every language.
            column.label(text=text, icon=icon, translate=False)

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Start the installer."""
        try:
            command = install_command(self.source, bpy.path.abspath(self.folder))
        except SessionError as error:
            return self.fail(error)
        return start(self, command)


class RuntimeCommand(OperatorBase):
    """Mix-in for operators that run one command of the installer without asking."""

    command: ClassVar[str]

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Start the command."""
        return start(self, (self.command,))


class CSTALK_OT_runtime_resume(RuntimeCommand, bpy.types.Operator):
    """Resume the interrupted installation and reuse what was downloaded"""

    bl_idname = "cstalk.runtime_resume"
    bl_label = "Resume"
    bl_options = {"INTERNAL"}
    command = "resume"

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require an interrupted installation whose source can be reached."""
        pending = state.read_pending(launch.runtime_home())
        if pending is None:
            return "No installation was interrupted"
        # The reason that lasts comes first: a running job ends by itself.
        return _offline_reason(pending.source) or _busy_reason()


class CSTALK_OT_runtime_test(RuntimeCommand, bpy.types.Operator):
    """Run three seconds of audio on the GPU runtime and compare with the built-in engine"""

    bl_idname = "cstalk.runtime_test"
    bl_label = "Test"
    bl_options = {"INTERNAL"}
    command = "test"

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require an installed runtime."""
        return _busy_reason() or _absent_reason()


class CSTALK_OT_runtime_repair(RuntimeCommand, bpy.types.Operator):
    """Test the GPU runtime and reinstall it from its source if the test fails"""

    bl_idname = "cstalk.runtime_repair"
    bl_label = "Repair"
    bl_options = {"INTERNAL"}
    command = "repair"

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require an installed runtime whose source can be reached."""
        installed = state.read_installed(launch.runtime_home())
        offline = None if installed is None else _offline_reason(installed.source)
        return offline or _busy_reason() or _absent_reason()


class CSTALK_OT_runtime_cancel(OperatorBase, bpy.types.Operator):
    """Stop the installer; an earlier installation keeps working, and downloads are kept"""

    bl_idname = "cstalk.runtime_cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require a running job."""
        return None if runtime_jobs.current_job().is_busy else "No runtime job is running"

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Ask the installer to stop."""
        runtime_jobs.current_job().cancel()
        return {"FINISHED"}


class CSTALK_OT_runtime_remove(OperatorBase, bpy.types.Operator):
    """Remove the GPU runtime and its downloads; the built-in engine stays"""

    bl_idname = "cstalk.runtime_remove"
    bl_label = "Remove"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require an installed or interrupted runtime."""
        home = launch.runtime_home()
        if not (home / state.CURRENT).exists() and not (home / state.PENDING).exists():
            return "No runtime is installed"
        return _busy_reason()

    def invoke(
        self, context: bpy.types.Context, event: bpy.types.Event
    ) -> set[OperatorReturnItems]:
        """Ask for confirmation."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Remove the runtime."""
        try:
            # On Windows a running worker keeps its files.
            launch.end_idle_worker()
            runtime_jobs.remove(launch.runtime_home())
        except SessionError as error:
            return self.fail(error)
        # A failure of a runtime that is gone says nothing about the next one.
        runtime_choice.current.forgive()
        self.report({"INFO"}, "Removed the GPU runtime; the built-in engine is used")
        return {"FINISHED"}


class CSTALK_OT_runtime_retry(OperatorBase, bpy.types.Operator):
    """Use PyTorch for the next request although it failed before"""

    bl_idname = "cstalk.runtime_retry"
    bl_label = "Retry PyTorch"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require an earlier failure."""
        return None if runtime_choice.current.failure else "PyTorch has not failed"

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Clear the failure."""
        # Ends the idle worker as well, which runs the built-in engine.
        launch.on_runtime_changed()
        return {"FINISHED"}


class CSTALK_OT_runtime_copy_details(OperatorBase, bpy.types.Operator):
    """Copy the error and the end of the installer's log to the clipboard"""

    bl_idname = "cstalk.runtime_copy_details"
    bl_label = "Copy Details"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Require an error."""
        return "There is no error" if runtime_jobs.current_job().error is None else None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Copy the report."""
        error = runtime_jobs.current_job().error
        assert error is not None
        context.window_manager.clipboard = error.report()
        self.report({"INFO"}, "Copied")
        return {"FINISHED"}


def detect_machine() -> None:
    """Detect the graphics card and the PyTorch build that suits it, for the dialog."""
    found = machine.detect()
    _detected["machine"] = found.title
    try:
        _detected["build"] = plan.choose(found)
    except SessionError as error:
        _detected["build"] = error


def consent_lines(kind: str) -> list[tuple[str, str]]:
    """Return what an installation from the source ``kind`` involves, as texts with icons."""
    lines = [(f"This computer: {_detected.get('machine', '')}", "DESKTOP")]
    build = _detected.get("build")
    if kind == sources.DOWNLOAD and isinstance(build, plan.Choice):
        lines += _download_lines(build)
    elif kind == sources.DOWNLOAD and isinstance(build, SessionError):
        lines += [(str(build), "ERROR"), (build.hint, "BLANK1")]
    elif kind == sources.FOLDER:
        lines.append(("The folder must hold wheels of torch and all its dependencies", "INFO"))
    else:
        lines.append(("The environment is tested and used, never changed or removed", "INFO"))
    return lines


def install_command(kind: str, folder: str) -> tuple[str, ...]:
    """Return the arguments of the installer.

    Args:
        kind: A source of ``runtime_install.sources``.
        folder: Folder of the wheels or the environment; not used for downloads.

    Raises:
        InstallFailed: Blender is offline, the folder does not exist, or no PyTorch build suits
            this computer.
    """
    if kind == sources.DOWNLOAD:
        # Blender's rule for extensions: no network without the user's consent.
        if not bpy.app.online_access:
            raise InstallFailed(OFFLINE, hint=OFFLINE_HINT)
        # In a script no dialog was opened.
        if "build" not in _detected:
            detect_machine()
        choice = _detected["build"]
        if isinstance(choice, SessionError):
            raise choice
        assert isinstance(choice, plan.Choice)
        source = launch.download_source(choice.build.tag)
        return ("install", "--tag", source.tag, "--torch-index", source.torch_index)
    if not folder or not Path(folder).exists():
        raise InstallFailed(f"Folder not found: {folder!r}", hint="Choose an existing folder")
    return ("install", "--wheels" if kind == sources.FOLDER else "--environment", folder)


def start(operator: OperatorBase, command: tuple[str, ...]) -> set[OperatorReturnItems]:
    """Start the installer; in background mode, where no timer runs, wait for its end.

    Args:
        operator: Reports an error.
        command: Command of the installer with its arguments.
    """
    job = runtime_jobs.current_job()
    try:
        job.start(launch.runtime_home(), command)
    except SessionError as error:
        return operator.fail(error)
    except OSError as error:
        fault = InstallFailed(
            f"Cannot create {launch.runtime_home()}: {error}", hint="Check its permissions"
        )
        return operator.fail(fault)
    # See `jobs.pump.TimerPump.wait`.
    if bpy.app.background:
        job.wait()
        if job.error is not None:
            return operator.fail(job.error)
    return {"FINISHED"}


def _download_lines(choice: plan.Choice) -> list[tuple[str, str]]:
    build, source = choice.build, launch.download_source(choice.build.tag)
    lines = [
        (f"{build.title}, because {choice.reason}", "CHECKMARK"),
        (f"Download: about {build.download_mb / 1000:.1f} GB from {source.title}", "IMPORT"),
        (f"On disk: about {build.disk_mb / 1000:.1f} GB in", "DISK_DRIVE"),
        (f"{launch.runtime_home()}", "BLANK1"),
    ]
    if build is plan.CPU:
        lines.append(("Without a graphics card the built-in engine is about as fast", "INFO"))
    if not bpy.app.online_access:
        lines += [(f"{OFFLINE}.", "ERROR"), (OFFLINE_HINT, "BLANK1")]
    return lines


def _offline_reason(source: str) -> str | None:
    """Return why ``source`` cannot be reached; None when it can."""
    is_download = state.source_of(source).kind == sources.DOWNLOAD
    return f"{OFFLINE}. {OFFLINE_HINT}" if is_download and not bpy.app.online_access else None


def _busy_reason() -> str | None:
    is_busy = runtime_jobs.current_job().is_busy
    return "A runtime job is running: wait for it, or cancel it" if is_busy else None


def _absent_reason() -> str | None:
    # The record decides: it is written last.
    is_installed = (launch.runtime_home() / state.CURRENT).exists()
    return None if is_installed else "No runtime is installed"


CLASSES = (
    CSTALK_OT_runtime_install,
    CSTALK_OT_runtime_resume,
    CSTALK_OT_runtime_cancel,
    CSTALK_OT_runtime_test,
    CSTALK_OT_runtime_repair,
    CSTALK_OT_runtime_remove,
    CSTALK_OT_runtime_retry,
    CSTALK_OT_runtime_copy_details,
)
