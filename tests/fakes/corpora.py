"""Write miniature corpora in their exact on-disk formats. Standard library and numpy."""

from __future__ import annotations

import json
import struct
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

CACHE_FRAME_TICKS = 200
"""Maya ticks per frame at 30 fps."""


def write_wav(path: Path, seconds: float = 0.5) -> Path:
    """Write silence, 16 kHz mono 16-bit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(2 * round(16_000 * seconds)))
    return path


def write_text(path: Path, text: str) -> Path:
    """Write a text file, creating its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def write_npy(path: Path, array: Any, *, pickled: bool = False) -> Path:
    """Write one array; ``pickled`` allows objects, which a reader must refuse."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array, allow_pickle=pickled)
    return path


def write_npz(path: Path, **arrays: Any) -> Path:
    """Write several arrays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def write_beat_face(
    path: Path, names: Sequence[str], weights: Any, *, fps: float = 60.0, times: Any = None
) -> Path:
    """Write BEAT's JSON: ``names`` and ``frames`` of ``weights``, ``time`` and ``rotation``."""
    times = np.arange(len(weights)) / fps if times is None else times
    frames = [
        {"weights": [float(w) for w in row], "time": float(t), "rotation": []}
        for row, t in zip(weights, times, strict=True)
    ]
    return write_text(path, json.dumps({"names": list(names), "frames": frames}))


def long_textgrid(words: Sequence[tuple[float, float, str]]) -> str:
    """Write a TextGrid in Praat's long form, with a tier of words and an empty one of phones."""
    end = words[-1][1]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0"]
    lines += [f"xmax = {end}", "tiers? <exists>", "size = 2", "item []:"]
    lines += ["    item [1]:", '        class = "IntervalTier"', '        name = "words"']
    lines += [
        "        xmin = 0",
        f"        xmax = {end}",
        f"        intervals: size = {len(words)}",
    ]
    for number, (start, stop, label) in enumerate(words, start=1):
        lines += [f"        intervals [{number}]:", f"            xmin = {start}"]
        lines += [f"            xmax = {stop}", f'            text = "{label}"']
    lines += ["    item [2]:", '        class = "IntervalTier"', '        name = "phones"']
    lines += ["        xmin = 0", f"        xmax = {end}", "        intervals: size = 1"]
    lines += ["        intervals [1]:", "            xmin = 0", f"            xmax = {end}"]
    return "\n".join([*lines, '            text = ""', ""])


def write_maya_cache(path: Path, frames: Any, *, kind: str = "OneFile") -> Path:
    """Write a .mc file and its .xml as Maya does: 30 fps, one channel, doubles."""
    header = b"CACH" + _chunk(b"VRSN", b"0.1\0") + _chunk(b"STIM", struct.pack(">i", 0))
    header += _chunk(b"ETIM", struct.pack(">i", CACHE_FRAME_TICKS * (len(frames) - 1)))
    contents = b"FOR4" + struct.pack(">I", len(header)) + header
    for number, points in enumerate(np.asarray(frames, ">f8")):
        block = b"MYCH" + _chunk(b"TIME", struct.pack(">i", number * CACHE_FRAME_TICKS))
        block += _chunk(b"CHNM", b"head_meshShape\0") + _chunk(
            b"SIZE", struct.pack(">i", len(points))
        )
        block += _chunk(b"DVCA", points.tobytes())
        contents += b"FOR4" + struct.pack(">I", len(block)) + block
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(contents)
    description = (
        '<?xml version="1.0"?>\n<Autodesk_Cache_File>\n'
        f'  <cacheType Type="{kind}" Format="mcc"/>\n'
        f'  <time Range="0-{CACHE_FRAME_TICKS * (len(frames) - 1)}"/>\n'
        f'  <cacheTimePerFrame TimePerFrame="{CACHE_FRAME_TICKS}"/>\n'
        '  <cacheVersion Version="2.0"/>\n  <Channels>\n'
        '    <channel0 ChannelName="head_meshShape" ChannelType="DoubleVectorArray"\n'
        '      ChannelInterpretation="positions" SamplingType="Regular"/>\n'
        "  </Channels>\n</Autodesk_Cache_File>\n"
    )
    write_text(path.with_suffix(".xml"), description)
    return path


def _chunk(tag: bytes, contents: bytes) -> bytes:
    padding = bytes(-len(contents) % 4)
    return tag + struct.pack(">I", len(contents)) + contents + padding


class PickledTrap:
    """Creates the file ``path`` when unpickled, which proves that it was."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return (Path.touch, (self.path,))
