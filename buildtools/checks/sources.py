"""List the project's source files by name and by what they import, without importing them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

BLENDER = frozenset({"bpy", "bpy_extras", "bmesh", "mathutils", "aud", "gpu", "gpu_extras", "blf"})
"""Modules that exist only inside Blender."""
FOLDERS = ("cstalk_blender", "model_runtime", "buildtools", "demo", "tests")


def source_files(root: Path) -> Iterator[Path]:
    """Yield ``build.py`` and every Python file below the source folders of ``root``."""
    # build.py is the only source file outside the folders.
    yield root / "build.py"
    for folder in FOLDERS:
        yield from sorted((root / folder).rglob("*.py"))


def module_name(root: Path, path: Path) -> str:
    """Return the dotted module name of a file.

    Args:
        root: Root of the checkout.
        path: File below it.
    """
    parts = list(path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_blender(path: Path) -> bool:
    """Return whether a file imports a module of Blender anywhere, also inside a function."""
    # Parsed, not imported: most of these modules need Blender.
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            # Relative imports name no outside module.
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        if any(name.split(".")[0] in BLENDER for name in names):
            return True
    return False
