"""Read lines from a folder, a list or the sequencer into the scene's batch list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..dialogue import casting, lines
from ..errors import BadBatch, BadSound
from ..jobs.batch.request import LineStatus
from ..package import blends
from ..scene import audio, strip_lines
from .properties import expressions
from .properties.batch import AS_PANEL, UNKNOWN_EMOTION, CSTALK_PG_batch, CSTALK_PG_line
from .properties.migration import SOURCE_VALUES

KEPT = ("use", "placement_token")
"""Properties that a line keeps when the list is read again."""
RESULTS = (
    *("state", "message", "score", "text_matched", "detected_emotion", "detected_emotion_at"),
)
"""Results of a line; kept when the source is unchanged."""
EDITABLE = (
    *("character", "emotion", "blend", "intensity", "emotion_at"),
    *("script", "has_start", "start_s"),
)
"""Properties that users edit; each edit is kept unless the source changed that value."""
NO_TEXT = "The file name is not valid UTF-8"


def fill(scene: bpy.types.Scene, *, default_character: str = "") -> int:
    """Read the source into the scene's list.

    A line that is in the list already keeps each edited value unless the source changed it.

    Args:
        scene: The scene with the batch settings and the list.
        default_character: Object name for sequencer strips to which no character is assigned.

    Returns:
        The number of lines in the list.

    Raises:
        BadBatch: The source cannot be read; the list is unchanged.
    """
    settings: CSTALK_PG_batch = scene.cstalk_batch
    source = settings.source
    if not source:
        raise BadBatch("No source of lines is set", hint="Choose a folder or a list first")
    if settings.source_kind == "SEQUENCER":
        found = strip_lines.scene_lines(scene, settings.cast_list, settings.pattern)
        if not found:
            raise BadBatch("The sequencer has no sound strips", hint="Add the audio files first")
        rows = [(f.line, f.character or default_character, f) for f in found]
    else:
        rows = _rows_of_files(scene, settings, source)
    _replace(scene, rows)
    return len(settings.lines)


def _rows_of_files(
    scene: bpy.types.Scene, settings: CSTALK_PG_batch, source: str
) -> list[tuple[lines.Line, str, None]]:
    found = lines.read_lines(
        source,
        pattern=settings.pattern,
        include=settings.include.split(),
        exclude=settings.exclude.split(),
        use_text=settings.use_text,
    )
    names, roles = list(strip_lines.characters_in(scene)), settings.cast_list
    clues = [casting.Clue(line.row.name, line.row.character) for line in found]
    return [
        (line, casting.cast(clue, roles, names), None)
        for line, clue in zip(found, clues, strict=True)
    ]


def _replace(scene: bpy.types.Scene, found: Sequence[tuple[Any, str, Any]]) -> None:
    settings: CSTALK_PG_batch = scene.cstalk_batch
    before = {item.name: _values(item) for item in settings.lines} if settings.is_listed else {}
    settings.lines.clear()
    for line, character, strip in found:
        item = settings.lines.add()
        _write(item, line, settings)
        item.character = scene.objects.get(character) if character else None
        if strip is not None:
            item.zero_frame, item.use = strip.start_frame, not strip.is_muted
        item[SOURCE_VALUES] = _editable_values(item)
        if item.name in before:
            _restore(item, before[item.name])
        if item.problem:
            item.message, item.state = f"{item.problem}. {item.hint}".strip(". "), LineStatus.FAILED
        elif item.state == LineStatus.NEW and not item.message:
            item.message = line.row.note
    if not settings.is_listed:  # else the text may be that of version 0.1, which names the batch
        settings.listed_from = settings.source_text
    settings.index = min(settings.index, max(0, len(settings.lines) - 1))


def _editable_values(item: CSTALK_PG_line) -> dict[str, Any]:
    """Return the editable properties as data that a .blend file can hold."""
    values = {name: getattr(item, name) for name in EDITABLE}
    return {**values, "character": "" if item.character is None else item.character.name}


def _values(item: CSTALK_PG_line) -> dict[str, Any]:
    """Return what a line keeps, with the source's values and the present ones for comparison."""
    source = item.get(SOURCE_VALUES)
    values = {name: getattr(item, name) for name in (*KEPT, *RESULTS, *EDITABLE)}
    return {
        **values,
        "source": {} if source is None else source.to_dict(),
        "now": _editable_values(item),
    }


