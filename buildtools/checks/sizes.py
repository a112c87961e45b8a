"""Check the length of files and functions."""

from __future__ import annotations

import ast
from pathlib import Path

from .sources import source_files

FILE_LINES = 400
FUNCTION_LINES = 60


def violations(root: Path) -> list[str]:
    """Return the files and functions over their limits, one line each."""
    found = []
    for path in source_files(root):
        text = path.read_text(encoding="utf-8")
        # Tests included: long test files are as hard to read.
        where = path.relative_to(root).as_posix()
        count = len(text.splitlines())
        if count > FILE_LINES:
            found.append(f"{where}: {count} lines, the limit is {FILE_LINES}")
        for node in ast.walk(ast.parse(text, filename=str(path))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                # Decorators are not counted; a function's own lines are.
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    found.append(
                        f"{where}:{node.lineno}: {node.name} has {length} lines, "
                        f"the limit is {FUNCTION_LINES}"
                    )
    return found
