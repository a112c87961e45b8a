#!/usr/bin/env python3
"""The one command of the project: demo, test, check, zip, env. Standard library only.

    python3 build.py demo     a line of speech becomes a talking face: out/demo.blend, .mp4, .png
    python3 build.py test     the whole suite, on every supported Blender
    python3 build.py check    style, types, import arrows, sizes, the extension
    python3 build.py zip      the installable extension
    python3 build.py env X    the Python of one environment, made when it is missing

`python3 build.py COMMAND --help` says more.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - read by the Python of whoever types the command
    sys.exit(
        f"build.py needs Python 3.11 or newer, this is {sys.version.split()[0]}.\n"
        "Install one, for example: sudo apt install python3.11 python3.11-venv, or pyenv install 3.11"
    )

import argparse
from collections.abc import Sequence
from pathlib import Path

from buildtools import environments
from buildtools.console import BuildError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when it was done, 1 when not, 2 for bad arguments."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except BuildError as error:
        hint = f"\n  What to do: {error.hint}" if error.hint else ""
        print(f"build.py: {error}{hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("build.py: stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    env = commands.add_parser("env", help="print the Python of an environment, made when missing")
    env.add_argument("name", choices=list(environments.SPECS))
    env.set_defaults(command=_env)
    return parser


def _env(options: argparse.Namespace) -> int:
    print(environments.ensure(options.name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
