"""``blender -b scene.blend --command cstalk bake ...``: the panel's batch, from a shell.

The options are written into the scene's own settings and the same order is carried out, so that
shell and panel make the same. Messages go to stderr, with ``--json`` objects to stdout.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import bpy

from ..dialogue.lines import DEFAULT_PATTERN
from ..errors import BadBatch, SessionError
from ..jobs.batch import job as batch_job
from ..jobs.batch.job import BatchJob
from ..jobs.batch.progress import LineState
from ..jobs.batch.request import BatchRequest, LineStatus
from ..package import protocol
from ..scene import strip_lines as casting
from ..ui import line_list, line_requests
from ..ui.properties.batch import AS_PANEL, DESTINATION_ITEMS, CSTALK_PG_batch

log = logging.getLogger((__package__ or "").rpartition(".")[0])
"""The logger of the whole add-on."""
DONE, FAULT, BAD, STOPPED = 0, 1, 2, 130
"""Exit statuses: as those of ``python -m model_runtime``; a line that failed is 2."""
DESTINATIONS = {name.lower(): name for name, _label, _purpose in DESTINATION_ITEMS}
IN_SCENE = ("nla", "timeline", "actions")
"""Destinations that change the scene, which is then saved."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and never ends Blender itself."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of exiting."""
        raise BadBatch(message, hint="See blender --command cstalk bake --help")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """After ``--help``."""
        if message:
            _say(message)
        raise SystemExit(status)


def execute(arguments: Sequence[str]) -> int:
    """Run the command; Blender's exit status is what this returns.

    Args:
        arguments: What follows ``--command cstalk``.
    """
    quiet = logging.NullHandler()  # what is logged is said here anyway
    log.addHandler(quiet)
    try:
        options = parser().parse_args(list(arguments))
        return bake(options)
    except SystemExit as ending:
        return int(ending.code or 0)
    except SessionError as error:
        if str(error) not in error.details:
            _say(error.details)
        _say(f"cstalk: {error}. {error.hint}".rstrip(". "))
        return BAD
    except KeyboardInterrupt:
        batch_job.current_job().close()
        _say("cstalk: stopped; the same command goes on from here")
        return STOPPED
    finally:
        log.removeHandler(quiet)


def bake(options: argparse.Namespace) -> int:
    """Make the lines and save. Raises SessionError where nothing could be done."""
    scene = _scene(options.scene)
    save_as = _save_path(options)
    _set_up(scene, options)
    line_list.fill(scene, default_character=options.character or "")
    batch = batch_job.current_job()
    teller = Teller(batch, options.json)
    order = line_requests.request_of(scene)
    teller.start(len(order.assignments))
    batch.on_event = teller.line
    report = None if options.report is None else Path(options.report).resolve()
    try:
        batch.start(_with_report(order, report))
        while batch.is_busy:
            batch.tick()
            teller.progress()
    finally:
        batch.on_event = lambda _line, _state: None
    if batch.error is not None:
        raise batch.error
    if save_as is not None:
        _save(save_as)
    teller.end(save_as)
    return {"done": DONE, "cancelled": STOPPED}.get(batch.status, BAD)


def parser() -> Parser:
    """The options of ``bake``."""
    top = Parser(prog="blender -b FILE.blend --command cstalk")
    commands = top.add_subparsers(dest="command", required=True)
    make = commands.add_parser("bake", help="make facial performances of many lines")
    source = make.add_mutually_exclusive_group(required=True)
    source.add_argument("--folder", metavar="FOLDER", help="sounds in a folder; or a quoted glob")
    source.add_argument("--list", metavar="LIST.csv", help="a CSV or TSV with a row for each line")
    source.add_argument("--sequencer", action="store_true", help="the sound strips of the scene")
    make.add_argument("--character", metavar="NAME", help="who speaks lines that name nobody")
    make.add_argument(
        "--cast", action="append", default=[], metavar="PATTERN=NAME", help="who speaks what"
    )
    make.add_argument("--to", choices=sorted(DESTINATIONS), default="nla", help="(nla)")
    make.add_argument("--out", metavar="FOLDER", help="folder for curves, reports and files")
    make.add_argument("--report", metavar="REPORT.csv", help="also a page beside it, REPORT.html")
    make.add_argument("--scene", metavar="NAME", help="scene of the file (the open one)")
    emotions = (*protocol.EMOTIONS, protocol.AUTO_EMOTION)
    make.add_argument("--emotion", choices=emotions, help="of lines that name none")
    make.add_argument("--intensity", type=float, metavar="F", help="of that emotion")
    make.add_argument("--name-pattern", default=DEFAULT_PATTERN, metavar="PATTERN")
    make.add_argument("--include", action="append", default=[], metavar="GLOB")
    make.add_argument("--exclude", action="append", default=[], metavar="GLOB")
    make.add_argument("--gap", type=float, default=0.5, metavar="SECONDS", help="(0.5)")
    make.add_argument("--start-frame", type=int, metavar="FRAME", help="of the first line")
    make.add_argument("--format", default="npz", metavar="npz,csv,json", help="curve files (npz)")
    make.add_argument("--mark-assets", action="store_true", help="Actions into the Asset Browser")
    make.add_argument("--no-sounds", action="store_true", help="leave the sequencer as it is")
    make.add_argument("--save-as", metavar="FILE.blend", help="save the scene elsewhere")
    make.add_argument("--no-save", action="store_true", help="do not save the scene")
    make.add_argument("--json", action="store_true", help="one JSON object a line on stdout")
    return top


class Teller:
    """Says how far the batch is: in words on stderr, or as objects on stdout."""

    def __init__(self, batch: BatchJob, is_json: bool) -> None:
        self._batch, self._is_json, self._told = batch, is_json, 0.0

    def start(self, count: int) -> None:
        """The batch begins."""
        self._tell(f"{count} lines", type="start", lines=count)

    def line(self, name: str, state: LineState) -> None:
        """A line has ended."""
        told = f"(heard: {state.detected_emotion})" if state.detected_emotion else state.message
        words = f"{state.status.lower()}: {name} {told}".rstrip()
        self._tell(
            words,
            type="line",
            line=name,
            status=state.status.lower(),
            score=state.score,
            heard=state.detected_emotion,
            error=state.message,
            hint=state.hint,
        )

    def progress(self) -> None:
        """Told at each hundredth."""
        done = round(self._batch.fraction, 2)
        if self._is_json and done != self._told and self._batch.is_busy:
            self._told = done
            self._tell("", type="progress", fraction=done, seconds_left=self._batch.seconds_left)

    def end(self, saved: Path | None) -> None:
        """The batch is over."""
        batch = self._batch
        counts = {
            name.lower(): batch.count(name)
            for name in (LineStatus.DONE, LineStatus.SKIPPED, LineStatus.FAILED)
        }
        self._tell(
            batch.summary,
            type="end",
            status=batch.status,
            **counts,
            reports=batch.reports,
            saved=None if saved is None else str(saved),
        )

    def _tell(self, words: str, **values: Any) -> None:
        if self._is_json:
            sys.stdout.write(json.dumps(values, ensure_ascii=True) + "\n")
            sys.stdout.flush()
        elif words:
            _say(words)


def _set_up(scene: bpy.types.Scene, options: argparse.Namespace) -> None:
    """Write the options into the scene's settings."""
    settings: CSTALK_PG_batch = scene.cstalk_batch
    if options.sequencer:
        settings.source_kind = "SEQUENCER"
    elif options.list:
        settings.source_kind, settings.list_path = "LIST", str(Path(options.list).resolve())
    else:
        settings.source_kind, settings.folder = "FOLDER", str(Path(options.folder).absolute())
    settings.destination = DESTINATIONS[options.to]
    settings.pattern, settings.gap_s = options.name_pattern, options.gap
    settings.include, settings.exclude = " ".join(options.include), " ".join(options.exclude)
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
            raise BadBatch(f"--cast {text!r} names no lines", hint="Write PATTERN=NAME")
        _cast(settings, place, pattern, _face(scene, name))


