"""``python -m model_runtime train STAGE``: prepare, calibrate, relabel, correlation, generator."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .settings import Settings, read_settings

DEFAULT_CONFIG = Path(__file__).with_name("default.toml")


def main(argv: Sequence[str]) -> int:
    """Run one stage; returns the exit status. Raises RuntimeFault for the caller to print."""
    parser = argparse.ArgumentParser(prog="python -m model_runtime train", description=__doc__)
    parser.add_argument("stage", choices=tuple(STAGES))
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="TOML file")
    parser.add_argument("--output", type=Path, help="checkpoint folder to write")
    parser.add_argument(
        "--correlation", type=Path, help="frozen module that supervises the generator"
    )
    options = parser.parse_args(argv)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    STAGES[options.stage](read_settings(options.config), options)
    return 0


def _prepare(settings: Settings, _options: argparse.Namespace) -> None:
    from .prepare import prepare_all

    prepare_all(settings.data, settings.work, progress=_Progress())


def _calibrate(settings: Settings, _options: argparse.Namespace) -> None:
    from .calibrate import calibrate

    calibrate(settings)


def _correlation(settings: Settings, options: argparse.Namespace) -> None:
    from .correlation_stage import train_correlation

    train_correlation(settings, options.output or settings.work / "correlation")


def _generator(settings: Settings, options: argparse.Namespace) -> None:
    from .generator_stage import train_generator

    train_generator(
        settings, options.output or settings.work / "generator", correlation=options.correlation
    )


def _relabel(settings: Settings, _options: argparse.Namespace) -> None:
    from .cache import caches_in
    from .relabel import relabel

    for folder in caches_in(settings.work):
        relabel(folder, settings.work)


STAGES: dict[str, Callable[[Settings, argparse.Namespace], None]] = {
    "prepare": _prepare,
    "calibrate": _calibrate,
    "relabel": _relabel,
    "correlation": _correlation,
    "generator": _generator,
}


class _Progress:
    """One line on stderr with the time left, at most twice a second."""

    def __init__(self) -> None:
        self._label, self._started, self._shown = "", 0.0, 0.0

    def __call__(self, label: str, done: int, total: int) -> None:
        now = time.monotonic()
        if label != self._label:
            self._label, self._started = label, now
        if now - self._shown < 0.5 and done < total:
            return
        self._shown = now
        left = (now - self._started) / max(1, done) * (total - done)
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{label}: {done}/{total}, {left:.0f} s left   {end}")
        sys.stderr.flush()
