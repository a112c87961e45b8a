"""RIFF WAVE files read by numpy alone: PCM of 8 to 32 bits, float of 32 and 64. No decoder needed.

Reads forward only, so that a pipe will do. Codecs inside WAVE (ADPCM, mu-law, MP3) are left to the
decoders of ``audio_decoders``: ``read_header`` returns None for them.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ..arrays import FloatArray
from ..errors import BadAudio

PCM, IEEE_FLOAT, EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
UNKNOWN_LENGTH = 0xFFFFFFFF
"""Data size written by a program that could not seek back: the sound goes on to the end."""
BLOCK_BYTES = 1 << 20
MAX_CHUNK_BYTES = 1 << 20
"""A format chunk is 40 bytes; whatever claims more than this is not one."""
MAX_CHANNELS = 256
REWRITE_HINT = "Export the sound again as a plain 16-bit WAV"


@dataclasses.dataclass(frozen=True)
class WavHeader:
    """What stands before the samples."""

    sample_rate: int
    channels: int
    bits: int
    is_float: bool
    data_bytes: int | None
    """Size of the samples; None when the header does not know."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.bits // 8


def read_header(stream: BinaryIO, name: str) -> WavHeader | None:
    """Read up to the first sample.

    Args:
        stream: Open at the first byte of the file; left at the first sample.
        name: For messages.

    Returns:
        The header, or None when the samples are in a codec this module does not read.

    Raises:
        BadAudio: Not RIFF WAVE, cut off within the header, or a header that contradicts itself.
    """
    riff = stream.read(12)
    if len(riff) < 12 or riff[:4] not in (b"RIFF", b"RF64") or riff[8:] != b"WAVE":
        raise BadAudio(f"{name} is not a WAV file", hint=REWRITE_HINT)
    form = b""
    long_size: int | None = None
    while True:
        chunk = stream.read(8)
        if len(chunk) < 8:
            raise BadAudio(f"{name} is cut off before its first sample", hint=REWRITE_HINT)
        identity, size = chunk[:4], int.from_bytes(chunk[4:], "little")
        if identity == b"data":
            break
        if identity in (b"fmt ", b"ds64"):
            body = _read_chunk(stream, size, name)
            if identity == b"fmt ":
                form = body
            elif len(body) >= 16:
                long_size = int.from_bytes(body[8:16], "little")
        else:
            _skip(stream, size + size % 2, name)
    data_bytes = long_size if size == UNKNOWN_LENGTH else size
    return _parse_format(form, data_bytes, name)


def read_blocks(stream: BinaryIO, header: WavHeader, name: str) -> Iterator[FloatArray]:
    """Yield the samples as float32 within [-1, 1], shape (frames, channels), about 1 MB at a time.

    Raises:
        BadAudio: The file ends before the samples its header promises.
    """
    frames_per_block = max(1, BLOCK_BYTES // header.frame_bytes)
    left = header.data_bytes
    while left is None or left >= header.frame_bytes:
        wanted = frames_per_block * header.frame_bytes
        if left is not None:
            wanted = min(wanted, left - left % header.frame_bytes)
        data = stream.read(wanted)
        usable = len(data) - len(data) % header.frame_bytes
        if usable:
            yield _to_float(data[:usable], header)
        if left is not None:
            left -= len(data)
        if len(data) < wanted:
            break
    if left is not None and left >= header.frame_bytes:
        seconds = left / header.frame_bytes / header.sample_rate
        raise BadAudio(
            f"{name} is truncated: the last {seconds:.2f} s that its header promises are missing",
            hint="Copy or export the file again",
        )


def _read_chunk(stream: BinaryIO, size: int, name: str) -> bytes:
    if size > MAX_CHUNK_BYTES:
        raise BadAudio(f"{name} has a header chunk of {size} bytes", hint=REWRITE_HINT)
    body = stream.read(size + size % 2)
    if len(body) < size:
        raise BadAudio(f"{name} is cut off within its header", hint=REWRITE_HINT)
    return body[:size]


def _skip(stream: BinaryIO, size: int, name: str) -> None:
    while size > 0:
        data = stream.read(min(size, BLOCK_BYTES))
        if not data:
            raise BadAudio(f"{name} is cut off before its first sample", hint=REWRITE_HINT)
        size -= len(data)


def _parse_format(form: bytes, data_bytes: int | None, name: str) -> WavHeader | None:
    if len(form) < 16:
        raise BadAudio(f"{name} has no format chunk before its samples", hint=REWRITE_HINT)
    code, channels, rate, _, block_align, bits = struct.unpack("<HHIIHH", form[:16])
    if code == EXTENSIBLE and len(form) >= 26:
        code = int.from_bytes(form[24:26], "little")
    if code not in (PCM, IEEE_FLOAT):
        return None
    # 12- and 20-bit sound stands left-aligned in the next whole number of bytes.
    bits = 8 * ((bits + 7) // 8)
    known = (8, 16, 24, 32) if code == PCM else (32, 64)
    if bits not in known or not 1 <= channels <= MAX_CHANNELS:
        raise BadAudio(
            f"{name} says it has {channels} channels of {bits} bits at {rate} Hz",
            hint=REWRITE_HINT,
        )
    if block_align != channels * bits // 8:
        raise BadAudio(f"{name} has a header that contradicts itself", hint=REWRITE_HINT)
    return WavHeader(rate, channels, bits, code == IEEE_FLOAT, data_bytes)


def _to_float(data: bytes, header: WavHeader) -> FloatArray:
    """Little-endian samples to float32; full scale of integers is 1."""
    values: FloatArray
    if header.is_float:
        with np.errstate(over="ignore"):  # becomes infinity, which is refused later
            values = np.frombuffer(data, f"<f{header.bits // 8}").astype(np.float32)
    elif header.bits == 8:
        values = np.frombuffer(data, np.uint8).astype(np.float32) / np.float32(128) - np.float32(1)
    elif header.bits == 24:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        values = wide.view("<i4")[:, 0].astype(np.float32) / 2.0**31
    else:
        integers = np.frombuffer(data, f"<i{header.bits // 8}")
        values = integers.astype(np.float32) / 2.0 ** (header.bits - 1)
    return values.reshape(-1, header.channels)