def _cast(settings: CSTALK_PG_batch, place: int, pattern: str, face: bpy.types.Object) -> None:
    """Put a row into the cast, before those of the file; the same command may be run again."""
    rows = settings.roles
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
        raise BadBatch(f"{scene.name!r} has no character {name!r}", hint=f"It has: {known}")
    return face


def _scene(name: str | None) -> bpy.types.Scene:
    if name is None:
        return bpy.context.scene
    scene = bpy.data.scenes.get(name)
    if scene is None:
        raise BadBatch(f"No scene {name!r} in the file", hint="Check the name")
    return scene


def _save_path(options: argparse.Namespace) -> Path | None:
    """Where the scene is saved in the end; None where it is not."""
    if options.no_save or (options.to not in IN_SCENE and not options.save_as):
        return None
    if options.save_as:
        return Path(options.save_as).resolve()
    if not bpy.data.filepath:
        raise BadBatch(
            "There is no file to save the lines in",
            hint="Name it: blender -b FILE.blend --command cstalk bake ..., or use --save-as",
        )
    return Path(bpy.data.filepath)


def _save(path: Path) -> None:
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False)
    except RuntimeError as error:
        raise BadBatch(
            f"{path.name} could not be saved: {str(error).strip()}", hint="Check the folder"
        ) from error


def _with_report(order: BatchRequest, report: Path | None) -> BatchRequest:
    return dataclasses.replace(order, report=report)


def _say(words: str) -> None:
    if words:
        sys.stderr.write(words + "\n")
        sys.stderr.flush()
