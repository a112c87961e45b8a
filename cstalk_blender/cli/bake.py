"""Run ``blender -b scene.blend --command cstalk bake``: the batch of the panel, from a shell.

The options are written into the scene's settings, and the batch is built from these, so that shell
and panel give the same result. Messages go to stderr, JSON objects (``--json``) to stdout.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import bpy

from ..errors import BadBatch, SessionError
from ..jobs.batch import job as batch_job
from ..scene import strip_lines as casting
from ..ui import line_list, line_requests
from ..ui.properties.batch import AS_PANEL, CSTALK_PG_batch
from . import options as bake_options
from .events import EventPrinter

log = logging.getLogger((__package__ or "").rpartition(".")[0])
"""The logger of the whole add-on."""
DONE, FAULT, BAD, STOPPED = 0, 1, 2, 130
"""Exit statuses, as those of ``python -m model_runtime``. BAD: a line failed or bad input."""
IN_SCENE = ("nla", "timeline", "actions")
"""Destinations that change the scene, which is then saved."""


def execute(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: Arguments after ``--command cstalk``.

    Returns:
        The exit status of Blender.
    """
    # Without any handler Python's last resort would print them once more.
    quiet = logging.NullHandler()  # the messages are printed below
    log.addHandler(quiet)
    try:
        options = bake_options.parser().parse_args(list(arguments))
        return bake(options)
    # argparse ends with SystemExit after --help.
    except SystemExit as ending:
        return int(ending.code or 0)
    except SessionError as error:
        if str(error) not in error.details:
            _print(error.details)
        _print(f"cstalk: {error}. {error.hint}".rstrip(". "))
        return BAD
    except KeyboardInterrupt:
        # The worker must not outlive Blender.
        batch_job.current_job().close()
        _print("cstalk: stopped; run the same command to continue")
        return STOPPED
    finally:
        log.removeHandler(quiet)


def bake(options: argparse.Namespace) -> int:
    """Bake the lines and save the file.

    Args:
        options: Parsed options of the command.

    Returns:
        The exit status.

    Raises:
        SessionError: The batch could not be started or its process failed.
    """
    scene = _scene(options.scene)
    # Checked before hours of work.
    save_as = _save_path(options)
    _set_up(scene, options)
    line_list.fill(scene, default_character=options.character or "")
    batch = batch_job.current_job()
    printer = EventPrinter(batch, is_json=options.json)
    request = line_requests.request_of(scene)
    printer.started(len(request.assignments))
    batch.on_line_ended = printer.line_ended
    report = None if options.report is None else Path(options.report).resolve()
    try:
        batch.start(dataclasses.replace(request, report=report))
        # Background Blender runs no timers, so that the job is driven here.
        while batch.is_busy:
            batch.tick()
            printer.progress()
    # The job outlives the command: it must not keep the printer.
    finally:
        batch.on_line_ended = lambda _line, _state: None
    if batch.error is not None:
        raise batch.error
    if save_as is not None:
        _save(save_as)
    printer.ended(save_as)
    assert batch.outcome is not None, "a batch that ended without an error has an outcome"
    return {"done": DONE, "cancelled": STOPPED}.get(batch.outcome, BAD)


def _set_up(scene: bpy.types.Scene, options: argparse.Namespace) -> None:
    """Write the options into the scene's settings.

    Args:
        scene: The scene.
        options: Parsed options of the command.
    """
    settings: CSTALK_PG_batch = scene.cstalk_batch
    if options.sequencer:
        settings.source_kind = "SEQUENCER"
    elif options.list:
        settings.source_kind, settings.list_path = "LIST", str(Path(options.list).resolve())
    else:
        # ``absolute`` instead of ``resolve``: a glob is no path to resolve.
        settings.source_kind, settings.folder = "FOLDER", str(Path(options.folder).absolute())
    settings.destination = bake_options.DESTINATIONS[options.to]
    settings.pattern, settings.gap_s = options.name_pattern, options.gap
    if options.fade is not None:
        settings.fade_s = options.fade
    settings.include, settings.exclude = " ".join(options.include), " ".join(options.exclude)
    settings.use_text = not options.no_text
    settings.is_asset, settings.with_sounds = options.mark_assets, not options.no_sounds
    formats = options.format.split(",")
    settings.write_livelink, settings.write_a2f = "csv" in formats, "json" in formats
    if options.out:
        settings.output_folder = str(Path(options.out).resolve())
    if options.start_frame is not None:
        scene.cstalk.start_frame = options.start_frame
    if options.emotion:
        settings.emotion_default = AS_PANEL
        scene.cstalk.emotion, scene.cstalk.intensity = options.emotion, 1.0
    if options.intensity is not None:
        scene.cstalk.intensity = options.intensity
    if options.character:
        scene.cstalk.target = _face(scene, options.character)
    for place, text in enumerate(options.cast):
        pattern, _equals, name = text.rpartition("=")
        if not pattern:
            raise BadBatch(f"--cast {text!r} has no pattern", hint="Write PATTERN=NAME")
        _cast(settings, place, pattern, _face(scene, name))


def _cast(settings: CSTALK_PG_batch, place: int, pattern: str, face: bpy.types.Object) -> None:
    """Insert a row into the cast before those of the file; an equal row is replaced."""
    rows = settings.roles
    # From the end, so that removing moves no row that comes later.
    for index in reversed(range(place, len(rows))):
        if rows[index].pattern == pattern and not rows[index].channel:
            rows.remove(index)
    role = rows.add()
    role.pattern, role.character = pattern, face
    rows.move(len(rows) - 1, place)


def _face(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    face = casting.face_of_or_none(scene.objects.get(name))
    if face is None:
        known = ", ".join(sorted(casting.characters_in(scene))) or "none"
        raise BadBatch(
            f"Scene {scene.name!r} has no character {name!r}", hint=f"Use one of: {known}"
        )
    return face


def _scene(name: str | None) -> bpy.types.Scene:
    if name is None:
        return bpy.context.scene
    scene = bpy.data.scenes.get(name)
    if scene is None:
        raise BadBatch(f"Scene not found: {name!r}", hint="Check the name")
    return scene


def _save_path(options: argparse.Namespace) -> Path | None:
    """Return where the file is saved at the end; None if it is not saved."""
    if options.no_save or (options.to not in IN_SCENE and not options.save_as):
        return None
    if options.save_as:
        return Path(options.save_as).resolve()
    if not bpy.data.filepath:
        raise BadBatch(
            "No .blend file is open to save the result in",
            hint="Open one: blender -b FILE.blend --command cstalk bake ..., or use --save-as",
        )
    return Path(bpy.data.filepath)


def _save(path: Path) -> None:
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False)
    except RuntimeError as error:
        raise BadBatch(
            f"Cannot save {path.name}: {str(error).strip()}", hint="Check the folder's permissions"
        ) from error


def _print(text: str) -> None:
    if text:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
