"""Find the links of a chained Ogg file. Standard library only.

A chained file is several Ogg files one after another (RFC 3533, section 4), as radio streams are
recorded. libsndfile decodes the first link only, so each link is opened as a file of its own.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAGIC = b"OggS"
HEADER_BYTES = 27
BEGIN_OF_STREAM = 0x02
MAX_LINKS = 10_000


def link_ranges(path: Path) -> list[tuple[int, int]]:
    """Return first byte and end of each link of an Ogg file; empty for other files.

    A link starts at a page that begins a stream after a page that does not. (The streams of one
    link, such as audio and video, begin with consecutive pages.)
    """
    starts: list[int] = []
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        place, was_begin = 0, False
        # Pages are found by their length, without decoding.
        while place + HEADER_BYTES <= size and len(starts) < MAX_LINKS:
            stream.seek(place)
            header = stream.read(HEADER_BYTES)
            if header[:4] != MAGIC:
                break
            # Bit 1 of the header type (RFC 3533, section 6).
            is_begin = bool(header[5] & BEGIN_OF_STREAM)
            if is_begin and not was_begin:
                starts.append(place)
            was_begin = is_begin
            # The segment table lists the length of each segment of the page.
            place += HEADER_BYTES + header[26] + sum(stream.read(header[26]))
    ends = [*starts[1:], size] if starts else []
    return list(zip(starts, ends, strict=True))


class FileRange(io.RawIOBase):
    """Part of a file, readable as a file."""

    def __init__(self, stream: BinaryIO, first: int, stop: int) -> None:
        super().__init__()
        self._stream, self._first, self._length = stream, first, stop - first
        self._place = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position from the start of the part."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the part; arguments as for files."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._length}[whence]
        # Kept within the part, as at the ends of a file.
        self._place = min(max(base + offset, 0), self._length)
        return self._place

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read into ``buffer`` and return the number of bytes."""
        view = memoryview(buffer).cast("B")
        # Seek before every read: parts of several links share one stream.
        self._stream.seek(self._first + self._place)
        data = self._stream.read(min(len(view), self._length - self._place))
        view[: len(data)] = data
        self._place += len(data)
        return len(data)
