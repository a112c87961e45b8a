"""The evaluation as a text table and as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from .metrics.measures import MEASURES, Figure, Measure, verdict
from .scores.speech import SpeechScores
from .suite import Column, Evaluation
from .table import aligned

NAME_WIDTH = 22  # widest column heading; longer names are cut
MARKS = {True: "ok", False: "FAIL", None: ""}
GROUP_ROWS = (
    ("closure", "closure"),
    ("mistakes", "mistakes"),
    ("auc", "AUC"),
    ("openness_correlation", "openness"),
    ("width_auc", "width AUC"),
    ("tucked", "f/v tuck"),
    ("rolled", "rolled"),
)
"""Scores shown by speaker and language, and their headings."""


def as_text(evaluation: Evaluation) -> str:
    """The table, the rows by speaker, language and emotion, and what was skipped."""
    parts = [_heading(evaluation), _main_table(evaluation.columns)]
    for column in evaluation.columns:
        if column.speakers:
            parts.append(_group_table(f"By speaker: {column.name}", column.speakers))
        if column.languages:
            title = f"By language (heard in training, phones approximate): {column.name}"
            parts.append(_group_table(title, column.languages))
        if column.development:
            title = f"By development speaker (not trained on, in no row above): {column.name}"
            parts.append(_group_table(title, column.development))
    parts.append(_emotion_table(evaluation.columns))
    if evaluation.skipped:
        parts.append("\n".join(["Skipped:", *(f"  {line}" for line in evaluation.skipped)]))
    return "\n\n".join(part for part in parts if part) + "\n"


def as_json(evaluation: Evaluation) -> str:
    """Everything in the table, and the bars, as indented JSON; NaN becomes null."""
    columns = [
        {
            "name": column.name,
            "figures": {
                measure.key: _figure_json(measure, column.figures[measure.key])
                for measure in MEASURES
                if measure.key in column.figures
            },
            "speakers": {k: dataclasses.asdict(v) for k, v in column.speakers.items()},
            "languages": {k: dataclasses.asdict(v) for k, v in column.languages.items()},
            "development": {k: dataclasses.asdict(v) for k, v in column.development.items()},
            "closure_by_emotion": column.closure_by_emotion,
        }
        for column in evaluation.columns
    ]
    data = {
        "clips": evaluation.clips,
        "quick": evaluation.quick,
        "skipped": list(evaluation.skipped),
        "columns": columns,
    }
    return json.dumps(_without_nan(data), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def failures(column: Column) -> list[str]:
    """Titles of the measures that do not reach their bar."""
    return [
        measure.title.strip()
        for measure in MEASURES
        if measure.key in column.figures and verdict(measure, column.figures[measure.key]) is False
    ]


def _heading(evaluation: Evaluation) -> str:
    kind = "quick evaluation" if evaluation.quick else "evaluation"
    return (
        f"CSTalk {kind}: {evaluation.clips} clips of speech never trained on; lips measured on the "
        "Face Cap head.\nBeside a figure: its worst speaker, clip, sound or emotion."
    )


def _main_table(columns: tuple[Column, ...]) -> str:
    rows = [["measure", "bar", *(column.name[:NAME_WIDTH] for column in columns)]]
    for measure in MEASURES:
        cells = [_cell(measure, column.figures.get(measure.key)) for column in columns]
        if any(cells):
            rows.append([measure.title, measure.bar, *cells])
    return aligned(rows)


def _group_table(title: str, groups: dict[str, SpeechScores]) -> str:
    rows = [["", "clips", "m/b/p", *(heading for _field, heading in GROUP_ROWS)]]
    for name, scores in groups.items():
        cells = [_number(float(getattr(scores, field)), 3) for field, _heading in GROUP_ROWS]
        rows.append([name, str(scores.clips), str(scores.bilabials), *cells])
    return f"{title}\n{aligned(rows)}"


def _emotion_table(columns: tuple[Column, ...]) -> str:
    acting = [column for column in columns if column.closure_by_emotion]
    if not acting:
        return ""
    emotions = list(acting[0].closure_by_emotion)
    rows = [["", *emotions]]
    for column in acting:
        cells = [_number(column.closure_by_emotion[name], 3) for name in emotions]
        rows.append([column.name[:NAME_WIDTH], *cells])
    return f"m/b/p that close at intensity 1, by emotion\n{aligned(rows)}"


def _cell(measure: Measure, figure: Figure | None) -> str:
    if figure is None:
        return ""
    parts = [_number(figure.value * measure.scale, measure.digits)]
    if figure.worst is not None:
        if figure.worst != figure.value:
            parts.append(f"({_number(figure.worst * measure.scale, measure.digits)}")
            parts.append(f"{figure.worst_name})")
        else:
            parts.append(f"({figure.worst_name})")
    parts.append(MARKS[verdict(measure, figure)])
    return " ".join(part for part in parts if part)


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _figure_json(measure: Measure, figure: Figure) -> dict[str, Any]:
    return {
        "title": measure.title.strip(),
        "bar": measure.bar,
        "passed": verdict(measure, figure),
        **dataclasses.asdict(figure),
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
