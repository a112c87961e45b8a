"""Provide the naming families and mappings that the user added, from the extension's user folder.

Upgrades leave that folder alone. In a checkout, which is not an extension, it is temporary.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

import bpy

from ...package import ADDON_ID
from ..mapping.families import BadFamily, Family, own_families
from ..mapping.presets import PresetStore

FAMILIES = "families"
MAPPINGS = "mappings"


def folder(kind: str) -> Path:
    """Return the folder for files of ``kind``, which may not exist yet."""
    # Only packages installed as extensions have a user folder; asking for another one raises.
    if ADDON_ID.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(ADDON_ID)) / kind
    # The temporary folder lasts a session, which is what a developer's run may leave behind.
    return Path(bpy.app.tempdir) / kind


def mappings() -> PresetStore:
    """Return the saved mappings."""
    return _store(folder(MAPPINGS))


def families() -> tuple[Family, ...]:
    """Return the user's naming families."""
    return _families()[0]


def refused_families() -> tuple[BadFamily, ...]:
    """Return the errors of family files that are not used."""
    return _families()[1]


# One store a folder, as it remembers what it has read.
@functools.lru_cache(maxsize=8)
def _store(path: Path) -> PresetStore:
    return PresetStore(path)


def _families() -> tuple[tuple[Family, ...], tuple[BadFamily, ...]]:
    # Times and sizes are the cache's key below: a file that was edited is read again.
    path = folder(FAMILIES)
    try:
        with os.scandir(path) as entries:
            seen = {e.name: (e.stat().st_mtime_ns, e.stat().st_size) for e in entries}
    # The folder exists only once a user has put a file there.
    except OSError:
        return (), ()
    return _read(path, tuple(sorted(seen.items())))


@functools.lru_cache(maxsize=2)
def _read(
    path: Path,
    _seen: tuple[tuple[str, tuple[int, int]], ...],
) -> tuple[tuple[Family, ...], tuple[BadFamily, ...]]:
    return own_families(path)
