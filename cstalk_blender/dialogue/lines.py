"""Lines of a batch: read from a folder, a glob or a list, and written as the child's list. No bpy.

Reading, names and the files of a line are the runtime's own (``model_runtime.batch``), so that the
panel and the command line mean the same. What the panel hands to the child is a list with
everything said, so that nothing is read twice with two results.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..errors import BadBatch
from ..package import (
    batch_manifest,
    batch_naming,
    batch_plan,
    file_names,
    files,
    protocol,
    runtime_errors,
)
from .patterns import DEFAULT_PATTERN

Line = batch_plan.Line
Row = batch_manifest.Row
Acting = batch_manifest.Acting
keys_text = batch_manifest.keys_text

COLUMNS = (
    *("file", "out", "character", "scene", "emotion", "intensity", "emotion_at"),
    *("start", "seed", "start_s", "duration_s"),
    *("cstalk_title", "cstalk_problem", "cstalk_hint"),
)
MAX_CELL = 100_000
"""Characters of a cell that every CSV reader takes; Python's own stops at 131,072."""


def read_lines(
    source: str | Path,
    *,
    pattern: str = DEFAULT_PATTERN,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> tuple[Line, ...]:
    """The lines of a folder with its subfolders, a glob, or a CSV or TSV.

    Raises:
        BadBatch: There is no such thing, no sound in it, or it cannot be read.
    """
    try:
        rows = batch_manifest.read_rows(
            source, patterns=(pattern or DEFAULT_PATTERN,), include=include, exclude=exclude
        )
        return batch_plan.make_plan([_named(row) for row in rows])
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint) from fault


def _named(row: Row) -> Row:
    """The row with an output that can be said in a list, where it says none itself."""
    return row if row.output else dataclasses.replace(row, output=safe_stem(row.stem))


def planned(rows: Sequence[Row]) -> tuple[Line, ...]:
    """Lines of rows that were made here; raises BadBatch for an output that cannot be."""
    try:
        return batch_plan.make_plan([_named(row) for row in rows])
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint) from fault


def read_strip_name(name: str, pattern: str) -> Acting:
    """What the name of a strip says of how it is acted; a pattern that is none says nothing."""
    try:
        compiled = batch_naming.NamePattern.parse(pattern or DEFAULT_PATTERN)
    except runtime_errors.RuntimeFault:
        return Acting()
    said = batch_naming.read_name(PurePosixPath(name.replace("/", "_") + ".wav"), [compiled])
    emotion = said.get("emotion", "")
    return Acting(
        emotion=emotion if emotion in known_emotions() else "",
        intensity=float(said["intensity"]) if "intensity" in said else None,
    )


def safe_stem(name: str) -> str:
    """A path without ending that every file system and the child's list take, part by part."""
    return "/".join(_safe_part(part) for part in name.split("/") if part) or "line"


def _safe_part(part: str) -> str:
    kept = file_names.FORBIDDEN.sub("_", part.encode("utf-8", "replace").decode())
    kept = kept.strip(" .") or "line"
    stem, dot, ending = kept.rpartition(".")
    if dot and ending.lower() in batch_plan.FORMATS:  # it would be taken for the file's ending
        kept = f"{stem}_{ending}"
    is_device = kept.split(".")[0].rstrip().casefold() in file_names.DEVICES
    return f"_{kept}" if is_device else kept


def known_emotions() -> tuple[str, ...]:
    """Names of the emotions that a line can be told, Auto at the end."""
    return (*protocol.EMOTIONS, protocol.AUTO_EMOTION)


def stem_of(line: Line) -> str:
    """Output of a line without its ending: what names it here and in the journal."""
    return line.targets[0].rpartition(".")[0]


def write_list(path: Path, lines: Sequence[Line]) -> None:
    """Write the child's list, replaced whole.

    Raises:
        BadBatch: The folder or the file cannot be written.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(_cells(line) for line in lines)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace_file(path, text.getvalue().encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise BadBatch(
            f"Cannot make the folder {path.parent}: {error.strerror}", hint="Choose another folder"
        ) from error
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint) from fault


def acted(line: Line, emotion: str, intensity: float, keys: Sequence[protocol.EmotionKey]) -> Line:
    """The line, told how to be acted: ``emotion`` at first, then ``keys``."""
    acting = dataclasses.replace(
        line.row.acting, emotion=emotion, intensity=intensity, emotion_at=tuple(keys)
    )
    return Line(dataclasses.replace(line.row, acting=acting), line.targets)


def read_keys(text: str) -> tuple[protocol.EmotionKey, ...]:
    """The keys of ``keys_text``; raises BadBatch for anything else."""
    keys = []
    for part in text.split():
        try:
            seconds, emotion, intensity = part.split(":")
            keys.append(protocol.EmotionKey(float(seconds), emotion, float(intensity)))
        except ValueError:
            raise BadBatch(
                f"Cannot read the emotion key {part!r}", hint="Write SECONDS:NAME:F"
            ) from None
    return tuple(keys)


def _cells(line: Line) -> dict[str, object]:
    row, acting = line.row, line.row.acting
    keys = keys_text(acting.emotion_at)
    if len(keys) > MAX_CELL:
        raise BadBatch(
            f"{row.name} has {len(acting.emotion_at)} changes of emotion, too many for one line",
            hint="Split the line, or animate its emotion more calmly",
        )
    cells = {
        "file": row.audio,
        "out": stem_of(line),
        "character": row.character,
        "scene": row.scene,
        "emotion": acting.emotion,
        "intensity": acting.intensity,
        "emotion_at": keys,
        "start": row.place_s,
        "seed": acting.seed,
        "start_s": acting.cut_start_s or None,
        "duration_s": acting.cut_duration_s,
        "cstalk_title": row.name,
        "cstalk_problem": row.problem,
        "cstalk_hint": row.hint,
    }
    return {name: "" if value is None else value for name, value in cells.items()}
