"""Run the installer from the command line: plan, install, test, repair, status, remove. No bpy.

The add-on starts it as a process with ``--json``: one JSON object per line on stdout, of type
``progress``, then one ``done``, ``failed`` or ``cancelled``. With ``--stop-with-stdin`` a closed
stdin stops it, so that it never outlives Blender.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InstallFailed
from ..package import ROOT_FOLDER
from . import machine, plan, sources, state
from .commands import InstallCancelled, Stop
from .packages import megabytes
from .steps import Installation, Progress

# 130 is what a shell reports for a program that was stopped by Ctrl+C (128 + SIGINT).
FAILED, STOPPED = 1, 130
PROGRESS_EVERY_S = 0.1


class Reporter:
    """Writes progress and results to stdout, as JSON or as text."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._reported_at = 0.0
        self._stage = ""

    def progress(self, progress: Progress) -> None:
        """Write progress, at most ten times a second."""
        # A new stage is always written: it may be shorter than a tenth of a second.
        is_new = progress.stage != self._stage
        if not is_new and time.monotonic() - self._reported_at < PROGRESS_EVERY_S:
            return
        self._reported_at, self._stage = time.monotonic(), progress.stage
        if self._as_json:
            self.write("progress", dataclasses.asdict(progress))
        elif is_new:
            self._write_line(f"{100 * progress.fraction:3.0f} %  {progress.stage}")

    def write(self, kind: str, values: dict[str, Any], text: str = "") -> None:
        """Write one message.

        Args:
            kind: Type of the JSON object.
            values: Its other fields.
            text: Line for people, written unless ``--json`` is given.
        """
        self._write_line(json.dumps({"type": kind, **values}) if self._as_json else text)

    def _write_line(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        # The add-on reads a pipe, on which Python would buffer whole blocks.
        sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 130 stopped."""
    options = _parser().parse_args(arguments)
    reporter = Reporter(as_json=options.json)
    try:
        return int(options.command(options, reporter))
    except InstallFailed as error:
        values = {"code": error.error_code, "message": str(error), "hint": error.hint}
        hint = f"\n  What to do: {error.hint}" if error.hint else ""
        reporter.write("failed", values | {"details": error.details}, f"failed: {error}{hint}")
        return FAILED
    except (InstallCancelled, KeyboardInterrupt):
        reporter.write("cancelled", {}, "stopped; 'resume' continues from here")
        return STOPPED


def _parser() -> argparse.ArgumentParser:
    # Only errors of known kinds are caught: another one ends with a traceback, which is a fault of
    # ours.
    parser = argparse.ArgumentParser(
        prog="python -m cstalk_blender.runtime_install",
        description="Install PyTorch for the CSTalk add-on into an environment of its own.",
    )
    parser.add_argument("--json", action="store_true", help="JSON lines, for programs")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    chosen = commands.add_parser("plan", help="print which PyTorch fits this machine, and why")
    chosen.set_defaults(command=_plan)
    install = commands.add_parser(
        "install", help="install PyTorch, test it and use it from then on"
    )
    install.add_argument("--home", type=Path, required=True, metavar="FOLDER")
    place = install.add_mutually_exclusive_group()
    place.add_argument(
        "--wheels", metavar="FOLDER", help="install from a folder of wheels, offline"
    )
    place.add_argument("--environment", metavar="FOLDER", help="use an existing environment")
    install.add_argument(
        "--tag",
        choices=list(plan.BUILDS),
        help="build of PyTorch (default: the one that `plan` prints)",
    )
    install.add_argument("--torch-index", default=sources.TORCH_INDEX, metavar="URL")
    install.add_argument("--torch", default=plan.TORCH_REQUIREMENT, metavar="REQUIREMENT")
    install.add_argument("--python", type=Path, action="append", default=[], metavar="FILE")
    # Hidden: the add-on alone needs it, and a terminal has Ctrl+C.
    install.add_argument("--stop-with-stdin", action="store_true", help=argparse.SUPPRESS)
    install.set_defaults(command=_install)
    for name, function, text in (
        ("resume", _resume, "continue an interrupted installation"),
        ("test", _test, "test the runtime with a real generation"),
        ("repair", _repair, "test the runtime, and reinstall it if it does not work"),
        ("status", _status, "print what is installed and its size on disk"),
        ("remove", _remove, "remove the runtime"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--home", type=Path, required=True, metavar="FOLDER")
        command.add_argument("--python", type=Path, action="append", default=[], metavar="FILE")
        command.add_argument("--stop-with-stdin", action="store_true", help=argparse.SUPPRESS)
        command.set_defaults(command=function)
    return parser


def _plan(_options: argparse.Namespace, reporter: Reporter) -> int:
    found = machine.detect()
    choice = plan.choose(found)
    build = choice.build
    reporter.write(
        "plan",
        {"machine": found.title, "reason": choice.reason, **dataclasses.asdict(build)},
        f"{found.title}: {build.title}, as {choice.reason}; about {build.download_mb} MB to "
        f"download, {build.disk_mb} MB on disk",
    )
    return 0


def _install(options: argparse.Namespace, reporter: Reporter) -> int:
    return _done(_installation(options, _source(options), reporter).run(), reporter)


def _resume(options: argparse.Namespace, reporter: Reporter) -> int:
    pending = state.read_pending(options.home)
    # The interrupted installation decides where the packages are from, not today's machine.
    if pending is None:
        raise InstallFailed("There is nothing to resume", hint="Install the runtime")
    source = state.source_of(pending.source)
    return _done(_installation(options, source, reporter).run(), reporter)


def _test(options: argparse.Namespace, reporter: Reporter) -> int:
    installed = _installed(options)
    source = state.source_of(installed.source)
    return _done(_installation(options, source, reporter).test(installed), reporter)


def _repair(options: argparse.Namespace, reporter: Reporter) -> int:
    installed = _installed(options)
    installation = _installation(options, state.source_of(installed.source), reporter)
    try:
        return _done(installation.test(installed), reporter)
    except InstallFailed:
        if not installed.is_ours:
            raise  # an environment of the user is never changed
    return _done(installation.run(), reporter)


def _installed(options: argparse.Namespace) -> state.Installed:
    installed = state.read_installed(options.home)
    if installed is None:
        raise InstallFailed("No runtime is installed", hint="Install it")
    return installed


def _installation(
    options: argparse.Namespace, source: plan.Source, reporter: Reporter
) -> Installation:
    stop = Stop()
    if options.stop_with_stdin:
        # A daemon, as reading a terminal's stdin never ends.
        threading.Thread(target=_stop_with_stdin, args=(stop,), daemon=True).start()
    return Installation(
        options.home.expanduser().resolve(),
        source,
        root=ROOT_FOLDER,
        stop=stop,
        report=reporter.progress,
        preferred=options.python,
    )


def _done(installed: state.Installed, reporter: Reporter) -> int:
    reporter.write(
        "done",
        dataclasses.asdict(installed),
        f"100 %  torch {installed.torch} on {installed.device}, "
        f"{megabytes(installed.disk_bytes)}, tested in {installed.seconds:.2f} s"
        + (f"\n{installed.note}" if installed.note else ""),
    )
    return 0


def _source(options: argparse.Namespace) -> plan.Source:
    if options.wheels:
        path = str(Path(options.wheels).expanduser().resolve())
        return plan.Source(sources.FOLDER, path, torch_requirement=options.torch)
    if options.environment:
        # Not resolved: the interpreter of an environment is a link, and following it leaves the
        # environment.
        path = str(Path(options.environment).expanduser().absolute())
        return plan.Source(sources.ENVIRONMENT, path)
    # Looked up only without a tag, as it starts nvidia-smi.
    tag = options.tag if options.tag is not None else plan.choose(machine.detect()).build.tag
    return plan.Source(tag=tag, torch_index=options.torch_index, torch_requirement=options.torch)


def _status(options: argparse.Namespace, reporter: Reporter) -> int:
    installed, pending = state.read_installed(options.home), state.read_pending(options.home)
    taken = state.disk_bytes(options.home)
    values = {
        "installed": installed and dataclasses.asdict(installed),
        "pending": pending and dataclasses.asdict(pending),
        "disk_bytes": taken,
    }
    text = "nothing is installed"
    if installed is not None:
        text = f"torch {installed.torch} on {installed.device}: {installed.python}"
        text += f" ({installed.problem})" if installed.problem else ""
    if pending is not None:
        text += f"; an installation was interrupted ({pending.stage})"
    reporter.write("status", values, f"{text}; {megabytes(taken)} on disk")
    return 0


def _remove(options: argparse.Namespace, reporter: Reporter) -> int:
    try:
        state.remove(options.home.expanduser().resolve())
    except OSError as error:
        raise InstallFailed(
            f"The runtime cannot be removed: {error}",
            hint="Close Blender if it still uses the runtime, then remove it again",
        ) from error
    reporter.write("done", {}, "removed")
    return 0


def _stop_with_stdin(stop: Stop) -> None:
    # The end of stdin is the signal: it comes even when Blender crashes.
    while sys.stdin.buffer.read(4096):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
