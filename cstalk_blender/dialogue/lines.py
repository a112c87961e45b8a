"""Read the lines of a folder, a glob or a list, and describe them for the batch worker. No bpy.

Reading, names and output files are those of ``model_runtime.batch.lines``, so that panel and
command line agree.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from ..errors import BadBatch
from ..package import (
    batch_keys,
    batch_manifest,
    batch_naming,
    batch_performance,
    batch_plan,
    blends,
    choices,
    file_names,
    protocol,
    runtime_errors,
)

Line = batch_plan.Line
Row = batch_manifest.Row
Acting = batch_manifest.Acting


def keys_text(keys: Sequence[protocol.EmotionKey]) -> str:
    """Return emotion keys as text."""
    return batch_keys.keys_text(keys)


def read_lines(
    source: str | Path,
    *,
    pattern: str = choices.DEFAULT_PATTERN,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    use_text: bool = True,
) -> tuple[Line, ...]:
    """Return the lines of a folder with its subfolders, a glob, or a CSV or TSV.

    Args:
        source: Folder, glob or list.
        pattern: Pattern of file names, see ``naming``.
        include: Globs; empty means every audio file.
        exclude: Globs of files to leave out.
        use_text: Read scripts, from the list or a text file beside the audio file.

    Raises:
        BadBatch: It is missing, has no audio files, or cannot be read.
    """
    try:
        rows = batch_manifest.read_rows(
            source,
            patterns=(pattern or choices.DEFAULT_PATTERN,),
            include=include,
            exclude=exclude,
            use_text=use_text,
        )
        return batch_plan.make_plan([_named(row) for row in rows])
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint) from fault


def _named(row: Row) -> Row:
    """Return the row with an output that every file system takes, unless it names one."""
    return row if row.output else dataclasses.replace(row, output=safe_stem(row.stem))


def planned(rows: Sequence[Row]) -> tuple[Line, ...]:
    """Return lines of rows that were created here. Raises BadBatch for an invalid output."""
    try:
        return batch_plan.make_plan([_named(row) for row in rows])
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint) from fault


def read_strip_name(name: str, pattern: str) -> Acting:
    """Return emotion and intensity that the name of a strip gives; an invalid pattern gives none.

    Args:
        name: Name of the strip.
        pattern: Pattern of names; empty means the default one.
    """
    try:
        compiled = batch_naming.NamePattern.parse(pattern or choices.DEFAULT_PATTERN)
    except runtime_errors.RuntimeFault:
        return Acting()
    # A suffix, as patterns are those of files.
    fields = batch_naming.read_name(PurePosixPath(name.replace("/", "_") + ".wav"), [compiled])
    emotion = fields.get("emotion", "")
    return Acting(
        emotion=emotion if emotion in known_emotions() else "",
        intensity=float(fields["intensity"]) if "intensity" in fields else None,
    )


def safe_stem(name: str) -> str:
    """Return a path without ending, with every part valid on all file systems."""
    return "/".join(_safe_part(part) for part in name.split("/") if part) or "line"


def _safe_part(part: str) -> str:
    kept = file_names.FORBIDDEN.sub("_", part.encode("utf-8", "replace").decode())
    # Windows drops spaces and dots at the end of a name.
    kept = kept.strip(" .") or "line"
    stem, dot, ending = kept.rpartition(".")
    if dot and ending.lower() in batch_plan.FORMATS:  # it would be taken for the file's ending
        kept = f"{stem}_{ending}"
    # Windows opens a device for these names, whatever the ending.
    is_device = kept.split(".")[0].rstrip().casefold() in file_names.DEVICES
    return f"_{kept}" if is_device else kept


def known_emotions() -> tuple[str, ...]:
    """Return the names of emotions and shipped expressions that a line can have; Auto is last."""
    return blends.known_names()


def stem_of(line: Line) -> str:
    """Return the id of a line: its output without the ending."""
    return line.id


def messages(
    lines: Sequence[Line],
    base: protocol.Performance,
    acting: Mapping[str, protocol.Acting] = MappingProxyType({}),
    look: Mapping[str, tuple[protocol.LookKey, ...]] = MappingProxyType({}),
) -> tuple[protocol.BatchLine, ...]:
    """Return lines as messages for the batch worker.

    Args:
        lines: The lines.
        base: Parameters that hold for all lines.
        acting: Strengths of acting of lines that differ from ``base``, by id.
        look: Where the speakers of lines look, by id.
    """
    return tuple(
        batch_performance.batch_line(
            line,
            dataclasses.replace(
                base,
                acting=acting.get(line.id, base.acting),
                look=look.get(line.id, base.look),
            ),
        )
        for line in lines
    )


def acted(line: Line, emotion: str, intensity: float, keys: Sequence[protocol.EmotionKey]) -> Line:
    """Return a line with its emotion.

    Args:
        line: The line.
        emotion: Emotion at its start.
        intensity: Intensity at its start, 0 to 1.5.
        keys: Changes after that.
    """
    acting = dataclasses.replace(
        line.row.acting, emotion=emotion, intensity=intensity, emotion_at=tuple(keys)
    )
    return Line(dataclasses.replace(line.row, acting=acting), line.targets)


def read_keys(text: str) -> tuple[protocol.EmotionKey, ...]:
    """Return the keys that ``keys_text`` wrote; raises BadBatch for another form."""
    try:
        return batch_keys.read_keys(text)
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint) from fault
