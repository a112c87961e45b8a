"""Define the commands of ``build.py`` that publish and verify the product. Stdlib only."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from . import codings, faults, reference_pages, repository, window
from .benchmarks import addon_benchmark
from .console import ROOT, BuildError


def add_commands(commands: Any) -> None:
    """Add the commands to the subparsers of ``build.py``."""
    index = commands.add_parser(
        "index", help="build a static extension repository: zip and index.json"
    )
    index.add_argument("--out", type=Path, default=ROOT / "dist" / "repository", metavar="FOLDER")
    index.set_defaults(command=_index)
    tried = commands.add_parser("faults", help="run every fault test and print the results")
    tried.add_argument("--only", default="", metavar="EXPRESSION", help="pytest's -k expression")
    tried.add_argument(
        "--out",
        type=Path,
        default=ROOT / "out" / "faults.json",
        metavar="FILE",
        help="table as JSON",
    )
    tried.set_defaults(command=_faults)
    bench = commands.add_parser("benchmark", help="measure what the add-on costs inside Blender")
    bench.add_argument("--blender", default="5.2", metavar="VERSION", help="4.2 ... 5.2")
    bench.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark.json", metavar="FILE")
    bench.set_defaults(command=_benchmark)
    heard = commands.add_parser(
        "codings", help="read every audio coding with both Pythons and print a table"
    )
    heard.add_argument("--blender", default="5.2", metavar="VERSION", help="4.5 ... 5.2")
    heard.add_argument("--out", type=Path, default=ROOT / "out" / "codings.json", metavar="FILE")
    heard.set_defaults(command=_codings)
    docs = commands.add_parser("docs", help="generate the reference pages of docs/")
    docs.set_defaults(command=_docs)
    gui = commands.add_parser("gui", help="run user sessions in a real window")
    gui.add_argument(
        "--blender", default="", metavar="PROGRAM", help="Blender program (default: a chroot)"
    )
    gui.add_argument("--out", type=Path, default=ROOT / "out" / "gui", metavar="FOLDER")
    gui.set_defaults(command=_gui)


def _index(options: argparse.Namespace) -> int:
    try:
        print(repository.make_repository(options.out.resolve()))
    except OSError as error:
        raise BuildError(f"Cannot write {options.out}: {error}", hint="Check --out") from error
    return 0


def _faults(options: argparse.Namespace) -> int:
    return _print_table(*faults.run_faults(options.only, options.out.resolve()))


def _benchmark(options: argparse.Namespace) -> int:
    return _print_table(*addon_benchmark.run_benchmark(options.blender, options.out.resolve()))


def _codings(options: argparse.Namespace) -> int:
    return _print_table(*codings.run_codings(options.blender, options.out.resolve()))


def _docs(_options: argparse.Namespace) -> int:
    for path in reference_pages.write_pages():
        print(path)
    return 0


def _gui(options: argparse.Namespace) -> int:
    return _print_table(*window.run_session(options.blender, options.out.resolve()))


def _print_table(table: str, is_good: bool) -> int:
    # Progress on stderr must stand before the table.
    sys.stderr.flush()
    print(table, flush=True)
    return 0 if is_good else 1
