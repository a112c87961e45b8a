"""The speech on the sequencer: placed at a frame, heard in step with the picture. Main thread.

One strip is ours, known by a custom property; loading another file replaces it alone.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import BadSound

MARK = "cstalk"
"""Custom property of our strip."""
STRIP_NAME = "CSTalk Speech"
LAST_CHANNEL = 128
"""Channels that Blender's sequencer has."""
AUDIO_EXTENSIONS = (
    ".wav",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".m4a",
    ".aac",
    ".aif",
    ".aiff",
)


@dataclasses.dataclass(frozen=True)
class PlacedSound:
    """What `place` did."""

    seconds: float
    """Length of the sound; 0 when nobody here can tell."""
    channel: int
    """Sequencer channel; 0 when this Blender has no sound and there is no strip."""


def place(scene: bpy.types.Scene, path: Path, start_frame: int) -> PlacedSound:
    """Put the sound at ``start_frame`` of the scene's sequencer, and play in step with it.

    The strip of an earlier call is reused for the same file and replaced for another. The scene's
    frame range grows to hold the sound; it never shrinks.

    Raises:
        BadSound: The file is missing, or Blender can read no sound from it. Nothing has changed.
    """
    seconds = length_s(path)
    strip = _own_strip_or_none(scene)
    if strip is not None and _file_of(strip) == path:
        compat.move_strip(strip, start_frame)
    else:
        strip = _replace_strip(scene, strip, path, start_frame)
    scene.sync_mode = "AUDIO_SYNC"
    extend_range(scene, start_frame, start_frame + seconds * frame_rate(scene))
    return PlacedSound(seconds, 0 if strip is None else strip.channel)


def move(scene: bpy.types.Scene, start_frame: int) -> None:
    """Move our strip, if there is one, to ``start_frame``."""
    strip = _own_strip_or_none(scene)
    if strip is not None:
        compat.move_strip(strip, start_frame)


def length_s(path: Path) -> float:
    """Length of a sound file in seconds; 0 when the file is there but nobody here can read it.

    Raises:
        BadSound: It is missing, empty, a folder, or no sound.
    """
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "missing"
        raise BadSound(f"The sound file {path} is {kind}", hint="Choose a sound file")
    if path.stat().st_size == 0:
        raise BadSound(f"The sound file {path.name} is empty", hint="Choose another file")
    seconds = _wave_length_or_none(path)
    if seconds is None:  # not plain PCM: float wav, flac, mp3, ...
        seconds = _decoded_length_or_none(path)
    if seconds is None:
        return 0.0
    if seconds <= 0:
        raise BadSound(
            f"Blender reads no sound from {path.name}",
            hint="Convert it to wav, flac, ogg or mp3, then load it again",
        )
    return seconds


def frame_rate(scene: bpy.types.Scene) -> float:
    """Frames a second: 23.976 is 24 / 1.001."""
    return scene.render.fps / scene.render.fps_base


def extend_range(scene: bpy.types.Scene, first: float, last: float) -> None:
    """Grow the scene's frame range so that it holds ``first`` to ``last``."""
    scene.frame_start = min(scene.frame_start, max(0, math.floor(first)))
    scene.frame_end = max(scene.frame_end, math.ceil(last))


def _wave_length_or_none(path: Path) -> float | None:
    """Length of plain PCM in a WAV file; None for any other file."""
    import wave  # slow to import, and not needed to enable the add-on

    try:
        with wave.open(str(path), "rb") as file:
            return file.getnframes() / file.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError):
        return None


def _decoded_length_or_none(path: Path) -> float | None:
    """Length as Blender's own decoder sees it, 0 for no sound; None in a Blender without sound."""
    try:
        import aud
    except ImportError:
        return None
    try:
        sound = aud.Sound.file(str(path))
        return float(sound.length / sound.specs[0])
    except (aud.error, ZeroDivisionError, OverflowError):
        return 0.0


def _own_strip_or_none(scene: bpy.types.Scene) -> Any:
    return next((strip for strip in compat.placed_strips(scene) if strip.get(MARK)), None)


def _file_of(strip: Any) -> Path | None:
    return None if strip.sound is None else Path(bpy.path.abspath(strip.sound.filepath))


def _replace_strip(scene: bpy.types.Scene, old: Any, path: Path, start_frame: int) -> Any:
    strips = compat.strips_of(scene)
    others = {strip.channel for strip in strips if strip != old}
    if old is not None and old.channel not in others:
        channel = old.channel
    else:
        channel = min(1 + max(others, default=0), LAST_CHANNEL)
    try:
        strip = strips.new_sound(STRIP_NAME, str(path), channel, start_frame)
    except RuntimeError:  # Blender without Audaspace: the model still hears the file
        return None
    strip[MARK] = True
    strip.show_waveform = True
    if old is not None:
        _remove(strips, old)
        strip.name = STRIP_NAME
    return strip


def _remove(strips: Any, strip: Any) -> None:
    sound = strip.sound
    strips.remove(strip)
    if sound is not None and not sound.users:
        bpy.data.sounds.remove(sound)
