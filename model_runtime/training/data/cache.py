"""Write and read caches of training items: flat binary files with checksums, memory-mapped."""

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

from ...arrays import HalfArray
from ...errors import BadArgument
from ..preparation.items import AUX, Item

_ARRAYS: dict[str, Any] = {
    "features": np.float16,
    "mouth": np.float16,
    "aux": np.float16,
    "phones": np.uint8,
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """Position of one item in its cache, and its description."""

    clip: str
    speaker: str
    language: str
    emotion: str
    split: str
    """``train``, ``dev`` or ``test``."""
    supervision: str
    """``phones`` (reference motion), ``filmed`` (captured mouth), ``still`` (no speech), or
    ``face`` (a recorded face of the trained rig)."""
    speed: float
    start: int
    """First model frame in the cache."""
    frames: int
    intensity: float = 1.0
    """Of the emotion of a ``face``."""
    unobserved: tuple[str, ...] = ()
    """Channels of the rig that the recording of a ``face`` lacks."""


@dataclasses.dataclass(frozen=True)
class Cache:
    """The items of one corpus, one after another in each array."""

    name: str
    entries: tuple[Entry, ...]
    features: HalfArray
    mouth: HalfArray
    aux: HalfArray
    phones: NDArray[np.uint8]
    fingerprint: str
    """SHA-256 over the checksums of all files."""
    input_fingerprint: str = ""
    """SHA-256 over the checksums of features and phones; labels of the face do not count."""
    note: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Given to ``write_cache``."""
    rows_per_frame: int = 2
    """Feature rows in one model frame."""


def write_cache(folder: Path, items: Iterable[tuple[Entry, Item]], note: dict[str, Any]) -> int:
    """Write all items, replace ``folder`` when done, and return the number of frames.

    ``Entry.start`` and ``Entry.frames`` are filled in. After a kill the old cache stays.

    Args:
        folder: Folder of the cache; one that exists is replaced.
        items: Each item and its entry.
        note: JSON values that ``read_cache`` returns with the cache.
    """
    # Written beside and renamed when whole: a cache that exists is a finished one.
    building = folder.with_name(folder.name + ".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    # Checksums are taken while writing: gigabytes need not be read back.
    hashes = {name: hashlib.sha256() for name in _ARRAYS}
    entries: list[dict[str, Any]] = []
    widths: dict[str, int] = {}
    start = 0
    # All arrays grow together, item by item: a corpus does not fit into memory.
    files = {name: (building / f"{name}.bin").open("wb") for name in _ARRAYS}
    try:
        for entry, item in items:
            frames = len(item.mouth)
            for name, file in files.items():
                # float16 halves the disk and the page cache: features and curves need three digits.
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
    # Last: the index is what `caches_in` looks for.
    (building / "index.json").write_text(json.dumps(index), encoding="utf-8")
    # os.replace cannot replace a folder that is not empty.
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(building, folder)
    return start


def read_cache(folder: Path, *, verify: bool = False, encoder: str = "") -> Cache:
    """Return a cache, mapped into memory.

    Args:
        folder: Written by ``write_cache``.
        verify: Read everything and compare checksums.
        encoder: Key of a pretrained encoder whose features (``write_features``) replace log-mel.

    Raises:
        BadArgument: No cache there, or a file has another size or checksum than the index says.
    """
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadArgument(
            f"No cache in {folder}: {error}", hint="Run train prepare first"
        ) from error
    entries = tuple(_entry(entry) for entry in index["entries"])
    frames = entries[-1].start + entries[-1].frames if entries else 0
    arrays: dict[str, Any] = {}
    for name, kind in _ARRAYS.items():
        # Log-mel has two rows a model frame.
        rows = 2 * frames if name == "features" else frames
        width = index["widths"][name]
        path = folder / f"{name}.bin"
        # Sizes are always checked, as it costs nothing; checksums on request.
        if path.stat().st_size != rows * width * np.dtype(kind).itemsize:
            raise BadArgument(
                f"{path} has another size than its index", hint="Run train prepare again"
            )
        if verify and _sha256(path) != index["sha256"][name]:
            raise BadArgument(f"{path} is damaged (checksum)", hint="Run train prepare again")
        shape = (rows,) if name == "phones" else (rows, width)
        # Mapped: windows of a batch touch a few pages of gigabytes.
        arrays[name] = np.memmap(path, kind, "r", shape=shape)
    sums = dict(index["sha256"])
    if encoder:
        arrays["features"], sums["features"] = _read_features(folder, encoder, frames, verify)
    # Sorted: the digest must not depend on the order of keys.
    digest = hashlib.sha256("".join(sorted(sums.values())).encode()).hexdigest()
    # Features and phones alone: the acoustic stage sees nothing else, so a change of the face's
    # labels does not restart it.
    inputs = hashlib.sha256((sums["features"] + sums["phones"]).encode()).hexdigest()
    return Cache(
        folder.name,
        entries,
        **arrays,
        fingerprint=digest,
        input_fingerprint=inputs,
        note=index["note"],
        rows_per_frame=1 if encoder else 2,
    )


def cut(cache: Cache, entry: Entry, first: int, frames: int) -> Item:
    """Return a part of an item as views into the cache.

    Args:
        cache: The cache.
        entry: Entry of the item.
        first: First model frame, counted from the start of the item.
        frames: Number of model frames.
    """
    begin = entry.start + first
    span = slice(begin, begin + frames)
    return Item(
        # Two slices instead of a computed end: the same expression for one and two rows a frame.
        features=cache.features[cache.rows_per_frame * begin :][: cache.rows_per_frame * frames],
        mouth=cache.mouth[span],
        aux=cache.aux[span],
        phones=cache.phones[span],
    )


def caches_in(work: Path) -> Iterator[Path]:
    """Yield the folders of finished caches under ``WORK/cache``, sorted."""
    # Sorted: the order of caches decides which clip a random number picks.
    yield from sorted(path.parent for path in (work / "cache").glob("*/index.json"))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        # In blocks of 1 MB: the file may be larger than memory.
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _entry(values: dict[str, Any]) -> Entry:
    # JSON has lists; entries are compared and hashed as tuples. Older caches lack the field.
    return Entry(**{**values, "unobserved": tuple(values.get("unobserved", ()))})


def write_features(folder: Path, encoder: str, features: Iterable[HalfArray]) -> None:
    """Write a pretrained encoder's features (T, W) of each item next to the cache's own features.

    The index is written last: after a kill there are no features of this encoder.

    Args:
        folder: Folder of the cache.
        encoder: Name of the encoder.
        features: Features of each item, in the order of the cache.
    """
    digest, rows, width = hashlib.sha256(), 0, 0
    path, temporary = _features_path(folder, encoder), folder / f"{encoder}.tmp"
    with temporary.open("wb") as file:
        for array in features:
            data = np.ascontiguousarray(array, np.float16).tobytes()
            digest.update(data)
            file.write(data)
            rows, width = rows + len(array), array.shape[1]
    os.replace(temporary, path)
    # Bound to the items by the checksum of their log-mel: a cache made anew has other items.
    index = {"rows": rows, "width": width, "sha256": digest.hexdigest(), "of": _items_sum(folder)}
    path.with_suffix(".json").write_text(json.dumps(index), encoding="utf-8")


def has_features(folder: Path, encoder: str) -> bool:
    """Return whether ``write_features`` was done for the cache as it is now.

    Args:
        folder: Folder of the cache.
        encoder: Name of the encoder.
    """
    path = _features_path(folder, encoder).with_suffix(".json")
    if not path.is_file():
        return False
    known: bool = json.loads(path.read_text(encoding="utf-8"))["of"] == _items_sum(folder)
    return known


def _read_features(folder: Path, encoder: str, frames: int, verify: bool) -> tuple[HalfArray, str]:
    if not has_features(folder, encoder):
        raise BadArgument(
            f"{folder} holds no features of {encoder}",
            hint="Run train prepare with the same [encoder]",
        )
    path = _features_path(folder, encoder)
    index = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    # Two bytes a number.
    if path.stat().st_size != frames * index["width"] * 2 or (
        verify and _sha256(path) != index["sha256"]
    ):
        raise BadArgument(f"{path} is damaged", hint="Delete it and run train prepare again")
    return np.memmap(path, np.float16, "r", shape=(frames, index["width"])), index["sha256"]


def _features_path(folder: Path, encoder: str) -> Path:
    return folder / f"{encoder}.bin"


def _items_sum(folder: Path) -> str:
    """Return the checksum of the log-mel features, which identifies the items."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return str(index["sha256"]["features"])
