"""Register the add-on in Blender and unregister it: all of it, or nothing."""

from __future__ import annotations

import contextlib
from types import ModuleType

import bpy

from .cli import command
from .demo_head import operator as demo_head
from .scene import direction, emotion_track, predictions, result, takes, words
from .ui import curve_view, emotion_strip, preferences, services
from .ui.operators import batch as batch_operators
from .ui.operators import curves as curve_operators
from .ui.operators import direct as direct_operators
from .ui.operators import direct_lines as direct_line_operators
from .ui.operators import edits as edit_operators
from .ui.operators import generate as generate_operators
from .ui.operators import lines as line_operators
from .ui.operators import mapping as mapping_operators
from .ui.operators import ranges as range_operators
from .ui.operators import rig as rig_operators
from .ui.operators import runtime as runtime_operators
from .ui.operators import takes as take_operators
from .ui.operators import words as word_operators
from .ui.panels import acting as acting_panels
from .ui.panels import batch as batch_panels
from .ui.panels import batch_pages as batch_option_panels
from .ui.panels import direct as direct_panels
from .ui.panels import direct_lines as direct_line_panels
from .ui.panels import edits as edit_panels
from .ui.panels import generate as generate_panels
from .ui.panels import mapping as mapping_panels
from .ui.panels import rig as rig_panels
from .ui.panels import takes as take_panels
from .ui.properties import acting as acting_properties
from .ui.properties import batch as batch_properties
from .ui.properties import generate as generate_properties
from .ui.properties import mapping as mapping_properties
from .ui.properties import migration

FEATURES: tuple[ModuleType, ...] = (
    generate_properties,
    acting_properties,
    mapping_properties,
    emotion_track,
    result,
    predictions,
    direction,
    takes,
    words,
    batch_properties,
    migration,
    preferences,
    generate_operators,
    curve_operators,
    direct_operators,
    direct_line_operators,
    range_operators,
    take_operators,
    edit_operators,
    mapping_operators,
    rig_operators,
    runtime_operators,
    batch_operators,
    line_operators,
    word_operators,
    generate_panels,
    # Pages in the order of the work: script and acting, then what follows Generate.
    acting_panels,
    direct_panels,
    edit_panels,
    take_panels,
    mapping_panels,
    rig_panels,
    batch_panels,
    batch_option_panels,
    direct_line_panels,
    emotion_strip,
    curve_view,
    demo_head,
    command,
    services,  # closed first: a job under way needs everything else
)
"""All that is registered, in this order. A feature has ``CLASSES``, or ``attach`` and ``detach``
for what is no class, or all three."""

# Filled when all is registered, so that a failure half-way undoes itself.
_registered = contextlib.ExitStack()


def register() -> None:
    """Register all features.

    Raises:
        RuntimeError: The add-on is registered already, or Blender refuses a class.
        ValueError: Blender refuses a class. In each case what was done before is undone.
    """
    if generate_properties.is_attached():
        raise RuntimeError("CSTalk is registered already")
    with contextlib.ExitStack() as stack:
        for feature in FEATURES:
            _register(feature, stack)
        # Moved to the module's stack, which `unregister` closes.
        _registered.push(stack.pop_all())


def unregister() -> None:
    """Unregister all features in reverse order. A second call does nothing."""
    _registered.close()


def classes() -> tuple[type, ...]:
    """Return the Blender classes of all features, in the order of registration."""
    return tuple(cls for feature in FEATURES for cls in getattr(feature, "CLASSES", ()))


def _register(feature: ModuleType, stack: contextlib.ExitStack) -> None:
    """Register one feature and put the undoing of each step on ``stack``."""
    for cls in getattr(feature, "CLASSES", ()):
        bpy.utils.register_class(cls)
        # Undone in reverse order, as classes refer to those registered before.
        stack.callback(bpy.utils.unregister_class, cls)
    if hasattr(feature, "attach"):
        feature.attach()
        stack.callback(feature.detach)
