"""Name the default pattern of file names, without importing more than that. No bpy."""

from __future__ import annotations

from ..package import batch_naming

DEFAULT_PATTERN = batch_naming.DEFAULT_PATTERN
