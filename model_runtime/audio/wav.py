"""Read RIFF WAVE and Wave64 files with numpy alone: PCM of 8 to 32 bits, float of 32 and 64.

Reads forward only, so that a pipe can be read. The sizes in a header are estimates: programs that
write to a pipe cannot know them, and recorders that lose power never fill them in. What follows is
decoded to the end of the file; only a size that is smaller than the rest ends the samples earlier.
Codecs inside WAVE (ADPCM, mu-law, MP3) are left to other decoders.
"""

from __future__ import annotations

import dataclasses
import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ..arrays import FloatArray

MAGICS = (b"RIFF", b"RF64", b"BW64")
WAVE64_MAGIC = b"riff"
WAVE64_HEAD = 40
"""Bytes before the first chunk: identifier, 64-bit size and identifier of the format."""
PCM, IEEE_FLOAT, EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
KNOWN_CHUNKS = frozenset(
    [
        *(b"data", b"fmt ", b"ds64", b"LIST", b"fact", b"bext", b"cue ", b"smpl", b"inst", b"JUNK"),
        *(b"PEAK", b"iXML", b"id3 ", b"ID3 ", b"axml", b"chna", b"acid", b"cart", b"FLLR", b"PAD "),
    ]
)
# See the module docstring: such sizes mean "unknown".
UNKNOWN_SIZES = range(0x7FFF_0000, 0x1_0000_0000)
"""Sizes that programs write when they cannot know the length: 0xFFFFFFFF (ffmpeg, sox), 0x7FFFFFFF,
0x7FFFF000 (espeak-ng) and others close to 2 and 4 GiB."""
BLOCK_BYTES = 1 << 18
NOT_WAV = "not a WAV file"
MAX_CHUNK_BYTES = 1 << 20
"""A format chunk has 40 bytes; a chunk over this size is not one."""
MAX_CHANNELS = 256
SAMPLE_RATES = range(1_000, 1_536_001)
"""Hz, from the worst telephone to twice the best studio; other rates are damaged headers."""


class WavError(ValueError):
    """Not a WAVE file that this module reads; ``str`` is the reason."""


@dataclasses.dataclass(frozen=True)
class WavHeader:
    """Format and length of the samples."""

    sample_rate: int
    channels: int
    bits: int
    is_float: bool
    data_bytes: int | None
    """Size of the samples according to the header; None if it does not know."""

    @property
    def frame_bytes(self) -> int:
        """Return the bytes of one sample of every channel."""
        return self.channels * self.bits // 8

    @property
    def frames(self) -> int | None:
        """Return the number of samples according to the header."""
        return None if self.data_bytes is None else self.data_bytes // self.frame_bytes


def read_header(stream: BinaryIO) -> WavHeader:
    """Read up to the first sample.

    Args:
        stream: Positioned at the first byte of the file; left at the first sample.

    Raises:
        WavError: Not a WAVE file, truncated within the header, inconsistent, or another codec.
    """
    riff = stream.read(12)
    if riff[:4] == WAVE64_MAGIC:
        return _read_wave64(stream)
    if len(riff) < 12 or riff[:4] not in MAGICS or riff[8:] != b"WAVE":
        raise WavError(NOT_WAV)
    form = b""
    long_size: int | None = None
    chunk = stream.read(8)
    while True:
        if len(chunk) < 8:
            raise WavError("truncated before the first sample")
        identity, size = chunk[:4], int.from_bytes(chunk[4:], "little")
        if identity == b"data":
            break
        if identity in (b"fmt ", b"ds64"):
            # Only these chunks matter; bodies of others may be gigabytes.
            body = _read_chunk(stream, size)
            if identity == b"fmt ":
                form = body
            elif len(body) >= 16:
                long_size = int.from_bytes(body[8:16], "little")
        else:
            _skip(stream, size)
        chunk = _next_chunk(stream, is_odd=size % 2 == 1)
    return _parse_format(form, _data_bytes(stream, size, long_size))


def _read_wave64(stream: BinaryIO) -> WavHeader:
    """Read the header of a Wave64 file (Sony), of which the first 12 bytes have been read.

    Chunks have 16-byte identifiers that begin with the letters of RIFF, 64-bit sizes that include
    these 24 bytes, and padding to 8 bytes. libsndfile reads float samples in them as integers.
    """
    rest = stream.read(WAVE64_HEAD - 12)
    if rest[12:16] != b"wave":
        raise WavError(NOT_WAV)
    form = b""
    while True:
        head = stream.read(24)
        if len(head) < 24:
            raise WavError("truncated before the first sample")
        size = int.from_bytes(head[16:], "little") - 24
        if head[:4] == b"data":
            return _parse_format(form, _data_bytes(stream, max(size, 0), None))
        if size < 0:
            raise WavError(f"a header chunk of {size} bytes")
        if head[:4] == b"fmt ":
            form = _read_chunk(stream, size)
            _skip(stream, -size % 8)
        else:
            _skip(stream, size + -size % 8)


