"""``batch``: a folder or a CSV list of speech files, one file of curves each, with a report.

One bad line does not stop the others. The list has a header; its columns are ``audio`` (relative to
the list) and, where wanted, ``output``, ``emotion``, ``intensity``, ``seed``, ``start_s`` and
``duration_s``; an empty field means what the options say.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .cli_console import Parser, ProgressLine, say, set_up_logging
from .cli_options import add_options, engine_from, performance_from, with_acting
from .curves.formats import SUFFIXES, check_output, read_curves, write_curves
from .engines.base import Engine
from .errors import BadArgument, BadCurves, BadOutput, RuntimeFault
from .files import check_writable, replace_file
from .infer import Performance, perform

SOUND_NAMES = "wav flac ogg oga opus mp3 m4a aac aif aiff wma caf mp4 mov mkv"
SOUND_SUFFIXES = frozenset(f".{name}" for name in SOUND_NAMES.split())
"""Endings that make a file in a folder one to act."""
DONE, SKIPPED, FAILED = "done", "skipped", "failed"
EMPTY_HINT = "Give a folder with sound files, or a CSV with the column 'audio'"


@dataclasses.dataclass(frozen=True)
class Line:
    """One file to make."""

    performance: Performance
    output: Path


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a line; a row of the report."""

    audio: str
    output: str
    status: str
    frames: int = 0
    seconds: float = 0.0
    error: str = ""


def main(arguments: Sequence[str]) -> int:
    """Run the command; 2 when a line failed. Raises RuntimeFault when nothing can be done."""
    options = _parser().parse_args(arguments)
    set_up_logging(options.verbose)
    lines = list(plan(options))
    _spare_list(options, lines)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOutput(
            f"Cannot make the folder {options.output}: {error.strerror}", hint="Check the path"
        ) from error
    if options.report is not None:
        check_writable(options.report)
    engine = engine_from(options)
    outcomes: list[Outcome] = []
    for number, line in enumerate(lines, 1):
        outcome = _run_line(line, engine, resume=options.resume)
        outcomes.append(outcome)
        say(f"{number}/{len(lines)} {outcome.status}: {outcome.audio} {outcome.error}".rstrip())
        if options.report is not None:
            write_report(options.report, outcomes)
    failed = sum(outcome.status == FAILED for outcome in outcomes)
    say(f"{len(outcomes) - failed} of {len(outcomes)} files done, {failed} failed")
    return 2 if failed else 0


def plan(options: argparse.Namespace) -> Iterator[Line]:
    """The lines of the folder or list.

    Raises:
        BadArgument: No such folder or list, no sound in it, or a list that cannot be read.
    """
    source: Path = options.source
    if source.is_dir():
        rows = [{"audio": str(path)} for path in _sounds(source)]
        if not rows:
            raise BadArgument(f"No sound file in {source}", hint=EMPTY_HINT)
    else:
        rows = _read_list(source)
    taken: set[str] = set()
    for number, row in enumerate(rows, 1):
        line = _line(row, number, options)
        output = _unused(line.output, taken)
        taken.add(str(output).casefold())
        yield dataclasses.replace(line, output=output)


def write_report(path: Path, outcomes: Iterable[Outcome]) -> None:
    """A CSV with a row for each outcome, replaced whole. Raises BadOutput."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(field.name for field in dataclasses.fields(Outcome))
    for outcome in outcomes:
        table.writerow(dataclasses.astuple(outcome))
    replace_file(path, text.getvalue().encode())


def _spare_list(options: argparse.Namespace, lines: Iterable[Line]) -> None:
    """Raise BadArgument if the list itself would be written over."""
    written = [line.output for line in lines]
    written += [] if options.report is None else [options.report]
    if options.source.resolve() in {path.resolve() for path in written}:
        raise BadArgument(
            f"The list {options.source} would be written over",
            hint="Give the report or the output another name",
        )


def _run_line(line: Line, engine: Engine, *, resume: bool) -> Outcome:
    audio, output = str(line.performance.audio), str(line.output)
    if resume and _is_made(line):
        return Outcome(audio, output, SKIPPED)
    started = time.perf_counter()
    progress = ProgressLine()
    try:
        check_output(line.output)
        track = perform(line.performance, engine, progress=progress)
        write_curves(track, line.output)
    except RuntimeFault as fault:
        return Outcome(audio, output, FAILED, error=f"{fault}. {fault.hint}".rstrip(". "))
    finally:
        progress.clear()
    return Outcome(audio, output, DONE, track.frame_count, round(time.perf_counter() - started, 2))


def _is_made(line: Line) -> bool:
    """Whether the output is there, newer than the sound, and (npz knows) asked for the same way."""
    sound = line.performance.audio
    if not line.output.is_file() or not sound.is_file():
        return False
    if line.output.stat().st_mtime < sound.stat().st_mtime:
        return False
    if line.output.suffix.lower() != ".npz":
        return True
    try:
        return read_curves(line.output).request == line.performance.as_json()
    except BadCurves:
        return False


def _sounds(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUND_SUFFIXES)


def _read_list(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        table = csv.reader(io.StringIO(text, newline=""))
        header = [name.strip().lower() for name in next(table, [])]
        rows = [dict(zip(header, row, strict=False)) for row in table if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadArgument(f"Cannot read {path}: {error}", hint=EMPTY_HINT) from error
    if "audio" not in header or not rows:
        raise BadArgument(f"{path} lists no sounds", hint=EMPTY_HINT)
    for row in rows:
        row["audio"] = str(path.parent / row.get("audio", "").strip())
    return rows


def _line(row: dict[str, str], number: int, options: argparse.Namespace) -> Line:
    audio = Path(row["audio"])
    performance = performance_from(options, audio)

    def number_in(column: str) -> float | None:
        text = row.get(column, "").strip()
        try:
            return float(text) if text else None
        except ValueError as error:
            raise BadArgument(
                f"Line {number} of the list has {column} {text!r}", hint="Write a number"
            ) from error

    performance = with_acting(
        performance, row.get("emotion", "").strip() or None, number_in("intensity")
    )
    seed = number_in("seed")
    performance = dataclasses.replace(
        performance,
        seed=performance.seed if seed is None else int(seed),
        start_s=number_in("start_s") or 0.0,
        duration_s=number_in("duration_s"),
    )
    name = row.get("output", "").strip() or audio.stem
    if Path(name).suffix.lower() not in SUFFIXES:
        name += f".{options.format}"
    if Path(name).name != name:
        raise BadArgument(
            f"Line {number} of the list has the output {name!r}", hint="Write a name, no folder"
        )
    return Line(performance, options.output / name)


def _unused(path: Path, taken: set[str]) -> Path:
    """The path itself, or with a number when an earlier line has it."""
    candidate, number = path, 2
    while str(candidate).casefold() in taken:
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return candidate


def _parser() -> Parser:
    parser = Parser(
        prog="python -m model_runtime batch",
        description="Make facial curves for many speech files.",
    )
    parser.add_argument("source", type=Path, metavar="FOLDER_OR_LIST.csv")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUTDIR")
    parser.add_argument(
        "--format", choices=[suffix[1:] for suffix in SUFFIXES], default="npz", help="(npz)"
    )
    parser.add_argument("--resume", action="store_true", help="leave out what is made already")
    parser.add_argument("--report", type=Path, metavar="REPORT.csv", help="a row for each file")
    add_options(parser)
    return parser
