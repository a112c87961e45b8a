"""Write a folder of clips as in a production: most are fine, some have a fault. numpy only."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from .sounds import voice, wav_bytes, write_wav

LONG_NAME = "ein sehr langer Name " * 11 + "ä"
"""237 bytes with its suffix; file systems allow 255."""
LONGEST_NAME = "x" * 251


@dataclasses.dataclass(frozen=True)
class Troubled:
    """The folder and the expected results."""

    folder: Path
    failing: dict[str, str]
    """Name of each line that fails, and a word of its message."""
    total: int
    """Number of lines."""
    vanishing: Path
    changing: Path


def write_troubled(folder: Path, total: int = 200) -> Troubled:
    """Write ``total`` clips, among them twelve kinds of faulty ones."""
    folder.mkdir()
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    failing = _write_broken(folder)
    _write_odd(folder)
    vanishing = write_wav(folder / "vanishing.wav", voice(0.3))
    changing = write_wav(folder / "changing.wav", voice(0.3))
    failing["vanishing.wav"] = "cannot be read"
    failing["changing.wav"] = "changed while it was read"
    there = sum(1 for p in folder.rglob("*.wav") if p.is_symlink() or p.is_file())
    for i in range(total - there):
        write_wav(folder / "a" / f"line_{i:03}__angry_0.7.wav", voice(0.2 + i % 7 / 20, seed=i))
    return Troubled(folder, failing, total, vanishing, changing)


def _write_broken(folder: Path) -> dict[str, str]:
    """Write files that no decoder can read."""
    (folder / "empty.wav").write_bytes(b"")
    whole = wav_bytes(voice(0.5))
    (folder / "cut header.wav").write_bytes(whole[:20])
    write_wav(folder / "silent.wav", np.zeros(8000, np.float32))
    (folder / "text.wav").write_text("no sound")
    (folder / "itself.wav").symlink_to("itself.wav")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    return {
        "empty.wav": "empty",
        "cut header.wav": "truncated within the header",
        "silent.wav": "silent",
        "text.wav": "cannot be decoded",
        "itself.wav": "cannot be read",
    }


def _write_odd(folder: Path) -> None:
    """Write odd files that can be read."""
    whole = wav_bytes(voice(0.5))
    (folder / "cut off.wav").write_bytes(whole[: len(whole) // 2])
    write_wav(folder / "8 kHz.wav", voice(0.4, rate=8000), rate=8000)
    many = np.repeat(voice(0.4, rate=96_000)[:, None], 8, axis=1)
    write_wav(folder / "96 kHz.wav", many, rate=96_000, bits=24)
    write_wav(folder / "ünïcode 日本語 🎤.wav", voice(0.4))
    write_wav(folder / f"{LONG_NAME}.wav", voice(0.4))
    write_wav(folder / f"{LONGEST_NAME}.wav", voice(0.4))
    for name in ("a", "b"):
        write_wav(folder / name / "same.wav", voice(0.4, seed=ord(name)))
    write_wav(folder / "read only.wav", voice(0.4)).chmod(0o444)
    (folder / "folder.wav").mkdir()
    write_wav(folder / "folder.wav" / "inside.wav", voice(0.4))
