"""The command line: ``python -m model_runtime COMMAND ...``; the table below lists the commands.

Exit status 0: done. 2: bad arguments or bad input, with one line on stderr that says what and what
to do. 1: a fault of ours, with a traceback.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence

from ..errors import BadArgument, RuntimeFault
from .console import Parser, complain, use_utf8

PACKAGE = __package__.rpartition(".")[0]
STOPPED = 130
"""Exit status of a program stopped by Ctrl-C, by convention."""

# Command: module with ``main(arguments) -> status``, and what it is for.
COMMANDS = {
    "generate": ("cli.generate", "facial curves for one speech file"),
    "batch": ("cli.batch", "facial curves for a folder or a list of speech files"),
    "info": ("cli.info", "versions, engines, devices, weights and decoders here"),
    "selftest": ("cli.selftest", "a real performance, compared with the built-in engine"),
    "worker": ("cli.worker", "JSON lines on stdin and stdout, for the Blender add-on"),
    "train": ("training.cli", "make your own weights (in a checkout)"),
    "evaluate": ("evaluation.cli", "measure weights against recordings (in a checkout)"),
    "benchmark": ("evaluation.speed.benchmark", "measure speed and memory (in a checkout)"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; never raises for what a person can mend.

    Args:
        arguments: Without the program's name; None takes those of the process.
    """
    use_utf8()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _command(words)(words[1:])
    except RuntimeFault as fault:
        complain(fault)
        return fault.exit_status
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED


def _command(words: Sequence[str]) -> Callable[[Sequence[str]], int]:
    parser = Parser(
        prog="python -m model_runtime",
        description="CSTalk: speech in, facial animation curves out.",
        epilog="'COMMAND --help' explains a command.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (_, purpose) in COMMANDS.items():
        commands.add_parser(name, help=purpose, add_help=False)
    parser.parse_known_args(words[:1])
    name = words[0]
    module = f"{PACKAGE}.{COMMANDS[name][0]}"
    try:
        run: Callable[[Sequence[str]], int] = importlib.import_module(module).main
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise BadArgument(
            f"The command {name!r} is not part of this installation",
            hint="Use it in a checkout of the project",
        ) from error
    return run
