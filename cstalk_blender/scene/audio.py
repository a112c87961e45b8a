"""Add audio files to the sequencer, one strip per face and file. Main thread only.

Strips of CSTalk have custom properties: an id, the face that they were loaded for, and whether a
performance was generated from them. The pieces of a strip that was cut share its id.
"""

from __future__ import annotations

import dataclasses
import math
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import BadSound
from ..package import files, runtime_errors
from ..rig.keys import ownership
from . import audio_length
from .sequencer import sequencer_scene, show_sequencer_of

MARK = "cstalk"
"""Custom property of our strips: an id. Version 0.1 wrote True."""
FACE = "cstalk_face"
"""Custom property of our strips: the object that the file was loaded for."""
USED = "cstalk_used"
"""Custom property of our strips: a performance was generated from the file."""
END = "cstalk_end"
"""Custom property of a scene whose end we set: that end, and the end before our first change."""
STRIP_NAME = "CSTalk Speech"
LAST_CHANNEL = 128
"""Number of channels of Blender's sequencer."""
AUDIO_EXTENSIONS = (
    *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff"),
)


@dataclasses.dataclass(frozen=True)
class PlacedSound:
    """Result of `place`."""

    seconds: float
    """Length of the audio file; 0 if this Blender cannot decode it."""
    channel: int
    """Channel of the strip; 0 if this Blender has no sound and there is no strip."""
    sound: bpy.types.Sound | None = None
    """Sound of the strip."""


def place(
    scene: bpy.types.Scene, path: Path, start_frame: int, face: bpy.types.Object | None = None
) -> PlacedSound:
    """Add an audio file to the sequencer at ``start_frame`` and synchronise playback to it.

    A strip of the same file and face is moved. A strip of another file for the same face is
    replaced, unless a performance was generated from it. Strips of other faces are left alone.
    The frame range of the scene grows to hold the file. It shrinks only where CSTalk set the end
    itself, to what strips, performances and the user's own end need.

    Args:
        scene: Scene with the settings; the strip goes to the scene that the sequencer shows.
        path: Audio file.
        start_frame: Scene frame at time 0 of the file.
        face: The face that the file is for.

    Raises:
        BadSound: The file is missing or cannot be decoded. Nothing is changed.
    """
    seconds = length_s(path, is_exact=True)
    home = sequencer_scene(scene)
    pieces = strips_of_file(scene, path, face)
    # Moved rather than replaced: cuts and volumes of the user stay.
    for piece in pieces:
        compat.move_strip(piece, start_frame)
    if not pieces:
        show_sequencer_of(home)
        pieces = _add(home, path, start_frame, face)
    # Playback must follow the sound, or lips and voice drift apart on a slow machine.
    for one in {scene, home}:
        one.sync_mode = "AUDIO_SYNC"
        _withdraw_end(one, home)
        extend_range(one, start_frame, start_frame + seconds * frame_rate(one))
    if not pieces:
        return PlacedSound(seconds, 0)
    return PlacedSound(seconds, pieces[0].channel, pieces[0].sound)


def move(
    scene: bpy.types.Scene, path: Path | None, start_frame: int, face: bpy.types.Object | None
) -> None:
    """Move the strip of a file and face to ``start_frame``.

    Args:
        scene: Scene with the settings.
        path: Audio file; None moves nothing.
        start_frame: Scene frame at time 0 of the file.
        face: The face that the file is for.
    """
    for strip in [] if path is None else strips_of_file(scene, path, face):
        compat.move_strip(strip, start_frame)


def mark_used(scene: bpy.types.Scene, path: Path, face: bpy.types.Object | None) -> None:
    """Keep the strip of a file and face when another file is loaded.

    Args:
        scene: Scene with the settings.
        path: Audio file from which a performance is generated.
        face: The face.
    """
    for strip in strips_of_file(scene, path, face):
        strip[USED] = True
        if face is not None:
            strip[FACE] = face


def strips_of_file(scene: bpy.types.Scene, path: Path, face: bpy.types.Object | None) -> list[Any]:
    """Return our strips of a file that were loaded for ``face`` or for no face.

    Args:
        scene: Scene with the settings.
        path: Audio file.
        face: The face.
    """
    return [
        strip
        for strip in compat.placed_strips(sequencer_scene(scene))
        # A strip without a face was loaded before one was chosen.
        if strip.get(MARK) and strip.get(FACE) in (None, face) and _file_of(strip) == path
    ]


def start_frames(scene: bpy.types.Scene, name: str, face: bpy.types.Object) -> list[int]:
    """Return the scene frames at time 0 of the strips that performances were generated from.

    Args:
        scene: Scene with the settings.
        name: File name of the audio file.
        face: The face of the performances.
    """
    home = sequencer_scene(scene)
    return [
        round(compat.zero_frame(strip, frame_rate(home)))
        for strip in compat.placed_strips(home)
        if strip.get(USED) and strip.get(FACE) == face and strip.sound is not None
        if path_of(strip.sound).name == name
    ]


def length_s(path: Path, *, is_exact: bool = False) -> float:
    """Return the length of an audio file in seconds; see `audio_length.length_s`."""
    return audio_length.length_s(path, is_exact=is_exact)


