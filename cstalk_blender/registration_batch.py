"""What the batch puts into Blender: classes, properties, the shell's command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import bpy

from . import cli as command_line
from .jobs import batch as jobs_batch
from .scene import emotion_track
from .ui import emotion_strip as emotion_band
from .ui import preferences
from .ui.operators import batch as operators_batch
from .ui.panels import batch as panels_batch
from .ui.panels import batch_pages as panels_batch_pages
from .ui.properties import batch as properties_batch

COMMAND = "cstalk"
"""``blender --command cstalk`` goes to `command_line.py`."""

CLASSES = (
    *emotion_track.CLASSES,
    *properties_batch.CLASSES,
    *operators_batch.CLASSES,
    *panels_batch.CLASSES,
    *panels_batch_pages.CLASSES,
)


def steps() -> Iterator[Callable[[], None]]:
    """Take each step of the registration and give back its undoing; the classes are there."""
    bpy.types.Scene.cstalk_batch = bpy.props.PointerProperty(type=properties_batch.CSTALK_PG_batch)  # type: ignore[func-returns-value]
    yield lambda: delattr(bpy.types.Scene, "cstalk_batch")
    for owner in (bpy.types.Scene, bpy.types.Object):
        owner.cstalk_emotions = bpy.props.PointerProperty(type=emotion_track.CSTALK_PG_emotions)  # type: ignore[func-returns-value]
        yield lambda owner=owner: delattr(owner, "cstalk_emotions")
    emotion_band.start()
    yield emotion_band.stop
    bpy.app.handlers.load_pre.append(jobs_batch.on_load)
    yield lambda: bpy.app.handlers.load_pre.remove(jobs_batch.on_load)
    command = bpy.utils.register_cli_command(COMMAND, _command)  # type: ignore[func-returns-value]
    yield lambda: bpy.utils.unregister_cli_command(command)
    jobs_batch.batch = jobs_batch.Batch(preferences.launch)
    yield _close_batch


def _command(arguments: Sequence[str]) -> int:
    return command_line.execute(arguments)


def _close_batch() -> None:
    batch, jobs_batch.batch = jobs_batch.batch, None
    if batch is not None:
        batch.close()
