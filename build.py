#!/usr/bin/env python3
"""Run the project's commands: demo, test, check, zip, env. Standard library only.

    python3 build.py demo     one line of speech on a face: out/demo.blend, .mp4, .png
    python3 build.py emotions the same line with every emotion, on one sheet: out/emotions.jpg
    python3 build.py test     the whole suite, on every supported Blender
    python3 build.py check    style, types, dependency rules, sizes, the extension
    python3 build.py zip      the installable extension
    python3 build.py index    a static repository that Blender can subscribe to
    python3 build.py env X    the Python of one environment, created when missing

`python3 build.py COMMAND --help` explains each command.
"""

from __future__ import annotations

import sys

# Before any import that an old Python cannot parse.
if sys.version_info < (3, 11):  # noqa: UP036 - read by the Python of whoever types the command
    sys.exit(
        f"build.py needs Python 3.11 or newer, this is {sys.version.split()[0]}.\n"
        "Install one, for example: sudo apt install python3.11 python3.11-venv"
    )

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from buildtools import demonstration, environments, extension, testing
from buildtools.checks.run import run_checks
from buildtools.console import ROOT, BuildError
from buildtools.emotion_sheet import make_emotion_sheet
from buildtools.extension import make_zip
from buildtools.product_commands import add_commands

__all__ = ["main", "make_zip"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 bad arguments."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except BuildError as error:
        hint = f"\n  What to do: {error.hint}" if error.hint else ""
        print(f"build.py: {error}{hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("build.py: stopped", file=sys.stderr)
        # 130 is what a shell reports after Ctrl-C.
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_project(commands)
    add_commands(commands)
    env = commands.add_parser(
        "env", help="print the Python of an environment, created when missing"
    )
    env.add_argument("name", choices=list(environments.SPECS))
    env.set_defaults(command=_env)
    return parser


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser("demo", help="animate a face with one line of speech")
    defaults = demonstration.Options()
    demo.add_argument(
        "--audio",
        type=Path,
        default=defaults.audio,
        metavar="FILE",
        help="audio file (default: the demo's line)",
    )
    demo.add_argument("--emotion", default=defaults.emotion, metavar="NAME", help="happy, sad, ...")
    demo.add_argument(
        "--intensity", type=float, default=defaults.intensity, metavar="F", help="0 to 1.5"
    )
    demo.add_argument("--blend", type=Path, metavar="FILE", help="your own scene")
    demo.add_argument("--object", default="", metavar="NAME", help="face in that scene")
    demo.add_argument(
        "--seed", type=int, default=defaults.seed, metavar="N", help="random seed (default: 0)"
    )
    demo.add_argument(
        "--pixels", type=int, default=defaults.pixels, metavar="N", help="width of the film (400)"
    )
    demo.add_argument(
        "--model", type=Path, metavar="FOLDER", help="weights (default: the shipped ones)"
    )
    demo.add_argument("--out", type=Path, default=defaults.out, metavar="FOLDER")
    demo.set_defaults(command=_demo)


def _add_project(commands: Any) -> None:
    emotions = commands.add_parser("emotions", help="render the demo's line with every emotion")
    emotions.add_argument(
        "--model", type=Path, metavar="FOLDER", help="weights (default: the shipped ones)"
    )
    emotions.add_argument("--out", type=Path, default=ROOT / "out" / "emotions.jpg", metavar="FILE")
    emotions.set_defaults(command=_emotions)
    test = commands.add_parser("test", help="run the whole suite")
    test.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="LAYER",
        help="plain, runtime, blender-5.0 ...",
    )
    test.add_argument("-k", dest="keyword", default="", metavar="EXPRESSION", help="as in pytest")
    test.set_defaults(command=_test)
    check = commands.add_parser(
        "check", help="check style, spelling, dependencies, types and sizes"
    )
    check.set_defaults(command=_check)
    package = commands.add_parser("zip", help="build the installable extension")
    package.add_argument("--out", type=Path, default=ROOT / "dist", metavar="FOLDER_OR_ZIP")
    package.set_defaults(command=_zip)


def _demo(options: argparse.Namespace) -> int:
    made = demonstration.make_demo(
        demonstration.Options(
            audio=options.audio.resolve(),
            emotion=options.emotion,
            intensity=options.intensity,
            blend=options.blend and options.blend.resolve(),
            object_name=options.object,
            seed=options.seed,
            pixels=options.pixels,
            model=options.model and options.model.resolve(),
            out=options.out.resolve(),
        )
    )
    # stderr first: paths must come last on a terminal.
    sys.stderr.flush()
    for path in made:
        print(path)
    print(f"Open {made[0].name} in Blender 5 and press play (space)", flush=True)
    return 0


def _emotions(options: argparse.Namespace) -> int:
    model = options.model and options.model.resolve()
    print(make_emotion_sheet(options.out.resolve(), model))
    return 0


def _test(options: argparse.Namespace) -> int:
    summary, is_good = testing.run_layers(options.only, options.keyword)
    sys.stderr.flush()
    print(summary, flush=True)
    return 0 if is_good else 1


def _check(_options: argparse.Namespace) -> int:
    failed = run_checks()
    sys.stderr.flush()
    print(f"check: {', '.join(failed)} failed" if failed else "check: all good", flush=True)
    return 1 if failed else 0


def _zip(options: argparse.Namespace) -> int:
    destination = options.out
    try:
        if destination.suffix != ".zip":
            destination.mkdir(parents=True, exist_ok=True)
        path = make_zip(destination, checks=(extension.validate,))
    except OSError as error:
        raise BuildError(f"Cannot write {destination}: {error}", hint="Check --out") from error
    print(path)
    return 0


def _env(options: argparse.Namespace) -> int:
    print(environments.ensure(options.name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
