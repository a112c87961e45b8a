"""How names of lines are read unless the person says otherwise. No bpy; cheap, for the settings."""

from __future__ import annotations

from ..package import batch_naming

DEFAULT_PATTERN = batch_naming.DEFAULT_PATTERN
