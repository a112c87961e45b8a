"""Run all stages of a training in order: from corpora to a measured checkpoint (``train all``).

When a stage ends it notes what it was made of: its settings, its code and the note of the stage
before. A stage whose note still fits is skipped. A stage that was killed continues where it
stopped.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ..files import replace_file
from .settings import Settings
from .stages.final_evaluation import write_card
from .stages.progress import clock
from .stages.provenance import digest, without_places
from .stages.run import seconds_of

log = logging.getLogger(__name__)

PACKAGE: Final = Path(__file__).resolve().parents[1]
CORRELATION: Final = "correlation"
UNCALIBRATED: Final = "uncalibrated"
"""Names of the folders of the networks that the checkpoint is made with."""
QUICK_SHARE: Final = 0.25
"""Share of the steps that ``--quick`` trains."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stage of the recipe."""

    name: str
    run: Callable[[Settings, Path], None]
    """Called with the settings and the checkpoint folder to write."""
    sections: tuple[str, ...]
    """Fields of ``Settings`` that decide its result."""
    code: tuple[str, ...]
    """Patterns of files of ``model_runtime`` that decide its result."""
    trains: bool = True
    """False for stages that a quick training shares with a full one."""
    folder: str = "none"
    """Of its training run in the results, which knows the time of killed sessions."""


def train_all(settings: Settings, output: Path, *, quick: bool = False) -> Path:
    """Run every stage that is not done yet; return ``output``, the checkpoint folder.

    Args:
        settings: Of the training.
        output: Checkpoint folder to write.
        quick: Train a quarter of the steps, with results of its own.
    """
    if quick:
        settings = quickened(settings)
    before, seconds = "", dict[str, float]()
    for stage in STAGES:
        fingerprint = stage_fingerprint(stage, settings, before)
        # Stages that do not depend on the number of steps share their results with a quick
        # training.
        path = (settings.results if stage.trains else settings.work) / f"{stage.name}.done.json"
        note = _read(path)
        # The note names its predecessor, so a change early in the recipe makes all later stages
        # anew.
        if note.get("fingerprint") == fingerprint:
            log.info("%s: done (%s)", stage.name, clock(note["seconds"]))
        else:
            started = time.monotonic()
            stage.run(settings, output)
            seconds_now = time.monotonic() - started
            # Sessions that were killed count too: the run knows its time.
            whole = max(seconds_now, seconds_of(settings.results / stage.folder))
            note = {"fingerprint": fingerprint, "seconds": round(whole, 1)}
            path.parent.mkdir(parents=True, exist_ok=True)
            # Written when the stage is whole: a killed one has no note and continues.
            replace_file(path, json.dumps(note).encode())
            log.info("%s took %s", stage.name, clock(note["seconds"]))
        before, seconds[stage.name] = fingerprint, float(note["seconds"])
    log.info("all stages: %s", clock(sum(seconds.values())))
    write_card(settings, output, seconds)
    return output


def quickened(settings: Settings) -> Settings:
    """Return the settings of ``--quick``: fewer steps, results in a folder of their own."""
    changes: dict[str, Any] = {"runs": f"{settings.runs}-quick"}
    for name in ("acoustic", "correlation", "generator"):
        stage = getattr(settings, name)
        steps = max(1, round(stage.steps * QUICK_SHARE))
        changes[name] = dataclasses.replace(stage, steps=steps)
    return dataclasses.replace(settings, **changes)


def stage_fingerprint(stage: Stage, settings: Settings, before: str) -> str:
    """Return what a stage is made of, as a short digest.

    Args:
        stage: The stage.
        settings: Of the training.
        before: Fingerprint of the stage before; empty for the first.
    """
    values = dataclasses.asdict(settings)
    # Places and speed are taken out, so that another folder or thread count repeats nothing.
    sections = without_places({name: values[name] for name in stage.sections})
    return digest([stage.name, before, _plain(sections), _code_digest(stage.code)])


def _code_digest(patterns: tuple[str, ...]) -> str:
    total = hashlib.sha256()
    # Sorted, and each file once: patterns overlap.
    for path in sorted({path for pattern in patterns for path in PACKAGE.glob(pattern)}):
        total.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def _plain(value: Any) -> Any:
    # Tuples and paths become what JSON gives back.
    return json.loads(json.dumps(value, default=str))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    # A torn or missing note means that the stage is not known to be done.
    except (OSError, ValueError):
        return {}
    return found


def _teacher(settings: Settings, _output: Path) -> None:
    from .teacher.run import run_teacher

    run_teacher(settings)


def _prepare(settings: Settings, _output: Path) -> None:
    from .data.cache import caches_in
    from .preparation.relabel import relabel
    from .preparation.stage import prepare
    from .stages.progress import ProgressLine

    prepare(settings, progress=ProgressLine())
    # Labels may have changed since the cache was made; features have not.
    for folder in caches_in(settings.work):
        relabel(folder, settings.work)


def _acoustic(settings: Settings, _output: Path) -> None:
    from .stages.acoustic_run import run_acoustic

    run_acoustic(settings)


def _correlation(settings: Settings, _output: Path) -> None:
    from .stages.correlation import train_correlation

    # No weight, no module: the stage is then done at once.
    if settings.loss.correlation > 0:
        train_correlation(settings, settings.results / CORRELATION)


def _generator(settings: Settings, _output: Path) -> None:
    from .stages.acoustic_run import FILE_NAME
    from .stages.generator import train_generator

    train_generator(
        settings,
        settings.results / UNCALIBRATED,
        correlation=settings.results / CORRELATION if settings.loss.correlation > 0 else None,
        acoustic=settings.results / FILE_NAME,
    )


def _calibration(settings: Settings, output: Path) -> None:
    from .stages.output_calibration import calibrate_output

    calibrate_output(settings, settings.results / UNCALIBRATED, output)


def _evaluate(settings: Settings, output: Path) -> None:
    from .stages.final_evaluation import evaluate_final

    evaluate_final(settings, output)


STAGES: Final = (
    Stage(
        "teacher",
        _teacher,
        ("corpora", "teacher"),
        ("audio/*", "training/teacher/*", "training/alignment/*"),
        trains=False,
    ),
    Stage(
        "prepare",
        _prepare,
        ("rig", "corpora", "faces", "nonspeech", "encoder"),
        ("audio/*", "training/preparation/*", "training/captures/*", "training/reference/*"),
        trains=False,
    ),
    Stage(
        "acoustic",
        _acoustic,
        ("corpora", "acoustic", "draw", "model"),
        ("model/*", "training/data/a*", "training/stages/acoustic*", "training/stages/run.py"),
        folder="acoustic",
    ),
    Stage(
        "correlation",
        _correlation,
        ("corpora", "correlation"),
        ("model/*", "training/data/*", "training/stages/correlation.py"),
    ),
    Stage(
        "generator",
        _generator,
        ("corpora", "generator", "loss", "model", "keep", "start_from"),
        ("model/*", "training/data/*", "training/stages/*"),
        folder=UNCALIBRATED,
    ),
    Stage(
        "calibration",
        _calibration,
        ("loss", "calibration"),
        ("checkpoint/*", "training/stages/output_calibration.py"),
    ),
    Stage("evaluate", _evaluate, (), ("generate.py", "engines/*", "evaluation/**/*.py")),
)
