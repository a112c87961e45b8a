"""``python -m model_runtime evaluate`` and ``benchmark``: arguments in, a table on stdout."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

from ..checkpoint import default_checkpoint
from ..engines.base import AUTO, DEVICE_NAMES, ENGINE_NAMES
from ..errors import BadArgument
from ..files import check_writable, replace_file

log = logging.getLogger(__name__)

DEFAULT_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate``."""
    _add_common(parser)
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="[NAME=]PATH",
        help="checkpoint folder; may be given several times, for ablations side by side "
        "(columns named no-correlation... are what the correlation term is compared with)",
    )
    parser.add_argument("--quick", action="store_true", help="a few clips, for use during training")
    parser.add_argument(
        "--references-only", action="store_true", help="no model: only what it is compared with"
    )
    parser.add_argument("--engine", choices=ENGINE_NAMES, default=AUTO)
    parser.add_argument("--device", choices=DEVICE_NAMES, default=AUTO)


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Measure and print; 0 when done, whatever the figures are.

    Raises:
        RuntimeFault: No data, or a checkpoint that cannot be loaded.
    """
    from . import report, suite
    from .material import gather
    from .model_performer import ModelPerformer

    if arguments.json is not None:
        check_writable(arguments.json)
    performers = [
        ModelPerformer(path, name=name, engine=arguments.engine, device=arguments.device)
        for name, path in ([] if arguments.references_only else _models(arguments.model))
    ]
    with tempfile.TemporaryDirectory(prefix="cstalk-evaluate-") as work:
        material = gather(arguments.data, Path(work), quick=arguments.quick, report=_say)
        columns = [suite.measure_performer(who, material, _say) for who in performers]
        columns += suite.reference_columns(material, _say)
    evaluation = suite.Evaluation(
        columns=tuple(suite.compare_with_ablation(columns)),
        skipped=material.skipped,
        clips=len(material.clips),
        quick=arguments.quick,
    )
    sys.stdout.write(report.as_text(evaluation))
    if arguments.json is not None:
        _write(arguments.json, report.as_json(evaluation))
    return 0


def add_benchmark_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``benchmark``."""
    _add_common(parser)
    parser.add_argument("--model", default="", metavar="PATH", help="checkpoint folder")
    parser.add_argument("--device", choices=DEVICE_NAMES, default=AUTO)


def run_benchmark(arguments: argparse.Namespace) -> int:
    """Time the engines and print.

    Raises:
        RuntimeFault: A checkpoint that cannot be loaded.
    """
    from . import benchmark

    if arguments.json is not None:
        check_writable(arguments.json)
    folder = Path(arguments.model) if arguments.model else default_checkpoint()
    result = benchmark.measure(folder, arguments.data, device=arguments.device, report=_say)
    sys.stdout.write(benchmark.as_text(result))
    if arguments.json is not None:
        _write(arguments.json, benchmark.as_json(result))
    return 0


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, help="the data folder (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")


def _models(given: list[str]) -> list[tuple[str, Path]]:
    """Names and folders: ``NAME=PATH`` or ``PATH``; the shipped one when none is given."""
    if not given:
        return [("", default_checkpoint())]
    models = []
    for text in given:
        name, equals, path = text.partition("=")
        models.append((name, Path(path)) if equals else ("", Path(text)))
    names = [name or path.name for name, path in models]
    if len(set(names)) != len(names):
        raise BadArgument("Two models have one name", hint="Name them with --model NAME=PATH")
    return models


def _write(path: Path, text: str) -> None:
    replace_file(path, text.encode("utf-8"))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
