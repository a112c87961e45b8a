"""Apply the settings of a face to its lines of a batch, from their stored predictions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import bpy

from ..dialogue.fade import faded
from ..direct import layers
from ..direct.direction import Direction
from ..direct.prediction import BadPrediction
from ..rig.binding import targets
from ..rig.clips import rewriting
from ..rig.keys.ownership import LINE
from ..scene import line_predictions


@dataclasses.dataclass(frozen=True)
class DirectedLines:
    """Result of directing lines."""

    lines: tuple[str, ...]
    """Names of the lines that were written."""
    notes: tuple[str, ...]
    """A sentence for each line that was left, or whose hand edits were kept."""


def lines_of(face: bpy.types.Object, *, is_selected: bool = False) -> list[bpy.types.Action]:
    """Return the Actions of a face's lines that can be directed, in no certain order.

    Args:
        face: The face.
        is_selected: Only lines whose strips are selected in the NLA editor.
    """
    if targets.problem_or_none(face) is not None:
        return []
    faces = targets.face_objects(face, with_companions=True)
    found = rewriting.clips_of(faces, is_selected=is_selected)
    return [action for action in found if line_predictions.has(action)]


def can_direct(face: bpy.types.Object | None) -> bool:
    """Return whether a face has lines that can be directed."""
    return face is not None and bool(lines_of(face))


def direct(
    face: bpy.types.Object, settings: Direction, actions: Sequence[bpy.types.Action]
) -> DirectedLines:
    """Write lines of a face as settings direct them; strips and curves with edits stay.

    Args:
        face: The face.
        settings: The direction; ranges are left out, which have no meaning in another clip.
        actions: Some of `lines_of` the face.

    Returns:
        What was written and what was left.

    Raises:
        BadPrediction: There are no lines, or a stored prediction was changed; nothing is written.
        SessionError: No curve of a line fits the face.
    """
    if not actions:
        raise BadPrediction(
            f"{face.name!r} plays no selected line with a stored prediction",
            hint="Select strips in the NLA editor, or bake the lines again",
        )
    settings = settings.with_ranges(Direction())
    faces = targets.face_objects(face, with_companions=True)
    # All are read before one is written, so that a damaged one changes nothing.
    predicted = [line_predictions.load(action) for action in actions]
    lines, notes = [], []
    for action, found in zip(actions, predicted, strict=True):
        if rewriting.is_played_beside(faces, action):
            notes.append(f"{action.name!r} was left: another face plays it too")
            continue
        curves = faded(layers.apply(found, settings), line_predictions.fade_s(action))
        written = rewriting.rewrite_line(faces, action, curves)
        line_predictions.write_direction(action, settings)
        lines.append(str(action.get(LINE, action.name)))
        if written.kept:
            notes.append(f"{action.name!r}: {len(written.kept)} curves with hand edits were kept")
    return DirectedLines(tuple(lines), tuple(notes))


def size_bytes(face: bpy.types.Object) -> int:
    """Return the bytes that predictions of a face's lines take in the .blend file."""
    return sum(line_predictions.size_bytes(action) for action in lines_of(face))


def remove_data(face: bpy.types.Object) -> int:
    """Remove the stored predictions of a face's lines; return the bytes that are freed."""
    return sum(line_predictions.remove(action) for action in lines_of(face))
