"""Say how the add-on's long-lived jobs are created, and close them; their load handler."""

from __future__ import annotations

import contextlib

import bpy

from ..jobs import direct, generate, install, open_jobs, preview
from ..jobs.batch import job as batch
from ..runtime_install import runtime_choice
from ..scene import direction
from . import launch

_open = contextlib.ExitStack()


def attach() -> None:
    """Make the jobs of Generate, batch and runtime installation available; none is created yet."""
    with contextlib.ExitStack() as stack:
        stack.callback(_reset_choice)
        open_jobs.INSTALL.create = _create_install
        stack.callback(open_jobs.INSTALL.close)
        open_jobs.GENERATE.create = _create_generate
        stack.callback(open_jobs.GENERATE.close)
        open_jobs.BATCH.create = _create_batch
        stack.callback(open_jobs.BATCH.close)
        open_jobs.DIRECT.create = _create_direct
        stack.callback(open_jobs.DIRECT.close)
        open_jobs.PREVIEW.create = _create_preview
        stack.callback(open_jobs.PREVIEW.close)
        direction.on_change = _on_direction
        stack.callback(setattr, direction, "on_change", None)
        bpy.app.handlers.load_pre.append(open_jobs.on_load)
        stack.callback(bpy.app.handlers.load_pre.remove, open_jobs.on_load)
        _open.push(stack.pop_all())


def detach() -> None:
    """End the worker processes and remove the handler."""
    _open.close()


def _create_install() -> install.RuntimeJob:
    return install.RuntimeJob(launch.on_runtime_changed)


def _create_generate() -> generate.GenerateJob:
    return generate.GenerateJob(launch.worker_launch, runtime_choice.current.fall_back)


def _create_batch() -> batch.BatchJob:
    return batch.BatchJob(launch.batch_launch)


def _create_direct() -> direct.DirectJob:
    return direct.DirectJob()


def _create_preview() -> preview.PreviewJob:
    return preview.PreviewJob()


def _on_direction(face: bpy.types.Object) -> None:
    direct.on_change(face)  # looked up here: enabling must not read the module


def _reset_choice() -> None:
    runtime_choice.reset()  # looked up on detach: enabling must not read the module
