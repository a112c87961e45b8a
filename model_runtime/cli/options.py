"""Options that ``generate`` and ``batch`` share, and what they mean."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from pathlib import Path

from ..checkpoint.folder import default_checkpoint, load_checkpoint
from ..curves.resample import checked_fps
from ..curves.rig import load_rig, rig_names
from ..emotion.keys import EmotionKey
from ..engines.base import DEVICE_NAMES, ENGINE_NAMES, Engine, check_names, open_engine
from ..errors import BadArgument
from ..protocol import EMOTIONS, MAX_INTENSITY, Performance

log = logging.getLogger(__name__)

DEFAULT_FPS = 60.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how to act and with what."""
    acting = parser.add_argument_group("acting")
    acting.add_argument(
        "--emotion",
        default="neutral",
        metavar="NAME",
        help=f"one of: {', '.join(EMOTIONS)}; or auto: what is heard in the voice",
    )
    acting.add_argument(
        "--intensity",
        type=float,
        default=1.0,
        metavar="F",
        help=f"strength of the emotion, 0 to {MAX_INTENSITY} (1)",
    )
    acting.add_argument(
        "--emotion-at",
        action="append",
        default=[],
        metavar="SECONDS:NAME:F",
        help="change to this emotion and intensity at this time; may be given again and again",
    )
    acting.add_argument("--seed", type=int, default=0, help="another number, another reading (0)")
    acting.add_argument("--no-blink", action="store_true", help="add no blinks")
    acting.add_argument(
        "--smooth", type=float, default=0.0, metavar="SECONDS", help="Gaussian smoothing (0)"
    )
    output = parser.add_argument_group("output")
    output.add_argument("--fps", type=float, default=DEFAULT_FPS, help="frames a second (60)")
    output.add_argument(
        "--rig", default="", metavar="|".join(rig_names()), help="that of the model, as a rule"
    )
    running = parser.add_argument_group("running")
    running.add_argument("--engine", default="auto", metavar="|".join(ENGINE_NAMES))
    running.add_argument("--device", default="auto", metavar="|".join(DEVICE_NAMES))
    running.add_argument("--model", type=Path, metavar="FOLDER", help="checkpoint folder")
    running.add_argument("--verbose", action="store_true", help="log to stderr")


def performance_from(options: argparse.Namespace, audio: Path) -> Performance:
    """What the options ask for.

    Raises:
        BadArgument: A frame rate out of range, an unknown rig, or an ``--emotion-at`` that cannot
            be read.
    """
    if options.rig:
        load_rig(options.rig)
    first = EmotionKey(0.0, options.emotion, options.intensity)
    return Performance(
        audio=audio,
        fps=checked_fps(options.fps),
        emotion_keys=(first, *(parse_key(text) for text in options.emotion_at)),
        rig=options.rig,
        seed=options.seed,
        blink=not options.no_blink,
        smoothing_s=options.smooth,
    )


def parse_key(text: str) -> EmotionKey:
    """An emotion key from ``SECONDS:NAME:F``. Raises BadArgument."""
    parts = text.split(":")
    try:
        seconds, name, intensity = parts
        return EmotionKey(float(seconds), name.strip(), float(intensity))
    except ValueError as error:
        raise BadArgument(
            f"Cannot read --emotion-at {text!r}", hint="Write SECONDS:NAME:F, as in 2.5:happy:0.8"
        ) from error


def engine_from(options: argparse.Namespace) -> Engine:
    """Load the checkpoint and open the engine; raises what these two do, and BadArgument."""
    check_names(options.engine, options.device)
    checkpoint = load_checkpoint(options.model or default_checkpoint())
    return open_engine(checkpoint, engine=options.engine, device=options.device)


def acting_title(performance: Performance) -> str:
    """The emotion of a performance in a few words."""
    keys = [key for key in performance.emotion_keys if key.emotion != "neutral" and key.intensity]
    if not keys:
        return "neutral"
    return ", ".join(f"{key.emotion} {key.intensity:g}" for key in keys)


def with_acting(
    performance: Performance, emotion: str | None, intensity: float | None
) -> Performance:
    """The performance with another emotion from its start on; its later keys are dropped."""
    if emotion is None and intensity is None:
        return performance
    first = performance.emotion_keys[0]
    key = EmotionKey(
        0.0,
        first.emotion if emotion is None else emotion,
        first.intensity if intensity is None else intensity,
    )
    return dataclasses.replace(performance, emotion_keys=(key,))
