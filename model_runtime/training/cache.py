"""Caches of training items: flat binary files with checksums, read as memory maps."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadArgument
from .scripts import AUX, Item

_ARRAYS: dict[str, Any] = {
    "features": np.float16,
    "mouth": np.float16,
    "aux": np.float16,
    "phones": np.uint8,
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """Where one item lies in its cache, and what it is."""

    clip: str
    speaker: str
    language: str
    emotion: str
    split: str
    """``train``, ``dev`` or ``test``."""
    supervision: str
    """``phones`` (reference motion), ``filmed`` (captured mouth) or ``still`` (no speech)."""
    speed: float
    start: int
    """First model frame in the cache."""
    frames: int


@dataclasses.dataclass(frozen=True)
class Cache:
    """The items of one corpus; arrays hold all items one after another."""

    name: str
    entries: tuple[Entry, ...]
    features: NDArray[np.float16]
    mouth: NDArray[np.float16]
    aux: NDArray[np.float16]
    phones: NDArray[np.uint8]
    fingerprint: str
    """SHA-256 over the checksums of all files."""


def write_cache(folder: Path, items: Iterable[tuple[Entry, Item]], note: dict[str, Any]) -> int:
    """Write all items to ``folder``, replacing it whole when done; returns the number of frames.

    ``Entry.start`` and ``Entry.frames`` are filled in. Killed on the way, the old cache stands.
    """
    building = folder.with_name(folder.name + ".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    hashes = {name: hashlib.sha256() for name in _ARRAYS}
    entries: list[dict[str, Any]] = []
    widths: dict[str, int] = {}
    start = 0
    files = {name: (building / f"{name}.bin").open("wb") for name in _ARRAYS}
    try:
        for entry, item in items:
            frames = len(item.mouth)
            for name, file in files.items():
                array = np.ascontiguousarray(getattr(item, name), _ARRAYS[name])
                widths[name] = array.shape[1] if array.ndim == 2 else 1
                data = array.tobytes()
                hashes[name].update(data)
                file.write(data)
            entries.append(
                dataclasses.asdict(dataclasses.replace(entry, start=start, frames=frames))
            )
            start += frames
    finally:
        for file in files.values():
            file.close()
    index = {
        "note": note,
        "aux": AUX,
        "widths": widths,
        "sha256": {name: digest.hexdigest() for name, digest in hashes.items()},
        "entries": entries,
    }
    (building / "index.json").write_text(json.dumps(index), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(building, folder)
    return start


def read_cache(folder: Path, *, verify: bool = False) -> Cache:
    """Map a cache into memory.

    Args:
        folder: Written by ``write_cache``.
        verify: Read everything and compare checksums.

    Raises:
        BadArgument: No cache there, or a file has another size or checksum than the index says.
    """
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadArgument(
            f"No cache in {folder}: {error}", hint="Run train prepare first"
        ) from error
    entries = tuple(Entry(**entry) for entry in index["entries"])
    frames = entries[-1].start + entries[-1].frames if entries else 0
    arrays: dict[str, Any] = {}
    for name, kind in _ARRAYS.items():
        rows = 2 * frames if name == "features" else frames
        width = index["widths"][name]
        path = folder / f"{name}.bin"
        if path.stat().st_size != rows * width * np.dtype(kind).itemsize:
            raise BadArgument(
                f"{path} has another size than its index", hint="Run train prepare again"
            )
        if verify and _sha256(path) != index["sha256"][name]:
            raise BadArgument(f"{path} is damaged (checksum)", hint="Run train prepare again")
        shape = (rows,) if name == "phones" else (rows, width)
        arrays[name] = np.memmap(path, kind, "r", shape=shape)
    digest = hashlib.sha256("".join(sorted(index["sha256"].values())).encode()).hexdigest()
    return Cache(name=folder.name, entries=entries, fingerprint=digest, **arrays)


def cut(cache: Cache, entry: Entry, first: int, frames: int) -> Item:
    """Frames ``first`` to ``first + frames`` of an item as views into the cache."""
    begin = entry.start + first
    span = slice(begin, begin + frames)
    return Item(
        features=cache.features[2 * begin : 2 * (begin + frames)],
        mouth=cache.mouth[span],
        aux=cache.aux[span],
        phones=cache.phones[span],
    )


def caches_in(work: Path) -> Iterator[Path]:
    """Folders of finished caches under ``WORK/cache``, sorted."""
    yield from sorted(path.parent for path in (work / "cache").glob("*/index.json"))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
