"""The runtime's version, read from the one place that has it. Standard library only."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

MANIFEST = Path(__file__).resolve().parents[1] / "blender_manifest.toml"
UNKNOWN = "unknown"


@functools.cache
def runtime_version() -> str:
    """Version in the extension's manifest beside this package; ``unknown`` without one."""
    try:
        return str(tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        return UNKNOWN
