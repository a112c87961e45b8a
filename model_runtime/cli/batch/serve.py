"""Run the command ``batch-worker``: one batch for the add-on, as messages on stdin and stdout.

The add-on sends a `BatchLine` for each line, then `StartBatch`, then commands. Everything is
answered with the events of `protocol`; the add-on writes the report.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ... import protocol
from ...errors import RuntimeFault
from ...version import runtime_version
from ...worker.loop import Outlet, claim_stdout, leave, lines
from ...worker.parent_watch import exit_with_parent
from ..console import Parser, set_up_logging
from .threads import limit_threads

log = logging.getLogger(__name__)

INTERNAL = "internal"


def main(arguments: Sequence[str]) -> int:
    """Run the command. Raises BadArgument for unknown options."""
    parser = Parser(
        prog="python -m model_runtime batch-worker",
        description="Generate one batch that is described by JSON lines on stdin.",
    )
    parser.add_argument("--engine", choices=("auto", "numpy", "torch"), default="auto")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--verbose", action="store_true", help="log to stderr")
    options = parser.parse_args(arguments)
    limit_threads()
    set_up_logging(options.verbose)
    # Before any import that may print: stdout belongs to the messages.
    outlet = Outlet(claim_stdout())
    exit_with_parent(lambda: leave(0))
    outlet.send(
        protocol.Hello(protocol.PROTOCOL_VERSION, runtime_version(), options.engine, options.device)
    )
    incoming = lines(sys.stdin.buffer)
    try:
        return leave(_serve(incoming, outlet, options.engine, options.device))
    except RuntimeFault as fault:
        outlet.send(protocol.Failure("", fault.code, str(fault), fault.hint))
        return leave(fault.exit_status)
    except Exception as error:  # process edge: the add-on must hear of it
        log.exception("the batch failed")
        message = f"Unexpected error: {type(error).__name__}: {error}"
        outlet.send(protocol.Failure("", INTERNAL, message, "Copy the details and report them"))
        return leave(1)


def _serve(incoming: Iterator[str], outlet: Outlet, engine: str, device: str) -> int:
    # Late, so that numpy is imported after the threads are limited.
    from ...batch.lines.control import Control
    from ...batch.run import BatchRequest, run
    from ...checkpoint.folder import default_checkpoint

    batch_lines, start = _read_batch(incoming)
    if start is None:  # the add-on has ended
        return 0
    request = BatchRequest(
        lines=batch_lines,
        output=Path(start.output_folder),
        model=Path(start.model) if start.model else default_checkpoint(),
        # An interrupted batch of the panel goes on where it stopped.
        resume=True,
        overwrite=start.overwrite,
        engine=engine,
        device=device,
    )
    control = Control()
    # The rest of stdin: lines after ``StartBatch`` are commands.
    control.obey_in_background(incoming)
    run(request, control, outlet.send)
    return 0


def _read_batch(
    incoming: Iterator[str],
) -> tuple[list[protocol.BatchLine], protocol.StartBatch | None]:
    """Return the lines up to `StartBatch`; without one, stdin was closed.

    Raises:
        RuntimeFault: A line is not a message.
    """
    found: list[protocol.BatchLine] = []
    for text in incoming:
        try:
            message = protocol.decode(text)
        except protocol.ProtocolError as error:
            raise RuntimeFault(
                f"Not a message of this protocol: {error}",
                hint="Install the add-on and the runtime of the same release",
            ) from error
        if isinstance(message, protocol.BatchLine):
            found.append(message)
        elif isinstance(message, protocol.StartBatch):
            return found, message
        elif isinstance(message, protocol.CancelBatch):
            return [], None
    return found, None
