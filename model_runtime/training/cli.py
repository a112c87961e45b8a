"""Run ``python -m model_runtime train STAGE --config FILE``: one stage of training, or all."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .settings import Settings, read_settings
from .stages.progress import clock

log = logging.getLogger(__name__)

DEFAULT_CONFIG = Path(__file__).with_name("shipped.toml")


def main(argv: Sequence[str]) -> int:
    """Run one stage; returns the exit status. Raises RuntimeFault for the caller to print."""
    parser = argparse.ArgumentParser(prog="python -m model_runtime train", description=__doc__)
    parser.add_argument("stage", choices=tuple(STAGES))
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="TOML file")
    parser.add_argument("--output", type=Path, help="checkpoint folder to write")
    parser.add_argument(
        "--correlation", type=Path, help="frozen module that supervises the generator"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="forget an unfinished run of the same output"
    )
    parser.add_argument("--quick", action="store_true", help="all: train a quarter of the steps")
    parser.add_argument(
        "--hand-set", action="store_true", help="relabel without the calibration (an ablation)"
    )
    options = parser.parse_args(argv)
    # stderr: stdout stays free for what a stage prints as its result.
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    started = time.monotonic()
    # Stages import what they need when they run: `train --help` loads no torch.
    STAGES[options.stage](read_settings(options.config), options)
    log.info("%s took %s", options.stage, clock(time.monotonic() - started))
    return 0


def _prepare(settings: Settings, _options: argparse.Namespace) -> None:
    from .preparation.stage import prepare
    from .stages.progress import ProgressLine

    prepare(settings, progress=ProgressLine())


def _all(settings: Settings, options: argparse.Namespace) -> None:
    from .recipe import train_all

    train_all(settings, options.output or settings.work / "shipped", quick=options.quick)


def _teacher(settings: Settings, _options: argparse.Namespace) -> None:
    from .teacher.run import run_teacher

    run_teacher(settings)


def _acoustic(settings: Settings, options: argparse.Namespace) -> None:
    from .stages.acoustic_run import run_acoustic

    _forget_if_asked(settings, options, settings.results / "acoustic")
    run_acoustic(settings)


def _calibrate(settings: Settings, _options: argparse.Namespace) -> None:
    from .reference.calibrate import calibrate

    calibrate(settings)


def _correlation(settings: Settings, options: argparse.Namespace) -> None:
    from .stages.correlation import train_correlation

    output = options.output or settings.work / "correlation"
    _forget_if_asked(settings, options, output)
    train_correlation(settings, output)


def _generator(settings: Settings, options: argparse.Namespace) -> None:
    from .stages.generator import train_generator

    output = options.output or settings.work / "generator"
    _forget_if_asked(settings, options, output)
    acoustic = settings.results / "acoustic.safetensors"
    train_generator(
        settings,
        output,
        correlation=options.correlation,
        # Fine-tuning adapts the encoder that the checkpoint has; the acoustic model of this work
        # folder is another.
        acoustic=acoustic if acoustic.is_file() and settings.start_from is None else None,
    )


def _output_calibration(settings: Settings, options: argparse.Namespace) -> None:
    from .stages.output_calibration import calibrate_output

    # In place: the calibration is part of the checkpoint.
    folder = options.output or settings.work / "generator"
    calibrate_output(settings, folder, folder)


def _emotion(settings: Settings, options: argparse.Namespace) -> None:
    from .emotion.stage import train_emotion

    train_emotion(settings, options.output or settings.work / "emotion")


def _relabel(settings: Settings, options: argparse.Namespace) -> None:
    from .data.cache import caches_in
    from .preparation.relabel import relabel

    for folder in caches_in(settings.work):
        relabel(folder, settings.work, hand_set=options.hand_set)


STAGES: dict[str, Callable[[Settings, argparse.Namespace], None]] = {
    "all": _all,
    "prepare": _prepare,
    "teacher": _teacher,
    "calibrate": _calibrate,
    "acoustic": _acoustic,
    "relabel": _relabel,
    "correlation": _correlation,
    "generator": _generator,
    "output_calibration": _output_calibration,
    "emotion": _emotion,
}


def _forget_if_asked(settings: Settings, options: argparse.Namespace, output: Path) -> None:
    from .stages.run import forget

    if options.fresh:
        # The folder of the run is named after the output.
        forget(settings.results / output.name)
