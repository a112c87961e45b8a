"""Synthesise audio, and write WAV files of every kind byte by byte. numpy only."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 16_000


def voice(seconds: float, *, rate: int = RATE, seed: int = 0, level: float = 0.1) -> Any:
    """Return syllables of a buzzing voice with pauses, RMS about ``level``; shape (N,) float32."""
    random = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * times + random.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    buzz = sum(np.sin(k * phase) / k for k in range(1, 12))
    syllables = np.maximum(0, np.sin(2 * np.pi * 2.5 * times)) ** 0.5
    phrases = (np.sin(2 * np.pi * 0.3 * times + 0.5) > -0.5).astype(float)
    hiss = 0.01 * random.standard_normal(len(times))
    return (level * (buzz * syllables * phrases + hiss)).astype(np.float32)


def wav_bytes(
    samples: NDArray[Any],
    *,
    rate: int = RATE,
    bits: int = 16,
    is_float: bool = False,
    extensible: bool = False,
    data_size: int | None = None,
    before_data: bytes = b"",
) -> bytes:
    """Return a RIFF WAVE file of samples (N,) or (N, channels), full scale 1."""
    table = (samples if samples.ndim == 2 else samples[:, None]).astype(np.float64)
    channels = table.shape[1]
    if is_float:
        data = table.astype(f"<f{bits // 8}").tobytes()
    elif bits == 8:
        data = (np.round(table * 127) + 128).astype(np.uint8).tobytes()
    else:
        scaled = np.clip(
            np.round(table * 2.0 ** (bits - 1)), -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1
        )
        wide = scaled.astype("<i8").reshape(-1, 1).view(np.uint8)
        data = wide[:, : bits // 8].tobytes()
    code = 3 if is_float else 1
    align = channels * bits // 8
    tag = 0xFFFE if extensible else code
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits)
    if extensible:
        guid = struct.pack("<H", code) + bytes.fromhex("000000001000800000aa00389b71")
        form += struct.pack("<HHI", 22, bits, 0) + guid
    size = len(data) if data_size is None else data_size
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form + before_data
    body += b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def write_wav(path: Path, samples: NDArray[Any], **options: Any) -> Path:
    """Write ``wav_bytes`` and return the path."""
    path.write_bytes(wav_bytes(samples, **options))
    return path
