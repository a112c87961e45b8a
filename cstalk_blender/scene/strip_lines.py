"""The sound strips of a scene as lines: which file, which piece of it, when, and who speaks it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..dialogue import casting, lines
from ..rig.binding import targets
from .audio import frame_rate

SEQUENCER = "sequencer"
"""Source of lines that come from the scene's own strips."""
RETIMED = "plays faster or slower than its sound"
RETIMED_HINT = "Render the retimed sound to a file and use that"


@dataclasses.dataclass(frozen=True)
class SceneLine:
    """A strip as a line."""

    line: lines.Line
    character: str
    """Name of an object; empty where nothing tells."""
    start_frame: float
    """Frame of second 0 of the sound file, which may lie before the strip."""
    is_muted: bool


@dataclasses.dataclass(frozen=True)
class HeardStrip:
    """A sound strip and what of it is heard inside of its meta strips."""

    strip: Any
    channel: int
    """Channel of the outermost strip: what people see."""
    first: int
    last: int
    """First frame that is heard, and the one after the last."""
    is_muted: bool


def characters_in(scene: bpy.types.Scene) -> dict[str, bpy.types.Object]:
    """Faces of a scene by the names that may be called: their own and those of what they hang on.

    An armature or an empty stands for the best face below it.
    """
    found: dict[str, bpy.types.Object] = {}
    for thing in scene.objects:
        face = face_of_or_none(thing)
        if face is not None:
            found[thing.name] = face
    return found


def face_of_or_none(thing: bpy.types.Object | None) -> bpy.types.Object | None:
    """The face that an object is, or the best one below it."""
    if thing is None or targets.is_face(thing):
        return thing
    if thing.type == "MESH" and not thing.children:
        return None
    faces = [child for child in thing.children_recursive if targets.is_face(child)]
    return max(faces, key=lambda face: targets.mapping_of(face).found, default=None)


def scene_lines(
    scene: bpy.types.Scene, roles: Sequence[casting.Role], pattern: str
) -> list[SceneLine]:
    """The sound strips of a scene, sorted by time, each with its character.

    Args:
        scene: Its sequencer is read and not changed.
        roles: The cast list.
        pattern: How strips' names tell emotions, see ``batch.naming``.
    """
    characters = characters_in(scene)
    heard = sorted(sound_strips(scene), key=lambda found: (found.first, found.channel))
    rows = [_row(number, found, scene, pattern) for number, found in enumerate(heard, 1)]
    only = set(characters.values())
    result = []
    for found, line in zip(heard, lines.planned(rows), strict=True):
        clue = casting.Clue(
            name=found.strip.name,
            channel=found.channel,
            channel_name=compat.channel_name(scene, found.channel),
        )
        name = casting.cast(clue, roles, list(characters))
        if not name and not roles and len(only) == 1:  # nobody else could be meant
            name = next(iter(only)).name
        zero = compat.zero_frame(found.strip, frame_rate(scene))
        result.append(SceneLine(line, name, zero, found.is_muted))
    return result


def sound_strips(scene: bpy.types.Scene) -> Iterator[HeardStrip]:
    """All sound strips, those inside of meta strips with what the meta strips let through."""
    for strip in compat.placed_strips(scene):
        first, last = compat.strip_span(strip)
        is_muted = strip.mute or compat.is_channel_muted(scene, strip.channel)
        yield from _heard(strip, strip.channel, first, last, is_muted)


def _heard(strip: Any, channel: int, first: int, last: int, is_muted: bool) -> Iterator[HeardStrip]:
    begin, end = compat.strip_span(strip)
    first, last, is_muted = max(first, begin), min(last, end), is_muted or strip.mute
    if first >= last:
        return
    if strip.type == "SOUND" and strip.sound is not None:
        yield HeardStrip(strip, channel, first, last, is_muted)
    for child in compat.children_of(strip):
        yield from _heard(child, channel, first, last, is_muted)


def _row(number: int, found: HeardStrip, scene: bpy.types.Scene, pattern: str) -> lines.Row:
    strip, rate = found.strip, frame_rate(scene)
    zero = compat.zero_frame(strip, rate)
    path = Path(bpy.path.abspath(strip.sound.filepath, library=strip.sound.library))
    start_s = max(0.0, (found.first - zero) / rate)
    acting = dataclasses.replace(
        lines.read_strip_name(strip.name, pattern),
        cut_start_s=round(start_s, 6),
        cut_duration_s=round((found.last - zero) / rate - start_s, 6),
    )
    problem, hint = "", ""
    if compat.is_retimed(strip):
        problem, hint = f"The strip {strip.name!r} {RETIMED}", RETIMED_HINT
    elif strip.sound.packed_file is not None and not path.is_file():
        problem, hint = f"The sound of {strip.name!r} is packed", "Unpack it: File > External Data"
    return lines.Row(
        number=number,
        audio=str(path),
        name=strip.name,
        stem=strip.name.replace("/", "_"),
        place_s=None,
        acting=acting,
        problem=problem,
        hint=hint,
    )
