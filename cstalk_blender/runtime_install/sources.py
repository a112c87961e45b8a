"""Where a runtime comes from, as names: read at each start of Blender, so nothing else is here."""

from __future__ import annotations

TORCH_INDEX = "https://download.pytorch.org/whl"
DOWNLOAD, FOLDER, ENVIRONMENT = "download", "folder", "environment"
