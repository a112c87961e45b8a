"""Start worker processes as the add-on's preferences say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..jobs import open_jobs
from ..package import ADDON_ID
from ..runtime_install import plan, runtime_choice, sources
from ..session import environment

LOG_NAME = "worker.log"


def batch_launch() -> environment.Launch:
    """Return how to start the worker process of a batch; see `worker_launch`."""
    return worker_launch("batch-worker")


def worker_launch(command: str = "worker") -> environment.Launch:
    """Return how to start a worker process: the command of the runtime that it runs.

    Raises:
        PythonMissing: The Python of the preferences does not exist.
        RuntimeMissing: The extension is incomplete.
    """
    choice = runtime_of(preferences_or_none())
    options = ("--engine", choice.engine, "--device", choice.device)
    return environment.worker_launch(
        choice.python, command=command, options=options, log_file=log_file()
    )


def runtime_of(preferences: Any) -> runtime_choice.Choice:
    """Return the Python, engine and device that the add-on's ``preferences`` select.

    None selects the defaults.
    """
    python, engine, device = "", "auto", "auto"
    if preferences is not None:
        python = bpy.path.abspath(preferences.python_path)
        engine, device = preferences.engine, preferences.device
    return runtime_choice.current.choose(
        runtime_home(), python=python, engine=engine, device=device
    )


def preferences_or_none() -> Any:
    """Return the add-on's preferences; None when it runs from a checkout without being enabled."""
    addon = bpy.context.preferences.addons.get(ADDON_ID)
    return None if addon is None else addon.preferences


def end_idle_worker() -> None:
    """End the worker process unless it is generating; the next one has the new preferences."""
    job = open_jobs.GENERATE.current_or_none
    if job is not None and not job.is_busy:
        job.drop_child(wait=False)  # a click in the preferences must not block


def on_runtime_changed() -> None:
    """Use the runtime that was just installed or repaired from the next request on."""
    runtime_choice.current.forgive()
    end_idle_worker()


def log_file() -> Path:
    """Return the path of the worker's log, in the user folder that upgrades keep."""
    return _user_folder(create=True) / LOG_NAME


def runtime_home() -> Path:
    """Return the folder of the GPU runtime; the first installation creates it."""
    return _user_folder(create=False) / runtime_choice.RUNTIME_FOLDER


def download_source(tag: str) -> plan.Source:
    """Return where the preferences say to download the PyTorch build ``tag`` from."""
    preferences = preferences_or_none()
    index = sources.TORCH_INDEX if preferences is None else preferences.torch_index.strip()
    return plan.Source(tag=tag, torch_index=index or sources.TORCH_INDEX)


def _user_folder(*, create: bool) -> Path:
    """Return the extension's user folder; for a checkout, Blender's temporary folder."""
    if ADDON_ID.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(ADDON_ID, create=create))
    return Path(bpy.app.tempdir)