def _restore(item: CSTALK_PG_line, old: Mapping[str, Any]) -> None:
    """Write back the edits and results of a line that was read again."""
    source = item[SOURCE_VALUES]
    same = [name for name in EDITABLE if old["source"].get(name) == source[name]]
    edited = [name for name in same if old["now"][name] != source[name]]
    # Results last: their update callbacks reset the state when an edit is written.
    for name in (*KEPT, *edited, *(RESULTS if len(same) == len(EDITABLE) else ())):
        setattr(item, name, old[name])


def _write(item: CSTALK_PG_line, line: lines.Line, settings: CSTALK_PG_batch) -> None:
    row, acting = line.row, line.row.acting
    """Write a line of the source into a row of the list."""
    item.name, item.title = lines.stem_of(line), _text(row.name)
    item.audio = _stored_path(row.audio, settings)
    item.role, item.scene_name = row.character, row.scene
    item.problem, item.hint = row.problem, row.hint
    own = expressions.own_expressions()
    known = blends.is_known(acting.emotion, own) if acting.emotion else False
    is_blend = known and blends.is_blend(acting.emotion)
    item.blend = acting.emotion if is_blend else ""
    item.emotion = acting.emotion if known and not is_blend else settings.emotion_default
    if not acting.emotion and acting.intensity is not None and item.emotion == AS_PANEL:
        item.emotion = settings.id_data.cstalk.emotion  # with its own intensity, not the panel's
    if acting.emotion and not known:
        item.problem = f"{UNKNOWN_EMOTION} {acting.emotion!r}"
        item.hint = f"Use one of {', '.join(blends.known_names(own))}"
    if _text(row.audio) != row.audio:
        item.problem, item.hint = NO_TEXT, "Rename the file, then read the lines again"
    item.intensity = 1.0 if acting.intensity is None else acting.intensity
    item.emotion_at = lines.keys_text(acting.emotion_at)
    item.script = acting.script
    item.seed = -1 if acting.seed is None else acting.seed
    item.has_start, item.start_s = row.place_s is not None, row.place_s or 0.0
    item.cut_start_s = acting.cut_start_s
    item.cut_duration_s = -1.0 if acting.cut_duration_s is None else acting.cut_duration_s
    item.state = LineStatus.NEW
    _write_length(item, line)


def _write_length(item: CSTALK_PG_line, line: lines.Line) -> None:
    """Write the length of a line, or why its file cannot be used."""
    acting, path = line.row.acting, Path(line.row.audio)
    try:
        item.length_s = max(0.0, audio.length_s(path) - acting.cut_start_s)
    except (BadSound, OSError) as error:
        hint = getattr(error, "hint", "Check the file")
        item.message = f"{error}. {hint}"  # the worker may still decode what Blender cannot
        if not item.problem and (not path.is_file() or path.stat().st_size == 0):
            item.problem, item.hint = str(error), hint
    if acting.cut_duration_s is not None:
        item.length_s = acting.cut_duration_s


def _stored_path(path: str, settings: CSTALK_PG_batch) -> str:
    """Return the path of an audio file, relative to the .blend file where the source is."""
    if settings.source_text.startswith("//"):
        try:
            return str(bpy.path.relpath(_text(path)))
        except ValueError:  # another drive of Windows
            return _text(path)
    return _text(path)


def _text(name: str) -> str:
    """Return ``name`` with bytes that are not UTF-8 escaped, as Blender's strings need it."""
    return name.encode("utf-8", "backslashreplace").decode()
