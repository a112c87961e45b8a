"""Read the version of the runtime from the extension manifest. Standard library only."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

MANIFEST = Path(__file__).resolve().parents[1] / "blender_manifest.toml"
UNKNOWN = "unknown"


@functools.cache
def runtime_version() -> str:
    """Return the version in the manifest next to this package; ``unknown`` without one."""
    try:
        return str(tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        return UNKNOWN
