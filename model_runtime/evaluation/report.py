"""Write an evaluation as a text table."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .metrics.measures import MEASURES, Figure, Measure, verdict
from .metrics.phone_classes import CLASSES, COLUMNS
from .scores.speech import SpeechScores
from .suite import EMOTION_KEYS, Column, Evaluation
from .table import aligned

NAME_WIDTH = 22  # widest column heading; longer names are cut
MARKS = {True: "ok", False: "MISS", None: ""}
GROUP_ROWS = (
    ("closure", "closure"),
    ("mistakes", "mistakes"),
    ("auc", "AUC"),
    ("openness_correlation", "openness"),
    ("width_auc", "width AUC"),
)
"""Scores shown by speaker and language, and their headings."""
PHONE_KEYS = ("phones_right", "phones_mbp", "phones_fv", "phones_w", "phones_uw")
INTERVAL_NOTE = (
    "Behind a figure: its 95 % interval (Wilson for shares, bootstrap over clips for means), the "
    "number of cases,\nand the worst speaker, clip, sound or emotion."
)


def as_text(evaluation: Evaluation) -> str:
    """Return the main table, those by class, emotion, group and speaker, and what is missing."""
    parts = [_heading(evaluation), _main_table(evaluation)]
    parts += [_class_table(column) for column in evaluation.columns]
    parts += [_emotion_table(column) for column in evaluation.columns]
    for column in evaluation.columns:
        parts += [_articulation_table(column), _phone_table(column), _sound_table(column)]
        parts.append(_group_table(f"By speaker: {column.name}", column.speakers))
        title = f"By language (trained on, phones approximate): {column.name}"
        parts.append(_group_table(title, column.languages))
    parts.append(_bar_count(evaluation))
    if evaluation.skipped:
        parts.append("\n".join(["Skipped:", *(f"  {line}" for line in evaluation.skipped)]))
    return "\n\n".join(part for part in parts if part) + "\n"


def missed_bars(column: Column, split: str) -> list[str]:
    """Return the keys of the measures that miss their bar.

    Args:
        column: What was measured.
        split: ``dev`` or ``test``.
    """
    return [m.key for m, passed in _verdicts(column, split) if passed is False]


def _verdicts(column: Column, split: str) -> list[tuple[Measure, bool | None]]:
    return [
        (measure, verdict(measure, column.figures[measure.key], split=split))
        for measure in MEASURES
        if measure.key in column.figures
    ]


def _heading(evaluation: Evaluation) -> str:
    kind = "quick evaluation" if evaluation.quick else "evaluation"
    counts = ", ".join(f"{column.name} {column.clips}" for column in evaluation.columns)
    return (
        f"CSTalk {kind} on the {evaluation.split} split: {evaluation.clips} clips of English "
        "speech; lips measured on the Face Cap head, 60 fps.\n"
        f"Clips: {counts}.\n{INTERVAL_NOTE}"
    )


def _main_table(evaluation: Evaluation) -> str:
    columns, split = evaluation.columns, evaluation.split
    rows = [["measure", f"bar, {split}", *(column.name[:NAME_WIDTH] for column in columns)]]
    for measure in MEASURES:
        cells = [_cell(measure, column.figures.get(measure.key), split) for column in columns]
        # Rows that no column has would only lengthen the table.
        if any(cells):
            rows.append([measure.title, _bar_text(measure, split), *cells])
    return aligned(rows)


def _bar_text(measure: Measure, split: str) -> str:
    bar = measure.bar(split)
    if bar is None:
        return ""
    if measure.scale != 1:
        low, high = (None if v is None else v * measure.scale for v in (bar.low, bar.high))
        # Bars in ms have no digits to show.
        return f"{low:.0f} to {high:.0f}"
    return str(bar)


def _cell(measure: Measure, figure: Figure | None, split: str) -> str:
    if figure is None:
        return ""
    scale, digits = measure.scale, measure.digits
    parts = [_number(figure.value * scale, digits)]
    if not math.isnan(figure.low):
        low, high = (_number(v * scale, min(2, digits)) for v in (figure.low, figure.high))
        parts.append(f"[{low} {high}]")
    if figure.count:
        parts.append(f"n{figure.count}")
    if figure.worst is not None:
        # The worst equals the value in rows that are themselves a worst case.
        worst = "" if figure.worst == figure.value else _number(figure.worst * scale, digits)
        parts.append("(" + " ".join(p for p in (worst, figure.worst_name) if p) + ")")
    parts.append(MARKS[verdict(measure, figure, split=split)])
    return " ".join(part for part in parts if part)


def _class_table(column: Column) -> str:
    """Return the mouth by phone class, Audio2Face's and the person's columns beside it."""
    if not column.classes:
        return ""
    directions = list(column.classes)
    rows = [["phones", *COLUMNS]]
    for row in CLASSES:
        cells = []
        for place in range(len(COLUMNS)):
            # The two measured faces stand before the bar, ours after it.
            known = " ".join(_number(face[place], 2) for face in (row.a2f, row.person))
            made = " ".join(_number(column.classes[name][row.key][place], 2) for name in directions)
            cells.append(f"{known} | {made}")
        rows.append([row.title, *cells])
    order = f"Audio2Face, a person | {', '.join(directions)}"
    title = f"By phone class, {order} (width 1 is the mouth at rest): {column.name}"
    return f"{title}\n{aligned(rows)}"


def _emotion_table(column: Column) -> str:
    if not column.by_emotion:
        return ""
    rows = [["", *(key for key in EMOTION_KEYS)]]
    for emotion, figures in column.by_emotion.items():
        rows.append([emotion, *(_number(figures[key].value, 3) for key in EMOTION_KEYS)])
    # Cases are the same under every emotion: one row is enough.
    counts = next(iter(column.by_emotion.values()))
    rows.append(["cases", *(str(counts[key].count) for key in EMOTION_KEYS)])
    return f"Lips by emotion at intensity 1: {column.name}\n{aligned(rows)}"


def _articulation_table(column: Column) -> str:
    if not column.by_group:
        return ""
    keys = [key for key in EMOTION_KEYS if key != "pulses"]
    rows = [["", *keys]]
    for group, figures in column.by_group.items():
        rows.append([group, *(_number(figures[key].value, 3) for key in keys)])
    return f"Lips by group: {column.name}\n{aligned(rows)}"


def _phone_table(column: Column) -> str:
    if not column.groups:
        return ""
    rows = [["", "frames", *(key.removeprefix("phones_") for key in PHONE_KEYS)]]
    for name, figures in column.groups.items():
        frames = str(figures["phones_right"].count)
        rows.append([name, frames, *(_number(figures[key].value, 3) for key in PHONE_KEYS)])
    return f"Phone head by group: {column.name}\n{aligned(rows)}"


def _sound_table(column: Column) -> str:
    if not column.sounds:
        return ""
    rows = [["sound", "lip motion over speech's"]]
    rows += [[name, _number(value, 3)] for name, value in column.sounds.items()]
    return f"Without speech: {column.name}\n{aligned(rows)}"


def _group_table(title: str, groups: Mapping[str, SpeechScores]) -> str:
    if not groups:
        return ""
    rows = [["", "clips", "m/b/p", *(heading for _field, heading in GROUP_ROWS)]]
    for name, scores in groups.items():
        cells = [_number(float(getattr(scores, field)), 3) for field, _heading in GROUP_ROWS]
        rows.append([name, str(scores.clips), str(scores.bilabials), *cells])
    return f"{title}\n{aligned(rows)}"


def _bar_count(evaluation: Evaluation) -> str:
    lines = []
    for column in evaluation.columns:
        verdicts = [passed for _m, passed in _verdicts(column, evaluation.split)]
        measured = sum(passed is not None for passed in verdicts)
        missed = missed_bars(column, evaluation.split)
        lines.append(
            f"{column.name}: {measured - len(missed)} of {measured} bars met; "
            f"missed: {', '.join(missed) or 'none'}"
        )
    return "\n".join(lines)


def _number(value: float, digits: int) -> str:
    # A dash: NaN would read like a fault.
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
