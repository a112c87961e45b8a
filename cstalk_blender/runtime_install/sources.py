"""Name the kinds of sources. Imported at each start of Blender, so it holds nothing else."""

from __future__ import annotations

TORCH_INDEX = "https://download.pytorch.org/whl"
DOWNLOAD, FOLDER, ENVIRONMENT = "download", "folder", "environment"
