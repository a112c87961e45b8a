"""Read Maya geometry caches: ``<shot>.xml`` says the rate, ``<shot>.mc`` holds the points.

The binary is an IFF file of 32-bit blocks, big-endian: a header ``FOR4`` with ``CACH``, then for
each frame a ``FOR4`` with ``MYCH``, ``TIME`` and for each channel ``CHNM``, ``SIZE`` and the points
as ``FVCA`` (float) or ``DVCA`` (double). Blocks are padded to 4 bytes.
"""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...arrays import FloatArray
from ...errors import BadCurves
from .files import finite, reading

TICKS_PER_SECOND = 6000
"""Maya's unit of time."""
POINT_BYTES = {b"FVCA": 4, b"DVCA": 8}
"""Of one coordinate."""
MAX_XML_BYTES = 1_000_000
"""A cache's description is a few kilobytes."""


def read_rate(path: Path) -> float:
    """Return the frames a second of the cache that ``<shot>.xml`` describes.

    Raises:
        BadCurves: No such description, several files for one cache, or a document type (Maya
            writes none, and entities can fill the memory).
    """
    with reading(path):
        text = path.read_bytes()
        # Neither entities nor a document type: they can make a small file fill the memory.
        if len(text) > MAX_XML_BYTES or b"<!" in text:
            raise BadCurves("Not a description that Maya writes")
        root = ElementTree.fromstring(text)
        kind = _attribute(root, "cacheType", "Type")
        ticks = int(_attribute(root, "cacheTimePerFrame", "TimePerFrame"))
    if kind != "OneFile" or ticks <= 0:
        raise BadCurves(f"Cache of type {kind!r} with {ticks} ticks a frame; only OneFile is read")
    # Ticks a frame, as Maya counts time.
    return TICKS_PER_SECOND / ticks


def read_frames(path: Path) -> Iterator[FloatArray]:
    """Yield points of the first channel, (points, 3), frame by frame.

    Raises:
        BadCurves: Not such a cache, or cut off.
    """
    with reading(path), path.open("rb") as stream:
        _skip_header(stream)
        # Frame by frame: a minute of 24,000 points is half a gigabyte.
        while block := _block_or_none(stream):
            yield _points(block)


def _skip_header(stream: BinaryIO) -> None:
    header = _block_or_none(stream)
    if header is None or header[:4] != b"CACH":
        raise BadCurves("Not a Maya cache")


def _block_or_none(stream: BinaryIO) -> bytes | None:
    """Return contents of the next FOR4 block; None at the end of the file."""
    start = stream.read(8)
    if not start:
        return None
    # 64-bit caches begin with FOR8.
    if len(start) < 8 or start[:4] != b"FOR4":
        raise BadCurves("Block without FOR4: not a 32-bit Maya cache, or cut off")
    (size,) = struct.unpack(">I", start[4:])
    contents = stream.read(size)
    if len(contents) < size:
        raise BadCurves("Cut off within a frame")
    return contents


def _points(block: bytes) -> FloatArray:
    # After the four letters of the block's type.
    position = 4
    while position + 8 <= len(block):
        tag = block[position : position + 4]
        (size,) = struct.unpack(">I", block[position + 4 : position + 8])
        contents = block[position + 8 : position + 8 + size]
        if tag in POINT_BYTES:
            if len(contents) < size or size % (3 * POINT_BYTES[tag]):
                raise BadCurves("Points of a frame are cut off")
            # Big-endian, whatever the machine.
            values = np.frombuffer(contents, np.dtype(f">f{POINT_BYTES[tag]}"))
            return finite(values).reshape(-1, 3)
        # Blocks are padded to 4 bytes; the size does not count the padding.
        position += 8 + (size + 3) // 4 * 4
    raise BadCurves("A frame without points")


def _attribute(root: ElementTree.Element, tag: str, name: str) -> str:
    element = root.find(tag)
    value = None if element is None else element.get(name)
    if value is None:
        raise BadCurves(f"Description lacks {tag}/{name}")
    return value
