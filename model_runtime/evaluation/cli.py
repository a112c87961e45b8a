"""Run ``python -m model_runtime evaluate``: arguments in, a table on stdout.

The dev split is for choosing. A run on the test split appends a line for each model to
``docs/evaluations.jsonl``, so that every look at it is on record.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..checkpoint.folder import default_checkpoint
from ..cli.console import Parser, print_line
from ..engines.factory import AUTO, DEVICE_NAMES, ENGINE_NAMES
from ..errors import BadArgument
from ..files import check_writable, replace_file
from ..training.corpora.held_out import DEV, TEST
from . import report, report_json, suite
from .data.clips import default_cache
from .data.material import gather
from .performers.model import ModelPerformer

DEFAULT_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
WEIGHTS_FILE = "weights.safetensors"


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 0 when done, whatever the figures are.

    Raises:
        RuntimeFault: No data, a checkpoint that cannot be loaded, a bad argument.
    """
    options = _parser().parse_args(arguments)
    if options.json is not None:
        # Before hours of measuring: a path that cannot be written is an early error.
        check_writable(options.json)
    if options.emotion:
        return _emotion(options)
    models = [] if options.references_only else _models(options.model)
    # A look at the test split must be worth its record.
    if options.split == TEST and (options.quick or not models):
        raise BadArgument(
            "A run on the test split measures a model on all clips",
            hint="Leave out --quick and --references-only, or use --split dev",
        )
    evaluation = _evaluate(options, models)
    if options.split == TEST:
        for (_name, folder), column in zip(models, evaluation.columns, strict=False):
            # The digest names the weights, as a folder's name may be used again.
            report_json.append_record(column, evaluation, digest=_digest(folder))
    print_line(report.as_text(evaluation).rstrip("\n"))
    if options.json is not None:
        replace_file(options.json, report_json.as_json(evaluation).encode("utf-8"))
    return 0


def _evaluate(options: argparse.Namespace, models: Sequence[tuple[str, Path]]) -> suite.Evaluation:
    # Opened before any clip is aligned: a broken checkpoint is an early error.
    performers = [
        ModelPerformer.open(
            path,
            name=name,
            engine=options.engine,
            device=options.device,
            calibrated=not options.no_calibration,
            commits=not options.no_commit,
        )
        for name, path in models
    ]
    # Sounds and telephone clips are written there and not kept.
    with tempfile.TemporaryDirectory(prefix="cstalk-evaluate-") as work:
        material = gather(
            options.data,
            Path(work),
            cache=options.cache,
            split=options.split,
            quick=options.quick,
            tell=_progress,
        )
        columns = [suite.measure_performer(who, material, _progress) for who in performers]
        if not options.no_references:
            columns += suite.reference_columns(material, _progress)
    return suite.Evaluation(
        columns=tuple(suite.compare_with_ablation(columns)),
        skipped=material.skipped,
        clips=len(material.clips),
        quick=options.quick,
        split=options.split,
    )


# Its own imports: scikit-learn is needed for it alone.
def _emotion(options: argparse.Namespace) -> int:
    from .scores import detected_emotion

    scores = detected_emotion.evaluate_detection(options.data, _progress)
    print_line(detected_emotion.as_text(scores).rstrip("\n"))
    if options.json is not None:
        replace_file(options.json, detected_emotion.as_json(scores).encode("utf-8"))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m model_runtime evaluate",
        description="Measure weights on speech and films that they were not trained on.",
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="[NAME=]FOLDER",
        help="checkpoint folder; repeat it to see models side by side "
        f"(those whose name begins with {suite.NO_CORRELATION} are what others are compared with)",
    )
    parser.add_argument(
        "--split",
        choices=(DEV, TEST),
        default=DEV,
        help="clips to measure on; a run on test is recorded (%(default)s)",
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="data folder (%(default)s)")
    parser.add_argument(
        "--cache", type=Path, default=default_cache(), help="kept alignments (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    parser.add_argument(
        "--emotion", action="store_true", help="measure only the emotion detected in voices"
    )
    parser.add_argument("--quick", action="store_true", help="measure a few clips only")
    parser.add_argument(
        "--no-calibration", action="store_true", help="leave out the output calibration of models"
    )
    parser.add_argument(
        "--no-commit", action="store_true", help="leave the mouth of models in doubt between phones"
    )
    references = parser.add_mutually_exclusive_group()
    references.add_argument("--references-only", action="store_true", help="measure no model")
    references.add_argument("--no-references", action="store_true", help="measure models only")
    parser.add_argument("--engine", choices=ENGINE_NAMES, default=AUTO)
    parser.add_argument("--device", choices=DEVICE_NAMES, default=AUTO)
    return parser


def _models(given: list[str]) -> list[tuple[str, Path]]:
    """Return names and folders of ``NAME=FOLDER`` or ``FOLDER``; the shipped one for none."""
    if not given:
        return [("", default_checkpoint())]
    models = []
    for text in given:
        name, equals, path = text.partition("=")
        # Names that contain = can be given as NAME=FOLDER only.
        models.append((name, Path(path)) if equals else ("", Path(text)))
    names = [name or path.name for name, path in models]
    # Columns are found by name in JSON.
    if len(set(names)) != len(names):
        raise BadArgument("Two models have one name", hint="Name them with --model NAME=FOLDER")
    return models


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()


def _progress(line: str) -> None:
    # stderr: stdout holds the table alone.
    sys.stderr.write(f"{line}\n")
