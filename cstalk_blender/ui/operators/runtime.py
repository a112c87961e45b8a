"""The buttons of the preferences' page Runtime. Thin: the work is in ``runtime_install``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...errors import InstallFailed, SessionError
from ...jobs import install as runtime_jobs
from ...runtime_install import machine, plan, sources, state
from ...session import runtime_choice
from .. import preferences
from .base import OperatorBase

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

SOURCE_ITEMS = [
    (sources.DOWNLOAD, "Internet", "Download PyTorch from its makers, and its parts from pypi.org"),
    (sources.FOLDER, "Folder of wheels", "Install from files that are here; no connection is made"),
    (
        sources.ENVIRONMENT,
        "Environment",
        "Use an environment with PyTorch that is here already",
    ),
]
OFFLINE = "Blender is set to stay offline"
OFFLINE_HINT = "Allow it in Preferences > System > Network, or install from a folder of wheels"
_choice: dict[str, plan.Choice | SessionError | str] = {}
"""What ``describe_machine`` found, so that drawing the dialog starts no process."""


class CSTALK_OT_runtime_install(OperatorBase, bpy.types.Operator):
    """Install PyTorch into an environment of its own, beside Blender's Python; asks first"""

    bl_idname = "cstalk.runtime_install"
    bl_label = "Install GPU Runtime"
    bl_options = {"INTERNAL"}

    source: bpy.props.EnumProperty(
        name="From", description="Where the packages come from", items=SOURCE_ITEMS
    )
    folder: bpy.props.StringProperty(
        name="Folder", description="Of the wheels, or of the environment", subtype="DIR_PATH"
    )

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """One at a time."""
        return _busy_reason()

    def invoke(
        self, context: bpy.types.Context, _event: bpy.types.Event
    ) -> set[OperatorReturnItems]:
        """Look at the machine, then ask."""
        describe_machine()
        return context.window_manager.invoke_props_dialog(self, width=460)

    def draw(self, _context: bpy.types.Context) -> None:
        """What will happen: from where, how large, where to."""
        column = self.layout.column()
        column.prop(self, "source", expand=True)
        if self.source != sources.DOWNLOAD:
            column.prop(self, "folder")
        for text, icon in consent_lines(self.source):
            column.label(text=text, icon=icon, translate=False)

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Start; without a window wait for the end."""
        try:
            command = install_command(self.source, bpy.path.abspath(self.folder))
        except SessionError as error:
            return self.fail(error)
        return start(self, command)


class CSTALK_OT_runtime_resume(OperatorBase, bpy.types.Operator):
    """Go on with the installation that was cut off; what was downloaded is used"""

    bl_idname = "cstalk.runtime_resume"
    bl_label = "Resume"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """There must be one, and its source must be reachable."""
        pending = state.read_pending(preferences.runtime_home())
        if pending is None:
            return "No installation was cut off"
        if state.source_of(pending.source).kind == sources.DOWNLOAD and not bpy.app.online_access:
            return f"{OFFLINE}. {OFFLINE_HINT}"
        return _busy_reason()

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Start."""
        return start(self, ("resume",))


class CSTALK_OT_runtime_cancel(OperatorBase, bpy.types.Operator):
    """Stop; what was installed before keeps working, and downloads are kept for Resume"""

    bl_idname = "cstalk.runtime_cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """There must be something to stop."""
        return None if runtime_jobs.current_job().is_busy else "Nothing is under way"

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Ask for the end."""
        runtime_jobs.current_job().cancel()
        return {"FINISHED"}


class CSTALK_OT_runtime_test(OperatorBase, bpy.types.Operator):
    """Perform three seconds with the GPU runtime, and compare with the built-in engine"""

    bl_idname = "cstalk.runtime_test"
    bl_label = "Test"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """There must be a runtime."""
        return _busy_reason() or _absent_reason()

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Start."""
        return start(self, ("test",))


class CSTALK_OT_runtime_repair(OperatorBase, bpy.types.Operator):
    """Test the GPU runtime, and install it again, from where it came, if it does not work"""

    bl_idname = "cstalk.runtime_repair"
    bl_label = "Repair"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """There must be a runtime, and its source must be reachable."""
        installed = state.read_installed(preferences.runtime_home())
        if installed is not None and not bpy.app.online_access:
            source = state.source_of(installed.source)
            if source.kind == sources.DOWNLOAD:
                return f"{OFFLINE}. {OFFLINE_HINT}"
        return _busy_reason() or _absent_reason()

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Start."""
        return start(self, ("repair",))


class CSTALK_OT_runtime_remove(OperatorBase, bpy.types.Operator):
    """Remove the GPU runtime and its downloads; the built-in engine stays"""

    bl_idname = "cstalk.runtime_remove"
    bl_label = "Remove"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """There must be something to remove."""
        home = preferences.runtime_home()
        if not (home / state.CURRENT).exists() and not (home / state.PENDING).exists():
            return "No runtime is installed"
        return _busy_reason()

    def invoke(
        self, context: bpy.types.Context, event: bpy.types.Event
    ) -> set[OperatorReturnItems]:
        """Ask."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Remove."""
        try:
            preferences.drop_idle_child()
            runtime_jobs.remove(preferences.runtime_home())
        except SessionError as error:
            return self.fail(error)
        runtime_choice.current.forgive()
        self.report({"INFO"}, "The GPU runtime is removed; the built-in engine runs")
        return {"FINISHED"}


