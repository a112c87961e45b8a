"""Define and evaluate the options that ``generate`` and ``batch`` share."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from ..acting.layers import checked_acting
from ..batch.lines.keys import split_key
from ..checkpoint.folder import default_checkpoint, load_checkpoint
from ..choices import EMOTIONS, FAVOURED_SIDES, MAX_ACTING, MAX_INTENSITY
from ..curves.resample import checked_fps
from ..curves.rig import load_rig, rig_names
from ..emotion.keys import EmotionKey
from ..engines.base import Engine
from ..engines.factory import DEVICE_NAMES, ENGINE_NAMES, check_names, open_engine
from ..errors import BadArgument
from ..expressions.catalogue import read_expressions
from ..protocol import NATURAL_ACTING, Acting, Performance

log = logging.getLogger(__name__)

DEFAULT_FPS = 60.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of performance, output and engine."""
    acting = parser.add_argument_group("performance")
    acting.add_argument(
        "--emotion",
        default="neutral",
        metavar="NAME",
        help=f"one of: {', '.join(EMOTIONS)}; an expression such as amused; a blend such as "
        "happy:0.6+surprised:0.4; or auto to detect it in the voice",
    )
    acting.add_argument(
        "--intensity",
        type=float,
        default=1.0,
        metavar="F",
        help=f"intensity of the emotion, 0 to {MAX_INTENSITY} (default: 1)",
    )
    acting.add_argument(
        "--emotion-at",
        action="append",
        default=[],
        metavar="SECONDS:NAME:F",
        help="change to this emotion and intensity at this time; may be repeated",
    )
    acting.add_argument(
        "--expressions",
        type=Path,
        metavar="FILE",
        help="JSON file with more named expressions",
    )
    acting.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    acting.add_argument("--no-blink", action="store_true", help="do not add blinks")
    _add_acting(acting)
    acting.add_argument(
        "--smooth",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="standard deviation of Gaussian smoothing (default: 0)",
    )
    acting.add_argument(
        "--no-commit",
        action="store_true",
        help="leave the mouth as the network gives it where it is in doubt between phones",
    )
    output = parser.add_argument_group("output")
    output.add_argument(
        "--fps", type=float, default=DEFAULT_FPS, help="frames per second (default: 60)"
    )
    output.add_argument(
        "--rig",
        default="",
        metavar="|".join(rig_names()),
        help="rig of the curves (default: that of the model)",
    )
    running = parser.add_argument_group("engine")
    running.add_argument("--engine", default="auto", metavar="|".join(ENGINE_NAMES))
    running.add_argument("--device", default="auto", metavar="|".join(DEVICE_NAMES))
    running.add_argument("--model", type=Path, metavar="FOLDER", help="checkpoint folder")
    running.add_argument("--verbose", action="store_true", help="log to stderr")


def _add_acting(group: argparse._ArgumentGroup) -> None:
    for name, what in (
        ("dynamics", "rise and fall of the emotion over the line"),
        ("eyes", "gaze and saccades"),
        ("head", "head motion"),
        ("asymmetry", "difference between the halves of the face"),
    ):
        group.add_argument(
            f"--{name}",
            type=float,
            default=getattr(NATURAL_ACTING, name),
            metavar="F",
            help=f"{what}, 0 (off) to {MAX_ACTING:g} (default: {getattr(NATURAL_ACTING, name):g})",
        )
    group.add_argument("--favoured-side", choices=FAVOURED_SIDES, default="auto")
    group.add_argument(
        "--no-acting",
        action="store_true",
        help="the speech and the emotion as a pose, as the model gives them",
    )


def _acting_of(options: argparse.Namespace) -> Acting:
    if options.no_acting:
        return Acting()
    return checked_acting(
        Acting(
            options.dynamics,
            options.eyes,
            options.head,
            options.asymmetry,
            options.favoured_side,
        )
    )


def performance_from(options: argparse.Namespace, audio: Path) -> Performance:
    """Return the performance that the options describe.

    Args:
        options: Parsed options of ``add_options``.
        audio: The audio file.

    Raises:
        BadArgument: The frame rate or a strength is out of range, the rig is unknown, or an
            ``--emotion-at`` cannot be parsed.
    """
    if options.rig:
        load_rig(options.rig)
    # The emotion of the whole clip is a key at 0.
    first = EmotionKey(0.0, options.emotion, options.intensity)
    return Performance(
        audio=audio,
        fps=checked_fps(options.fps),
        emotion_keys=(first, *(parse_key(text) for text in options.emotion_at)),
        rig=options.rig,
        seed=options.seed,
        blink=not options.no_blink,
        acting=_acting_of(options),
        expressions=() if options.expressions is None else read_expressions(options.expressions),
        smoothing_s=options.smooth,
        commit=not options.no_commit,
    )


def read_files(options: argparse.Namespace) -> list[Path]:
    """Return the files beside audio and scripts that the options name and an output must keep."""
    return [path for path in (options.dictionary, options.expressions) if path is not None]


def parse_key(text: str) -> EmotionKey:
    """Parse ``SECONDS:NAME:F``. Raises BadArgument."""
    try:
        seconds, name, intensity = split_key(text)
        return EmotionKey(float(seconds), name.strip(), float(intensity))
    except ValueError as error:
        raise BadArgument(
            f"Invalid --emotion-at {text!r}", hint="Write SECONDS:NAME:F, as in 2.5:happy:0.8"
        ) from error


def engine_from(options: argparse.Namespace) -> Engine:
    """Load the checkpoint and open the engine.

    Raises:
        BadArgument, BadWeights, EngineUnavailable: See ``load_checkpoint`` and ``open_engine``.
    """
    check_names(options.engine, options.device)
    checkpoint = load_checkpoint(options.model or default_checkpoint())
    return open_engine(checkpoint, engine=options.engine, device=options.device)
