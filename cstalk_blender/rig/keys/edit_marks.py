"""Mark stretches of curves in an Action: pinned and adopted edits.

Marks are kept as shares of the clip, which stay when the clip is moved or re-timed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

import bpy

PINS = "cstalk_pins"
"""Custom property of our Actions: JSON with label, start and end of pinned edits."""
ADOPTED = "cstalk_adopted"
"""The same of adopted edits, which belong to the performance from then on."""
Mark: TypeAlias = tuple[str, float, float]
"""Label of a curve, start and end as shares of the clip."""


def marks_of(action: bpy.types.Action, kind: str) -> list[Mark]:
    """Return the marks of an Action.

    Args:
        action: A CSTalk Action.
        kind: `PINS` or `ADOPTED`.
    """
    try:
        stored = json.loads(str(action.get(kind, "[]")))
        return [(str(name), float(a), float(b)) for name, a, b in stored]
    except (TypeError, ValueError):  # changed by somebody else
        return []


def is_marked(marks: Sequence[Mark], place: Mark) -> bool:
    """Return whether a mark touches a stretch.

    Args:
        marks: Of `marks_of`.
        place: The stretch.
    """
    label, first, last = place
    return any(name == label and a <= last and first <= b for name, a, b in marks)


def set_mark(action: bpy.types.Action, kind: str, place: Mark, *, is_set: bool) -> None:
    """Mark a stretch, or remove its marks.

    Args:
        action: A CSTalk Action.
        kind: `PINS` or `ADOPTED`.
        place: The stretch.
        is_set: Mark it.
    """
    others = [mark for mark in marks_of(action, kind) if not is_marked([mark], place)]
    action[kind] = json.dumps([*others, place] if is_set else others)


def carry(before: bpy.types.Action, action: bpy.types.Action) -> None:
    """Copy all marks to the Action that replaces another one.

    Args:
        before: The replaced Action, of the same take.
        action: The new one.
    """
    for kind in (PINS, ADOPTED):
        stored = before.get(kind)
        if stored is not None:
            action[kind] = stored
