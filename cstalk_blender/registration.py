"""Puts the add-on into Blender and takes it out again: all of it, or nothing."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

import bpy

from . import registration_batch
from .demo_head import operator as demo_head
from .jobs import generate as jobs
from .jobs import install as runtime_jobs
from .session import runtime_choice
from .ui import preferences
from .ui.operators import (
    generate as operators,
)
from .ui.operators import (
    mapping as operators_mapping,
)
from .ui.operators import (
    rig as operators_rig,
)
from .ui.operators import (
    runtime as operators_runtime,
)
from .ui.panels import generate as panels
from .ui.panels import mapping as panels_mapping
from .ui.panels import rig as panels_rig
from .ui.properties import generate as properties
from .ui.properties import mapping as properties_mapping

log = logging.getLogger(__name__)

CLASSES = (
    *properties.CLASSES,
    *properties_mapping.CLASSES,
    *preferences.CLASSES,
    *operators.CLASSES,
    *operators_mapping.CLASSES,
    *operators_rig.CLASSES,
    *operators_runtime.CLASSES,
    *panels.CLASSES,
    *panels_mapping.CLASSES,
    *panels_rig.CLASSES,
    *registration_batch.CLASSES,
    *demo_head.classes,
)

_undo = contextlib.ExitStack()


def register() -> None:
    """Register everything.

    Raises:
        RuntimeError: It is registered already.
        ValueError: Blender refuses a class. What was registered before it has been taken out.
    """
    global _undo  # noqa: PLW0603 - the one thing that must outlive the call
    if jobs.studio is not None:
        raise RuntimeError("CSTalk is registered already")
    with contextlib.ExitStack() as stack:
        for step in _steps():
            stack.callback(step)
        _undo = stack.pop_all()


def unregister() -> None:
    """End the child and take everything out, last in first out. May be called twice."""
    _undo.close()


def _steps() -> Iterator[Callable[[], None]]:
    """Take each step of the registration and give back its undoing."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
        yield lambda cls=cls: bpy.utils.unregister_class(cls)
    bpy.types.Scene.cstalk = bpy.props.PointerProperty(type=properties.CSTALK_PG_scene)  # type: ignore[func-returns-value]
    yield _remove_property
    properties_mapping.attach()
    yield properties_mapping.detach
    bpy.app.handlers.load_pre.append(jobs.on_load)
    yield lambda: bpy.app.handlers.load_pre.remove(jobs.on_load)
    bpy.types.VIEW3D_MT_mesh_add.append(demo_head.menu_func)
    yield lambda: bpy.types.VIEW3D_MT_mesh_add.remove(demo_head.menu_func)
    yield from registration_batch.steps()
    runtime_choice.reset()
    runtime_jobs.job = runtime_jobs.RuntimeJob(preferences.runtime_changed)
    yield _close_runtime_job
    jobs.studio = jobs.Studio(preferences.launch, runtime_choice.current.fall_back)
    yield _close_studio


def _remove_property() -> None:
    del bpy.types.Scene.cstalk


def _close_runtime_job() -> None:
    job, runtime_jobs.job = runtime_jobs.job, None
    if job is not None:
        job.close()


def _close_studio() -> None:
    studio, jobs.studio = jobs.studio, None
    if studio is not None:
        studio.close()
