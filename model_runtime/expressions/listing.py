"""List the names of expressions for dropdowns, without their contents. Standard library only.

The add-on builds its panels from them at each start of Blender; the dataclasses of ``catalogue``
take longer to create.
"""

from __future__ import annotations

import json
from pathlib import Path

SHIPPED = Path(__file__).with_name("expressions.json")


def descriptions(path: Path = SHIPPED) -> dict[str, str]:
    """Return the description of each expression of a file by its name, in the order of the file.

    A file that ``catalogue.read_expressions`` would refuse may give fewer or none.

    Args:
        path: A file of expressions; the shipped one if it is left out.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["expressions"]
        return {str(entry["name"]): str(entry.get("description", "")) for entry in entries}
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return {}