class CSTALK_OT_runtime_retry(OperatorBase, bpy.types.Operator):
    """Use PyTorch again for the next performance, though it failed before"""

    bl_idname = "cstalk.runtime_retry"
    bl_label = "Try PyTorch Again"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """Something must have failed."""
        return None if runtime_choice.current.failure else "Nothing failed"

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Forget the failure."""
        runtime_choice.current.forgive()
        preferences.drop_idle_child()
        return {"FINISHED"}


class CSTALK_OT_runtime_copy_details(OperatorBase, bpy.types.Operator):
    """Copy what went wrong, with the end of the installer's log, to the clipboard"""

    bl_idname = "cstalk.runtime_copy_details"
    bl_label = "Copy Details"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str | None:
        """There must be an error."""
        return "There is no error" if runtime_jobs.current_job().error is None else None

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Copy."""
        error = runtime_jobs.current_job().error
        assert error is not None
        context.window_manager.clipboard = error.report()
        self.report({"INFO"}, "Copied")
        return {"FINISHED"}


def describe_machine() -> None:
    """Look at the machine for the dialog: what it has and which PyTorch suits it."""
    found = machine.detect()
    _choice["machine"] = found.title
    try:
        _choice["build"] = plan.choose(found)
    except SessionError as error:
        _choice["build"] = error


def consent_lines(kind: str) -> list[tuple[str, str]]:
    """What an installation from ``kind`` means, as texts with icons."""
    lines = [(f"This machine: {_choice.get('machine', '')}", "DESKTOP")]
    choice = _choice.get("build")
    if kind == sources.DOWNLOAD and isinstance(choice, plan.Choice):
        build, source = choice.build, preferences.download_source(choice.build.tag)
        lines += [
            (f"{build.title}, as {choice.reason}", "CHECKMARK"),
            (f"Download: about {build.download_mb / 1000:.1f} GB from {source.title}", "IMPORT"),
            (f"On disk: about {build.disk_mb / 1000:.1f} GB in", "DISK_DRIVE"),
            (f"{preferences.runtime_home()}", "BLANK1"),
        ]
        if build is plan.CPU:
            lines.append(("Without a card the built-in engine is about as fast", "INFO"))
        if not bpy.app.online_access:
            lines += [(f"{OFFLINE}.", "ERROR"), (OFFLINE_HINT, "BLANK1")]
    elif kind == sources.DOWNLOAD and isinstance(choice, SessionError):
        lines += [(str(choice), "ERROR"), (choice.hint, "BLANK1")]
    elif kind == sources.FOLDER:
        lines.append(
            ("Nothing is downloaded; wheels of torch and all it needs must be there", "INFO")
        )
    else:
        lines.append(("It is tested and named, never changed or removed", "INFO"))
    return lines


def install_command(kind: str, folder: str) -> tuple[str, ...]:
    """Arguments of the installer.

    Raises:
        InstallFailed: Offline, no folder, or no PyTorch for this machine.
    """
    if kind == sources.DOWNLOAD:
        if not bpy.app.online_access:
            raise InstallFailed(OFFLINE, hint=OFFLINE_HINT)
        if "build" not in _choice:
            describe_machine()
        choice = _choice["build"]
        if isinstance(choice, SessionError):
            raise choice
        assert isinstance(choice, plan.Choice)
        source = preferences.download_source(choice.build.tag)
        return ("install", "--tag", source.tag, "--torch-index", source.torch_index)
    if not folder or not Path(folder).exists():
        raise InstallFailed(f"There is no folder {folder!r}", hint="Choose the folder")
    return ("install", "--wheels" if kind == sources.FOLDER else "--environment", folder)


def start(operator: OperatorBase, command: tuple[str, ...]) -> set[OperatorReturnItems]:
    """Start the installer; without a window, where no timer runs, wait for it."""
    job = runtime_jobs.current_job()
    try:
        job.start(preferences.runtime_home(), command)
    except SessionError as error:
        return operator.fail(error)
    except OSError as error:
        fault = InstallFailed(
            f"{preferences.runtime_home()} cannot be made: {error}", hint="Check its permissions"
        )
        return operator.fail(fault)
    if bpy.app.background:
        job.wait()
        if job.error is not None:
            return operator.fail(job.error)
    return {"FINISHED"}


def _busy_reason() -> str | None:
    busy = runtime_jobs.current_job().is_busy
    return "The runtime is being worked on: wait for it, or cancel it" if busy else None


def _absent_reason() -> str | None:
    is_there = (preferences.runtime_home() / state.CURRENT).exists()
    return None if is_there else "No runtime is installed"


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
