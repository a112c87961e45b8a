"""Answer two questions about media files that decoders leave open. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

CONTAINERS = frozenset([b"moov", b"trak", b"mdia"])
"""MPEG-4 boxes that contain other boxes on the way to the type of a track."""
# A damaged file may chain boxes without end.
MAX_BOXES = 10_000
LENGTH_TAGS = (b"Xing", b"Info", b"VBRI")
"""Tags in the first frame of an MP3 file that state the number of frames."""
FIRST_FRAME_BYTES = 4096


def has_no_audio_track(path: Path) -> bool:
    """Return whether the file is an MPEG-4 or QuickTime file whose tracks are all not audio.

    False for every other kind of file, and for one that cannot be parsed.
    """
    kinds: list[bytes] = []
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            _collect_handlers(stream, 0, size, kinds)
    # Decoders decide what can be read; this only explains a refusal.
    except (OSError, ValueError):
        return False
    return bool(kinds) and b"soun" not in kinds


def mp3_states_length(path: Path) -> bool:
    """Return whether an MP3 file states its length; otherwise decoders estimate it."""
    with path.open("rb") as stream:
        head = stream.read(10)
        if head[:3] == b"ID3":  # its size has 7 bits in each byte (ID3v2, section 3.1)
            size = sum(
                (byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)
            )
            stream.seek(10 + size)
        else:
            stream.seek(0)
        first = stream.read(FIRST_FRAME_BYTES)
    return any(tag in first for tag in LENGTH_TAGS)


def _collect_handlers(stream: BinaryIO, first: int, stop: int, kinds: list[bytes]) -> None:
    """Append the handler type of every track between two positions (ISO/IEC 14496-12, 8.4.3)."""
    place = first
    for _ in range(MAX_BOXES):
        # Eight bytes are the smallest box.
        if place + 8 > stop:
            return
        stream.seek(place)
        head = stream.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        body = place + 8
        # 1: the length follows as 64 bits; 0: the box reaches to the end (ISO/IEC 14496-12, 4.2).
        if length == 1:
            length, body = int.from_bytes(head[8:16], "big"), place + 16
        elif length == 0:
            length = stop - place
        # A length below its own header would never advance.
        if length < 8:
            return
        if kind in CONTAINERS:
            _collect_handlers(stream, body, min(place + length, stop), kinds)
        elif kind == b"hdlr" and place + length <= stop:
            # Version, flags and a field of four bytes stand before the handler type.
            stream.seek(body + 8)
            kinds.append(stream.read(4))
        place += length
