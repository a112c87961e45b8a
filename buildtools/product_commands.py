"""The commands of ``build.py`` that bring the product out and prove it. Stdlib only."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from . import repository
from .console import ROOT, BuildError


def add_commands(commands: Any) -> None:
    """Add the commands to the subparsers of ``build.py``."""
    index = commands.add_parser("index", help="a static extension repository: zip and index.json")
    index.add_argument("--out", type=Path, default=ROOT / "dist" / "repository", metavar="FOLDER")
    index.set_defaults(command=_index)


def _index(options: argparse.Namespace) -> int:
    try:
        print(repository.make_repository(options.out.resolve()))
    except OSError as error:
        raise BuildError(f"Cannot write {options.out}: {error}", hint="Check --out") from error
    return 0
