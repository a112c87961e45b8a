"""Show the starts of words as timeline markers, and read where the user moved them.

Markers are named "w3 boat", so that no word is taken for an emotion. Their names are kept with the
face: only these are read and removed. Main thread only.
"""

from __future__ import annotations

import json

import bpy

from ..package import protocol
from . import words

LEAST_S = 0.02
"""Shortest word: one frame of the model."""
TOUCHING_S = 0.02
"""A word that ends this near the start of the next one ends where that starts."""


def set_markers(scene: bpy.types.Scene, face: bpy.types.Object) -> int:
    """Set a marker at the start of each word; earlier ones of this face are removed first.

    Args:
        scene: The scene.
        face: A face with words.

    Returns:
        Number of markers.
    """
    remove_markers(scene, face)
    kept: words.CSTALK_PG_words = face.cstalk_words
    taken = {marker.name for marker in scene.timeline_markers}
    made = []
    for number, word in enumerate(kept.words):
        name = f"w{number} {word.text}"[:60]
        while name in taken:  # a marker of the user
            name += "'"
        frame = round(words.frame_at(kept, word.start_s))
        made.append((scene.timeline_markers.new(name, frame=frame).name, frame))
        taken.add(name)
    kept.markers = json.dumps(made)
    return len(made)


def remove_markers(scene: bpy.types.Scene, face: bpy.types.Object) -> None:
    """Remove the markers that were set for a face, and no others."""
    names = {name for name, _frame in _set_before(face)}
    for marker in [one for one in scene.timeline_markers if one.name in names]:
        scene.timeline_markers.remove(marker)
    face.cstalk_words.markers = ""


def has_markers(face: bpy.types.Object) -> bool:
    """Return whether markers were set for a face."""
    return bool(face.cstalk_words.markers)


def moved_words(scene: bpy.types.Scene, face: bpy.types.Object) -> list[protocol.Correction]:
    """Return a correction for each word whose marker was moved, in order of time.

    The end of a word stays, unless it would come before its new start: then the word keeps its
    length. A word that touched the next one follows its start.

    Args:
        scene: The scene with the markers.
        face: The face that they were set for; words without a marker stay.
    """
    kept: words.CSTALK_PG_words = face.cstalk_words
    frames = {marker.name: marker.frame for marker in scene.timeline_markers}
    spoken = list(kept.words)
    before = _set_before(face)
    times = [(word.start_s, word.end_s) for word in spoken]
    changed = set()
    for number, ((name, was), word) in enumerate(zip(before, spoken, strict=False)):
        frame = frames.get(name)
        # A take that was generated meanwhile may have other words.
        is_same = name.startswith(f"w{number} {word.text}"[:60])
        if frame is None or frame == was or not is_same:
            continue
        start, end = words.time_at(kept, frame), times[number][1]
        if end - start < LEAST_S:
            end = start + word.end_s - word.start_s
        times[number] = (start, end)
        changed.add(number)
        if number and abs(spoken[number - 1].end_s - word.start_s) <= TOUCHING_S:
            first = times[number - 1][0]
            if start - first >= LEAST_S:
                times[number - 1] = (first, start)
                changed.add(number - 1)
    return [
        protocol.Correction(
            round(times[n][0], 4),
            round(times[n][1], 4),
            spoken[n].text,
            tuple(spoken[n].phones.split()),
            round(spoken[n].start_s, 4),
            round(spoken[n].end_s, 4),
        )
        for n in sorted(changed)
    ]


def _set_before(face: bpy.types.Object) -> list[tuple[str, int]]:
    """Return name and frame of each marker as it was set."""
    try:
        stored = json.loads(face.cstalk_words.markers or "[]")
        return [(str(name), int(frame)) for name, frame in stored]
    except (TypeError, ValueError):  # changed by somebody else
        return []
