"""Measure the length of audio files by what can be decoded, not by what headers promise. No bpy."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from ..errors import BadSound

WAV_STARTS = (b"RIFF", b"RF64", b"BW64")
VIDEO_SUFFIXES = (".avi", ".mkv", ".mov", ".mp4", ".webm")
MOST_DECODED = 20_000_000
"""Bytes up to which a compressed file is decoded for its exact length: about a second's work."""


def length_s(path: Path, *, is_exact: bool = False) -> float:
    """Return the length of an audio file in seconds; 0 if this Blender cannot decode it.

    Args:
        path: Audio file.
        is_exact: Decode compressed files, whose headers only estimate the length (up to 18 % off
            in MP3 files of variable rate).

    Raises:
        BadSound: The file is missing, empty, a folder, or holds no audio.
    """
    _check_file(path)
    seconds = _wav_length_or_none(path)
    if seconds is None:
        seconds = _decoded_length_or_none(path, is_exact=is_exact)
    if seconds is None:
        return 0.0
    if seconds <= 0:
        kind = "audio track" if path.suffix.lower() in VIDEO_SUFFIXES else "audio"
        raise BadSound(
            f"No {kind} can be decoded from {path.name}",
            hint="Convert it to WAV, FLAC, Ogg or MP3, then load it again",
        )
    return seconds


def _check_file(path: Path) -> None:
    """Raise `BadSound` unless ``path`` is a file with content."""
    if path.is_dir():
        raise BadSound(f"Audio file is a folder: {path}", hint="Choose an audio file")
    if not path.exists():
        raise BadSound(f"Audio file not found: {path}", hint="Choose an audio file")
    if not path.is_file():  # reading a pipe or a device might never end
        raise BadSound(f"Not a regular file: {path}", hint="Choose an audio file")
    if path.stat().st_size == 0:
        raise BadSound(f"Audio file is empty: {path.name}", hint="Choose another file")


def _wav_length_or_none(path: Path) -> float | None:
    """Return the length of a WAV file of any coding; None for other files.

    The size of the ``data`` chunk is bounded by the file: programs that write to a pipe leave 0 or
    a huge number there.
    """
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] not in WAV_STARTS or head[8:12] != b"WAVE":
            return None
        # Chunks are read by hand: Python's wave knows plain samples alone.
        size, position, byte_rate = path.stat().st_size, 12, 0
        while position + 8 <= size:
            name, length = _chunk(file, position)
            # Bytes a second are in the header of every coding.
            if name == b"fmt " and length >= 16:
                byte_rate = struct.unpack("<I", file.read(16)[8:12])[0]
            elif name == b"data":
                there = size - position - 8
                # 0 and huge sizes are what programs leave that write to a pipe.
                return (min(length, there) or there) / byte_rate if byte_rate else None
            position += 8 + length
            # Chunks start at even positions, but some programs leave out the padding.
            if length % 2 and not _is_chunk(file, position):
                position += 1
    return None


def _chunk(file: BinaryIO, position: int) -> tuple[bytes, int]:
    """Return name and size of the chunk at ``position``."""
    file.seek(position)
    name, length = struct.unpack("<4sI", file.read(8))
    return name, length


# Names of chunks are printable ASCII.
def _is_chunk(file: BinaryIO, position: int) -> bool:
    file.seek(position)
    name = file.read(4)
    return len(name) == 4 and all(32 <= byte < 127 for byte in name)


def _decoded_length_or_none(path: Path, *, is_exact: bool) -> float | None:
    """Return the length as Blender decodes it, 0 for no audio; None without Audaspace."""
    try:
        import aud
    except ImportError:
        return None
    try:
        sound = aud.Sound.file(str(path))
        rate, frames = float(sound.specs[0]), int(sound.length)
        if (is_exact or frames <= 0) and path.stat().st_size <= MOST_DECODED:
            frames = len(sound.data())  # a FLAC from a pipe states -1 frames
        return frames / rate
    except (aud.error, ZeroDivisionError, OverflowError):
        return 0.0
