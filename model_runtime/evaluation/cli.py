"""``python -m model_runtime evaluate``: arguments in, a table on stdout."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..checkpoint.folder import default_checkpoint
from ..cli.console import Parser, print_line
from ..engines.factory import AUTO, DEVICE_NAMES, ENGINE_NAMES
from ..errors import BadArgument
from ..files import check_writable, replace_file
from . import report, suite
from .data.material import gather
from .performers.model import ModelPerformer

DEFAULT_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 0 when done, whatever the figures are.

    Raises:
        RuntimeFault: No data, a checkpoint that cannot be loaded, a bad argument.
    """
    options = _parser().parse_args(arguments)
    if options.json is not None:
        check_writable(options.json)
    if options.emotion:
        return _emotion(options)
    performers = [
        ModelPerformer(path, name=name, engine=options.engine, device=options.device)
        for name, path in ([] if options.references_only else _models(options.model))
    ]
    with tempfile.TemporaryDirectory(prefix="cstalk-evaluate-") as work:
        material = gather(
            options.data,
            Path(work),
            quick=options.quick,
            references=not options.no_references,
            report=_progress,
        )
        columns = [suite.measure_performer(who, material, _progress) for who in performers]
        if not options.no_references:
            columns += suite.reference_columns(material, _progress)
    evaluation = suite.Evaluation(
        columns=tuple(suite.compare_with_ablation(columns)),
        skipped=material.skipped,
        clips=len(material.clips),
        quick=options.quick,
    )
    print_line(report.as_text(evaluation).rstrip("\n"))
    if options.json is not None:
        replace_file(options.json, report.as_json(evaluation).encode("utf-8"))
    return 0


def _emotion(options: argparse.Namespace) -> int:
    from .scores import detected_emotion as heard_emotion

    heard = heard_emotion.evaluate_heard(options.data, _progress)
    print_line(heard_emotion.as_text(heard).rstrip("\n"))
    if options.json is not None:
        replace_file(options.json, heard_emotion.as_json(heard).encode("utf-8"))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m model_runtime evaluate",
        description="Measure weights on speech and films they were not trained on.",
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="[NAME=]FOLDER",
        help="checkpoint folder; may be given again and again, for ablations side by side "
        f"(a name that begins with {suite.NO_CORRELATION} is what the others are compared with)",
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="data folder (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument(
        "--emotion", action="store_true", help="how well emotion is heard in a voice, and no more"
    )
    parser.add_argument("--quick", action="store_true", help="a few clips, for use in training")
    references = parser.add_mutually_exclusive_group()
    references.add_argument("--references-only", action="store_true", help="measure no model")
    references.add_argument("--no-references", action="store_true", help="measure models only")
    parser.add_argument("--engine", choices=ENGINE_NAMES, default=AUTO)
    parser.add_argument("--device", choices=DEVICE_NAMES, default=AUTO)
    return parser


def _models(given: list[str]) -> list[tuple[str, Path]]:
    """Names and folders: ``NAME=FOLDER`` or ``FOLDER``; the shipped one when none is given."""
    if not given:
        return [("", default_checkpoint())]
    models = []
    for text in given:
        name, equals, path = text.partition("=")
        models.append((name, Path(path)) if equals else ("", Path(text)))
    names = [name or path.name for name, path in models]
    if len(set(names)) != len(names):
        raise BadArgument("Two models have one name", hint="Name them with --model NAME=FOLDER")
    return models


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")
