"""Run one command of ``python -m model_runtime COMMAND``.

Exit status 0: done. 2: invalid arguments or input, with one line on stderr that states the error
and the next step. 1: an internal error, with a traceback.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence

from ..errors import BadArgument, RuntimeFault
from .console import Parser, end_quietly, print_error, use_utf8

PACKAGE = __package__.rpartition(".")[0]
STOPPED = 130
"""Exit status after Ctrl-C, by convention 128 + SIGINT."""

# Name of a command: module with ``main(arguments) -> status``, and the line of the help.
# Names of modules instead of functions: each command reads only what it needs.
COMMANDS = {
    "generate": ("cli.generate", "generate facial curves for one audio file"),
    "batch": ("cli.batch.command", "generate facial curves for a folder or a list of audio files"),
    "batch-worker": ("cli.batch.serve", "serve a batch of the Blender add-on"),
    "idle": ("cli.idle", "generate the curves of a face that waits or listens"),
    "info": ("cli.info", "show versions, engines, devices, weights and decoders of this machine"),
    "selftest": ("cli.selftest", "run an engine and compare its output with the built-in engine"),
    "worker": ("cli.worker", "serve the Blender add-on through JSON lines on stdin and stdout"),
    "train": ("training.cli", "train weights (only in a checkout)"),
    "evaluate": ("evaluation.cli", "compare weights with recordings (only in a checkout)"),
    "benchmark": ("evaluation.speed.benchmark", "measure speed and memory (only in a checkout)"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and report errors that the user can correct.

    Args:
        arguments: Without the name of the program; None takes those of the process.

    Returns:
        The exit status.
    """
    use_utf8()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = _command(words)(words[1:])
        sys.stdout.flush()  # here, where a closed reader is handled
        return status
    except RuntimeFault as fault:
        print_error(fault)
        return fault.exit_status
    # Ctrl-C is a wish of the user and no error.
    except KeyboardInterrupt:
        print("cancelled", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # the reader of stdout, such as `head`, has ended
        return end_quietly()


# Sub-parsers without options: they only name the commands; each module parses its own.
def _command(words: Sequence[str]) -> Callable[[Sequence[str]], int]:
    parser = Parser(
        prog="python -m model_runtime",
        description="CSTalk: generate facial animation curves from speech.",
        epilog="'COMMAND --help' shows the options of a command.",
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
        # A module that is missing inside of the command is another fault.
        if error.name is None or not module.startswith(error.name):
            raise
        raise BadArgument(
            f"The command {name!r} is not part of this installation",
            hint="Use it in a checkout of the project",
        ) from error
    return run
