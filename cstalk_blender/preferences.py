"""The add-on's preferences: which Python runs the model, on what, and where its log is."""

from __future__ import annotations

from pathlib import Path

import bpy

from . import jobs
from .errors import PythonMissing
from .installation import ADDON_ID
from .session import environment

LOG_NAME = "worker.log"
ENGINE_ITEMS = [
    ("auto", "Automatic", "torch where the Python has it, else the built-in engine"),
    ("numpy", "Built-in", "Needs nothing but Blender's own Python"),
    ("torch", "PyTorch", "Faster; needs a Python with torch"),
]
DEVICE_ITEMS = [
    ("auto", "Automatic", "The fastest device there is"),
    ("cpu", "CPU", "The processor"),
    ("cuda", "CUDA or ROCm", "A graphics card of NVIDIA or AMD"),
    ("mps", "Metal", "The graphics of Apple silicon"),
]


def _drop_child(_preferences: CSTALK_AP_preferences, _context: bpy.types.Context) -> None:
    if jobs.studio is not None and not jobs.studio.is_busy:
        jobs.studio.drop_child()


class CSTALK_AP_preferences(bpy.types.AddonPreferences):
    """How the model's process is started."""

    bl_idname = ADDON_ID

    python_path: bpy.props.StringProperty(
        name="Python",
        description="Python 3.11 or newer that runs the model, or the folder of its environment; "
        "empty means Blender's own Python, which runs the built-in engine",
        subtype="FILE_PATH",
        update=_drop_child,
    )
    engine: bpy.props.EnumProperty(
        name="Engine", description="What computes", items=ENGINE_ITEMS, update=_drop_child
    )
    device: bpy.props.EnumProperty(
        name="Device", description="Where torch computes", items=DEVICE_ITEMS, update=_drop_child
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """Settings, then what they come to."""
        draw_preferences(self.layout, self)


def draw_preferences(layout: bpy.types.UILayout, chosen: CSTALK_AP_preferences) -> None:
    """Draw ``chosen``, and what it comes to on this machine."""
    column = layout.column()
    column.use_property_split = True
    column.prop(chosen, "python_path")
    column.prop(chosen, "engine")
    row = column.row()
    row.active = chosen.engine != "numpy"
    row.prop(chosen, "device")
    try:
        python = environment.find_python(bpy.path.abspath(chosen.python_path))
        column.label(text=f"The model runs in {python}", icon="CHECKMARK")
    except PythonMissing as error:
        column.label(text=str(error), icon="ERROR")
        column.label(text=error.hint, icon="BLANK1")
    hello = None if jobs.studio is None else jobs.studio.hello
    if hello is not None:
        text = f"Running: {hello.engine} on {hello.device}, runtime {hello.runtime}"
        column.label(text=text, icon="PLAY")
    column.label(text=f"Log: {log_file()}", icon="TEXT")


def preferences_or_none() -> CSTALK_AP_preferences | None:
    """The add-on's preferences; None when it runs from a checkout without being enabled."""
    addon = bpy.context.preferences.addons.get(ADDON_ID)
    return None if addon is None else addon.preferences


def log_file() -> Path:
    """Where the child's stderr is kept: in the extension's user folder, which upgrades leave."""
    if ADDON_ID.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(ADDON_ID, create=True)) / LOG_NAME
    return Path(bpy.app.tempdir) / LOG_NAME


def launch() -> environment.Launch:
    """How to start the child as the preferences say.

    Raises:
        PythonMissing: There is no such Python.
        RuntimeMissing: The extension is incomplete.
    """
    chosen = preferences_or_none()
    python, engine, device = "", "auto", "auto"
    if chosen is not None:
        python, engine, device = bpy.path.abspath(chosen.python_path), chosen.engine, chosen.device
    return environment.worker_launch(
        python, options=("--engine", engine, "--device", device), log_file=log_file()
    )


CLASSES = (CSTALK_AP_preferences,)