def read_blocks(stream: BinaryIO, header: WavHeader) -> Iterator[FloatArray]:
    """Yield the samples, full scale 1, shape (frames, channels), up to 256 KB at a time.

    The samples end at the size of the header, or earlier where the file ends.

    Args:
        stream: Positioned at the first sample.
        header: From ``read_header``.
    """
    # Whole frames: a block must not end between two channels.
    frames_per_block = max(1, BLOCK_BYTES // header.frame_bytes)
    left = header.data_bytes
    while left is None or left >= header.frame_bytes:
        wanted = frames_per_block * header.frame_bytes
        if left is not None:
            wanted = min(wanted, left - left % header.frame_bytes)
        data = stream.read(wanted)
        # A torn last frame is dropped.
        usable = len(data) - len(data) % header.frame_bytes
        if usable:
            yield _to_float(data[:usable], header)
        if left is not None:
            left -= len(data)
        if len(data) < wanted:
            break


def _data_bytes(stream: BinaryIO, size: int, long_size: int | None) -> int | None:
    """Return the size of the samples, or None if the header cannot know it."""
    # RF64 keeps the real size in ds64 and 0xFFFFFFFF here.
    stated = long_size if size == 0xFFFFFFFF and long_size else size
    rest = _bytes_left(stream)
    if rest is None:  # a pipe
        return None if stated == 0 or stated in UNKNOWN_SIZES else stated
    # Zero with bytes behind it: never filled in.
    if stated == 0 and rest:
        return None  # never finalised: a recorder lost power, or its program crashed
    if stated > rest and stated in UNKNOWN_SIZES:
        return None
    return stated


def _bytes_left(stream: BinaryIO) -> int | None:
    """Return the bytes from here to the end of the file; None for a pipe."""
    try:
        place = stream.tell()
        end = stream.seek(0, os.SEEK_END)
        stream.seek(place)
    except (OSError, ValueError):
        return None
    return end - place


def _next_chunk(stream: BinaryIO, *, is_odd: bool) -> bytes:
    """Read the head of the next chunk.

    A chunk of odd size is followed by a padding byte, which some programs forget.
    """
    if not is_odd:
        return stream.read(8)
    # The padding byte is looked for: some programs leave it out.
    head = stream.read(4)
    if head in KNOWN_CHUNKS:
        return head + stream.read(4)
    return head[1:] + stream.read(5)


def _read_chunk(stream: BinaryIO, size: int) -> bytes:
    if size > MAX_CHUNK_BYTES:
        raise WavError(f"a header chunk of {size} bytes")
    body = stream.read(size)
    if len(body) < size:
        raise WavError("truncated within the header")
    return body


def _skip(stream: BinaryIO, size: int) -> None:
    while size > 0:
        data = stream.read(min(size, BLOCK_BYTES))
        if not data:
            raise WavError("truncated before the first sample")
        size -= len(data)


def _parse_format(form: bytes, data_bytes: int | None) -> WavHeader:
    if len(form) < 16:
        raise WavError("no format chunk before the samples")
    code, channels, rate, _, block_align, bits = struct.unpack("<HHIIHH", form[:16])
    # WAVE_FORMAT_EXTENSIBLE names the codec in the first two bytes of its GUID.
    if code == EXTENSIBLE and len(form) >= 26:
        code = int.from_bytes(form[24:26], "little")
    if code not in (PCM, IEEE_FLOAT):
        raise WavError(f"codec {code:#06x} inside WAV")
    # 12- and 20-bit samples are left-aligned in the next whole number of bytes.
    bits = 8 * ((bits + 7) // 8)
    known = (8, 16, 24, 32) if code == PCM else (32, 64)
    is_possible = bits in known and 1 <= channels <= MAX_CHANNELS and rate in SAMPLE_RATES
    # A block_align that does not fit is a sign of a damaged header.
    if not is_possible or block_align != channels * bits // 8:
        raise WavError(f"{channels} channels of {bits} bits at {rate} Hz, {block_align} bytes each")
    return WavHeader(rate, channels, bits, code == IEEE_FLOAT, data_bytes)


def _to_float(data: bytes, header: WavHeader) -> FloatArray:
    """Convert little-endian samples to float32; full scale of integers is 1."""
    values: FloatArray
    if header.is_float:
        with np.errstate(over="ignore"):  # becomes infinity, which the store replaces
            values = np.frombuffer(data, f"<f{header.bits // 8}").astype(np.float32)
    elif header.bits == 8:
        # 8-bit WAV is unsigned, all other widths are signed.
        values = np.frombuffer(data, np.uint8).astype(np.float32) / np.float32(128) - np.float32(1)
    elif header.bits == 24:
        # 24 bits are placed in the upper bytes of 32: sign and scale come out right.
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        values = wide.view("<i4")[:, 0].astype(np.float32) / 2.0**31
    else:
        integers = np.frombuffer(data, f"<i{header.bits // 8}")
        values = integers.astype(np.float32) / 2.0 ** (header.bits - 1)
    return values.reshape(-1, header.channels)
