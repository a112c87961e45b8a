"""``generate``: one speech file to one file of curves."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from ..curves.formats.registry import check_output, write_curves
from ..curves.track import CurveTrack
from ..generate import perform
from ..protocol import Performance
from .console import Parser, ProgressLine, say, set_up_logging
from .options import acting_title, add_options, engine_from, performance_from


def main(arguments: Sequence[str]) -> int:
    """Run the command. Raises RuntimeFault for what a person can mend."""
    options = _parser().parse_args(arguments)
    set_up_logging(options.verbose)
    performance = dataclasses.replace(
        performance_from(options, options.audio),
        start_s=options.start,
        duration_s=options.duration,
    )
    check_output(options.output)
    started = time.perf_counter()
    engine = engine_from(options)
    line = ProgressLine()
    try:
        track = perform(performance, engine, progress=line)
    finally:
        line.clear()
    write_curves(track, options.output)
    frames, channels = track.values.shape
    say(
        f"{options.output}: {frames} frames of {channels} channels at {track.fps:g} fps, "
        f"{heard_or_acting(track, performance)}, {engine.name} on {engine.device}, "
        f"{time.perf_counter() - started:.1f} s"
    )
    return 0


def heard_or_acting(track: CurveTrack, performance: Performance) -> str:
    """The emotions in a few words; what was heard where it was left to the voice."""
    title = acting_title(performance)
    return f"{title} (heard: {track.heard})" if track.heard else title


def _parser() -> Parser:
    parser = Parser(
        prog="python -m model_runtime generate",
        description="Make facial curves for one speech file.",
    )
    parser.add_argument("audio", type=Path, help="WAV; FLAC, OGG, MP3, M4A with a decoder")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT.npz|csv|json",
        help="curves as numpy archive, Live Link Face CSV or Audio2Face JSON",
    )
    add_options(parser)
    parser.add_argument(
        "--start", type=float, default=0.0, metavar="SECONDS", help="begin here in the sound (0)"
    )
    parser.add_argument(
        "--duration", type=float, metavar="SECONDS", help="use so much of the sound"
    )
    return parser
