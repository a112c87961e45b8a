"""Define the options of ``cstalk bake``."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from ..errors import BadBatch
from ..package import blends, choices
from ..ui.properties.batch import DESTINATION_ITEMS

DESTINATIONS = {name.lower(): name for name, _label, _purpose in DESTINATION_ITEMS}
"""Values of ``--to`` and the destinations of the panel."""


class Parser(argparse.ArgumentParser):
    """Argument parser that raises instead of ending Blender."""

    def error(self, message: str) -> NoReturn:
        """Raise `BadBatch`."""
        raise BadBatch(message, hint="See blender --command cstalk bake --help")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Raise `SystemExit` after ``--help``."""
        if message:
            sys.stderr.write(message + "\n")
        raise SystemExit(status)


def parser() -> Parser:
    """Return the parser of the command."""
    top = Parser(prog="blender -b FILE.blend --command cstalk")
    commands = top.add_subparsers(dest="command", required=True)
    bake = commands.add_parser("bake", help="generate facial animation for many lines")
    _add_source(bake)
    _add_emotion(bake)
    _add_output(bake)
    return top


def _add_source(bake: argparse.ArgumentParser) -> None:
    source = bake.add_mutually_exclusive_group(required=True)
    source.add_argument("--folder", metavar="FOLDER", help="folder of audio files, or quoted glob")
    source.add_argument("--list", metavar="LIST.csv", help="CSV or TSV file with a line per row")
    source.add_argument("--sequencer", action="store_true", help="sound strips of the scene")
    bake.add_argument("--scene", metavar="NAME", help="scene of the file (default: the active one)")
    bake.add_argument("--character", metavar="NAME", help="character of lines that name none")
    bake.add_argument(
        "--cast",
        action="append",
        default=[],
        metavar="PATTERN=NAME",
        help="character of lines whose name matches the pattern; can be repeated",
    )
    bake.add_argument(
        "--name-pattern",
        default=choices.DEFAULT_PATTERN,
        metavar="PATTERN",
        help="how file names are read (default: %(default)s)",
    )
    bake.add_argument(
        "--no-text", action="store_true", help="use no scripts of lists and text files"
    )
    for name in ("include", "exclude"):
        bake.add_argument(
            f"--{name}", action="append", default=[], metavar="GLOB", help=f"files to {name}"
        )


def _add_emotion(bake: argparse.ArgumentParser) -> None:
    emotions = blends.known_names()
    bake.add_argument("--emotion", choices=emotions, help="emotion of lines that name none")
    bake.add_argument("--intensity", type=float, metavar="F", help="its intensity, 0 to 1.5")


def _add_output(bake: argparse.ArgumentParser) -> None:
    bake.add_argument(
        "--to", choices=sorted(DESTINATIONS), default="nla", help="destination (default: nla)"
    )
    bake.add_argument("--out", metavar="FOLDER", help="folder for curves, reports and exports")
    bake.add_argument("--report", metavar="REPORT.csv", help="report; REPORT.html is written too")
    bake.add_argument(
        "--gap", type=float, default=0.5, metavar="SECONDS", help="pause between lines (0.5)"
    )
    bake.add_argument(
        "--fade",
        type=float,
        metavar="SECONDS",
        help="time in which a line takes its emotion and leaves it (that of the file: 0.3)",
    )
    bake.add_argument("--start-frame", type=int, metavar="FRAME", help="frame of the first line")
    bake.add_argument(
        "--format",
        default="npz",
        metavar=",".join(suffix[1:] for suffix in choices.CURVE_SUFFIXES),
        help="curve files (default: npz)",
    )
    bake.add_argument("--mark-assets", action="store_true", help="mark Actions as assets")
    bake.add_argument("--no-sounds", action="store_true", help="add no sound strips")
    bake.add_argument("--save-as", metavar="FILE.blend", help="save the result under this name")
    bake.add_argument("--no-save", action="store_true", help="do not save the result")
    bake.add_argument("--json", action="store_true", help="write JSON objects to stdout")
