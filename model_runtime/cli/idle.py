"""Run the command ``idle``: curves of a face that waits or listens, without an audio file."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence
from pathlib import Path

from ..acting.around import LONGEST_S
from ..acting.idle import idle_track, listening_throughout
from ..acting.layers import checked_acting
from ..choices import MAX_ACTING
from ..curves.formats.registry import check_output, write_curves
from ..curves.rig import load_rig, rig_names
from ..errors import BadArgument
from ..protocol import DEFAULT_RIG, NATURAL_ACTING, Acting
from ..written import check_replaceable, user_record, write_recorded
from .console import Parser, print_line


def main(arguments: Sequence[str]) -> int:
    """Run the command. Raises RuntimeFault for errors that the user can correct."""
    options = _parser().parse_args(arguments)
    if not 0 < options.seconds <= LONGEST_S:  # False for NaN too
        raise BadArgument(
            f"Length {options.seconds:g} s is out of range",
            hint=f"Use more than 0 and at most {LONGEST_S:g} seconds",
        )
    check_output(options.output)
    record = user_record()
    check_replaceable(options.output, record, overwrite=options.overwrite)
    track = idle_track(
        load_rig(options.rig),
        options.seconds,
        fps=options.fps,
        seed=options.seed,
        acting=checked_acting(Acting(eyes=options.eyes, head=options.head)),
        scene=listening_throughout(options.seconds) if options.listening else None,
    )
    write_recorded(options.output, record, functools.partial(write_curves, track))
    frames, channels = track.values.shape
    state = "listening" if options.listening else "waiting"
    print_line(f"{options.output}: {frames} frames of {channels} channels, {state}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m model_runtime idle",
        description="Generate the curves of a face that waits or listens.",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT.npz|csv|json", help="curve file"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace a file that CSTalk did not mark as its own",
    )
    parser.add_argument(
        "--seconds", type=float, default=10.0, metavar="S", help="length (default: 10)"
    )
    parser.add_argument(
        "--listening", action="store_true", help="keep the eyes on a speaker, and nod now and then"
    )
    for name, purpose in (("eyes", "gaze and saccades"), ("head", "head motion")):
        natural = getattr(NATURAL_ACTING, name)
        parser.add_argument(
            f"--{name}",
            type=float,
            default=natural,
            metavar="F",
            help=f"{purpose}, 0 (off) to {MAX_ACTING:g} (default: {natural:g})",
        )
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    parser.add_argument("--fps", type=float, default=60.0, help="frames per second (default: 60)")
    parser.add_argument("--rig", default=DEFAULT_RIG, metavar="|".join(rig_names()))
    return parser
