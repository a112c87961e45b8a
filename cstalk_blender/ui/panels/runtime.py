"""Draw the runtime page of the preferences: engine in use, installation, running job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ...jobs import install as runtime_jobs
from ...jobs import open_jobs
from ...runtime_install import packages, runtime_choice, state
from ...text import clock

PREFIX = "cstalk.runtime_"


def draw_runtime(layout: bpy.types.UILayout, preferences: Any, home: Path) -> None:
    """Draw the page.

    Args:
        layout: Where to draw.
        preferences: The add-on's preferences.
        home: Folder of the GPU runtime.
    """
    box = layout.box()
    column = box.column(align=True)
    title = runtime_choice.now_running(
        home, python=preferences.python_path, engine=preferences.engine
    )
    column.label(text=f"In use: {title}", icon="PLAY", translate=False)
    generating = open_jobs.GENERATE.current_or_none
    hello = None if generating is None else generating.hello
    if hello is not None:
        text = f"Worker: {hello.engine} on {hello.device}, version {hello.runtime}"
        column.label(text=text, icon="BLANK1", translate=False)
    failure = runtime_choice.current.failure
    if failure:
        column.label(text=f"PyTorch failed: {failure}", icon="ERROR", translate=False)
        column.operator(f"{PREFIX}retry", icon="FILE_REFRESH")
    _draw_installed(box, state.read_installed(home), home)
    job = open_jobs.INSTALL.current_or_none
    if job is not None and job.is_busy:
        _draw_progress(box, job)
    else:
        _draw_buttons(box, home)
        if job is not None and job.error is not None:
            _draw_error(box, job)


def _draw_installed(box: bpy.types.UILayout, installed: state.Installed | None, home: Path) -> None:
    column = box.column(align=True)
    if installed is None:
        if (home / state.CURRENT).exists():
            text = "The record of the GPU runtime cannot be read: remove it and install it again"
            column.label(text=text, icon="ERROR")
        else:
            column.label(text="No GPU runtime is installed; it is optional", icon="INFO")
        return
    size = f", {packages.megabytes(installed.disk_bytes)} on disk" if installed.is_ours else ""
    text = f"GPU runtime: {installed.build}, torch {installed.torch}{size}"
    column.label(text=text, icon="PACKAGE", translate=False)
    column.label(text=str(installed.folder), icon="BLANK1", translate=False)
    if installed.problem:
        text = f"{installed.problem}. The built-in engine is used instead"
        column.label(text=text, icon="ERROR", translate=False)
    elif installed.note:
        column.label(text=installed.note, icon="INFO", translate=False)
    else:
        text = f"Tested on {installed.device}: 3 s of audio in {installed.seconds:.2f} s"
        column.label(text=text, icon="CHECKMARK", translate=False)


def _draw_progress(box: bpy.types.UILayout, job: runtime_jobs.RuntimeJob) -> None:
    column = box.column(align=True)
    left = "" if job.seconds_left is None else f", {clock(job.seconds_left)} left"
    text = f"{100 * job.fraction:.0f} %{left}"
    column.progress(factor=job.fraction, text=text, type="BAR")
    detail = f": {job.detail}" if job.detail else ""
    column.label(text=f"{job.stage}{detail}", translate=False)
    column.operator(f"{PREFIX}cancel", icon="CANCEL")


def _draw_buttons(box: bpy.types.UILayout, home: Path) -> None:
    pending = state.read_pending(home)
    if pending is not None:
        kept = packages.megabytes(pending.kept_bytes)
        text = f"Installation interrupted ({pending.stage.lower()}); {kept} downloaded"
        box.label(text=text, icon="INFO", translate=False)
        box.operator(f"{PREFIX}resume", icon="PLAY")
    row = box.row(align=True)
    row.operator(f"{PREFIX}install", icon="IMPORT")
    if (home / state.CURRENT).exists():
        row.operator(f"{PREFIX}test", icon="CHECKMARK")
        row.operator(f"{PREFIX}repair", icon="TOOL_SETTINGS")
    if (home / state.CURRENT).exists() or pending is not None:
        row.operator(f"{PREFIX}remove", icon="TRASH")


def _draw_error(box: bpy.types.UILayout, job: runtime_jobs.RuntimeJob) -> None:
    assert job.error is not None
    column = box.column(align=True)
    column.label(text=str(job.error), icon="ERROR", translate=False)
    if job.error.hint:
        column.label(text=job.error.hint, icon="FORWARD", translate=False)
    column.operator(f"{PREFIX}copy_details", icon="COPYDOWN")
