"""The command ``batch``: its options, and from them an order. Loaded by ``cli_batch``."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..checkpoint.folder import default_checkpoint
from ..cli.console import Parser, set_up_logging
from ..cli.options import add_options, performance_from
from ..engines.factory import check_names
from ..errors import BadArgument
from .lines.control import Control
from .lines.manifest import GLOB_LETTERS, read_rows
from .lines.naming import DEFAULT_PATTERN
from .lines.plan import FORMATS, check_spares, make_plan
from .narrate import JsonNarrator, Narrator
from .run import CANCELLED, FAILURES, Order, run

STOPPED = 130
"""Exit status of a batch that was cancelled, as of any program stopped by Ctrl-C."""
MAX_JOBS = 256


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Returns:
        0 when all lines are made; 2 when a line failed; 130 when it was cancelled.

    Raises:
        RuntimeFault: Nothing could be done.
    """
    options = _parser().parse_args(arguments)
    set_up_logging(options.verbose)
    order = order_from(options)
    control = Control()
    if options.control:
        control.obey_in_background(sys.stdin)
    with _cancelling_on_signals(control):
        summary = run(order, control, JsonNarrator() if options.json else Narrator())
    return {CANCELLED: STOPPED, FAILURES: 2}.get(summary.status, 0)


def order_from(options: argparse.Namespace) -> Order:
    """The plan and all else that the options ask for; nothing is written yet.

    Raises:
        BadArgument: No sound, a list that cannot be read, an option out of range, or an output
            that would be written over an input.
    """
    check_names(options.engine, options.device)
    formats = _formats(options.format)
    if options.jobs is not None and not 1 <= options.jobs <= MAX_JOBS:
        raise BadArgument(f"--jobs {options.jobs} is out of range", hint=f"Use 1 to {MAX_JOBS}")
    if options.cluster:
        from .cluster import check_address

        check_address(options.cluster)
    rows = read_rows(
        options.source,
        patterns=options.name_pattern or (DEFAULT_PATTERN,),
        include=options.include,
        exclude=options.exclude,
    )
    lines = make_plan(rows, formats)
    is_list = Path(options.source).is_file() and not GLOB_LETTERS.intersection(options.source)
    csv, html = _reports(options)
    listed = [Path(options.source)] if is_list else []
    check_spares(lines, options.output, listed)
    for report in filter(None, (csv, html)):
        if report.resolve() in {path.resolve() for path in listed}:
            raise BadArgument(
                f"The list {report} would be written over", hint="Give the report another name"
            )
    return Order(
        lines=lines,
        base=performance_from(options, Path()),
        output=options.output,
        model=options.model or default_checkpoint(),
        resume=options.resume,
        csv=csv,
        html=html,
        engine=options.engine,
        device=options.device,
        jobs=options.jobs,
        cluster=options.cluster,
    )


def _reports(options: argparse.Namespace) -> tuple[Path | None, Path | None]:
    """Paths of the CSV and the page; one name asks for both, beside each other."""
    report: Path | None = options.report
    if report is None:
        return None, None
    page = report.suffix.lower() in (".html", ".htm")
    return (report.with_suffix(".csv"), report) if page else (report, report.with_suffix(".html"))


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    if not names or not set(names) <= set(FORMATS):
        raise BadArgument(
            f"Unknown format {text!r}", hint=f"Use some of {', '.join(FORMATS)}, with commas"
        )
    return names


@contextlib.contextmanager
def _cancelling_on_signals(control: Control) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM ends the lines in hand at their next window; the second, now."""

    def stop(number: int, _frame: object) -> None:
        control.cancel()
        signal.signal(number, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may ask for signals
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m model_runtime batch",
        description="Make facial curves for many speech files.",
    )
    parser.add_argument(
        "source",
        metavar="FOLDER_OR_LIST",
        help="a folder, a quoted glob, or a CSV or TSV with file,character,emotion,intensity,"
        "emotion_at,start,scene,out,seed,start_s,duration_s; all but 'file' may be missing",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUTDIR")
    parser.add_argument(
        "--format", default="npz", metavar="npz,csv,json", help="one file of each a line (npz)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="make only what is missing, failed or changed"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="REPORT.csv",
        help="a row for each line, worst first; the same as a page beside it, REPORT.html",
    )
    lines = parser.add_argument_group("lines")
    lines.add_argument(
        "--name-pattern",
        action="append",
        metavar="PATTERN",
        help=f"how file names are read ({DEFAULT_PATTERN}); the first of several that fits",
    )
    for name, purpose in (("include", "only these sounds"), ("exclude", "not these sounds")):
        lines.add_argument(
            f"--{name}", action="append", default=[], metavar="GLOB", help=f"{purpose}, repeatable"
        )
    add_options(parser)
    many = parser.add_argument_group("many lines")
    many.add_argument("--jobs", type=int, metavar="N", help="lines at a time (one a core)")
    many.add_argument(
        "--cluster", default="", metavar="local[N]|ray://HOST:PORT", help="run on Ray"
    )
    many.add_argument("--json", action="store_true", help="one JSON object a line on stdout")
    many.add_argument(
        "--control",
        action="store_true",
        help="obey 'pause', 'continue' and 'cancel' on stdin; its end cancels",
    )
    return parser
