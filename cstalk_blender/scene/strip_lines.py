"""Read sound strips of a scene as lines of a batch, text strips as scripts. Main thread only."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..dialogue import casting, lines
from ..errors import BadSound
from ..rig.binding import targets
from .audio import frame_rate, path_of, source_path
from .sequencer import sequencer_scene

SEQUENCER = "sequencer"
"""Source of lines that are strips of the sequencer."""
RETIMED = "is retimed"
RETIMED_HINT = "Render the retimed audio to a file and use that"


@dataclasses.dataclass(frozen=True)
class SceneLine:
    """A sound strip as a line."""

    line: lines.Line
    character: str
    """Object name of the character; empty if none is assigned."""
    start_frame: float
    """Scene frame at time 0 of the audio file, which may be before the strip."""
    is_muted: bool


@dataclasses.dataclass(frozen=True)
class AudibleStrip:
    """A sound strip and its audible part inside its meta strips."""

    strip: Any
    channel: int
    """Channel of the outermost strip."""
    first: int
    last: int
    """First audible frame, and the frame after the last one."""
    is_muted: bool


def characters_in(scene: bpy.types.Scene) -> dict[str, bpy.types.Object]:
    """Return the faces of a scene by object name.

    An armature or a parent object stands for the best face below it.
    """
    found: dict[str, bpy.types.Object] = {}
    for thing in scene.objects:
        face = face_of_or_none(thing)
        if face is not None:
            found[thing.name] = face
    return found


def face_of_or_none(thing: bpy.types.Object | None) -> bpy.types.Object | None:
    """Return the face that an object is, or the best face below it."""
    if thing is None or targets.is_face(thing):
        return thing
    # A mesh without children can have nothing below.
    if thing.type == "MESH" and not thing.children:
        return None
    faces = [child for child in thing.children_recursive if targets.is_face(child)]
    # The face with the most channels, where a character has several meshes.
    return max(faces, key=lambda face: targets.mapping_of(face).found, default=None)


def scene_lines(
    scene: bpy.types.Scene, roles: Sequence[casting.Role], pattern: str
) -> list[SceneLine]:
    """Return the sound strips of a scene as lines, sorted by time, each with its character.

    Args:
        scene: The scene with the characters; the sequencer that it uses is read.
        roles: The cast list.
        pattern: How names of strips are read, see ``batch.naming``.
    """
    characters = characters_in(scene)
    home = sequencer_scene(scene)
    # By time, then by channel, from below.
    audible = sorted(sound_strips(home), key=lambda found: (found.first, found.channel))
    rows = [_row(number, found, home, pattern) for number, found in enumerate(audible, 1)]
    faces = set(characters.values())
    result = []
    for found, line in zip(audible, lines.planned(rows), strict=True):
        clue = casting.Clue(
            name=found.strip.name,
            channel=found.channel,
            channel_name=compat.channel_name(home, found.channel),
        )
        name = casting.cast(clue, roles, list(characters))
        # With a single character there is nothing to choose.
        if not name and not roles and len(faces) == 1:
            name = next(iter(faces)).name
        zero = compat.zero_frame(found.strip, frame_rate(home))
        result.append(SceneLine(line, name, zero, found.is_muted))
    return result


def sound_strips(scene: bpy.types.Scene) -> Iterator[AudibleStrip]:
    """Yield all sound strips of a scene; those inside meta strips are cut to their meta strips."""
    for strip in compat.placed_strips(scene):
        first, last = compat.strip_span(strip)
        is_muted = strip.mute or compat.is_channel_muted(scene, strip.channel)
        # Muted strips are listed as well, so that the user sees why they are left out.
        yield from _audible(strip, strip.channel, first, last, is_muted)


def _audible(
    strip: Any, channel: int, first: int, last: int, is_muted: bool
) -> Iterator[AudibleStrip]:
    begin, end = compat.strip_span(strip)
    first, last, is_muted = max(first, begin), min(last, end), is_muted or strip.mute
    # Outside of the meta strip nothing is heard.
    if first >= last:
        return
    if strip.type == "SOUND" and strip.sound is not None:
        yield AudibleStrip(strip, channel, first, last, is_muted)
    for child in compat.children_of(strip):
        yield from _audible(child, channel, first, last, is_muted)


def _row(number: int, found: AudibleStrip, scene: bpy.types.Scene, pattern: str) -> lines.Row:
    strip, rate = found.strip, frame_rate(scene)
    zero = compat.zero_frame(strip, rate)
    problem, hint = "", ""
    try:
        path = source_path(strip.sound, Path(bpy.app.tempdir))
    except BadSound as error:  # its line fails, the others go on
        path, problem, hint = path_of(strip.sound), str(error), error.hint
    start_s = max(0.0, (found.first - zero) / rate)
    acting = dataclasses.replace(
        lines.read_strip_name(strip.name, pattern),
        # Six digits: a millionth of a second is less than a sample.
        cut_start_s=round(start_s, 6),
        cut_duration_s=round((found.last - zero) / rate - start_s, 6),
    )
    # A retimed strip plays faster or slower than its file, and the lips would not fit.
    if compat.is_retimed(strip):
        problem, hint = f"Strip {strip.name!r} {RETIMED}", RETIMED_HINT
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


def script_under(scene: bpy.types.Scene, first: int, last: int) -> str:
    """Return the texts of all text strips that overlap a stretch, in order of time.

    Args:
        scene: The scene with the sequencer.
        first: First frame of the stretch.
        last: Frame after the last one.

    Returns:
        The texts, joined by line breaks; empty without text strips.
    """
    found = []
    for strip in text_strips(scene):
        begin, end = compat.strip_span(strip)
        if begin < last and end > first and strip.text.strip():
            found.append((begin, strip.channel, strip.text.strip()))
    return "\n".join(text for _begin, _channel, text in sorted(found))


def text_strips(scene: bpy.types.Scene) -> Iterator[Any]:
    """Yield all text strips that are not muted, those in meta strips too."""
    open_strips = list(compat.placed_strips(scene))
    while open_strips:
        strip = open_strips.pop()
        if strip.mute:
            continue
        if strip.type == "TEXT":
            yield strip
        open_strips += compat.children_of(strip)
