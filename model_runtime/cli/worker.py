"""Run the command ``worker``: the process that serves the add-on."""

from __future__ import annotations

from collections.abc import Sequence

from ..worker import loop
from .console import Parser


def main(arguments: Sequence[str]) -> int:
    """Run the command. Raises BadArgument."""
    parser = Parser(
        prog="python -m model_runtime worker",
        description="Answer JSON lines on stdin with JSON lines on stdout until stdin is closed.",
    )
    parser.add_argument("--engine", choices=("auto", "numpy", "torch"), default="auto")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--model", default="", metavar="FOLDER", help="checkpoint folder")
    parser.add_argument("--verbose", action="store_true", help="log every message to stderr")
    options = parser.parse_args(arguments)
    return loop.run(
        engine=options.engine, device=options.device, model=options.model, verbose=options.verbose
    )
