"""Run the command ``generate``: one audio file to one curve file."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import time
from collections.abc import Sequence
from pathlib import Path

from ..batch.lines.ownership import Inputs
from ..choices import CURVE_SUFFIXES
from ..curves.formats.registry import check_output, write_curves
from ..curves.track import CurveTrack
from ..emotion.keys import emotion_title
from ..errors import BadArgument
from ..generate import perform
from ..protocol import Performance
from ..written import Record, check_replaceable, user_record, write_recorded
from .console import Parser, ProgressLine, print_line, print_warning, set_up_logging
from .options import add_options, engine_from, performance_from, read_files
from .script import (
    add_script_options,
    pronunciations_from,
    script_file_or_none,
    script_from,
    write_words,
)


def main(arguments: Sequence[str]) -> int:
    """Run the command. Raises RuntimeFault for errors that the user can correct."""
    options = _parser().parse_args(arguments)
    set_up_logging(options.verbose)
    performance = dataclasses.replace(
        performance_from(options, options.audio),
        start_s=options.start,
        duration_s=options.duration,
        script=script_from(options),
        idle_before_s=options.idle_before,
        idle_after_s=options.idle_after,
        language=options.language,
        pronunciations=pronunciations_from(options),
    )
    record = user_record()
    _check_outputs(options, record)
    started = time.perf_counter()
    engine = engine_from(options)
    line = ProgressLine()
    try:
        track = perform(performance, engine, progress=line)
    # Erased also after an error, which is printed on a line of its own.
    finally:
        line.clear()
    for output in _outputs(options):  # again: a file of the user may have come meanwhile
        check_replaceable(output, record, overwrite=options.overwrite)
    write_recorded(options.output, record, functools.partial(write_curves, track))
    if options.words:
        write_recorded(options.words, record, functools.partial(write_words, track))
    for warning in track.warnings:
        print_warning(warning)
    frames, channels = track.values.shape
    print_line(
        f"{options.output}: {frames} frames of {channels} channels at {track.fps:g} fps, "
        f"{_titles(track, performance)}, {engine.name} on {engine.device}, "
        f"{time.perf_counter() - started:.1f} s"
    )
    return 0


def _outputs(options: argparse.Namespace) -> list[Path]:
    return list(filter(None, (options.output, options.words)))


def _check_outputs(options: argparse.Namespace, record: Record) -> None:
    """Check before the work that every output can be written and replaces nothing of the user's.

    Raises:
        BadArgument: An output is an input under some name, or both outputs are one file.
        BadOutput: It cannot be written, or a file of the user stands there.
    """
    check_output(options.output)
    inputs = Inputs(
        [options.audio, *filter(None, [script_file_or_none(options)]), *read_files(options)]
    )
    for output in _outputs(options):
        check_replaceable(output, record, overwrite=options.overwrite)
        if inputs.holds(output):
            raise BadArgument(
                f"{output} is an input and would be replaced", hint="Choose another output"
            )
    # By the file, not the name: a link may make both one.
    if options.words and Inputs([options.output]).holds(options.words):
        raise BadArgument(
            f"{options.output} and {options.words} are one file", hint="Choose another name"
        )


def _titles(track: CurveTrack, performance: Performance) -> str:
    titles = (result_title(track, performance), track.affect_title, track.script_title)
    return ", ".join(filter(None, titles))


def result_title(track: CurveTrack, performance: Performance) -> str:
    """Return the emotions in a few words.

    Args:
        track: Result, with the detected emotion if ``auto`` was requested.
        performance: The request.
    """
    title = emotion_title(performance.emotion_keys)
    return f"{title} (detected: {track.detected_title})" if track.detected_title else title


def _parser() -> Parser:
    parser = Parser(
        prog="python -m model_runtime generate",
        description="Generate facial curves for one audio file.",
    )
    parser.add_argument(
        "audio",
        type=Path,
        help="audio or video file; formats other than WAV need a decoder (see info)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT" + "|".join(CURVE_SUFFIXES),
        help="curve file: numpy archive, Live Link Face CSV or Audio2Face JSON",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace a file that CSTalk did not write, or that was edited since",
    )
    add_options(parser)
    add_script_options(parser)
    parser.add_argument(
        "--start",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="start time in the audio file (default: 0)",
    )
    parser.add_argument(
        "--duration", type=float, metavar="SECONDS", help="duration to use (default: to the end)"
    )
    for side in ("before", "after"):
        parser.add_argument(
            f"--idle-{side}",
            type=float,
            default=0.0,
            metavar="SECONDS",
            help=f"let the face wait this long {side} the clip: blinks, gaze, breath (default: 0)",
        )
    return parser
