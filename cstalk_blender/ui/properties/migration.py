"""Read settings of .blend files that version 0.1 wrote, whose properties had other names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

LINE_NAMES = {
    "has_place": "has_start",
    "place_s": "start_s",
    "heard": "detected_emotion",
    "acted_at": "detected_emotion_at",
    "placed": "placement_token",
}
"""Properties of a line, old name to new."""
OLD_SOURCE_VALUES, SOURCE_VALUES = "told", "source_values"
"""Custom property of a line with the values of its source, old name and new."""


@bpy.app.handlers.persistent
def on_load(*_arguments: Any) -> None:
    """Rename what a file that was just opened holds under old names."""
    for scene in bpy.data.scenes:
        _move_result(scene)
        for item in scene.cstalk_batch.lines:
            rename(item, LINE_NAMES)
            _rename_source_values(item)


def _move_result(scene: bpy.types.Scene) -> None:
    """Move the result that version 0.1 kept on the scene to its face."""
    stored, face = _stored_or_none(scene.cstalk), scene.cstalk.target
    for old, new in {"made": "summary", "heard": "detected_emotion"}.items():
        if stored is not None and old in stored:
            if face is not None and not getattr(face.cstalk_result, new):
                setattr(face.cstalk_result, new, stored[old])
            del stored[old]


def rename(owner: Any, names: Mapping[str, str]) -> None:
    """Give the values of ``owner`` that are stored under old names their new names.

    Args:
        owner: A property group of ours.
        names: Old name to new name. A new name that has a value keeps it.
    """
    stored = _stored_or_none(owner)
    if stored is None:
        return
    for old, new in names.items():
        if old in stored:
            if new not in stored:
                setattr(owner, new, stored[old])
            del stored[old]


def attach() -> None:
    """Run `on_load` after each file that is opened."""
    bpy.app.handlers.load_post.append(on_load)


def detach() -> None:
    """Undo `attach`."""
    bpy.app.handlers.load_post.remove(on_load)


def _stored_or_none(owner: Any) -> Any:
    """Return what the file holds of ``owner`` by name, registered or not.

    Since Blender 5.0 the values of registered properties are no custom properties any more.
    """
    if hasattr(owner, "bl_system_properties_get"):
        return owner.bl_system_properties_get()
    return owner


def _rename_source_values(item: Any) -> None:
    values = item.get(OLD_SOURCE_VALUES)
    if values is None:
        return
    kept = {LINE_NAMES.get(name, name): value for name, value in values.to_dict().items()}
    if SOURCE_VALUES not in item:
        item[SOURCE_VALUES] = kept
    del item[OLD_SOURCE_VALUES]
