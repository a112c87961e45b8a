"""What a person added: tables of names and saved mappings, in the extension's user folder.

Upgrades leave that folder alone. A checkout, which is no extension, has a temporary one.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

import bpy

from ...package import ADDON_ID
from ..mapping.families import BadFamily, Family, own_families
from ..mapping.presets import Shelf

FAMILIES = "families"
MAPPINGS = "mappings"


def folder(kind: str) -> Path:
    """Where files of ``kind`` are, whether or not the folder is there yet."""
    if ADDON_ID.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(ADDON_ID)) / kind
    return Path(bpy.app.tempdir) / kind


def mappings() -> Shelf:
    """The saved mappings."""
    return _shelf(folder(MAPPINGS))


def families() -> tuple[Family, ...]:
    """The person's own tables of names."""
    return _families()[0]


def refused_families() -> tuple[BadFamily, ...]:
    """Why tables of the person's are not used."""
    return _families()[1]


@functools.lru_cache(maxsize=8)
def _shelf(path: Path) -> Shelf:
    return Shelf(path)


def _families() -> tuple[tuple[Family, ...], tuple[BadFamily, ...]]:
    path = folder(FAMILIES)
    try:
        with os.scandir(path) as entries:
            seen = {e.name: (e.stat().st_mtime_ns, e.stat().st_size) for e in entries}
    except OSError:
        return (), ()
    return _read(path, tuple(sorted(seen.items())))


@functools.lru_cache(maxsize=2)
def _read(
    path: Path,
    _seen: tuple[tuple[str, tuple[int, int]], ...],
) -> tuple[tuple[Family, ...], tuple[BadFamily, ...]]:
    return own_families(path)
