"""Every error that a person can see says what to do next."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from cstalk_blender import errors as session_errors
from model_runtime import errors as runtime_errors

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_HINT = {"Cancelled"}
"""The person stopped it and knows what to do."""
FAULTS = {
    name
    for module, base in (
        (session_errors, session_errors.SessionError),
        (runtime_errors, runtime_errors.RuntimeFault),
    )
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, base)
} - WITHOUT_HINT
CORPORA = ROOT / "model_runtime" / "training"
"""There a fault names a broken file that is left out, and the reader goes on."""


def faults(path: Path) -> Iterator[ast.Call]:
    """Calls in a file that make a fault."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        is_named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if is_named and node.func.id in FAULTS:
            yield node


def test_every_fault_has_a_hint() -> None:
    seen, bare = 0, []
    for package in ("cstalk_blender", "model_runtime"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if CORPORA in path.parents:
                continue
            for call in faults(path):
                seen += 1
                if not any(word.arg == "hint" for word in call.keywords):
                    bare.append(f"{path.relative_to(ROOT)}:{call.lineno}")
    assert bare == []
    assert seen > 50
