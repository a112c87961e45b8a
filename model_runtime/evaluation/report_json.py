"""Write an evaluation as JSON, and append test runs to the record that is kept of them."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .metrics.measures import MEASURES, Figure, Measure, verdict
from .suite import Column, Evaluation

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "docs" / "evaluations.jsonl"
"""One JSON line for every run on the test split."""
GIT_TIMEOUT_S = 10


def as_json(evaluation: Evaluation) -> str:
    """Return everything in the tables, and the bars, as indented JSON; NaN becomes null."""
    data = {
        "split": evaluation.split,
        "clips": evaluation.clips,
        "quick": evaluation.quick,
        "skipped": list(evaluation.skipped),
        "columns": [_column(column, evaluation.split) for column in evaluation.columns],
    }
    # allow_nan=False: NaN is not JSON, and most readers refuse it.
    return json.dumps(_without_nan(data), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def append_record(
    column: Column, evaluation: Evaluation, *, digest: str, record: Path = RECORD
) -> None:
    """Append one line to the record of test runs: date, commit, checkpoint and figures.

    Args:
        column: What was measured of the checkpoint.
        evaluation: The run it belongs to.
        digest: SHA-256 of the checkpoint's weights.
        record: File to append to.
    """
    line = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "model": column.name,
        "checkpoint": digest,
        "split": evaluation.split,
        "quick": evaluation.quick,
        "clips": column.clips,
        "figures": {
            key: [figure.value, figure.low, figure.high, figure.count]
            for key, figure in column.figures.items()
        },
    }
    # Appended: nothing rewrites what an earlier look has found.
    with record.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(_without_nan(line), ensure_ascii=False, allow_nan=False) + "\n")


def commit() -> str:
    """Return the commit of the code, with ``+`` behind it where files are changed; else unknown."""
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        # Untracked files change no result.
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    # + behind the commit: the figures belong to no commit alone.
    return name + ("+" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=GIT_TIMEOUT_S,
        # stdin closed: git must not ask for anything.
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.strip()


def _column(column: Column, split: str) -> dict[str, Any]:
    return {
        "name": column.name,
        "clips": column.clips,
        "figures": {
            measure.key: _figure(measure, column.figures[measure.key], split)
            for measure in MEASURES
            if measure.key in column.figures
        },
        "speakers": {k: dataclasses.asdict(v) for k, v in column.speakers.items()},
        "languages": {k: dataclasses.asdict(v) for k, v in column.languages.items()},
        "by_emotion": {k: _figures(v) for k, v in column.by_emotion.items()},
        "by_group": {k: _figures(v) for k, v in column.by_group.items()},
        "phone_classes": {k: dict(v) for k, v in column.classes.items()},
        "phone_head": {k: _figures(v) for k, v in column.groups.items()},
        "sounds": dict(column.sounds),
    }


def _figures(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {key: dataclasses.asdict(figure) for key, figure in figures.items()}


def _figure(measure: Measure, figure: Figure, split: str) -> dict[str, Any]:
    bar = measure.bar(split)
    return {
        "title": measure.title.strip(),
        "bar": "" if bar is None else str(bar),
        "passed": verdict(measure, figure, split=split),
        **dataclasses.asdict(figure),
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    # Infinity as well: closures of a mouth that never opens are infinite.
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