def frame_rate(scene: bpy.types.Scene) -> float:
    """Return the frames per second of a scene: 23.976 is 24 / 1.001."""
    return scene.render.fps / scene.render.fps_base


def time_stretching(scene: bpy.types.Scene) -> float:
    """Return the frames of animation per frame of the timeline; sounds are not stretched."""
    return float(scene.render.frame_map_old) / float(scene.render.frame_map_new)


def extend_range(scene: bpy.types.Scene, first: float, last: float) -> None:
    """Extend the frame range of a scene so that it includes ``first`` to ``last``.

    Blender's range starts at frame 0 at the lowest.
    """
    # Only ever widened: a range of the user is never cut.
    scene.frame_start = min(scene.frame_start, max(0, math.floor(first)))
    if math.ceil(last) > scene.frame_end:
        before = _end_before_or_none(scene)
        before = scene.frame_end if before is None else before
        scene.frame_end = math.ceil(last)
        scene[END] = [scene.frame_end, before]


def _end_before_or_none(scene: bpy.types.Scene) -> int | None:
    """Return the user's end of a scene; None unless the present end is the one that we set."""
    noted = scene.get(END)
    if noted is None or len(noted) != 2 or int(noted[0]) != scene.frame_end:
        return None
    return int(noted[1])


def _withdraw_end(scene: bpy.types.Scene, home: bpy.types.Scene) -> None:
    """Shorten a scene whose end we set to what is left in it, before a file extends it again."""
    before = _end_before_or_none(scene)
    if before is None:
        return
    ends = [math.ceil(compat.strip_span(strip)[1]) for strip in compat.placed_strips(home)]
    # Performances that play nowhere too: a take may be played again.
    ends += [math.ceil(a.frame_range[1]) for a in bpy.data.actions if ownership.is_ours(a)]
    scene.frame_end = max(before, *ends) if ends else before
    # Noted again, as the end may still be beyond the user's.
    scene[END] = [scene.frame_end, before]


def source_path(sound: bpy.types.Sound, temporary_folder: Path) -> Path:
    """Return a file with the audio of ``sound``; a packed sound is written to a temporary file.

    Args:
        sound: A sound of the .blend file.
        temporary_folder: Existing folder that Blender deletes at exit.

    Raises:
        BadSound: The temporary file cannot be written.
    """
    path = path_of(sound)
    # An unpacked file on the disk is read as it is.
    if sound.packed_file is None or path.is_file():
        return path
    # Id and size, since names of packed sounds repeat.
    folder = temporary_folder / "cstalk-packed" / f"{sound.session_uid}-{sound.packed_file.size}"
    target = folder / path.name
    if not target.is_file():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            files.replace_file(target, sound.packed_file.data)
        except (OSError, runtime_errors.RuntimeFault) as error:
            raise BadSound(
                f"Packed audio {path.name} cannot be unpacked: {error}",
                hint="Free some space, or choose another temporary folder in the preferences",
            ) from error
    return target


def path_of(sound: bpy.types.Sound) -> Path:
    """Return the absolute path of a sound, which follows the .blend file if it is relative."""
    return Path(bpy.path.abspath(sound.filepath, library=sound.library))


def _file_of(strip: Any) -> Path | None:
    return None if strip.sound is None else path_of(strip.sound)


def _add(
    scene: bpy.types.Scene, path: Path, start_frame: int, face: bpy.types.Object | None
) -> list[Any]:
    """Add a strip and remove the unused strip that it replaces; none in a Blender without sound."""
    strips = compat.strips_of(scene)
    replaced = [
        strip
        for strip in strips
        if strip.get(MARK) and not strip.get(USED) and strip.get(FACE) in (None, face)
    ]
    # A channel above all strips, where nothing overlaps.
    others = {strip.channel for strip in strips if strip not in replaced}
    channel = min(1 + max(others, default=0), LAST_CHANNEL)
    # In the channel of the strip that it replaces, where the user expects it.
    if replaced and replaced[0].channel not in others:
        channel = replaced[0].channel
    try:
        strip = strips.new_sound(STRIP_NAME, str(path), channel, start_frame)
    except RuntimeError:  # a Blender without Audaspace; the worker can still decode the file
        return []
    strip[MARK] = uuid.uuid4().hex
    if face is not None:
        strip[FACE] = face
    strip.show_waveform = True
    _make_relative(strip.sound)
    _remove(strips, replaced)
    # Named again after the old one is gone, or Blender would add a number.
    strip.name = STRIP_NAME
    return [strip]


def _make_relative(sound: bpy.types.Sound) -> None:
    """Store the path relative to the .blend file if the user prefers that."""
    if bpy.data.filepath and bpy.context.preferences.filepaths.use_relative_paths:
        try:
            sound.filepath = bpy.path.relpath(sound.filepath)
        except ValueError:  # another drive of Windows
            return


def _remove(strips: Any, removed: Sequence[Any]) -> None:
    for strip in removed:
        sound = strip.sound
        strips.remove(strip)
        # A sound that another strip uses stays.
        if sound is not None and not sound.users:
            bpy.data.sounds.remove(sound)
