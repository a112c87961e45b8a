"""Create the add-on's long-lived objects and close them: jobs and their load handler."""

from __future__ import annotations

import contextlib

import bpy

from ..jobs import generate, install, pump
from ..jobs.batch import job as batch
from ..runtime_install import runtime_choice
from . import launch

_open = contextlib.ExitStack()


def attach() -> None:
    """Create the jobs of Generate, batch and runtime installation."""
    runtime_choice.reset()
    with contextlib.ExitStack() as stack:
        install.job = install.RuntimeJob(launch.on_runtime_changed)
        stack.callback(_close_install)
        generate.job = generate.GenerateJob(launch.worker_launch, runtime_choice.current.fall_back)
        stack.callback(_close_generate)
        batch.job = batch.BatchJob(launch.batch_launch)
        stack.callback(_close_batch)
        pump.open_jobs[:] = [install.job, generate.job, batch.job]
        stack.callback(pump.open_jobs.clear)
        bpy.app.handlers.load_pre.append(pump.on_load)
        stack.callback(bpy.app.handlers.load_pre.remove, pump.on_load)
        _open.push(stack.pop_all())


def detach() -> None:
    """End the worker processes and remove the handler."""
    _open.close()


def _close_install() -> None:
    job, install.job = install.job, None
    if job is not None:
        job.close()


def _close_generate() -> None:
    job, generate.job = generate.job, None
    if job is not None:
        job.close()


def _close_batch() -> None:
    job, batch.job = batch.job, None
    if job is not None:
        job.close()
