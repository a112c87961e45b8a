"""The add-on's preferences: which Python runs the model, on what, and where its log is."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..errors import PythonMissing
from ..jobs import generate as jobs
from ..package import ADDON_ID
from ..runtime_install import plan, sources
from ..session import environment, runtime_choice
from .panels import runtime as panels_runtime

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


def drop_idle_child() -> None:
    """End the child unless it works, so that the next one is started as chosen now."""
    if jobs.studio is not None and not jobs.studio.is_busy:
        jobs.studio.drop_child(wait=False)  # a click in the preferences must not wait


def runtime_changed() -> None:
    """A GPU runtime was installed or repaired: the next child is started with it."""
    runtime_choice.current.forgive()
    drop_idle_child()


def _drop_child(_preferences: CSTALK_AP_preferences, _context: bpy.types.Context) -> None:
    runtime_changed()


class CSTALK_AP_preferences(bpy.types.AddonPreferences):
    """How the model's process is started."""

    bl_idname = ADDON_ID

    python_path: bpy.props.StringProperty(
        name="Python",
        description="Python 3.11 or newer that runs the model, or the folder of its environment; "
        "empty means the GPU runtime where one is installed, else Blender's own Python, which "
        "runs the built-in engine",
        subtype="FILE_PATH",
        update=_drop_child,
    )
    engine: bpy.props.EnumProperty(
        name="Engine", description="What computes", items=ENGINE_ITEMS, update=_drop_child
    )
    device: bpy.props.EnumProperty(
        name="Device", description="Where torch computes", items=DEVICE_ITEMS, update=_drop_child
    )

    torch_index: bpy.props.StringProperty(
        name="PyTorch Index",
        description="Where PyTorch is downloaded from: its makers' index, or a mirror of it",
        default=sources.TORCH_INDEX,
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """Settings, then what they come to."""
        draw_preferences(self.layout, self)


def draw_preferences(layout: bpy.types.UILayout, chosen: CSTALK_AP_preferences) -> None:
    """Draw ``chosen``, and what it comes to on this machine."""
    layout.label(text="Runtime")
    panels_runtime.draw_runtime(layout, chosen, runtime_home())
    column = layout.column()
    column.use_property_split = True
    column.prop(chosen, "python_path")
    column.prop(chosen, "engine")
    row = column.row()
    row.active = chosen.engine != "numpy"
    row.prop(chosen, "device")
    column.prop(chosen, "torch_index")
    try:
        python = environment.find_python(_choice(chosen).python)
        column.label(text=f"The model runs in {python}", icon="CHECKMARK")
    except PythonMissing as error:
        column.label(text=str(error), icon="ERROR")
        column.label(text=error.hint, icon="BLANK1")
    column.label(text=f"Log: {log_file()}", icon="TEXT")


def preferences_or_none() -> CSTALK_AP_preferences | None:
    """The add-on's preferences; None when it runs from a checkout without being enabled."""
    addon = bpy.context.preferences.addons.get(ADDON_ID)
    return None if addon is None else addon.preferences


def log_file() -> Path:
    """Where the child's stderr is kept: in the extension's user folder, which upgrades leave."""
    return _user_folder(create=True) / LOG_NAME


def runtime_home() -> Path:
    """The folder of the GPU runtime; it is made by the first installation."""
    return _user_folder(create=False) / runtime_choice.RUNTIME_FOLDER


def download_source(tag: str) -> plan.Source:
    """Where a build of PyTorch is downloaded from, as the preferences say."""
    chosen = preferences_or_none()
    index = sources.TORCH_INDEX if chosen is None else chosen.torch_index.strip()
    return plan.Source(tag=tag, torch_index=index or sources.TORCH_INDEX)


def launch() -> environment.Launch:
    """How to start the child as the preferences say.

    Raises:
        PythonMissing: There is no such Python.
        RuntimeMissing: The extension is incomplete.
    """
    choice = _choice(preferences_or_none())
    options = ("--engine", choice.engine, "--device", choice.device)
    return environment.worker_launch(choice.python, options=options, log_file=log_file())


def _choice(chosen: CSTALK_AP_preferences | None) -> runtime_choice.Choice:
    python, engine, device = "", "auto", "auto"
    if chosen is not None:
        python, engine, device = bpy.path.abspath(chosen.python_path), chosen.engine, chosen.device
    home = runtime_home()
    return runtime_choice.current.choose(home, python=python, engine=engine, device=device)


def _user_folder(*, create: bool) -> Path:
    """The extension's user folder, which upgrades leave; a checkout takes a temporary one."""
    if ADDON_ID.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(ADDON_ID, create=create))
    return Path(bpy.app.tempdir)


CLASSES = (CSTALK_AP_preferences,)
