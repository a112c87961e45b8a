"""Define the add-on's preferences: Python, engine and device of the model."""

from __future__ import annotations

import bpy

from ..errors import PythonMissing
from ..package import ADDON_ID
from ..runtime_install import sources
from ..session import environment
from . import launch
from .panels import runtime as runtime_panel

ENGINE_ITEMS = [
    ("auto", "Automatic", "PyTorch if the selected Python has it, else the built-in engine"),
    ("numpy", "Built-in", "Run in Blender's own Python without further packages"),
    ("torch", "PyTorch", "Run faster; requires a Python with PyTorch"),
]
DEVICE_ITEMS = [
    ("auto", "Automatic", "Use the fastest available device"),
    ("cpu", "CPU", "Use the processor"),
    ("cuda", "CUDA or ROCm", "Use an NVIDIA or AMD graphics card"),
    ("mps", "Metal", "Use the GPU of Apple silicon"),
]


def _update(_preferences: CSTALK_AP_preferences, _context: bpy.types.Context) -> None:
    launch.on_runtime_changed()


class CSTALK_AP_preferences(bpy.types.AddonPreferences):
    """Settings of the process that runs the model."""

    bl_idname = ADDON_ID

    python_path: bpy.props.StringProperty(
        name="Python",
        description="Python 3.11 or newer that runs the model, or the folder of its environment. "
        "Empty uses the GPU runtime if it is installed, else Blender's own Python",
        subtype="FILE_PATH",
        update=_update,
    )
    engine: bpy.props.EnumProperty(
        name="Engine",
        description="Inference backend that runs the model (default: Automatic)",
        items=ENGINE_ITEMS,
        update=_update,
    )
    device: bpy.props.EnumProperty(
        name="Device",
        description="Device that PyTorch runs on (default: Automatic)",
        items=DEVICE_ITEMS,
        update=_update,
    )
    torch_index: bpy.props.StringProperty(
        name="PyTorch Index",
        description="Address of the package index that PyTorch is downloaded from",
        default=sources.TORCH_INDEX,
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the settings and the Python that they select."""
        draw_preferences(self.layout, self)


def draw_preferences(layout: bpy.types.UILayout, preferences: CSTALK_AP_preferences) -> None:
    """Draw ``preferences`` and the Python, runtime and log file that they select."""
    layout.label(text="Runtime")
    runtime_panel.draw_runtime(layout, preferences, launch.runtime_home())
    column = layout.column()
    column.use_property_split = True
    column.prop(preferences, "python_path")
    column.prop(preferences, "engine")
    row = column.row()
    row.active = preferences.engine != "numpy"
    row.prop(preferences, "device")
    column.prop(preferences, "torch_index")
    try:
        python = environment.find_python(launch.runtime_of(preferences).python)
        column.label(text=f"The model runs in {python}", icon="CHECKMARK", translate=False)
    except PythonMissing as error:
        column.label(text=str(error), icon="ERROR", translate=False)
        column.label(text=error.hint, icon="BLANK1", translate=False)
    column.label(text=f"Log: {launch.log_file()}", icon="TEXT", translate=False)


CLASSES = (CSTALK_AP_preferences,)
