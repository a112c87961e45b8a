"""Create the add-on's long-lived objects and close them: job queues and their load handlers."""

from __future__ import annotations

import contextlib

import bpy

from ..jobs import batch, generate, install
from ..session import runtime_choice
from . import launch

_open = contextlib.ExitStack()


def attach() -> None:
    """Create the jobs of Generate, batch and runtime installation."""
    runtime_choice.reset()
    with contextlib.ExitStack() as stack:
        install.job = install.RuntimeJob(launch.on_runtime_changed)
        stack.callback(_close_install)
        generate.studio = generate.Studio(launch.worker_launch, runtime_choice.current.fall_back)
        stack.callback(_close_generate)
        batch.batch = batch.Batch(launch.worker_launch)
        stack.callback(_close_batch)
        for handler in (generate.on_load, batch.on_load):
            bpy.app.handlers.load_pre.append(handler)
            stack.callback(bpy.app.handlers.load_pre.remove, handler)
        _open.push(stack.pop_all())


def detach() -> None:
    """End the worker processes and remove the handlers."""
    _open.close()


def _close_install() -> None:
    job, install.job = install.job, None
    if job is not None:
        job.close()


def _close_generate() -> None:
    studio, generate.studio = generate.studio, None
    if studio is not None:
        studio.close()


def _close_batch() -> None:
    current, batch.batch = batch.batch, None
    if current is not None:
        current.close()
