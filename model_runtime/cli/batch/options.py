"""Define the options of ``batch``, and make a request of them."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from ...batch.lines.manifest import GLOB_LETTERS, read_rows
from ...batch.lines.ownership import Inputs
from ...batch.lines.performance import batch_line
from ...batch.lines.plan import FORMATS, check_inputs_kept, make_plan
from ...batch.run import BatchRequest
from ...checkpoint.folder import default_checkpoint
from ...choices import DEFAULT_PATTERN
from ...engines.factory import check_names
from ...errors import BadArgument
from ...text.formats.files import script_beside
from ..console import Parser
from ..options import add_options, performance_from, read_files
from ..script import add_text_options, pronunciations_from

# More lines at a time than any machine has cores is a slip of the finger.
MAX_JOBS = 256


def request_from(options: argparse.Namespace) -> BatchRequest:
    """Return the batch that the options describe; nothing is written yet.

    Raises:
        BadArgument: No audio file, a list that cannot be read, an option out of range, or an
            output that would replace an input.
    """
    check_names(options.engine, options.device)
    formats = _formats(options.format)
    if options.jobs is not None and not 1 <= options.jobs <= MAX_JOBS:
        raise BadArgument(f"--jobs {options.jobs} is out of range", hint=f"Use 1 to {MAX_JOBS}")
    if options.cluster:
        # Ray is imported for clusters alone.
        from ...batch.ray_pool import check_address

        check_address(options.cluster)
    rows = read_rows(
        options.source,
        patterns=options.name_pattern or (DEFAULT_PATTERN,),
        include=options.include,
        exclude=options.exclude,
        use_text=not options.no_text,
    )
    lines = make_plan(rows, formats)
    # A glob may look like the path of a file that exists.
    is_list = Path(options.source).is_file() and not GLOB_LETTERS.intersection(options.source)
    csv, html = _reports(options)
    listed = [Path(options.source)] if is_list else []
    # Before anything is written: an output under the name of an input would destroy it.
    others = [*listed, *read_files(options)]
    check_inputs_kept(lines, options.output, others)
    read = [Path(name) for row in rows for name in (row.audio, row.sidecar) if name]
    inputs = Inputs([*others, *read, *_scripts(options, read)])
    for report in filter(None, (csv, html)):
        if inputs.holds(report):
            raise BadArgument(
                f"{report} is an input of the batch and would be replaced",
                hint="Give the report another name",
            )
    base = dataclasses.replace(
        performance_from(options, Path()),
        language=options.language,
        pronunciations=pronunciations_from(options),
    )
    return BatchRequest(
        lines=[batch_line(line, base) for line in lines],
        output=options.output,
        model=options.model or default_checkpoint(),
        resume=options.resume,
        overwrite=options.overwrite,
        csv=csv,
        html=html,
        engine=options.engine,
        device=options.device,
        jobs=options.jobs,
        cluster=options.cluster,
    )


def _scripts(options: argparse.Namespace, audio: list[Path]) -> list[Path]:
    """Return the text files beside the audio files, which a report must not replace."""
    return [] if options.no_text else [path for one in audio if (path := script_beside(one))]


def _reports(options: argparse.Namespace) -> tuple[Path | None, Path | None]:
    """Return the paths of the report's table and page, which are next to each other."""
    report: Path | None = options.report
    if report is None:
        return None, None
    page = report.suffix.lower() in (".html", ".htm")
    # Table and page next to each other, whichever of the two was named.
    return (report.with_suffix(".csv"), report) if page else (report, report.with_suffix(".html"))


def _formats(text: str) -> tuple[str, ...]:
    # A dict drops repetitions and keeps the order, which decides the first target.
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    if not names or not set(names) <= set(FORMATS):
        raise BadArgument(
            f"Unknown format {text!r}",
            hint=f"Use some of {', '.join(FORMATS)}, separated by commas",
        )
    return names


def batch_parser() -> Parser:
    """Return the parser of the command."""
    parser = Parser(
        prog="python -m model_runtime batch",
        description="Generate facial curves for many audio files.",
    )
    parser.add_argument(
        "source",
        metavar="FOLDER_OR_LIST",
        help="a folder, a quoted glob, or a CSV or TSV with file,character,emotion,intensity,"
        "emotion_at,start,scene,out,seed,start_s,duration_s,text; only 'file' is required",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUTDIR")
    parser.add_argument(
        "--format",
        default="npz",
        metavar=",".join(FORMATS),
        help="formats to write for each line (default: npz)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="generate only what is missing, failed or changed; edited curves are kept",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace files that CSTalk did not write, and edited curves",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="REPORT.csv",
        help="write a table, worst line first, and next to it the page REPORT.html",
    )
    _add_line_options(parser)
    add_text_options(parser.add_argument_group("script"))
    add_options(parser)
    _add_run_options(parser)
    return parser


def _add_line_options(parser: Parser) -> None:
    lines = parser.add_argument_group("lines")
    lines.add_argument(
        "--name-pattern",
        action="append",
        metavar="PATTERN",
        help=f"pattern of file names (default: {DEFAULT_PATTERN}); of several, the first that fits",
    )
    for name, purpose in (("include", "only these files"), ("exclude", "not these files")):
        lines.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar="GLOB",
            help=f"{purpose}; may be repeated",
        )


def _add_run_options(parser: Parser) -> None:
    many = parser.add_argument_group("many lines")
    many.add_argument(
        "--jobs", type=int, metavar="N", help="lines at a time (default: one per core)"
    )
    many.add_argument(
        "--cluster", default="", metavar="local[N]|ray://HOST:PORT", help="run on Ray"
    )
    many.add_argument("--json", action="store_true", help="print events as JSON lines on stdout")
    many.add_argument(
        "--control",
        action="store_true",
        help="read 'pause', 'continue' and 'cancel' from stdin; its end cancels",
    )
