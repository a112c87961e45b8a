"""Find the lines of earlier batches in a scene: new ones follow them, and hide none of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import bpy

from ... import compat
from ...errors import BadBatch
from ...rig.binding import targets
from ...rig.clips import strips
from ...rig.keys import ownership, tracks
from ...scene.sequencer import sequencer_scene
from .request import Destination

Span = tuple[str, float, float]
"""Source of a batch, first and last scene frame of one of its lines."""


def first_free_frame(scene: bpy.types.Scene, batch: str) -> float | None:
    """Return the frame after the lines of other batches that play before those of ``batch``.

    Args:
        scene: The scene.
        batch: Source of the batch. If none of its lines is in the scene yet, all other lines count
            as earlier.

    Returns:
        The frame after the last earlier line, None without one.
    """
    spans: dict[str, list[tuple[float, float]]] = {}
    for source, first, last in _played(scene):
        spans.setdefault(source, []).append((first, last))
    own = min((first for first, _last in spans.pop(batch, ())), default=math.inf)
    ends = [
        max(last for _first, last in others)
        for others in spans.values()
        if min(first for first, _last in others) < own
    ]
    return max(ends) + 1.0 if ends else None


def check_none_is_hidden(
    faces: Iterable[bpy.types.Object | None], destination: str, batch: str
) -> None:
    """Check that a batch does not take the lines of another off a face.

    Keys on the timeline play above strips, and a face plays one Action at a time.

    Args:
        faces: Faces of the batch; None is passed over.
        destination: A `Destination`.
        batch: Source of the batch.

    Raises:
        BadBatch: A face has lines of another batch that would not play any more.
    """
    for face in dict.fromkeys(faces):
        if face is None:
            continue
        on_timeline = {source for source, *_ in _timeline(face)} - {batch}
        on_strips = {source for source, *_ in _strips(face)} - {batch}
        if destination == Destination.NLA and on_timeline:
            hidden, hint = on_timeline, "bake those lines into NLA Strips too"
        elif destination == Destination.TIMELINE and on_timeline | on_strips:
            hidden, hint = on_timeline | on_strips, "choose NLA Strips, which keep both"
        else:
            continue
        names = ", ".join(sorted(Path(source).name or "another list" for source in hidden))
        raise BadBatch(
            f"The lines of {names} on {face.name!r} would not play any more",
            hint=f"Clear Lines first, or {hint}",
        )


def _played(scene: bpy.types.Scene) -> Iterator[Span]:
    for face in scene.objects:
        if targets.is_face(face):
            yield from _strips(face)
            yield from _timeline(face)
    for strip in compat.placed_strips(sequencer_scene(scene)):
        if strip.get(strips.BATCH):
            first, last = compat.strip_span(strip)
            # The frame after the last one; those of keys and strips above are last ones.
            yield strip[strips.BATCH], float(first), float(last) - 1.0


def _strips(face: bpy.types.Object) -> Iterator[Span]:
    for nla_track in strips.our_tracks(face.data.shape_keys):
        for strip in nla_track.strips:
            source = _source_or_none(strip.action)
            # Waiting has the length of all lines: others may begin in its last second.
            is_waiting = source is not None and strip.action.get(strips.LINE) == tracks.IDLE_LINE
            if source is not None and not is_waiting:
                yield source, strip.frame_start, strip.frame_end


def _timeline(face: bpy.types.Object) -> Iterator[Span]:
    action = ownership.own_action_or_none(face.data.shape_keys)
    source = _source_or_none(action)
    if source is not None:
        span = action.frame_range
        yield source, float(span[0]), float(span[1])


def _source_or_none(action: Any) -> str | None:
    found = None if action is None else action.get(strips.BATCH)
    return found if isinstance(found, str) else None
